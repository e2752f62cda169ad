/* Records of the recorder's spool: read back, whole or not at all, found behind damaged bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/spool_record.h"

static const struct reel_spool_lane lane = {
    .number = 0x01020304,
    .device = "mic-1",
    .session = "2026-11-21",
    .boot = UINT64_C(0x3fffffffffffffff),
    .source = {UINT64_C(0xfedcba9876543210), UINT64_C(1) << 40, -5},
    .fragment_frames = 4000,
    .ended = true,
    .next_seq = 70000,
    .next_frame = UINT64_C(5000000000),
    .acknowledged = 69999,
};

static const struct reel_spool_fragment fragment = {
    .lane = 7,
    .frames = 1600,
    .seq = UINT64_C(0x1122334455667788),
    .next_frame = UINT64_C(0x2233445566778899),
    .end = true,
    .payload = (const uint8_t *)"RSP1 is not the beginning of a record here",
    .payload_bytes = 42,
};

enum { FRAGMENT_BYTES = REEL_SPOOL_FRAGMENT_HEAD_BYTES + 42 };

static void a_lane_is_read_back(void **state)
{
    uint8_t bytes[REEL_SPOOL_LANE_BYTES];
    struct reel_spool_record record;

    (void)state;
    reel_spool_lane_encode(&lane, bytes);
    assert_int_equal(reel_spool_record_bytes(bytes), sizeof bytes);
    assert_true(reel_spool_record_decode(bytes, sizeof bytes, &record));
    assert_int_equal(record.kind, REEL_SPOOL_LANE);
    assert_int_equal(record.bytes, sizeof bytes);
    assert_int_equal(record.lane.number, lane.number);
    assert_string_equal(record.lane.device, lane.device);
    assert_string_equal(record.lane.session, lane.session);
    assert_int_equal(record.lane.boot, lane.boot);
    assert_memory_equal(&record.lane.source, &lane.source, sizeof lane.source);
    assert_int_equal(record.lane.fragment_frames, lane.fragment_frames);
    assert_true(record.lane.ended);
    assert_false(record.lane.refused);
    assert_false(record.lane.damaged);
    assert_int_equal(record.lane.next_seq, lane.next_seq);
    assert_int_equal(record.lane.next_frame, lane.next_frame);
    assert_int_equal(record.lane.acknowledged, lane.acknowledged);
}

static void a_lane_has_each_flag_for_itself(void **state)
{
    struct reel_spool_lane flagged = lane;
    uint8_t bytes[REEL_SPOOL_LANE_BYTES];
    struct reel_spool_record record;

    (void)state;
    for (unsigned flags = 0; flags < 8; flags++) {
        flagged.ended = flags & 1;
        flagged.refused = flags & 2;
        flagged.damaged = flags & 4;
        reel_spool_lane_encode(&flagged, bytes);
        assert_true(reel_spool_record_decode(bytes, sizeof bytes, &record));
        assert_int_equal(record.lane.ended, flagged.ended);
        assert_int_equal(record.lane.refused, flagged.refused);
        assert_int_equal(record.lane.damaged, flagged.damaged);
    }
}

static void a_fragment_has_this_layout_and_is_read_back(void **state)
{
    static const uint8_t body[] = "\x07\0\0\0\x40\x06\0\0\x88\x77\x66\x55\x44\x33\x22\x11"
                                  "\x99\x88\x77\x66\x55\x44\x33\x22\x01\0\0\0RSP1 is";
    uint8_t bytes[FRAGMENT_BYTES];
    struct reel_spool_record record;

    (void)state;
    reel_spool_fragment_encode(&fragment, bytes);
    assert_memory_equal(bytes, "RSP1", 4);
    assert_memory_equal(bytes + 12, "\x02\0\0\0\x46\0\0\0", 8); /* kind, 28 + 42 bytes */
    assert_memory_equal(bytes + 20, body, sizeof body - 1);
    assert_true(reel_spool_record_decode(bytes, sizeof bytes, &record));
    assert_int_equal(record.kind, REEL_SPOOL_FRAGMENT);
    assert_int_equal(record.fragment.lane, fragment.lane);
    assert_int_equal(record.fragment.frames, fragment.frames);
    assert_int_equal(record.fragment.seq, fragment.seq);
    assert_int_equal(record.fragment.next_frame, fragment.next_frame);
    assert_true(record.fragment.end);
    assert_int_equal(record.fragment.payload_bytes, fragment.payload_bytes);
    assert_memory_equal(record.fragment.payload, fragment.payload, fragment.payload_bytes);
}

/* In memory of just that size, so that a byte too many is seen by the sanitizer. */
static bool decodes(const uint8_t *bytes, size_t size)
{
    struct reel_spool_record record;
    uint8_t *copy = malloc(size ? size : 1);
    bool decoded;

    memcpy(copy, bytes, size);
    decoded = reel_spool_record_decode(copy, size, &record);
    free(copy);
    return decoded;
}

static void what_is_cut_or_changed_anywhere_is_no_record(void **state)
{
    uint8_t bytes[FRAGMENT_BYTES], lane_bytes[REEL_SPOOL_LANE_BYTES];

    (void)state;
    reel_spool_fragment_encode(&fragment, bytes);
    reel_spool_lane_encode(&lane, lane_bytes);
    for (size_t size = 0; size < sizeof bytes; size++)
        assert_false(decodes(bytes, size));
    for (size_t size = 0; size < sizeof lane_bytes; size++)
        assert_false(decodes(lane_bytes, size));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(decodes(bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof lane_bytes; bit++) {
        lane_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(decodes(lane_bytes, sizeof lane_bytes));
        lane_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_head_that_asks_for_too_much_is_none(void **state)
{
    uint8_t head[REEL_SPOOL_HEAD_BYTES] = "RSP1________\x02\0\0\0\xff\xff\xff\xff";

    (void)state;
    assert_int_equal(reel_spool_record_bytes(head), 0);
    memcpy(head + 16, "\x1c\0\0\0", 4); /* no payload */
    assert_int_equal(reel_spool_record_bytes(head), 0);
    memcpy(head + 16, "\x1d\0\0\0", 4);
    assert_int_equal(reel_spool_record_bytes(head), 20 + 29);
    memcpy(head + 16, "\0\0\x40\0", 4);
    assert_int_equal(reel_spool_record_bytes(head), 20 + REEL_SPOOL_BODY_MAX_BYTES);
    head[16] = 1;
    assert_int_equal(reel_spool_record_bytes(head), 0);
    memcpy(head + 12, "\x01\0\0\0\x10\0\0\0", 8); /* a lane has one size */
    assert_int_equal(reel_spool_record_bytes(head), 0);
}

static void a_name_that_leaves_its_folder_is_no_lane(void **state)
{
    struct reel_spool_lane hostile = lane;
    uint8_t bytes[REEL_SPOOL_LANE_BYTES];

    (void)state;
    strcpy(hostile.session, "../up");
    reel_spool_lane_encode(&hostile, bytes);
    assert_false(decodes(bytes, sizeof bytes));
    memset(hostile.session, 'a', sizeof hostile.session - 1);
    hostile.session[sizeof hostile.session - 1] = '\0';
    reel_spool_lane_encode(&hostile, bytes);
    assert_true(decodes(bytes, sizeof bytes));
    strcpy(hostile.device, "a/b");
    reel_spool_lane_encode(&hostile, bytes);
    assert_false(decodes(bytes, sizeof bytes));
}

static void a_record_is_found_behind_damaged_bytes(void **state)
{
    uint8_t bytes[300 + FRAGMENT_BYTES + 9];

    (void)state;
    for (size_t lead = 0; lead < 300; lead++) {
        memset(bytes, 'R', sizeof bytes);
        if (lead >= FRAGMENT_BYTES) { /* one that is damaged itself */
            reel_spool_fragment_encode(&fragment, bytes);
            bytes[30] ^= 1;
        }
        reel_spool_fragment_encode(&fragment, bytes + lead);
        assert_int_equal(reel_spool_record_find(bytes, lead + FRAGMENT_BYTES + 9, 0), lead);
        assert_int_equal(reel_spool_record_find(bytes, lead + FRAGMENT_BYTES, lead), lead);
        assert_int_equal(reel_spool_record_find(bytes, lead + FRAGMENT_BYTES, lead + 1),
                         lead + FRAGMENT_BYTES);
        assert_int_equal(reel_spool_record_find(bytes, lead + FRAGMENT_BYTES - 1, 0),
                         lead + FRAGMENT_BYTES - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_read_back),
        cmocka_unit_test(a_lane_has_each_flag_for_itself),
        cmocka_unit_test(a_fragment_has_this_layout_and_is_read_back),
        cmocka_unit_test(what_is_cut_or_changed_anywhere_is_no_record),
        cmocka_unit_test(a_head_that_asks_for_too_much_is_none),
        cmocka_unit_test(a_name_that_leaves_its_folder_is_no_lane),
        cmocka_unit_test(a_record_is_found_behind_damaged_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
