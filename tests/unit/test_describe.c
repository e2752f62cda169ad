/* Documents against protocol.md: "A recording", "Acknowledgement". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/describe.h"

static const struct reel_format speech = {16000, 1, 2, REEL_PCM};

static void expect_json(json_t *found, const char *expected_text)
{
    json_error_t where;
    json_t *expected = json_loads(expected_text, JSON_DECODE_ANY, &where);

    if (!expected)
        fail_msg("%s: %s", expected_text, where.text);
    if (!json_equal(found, expected)) {
        char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_SORT_KEYS);

        print_message("found %s\n", text);
        free(text);
        fail_msg("expected %s", expected_text);
    }
    json_decref(expected);
}

static void expect_member(json_t *document, const char *name, const char *expected)
{
    expect_json(json_object_get(document, name), expected);
}

static struct reel_stretch *add_stretch(struct reel_recording *recording, const char *boot,
                                        uint32_t epoch)
{
    struct reel_stretch *stretch = reel_recording_add_stretch(recording);

    assert_non_null(stretch);
    stretch->epoch = epoch;
    stretch->boot.is_uint = strspn(boot, "0123456789") == strlen(boot) && *boot;
    strcpy(stretch->boot.text, boot);
    stretch->start_frames = recording->frames;
    recording->boot = stretch->boot;
    return stretch;
}

static void add_run(struct reel_recording *recording, enum reel_run_kind kind, uint64_t frames,
                    uint64_t seqs)
{
    struct reel_stretch *stretch = &recording->stretches[recording->stretches_count - 1];
    struct reel_run *run = reel_stretch_add_run(stretch);

    assert_non_null(run);
    *run = (struct reel_run){.kind = kind, .frames = frames, .seqs = seqs};
    stretch->frames += frames;
    stretch->seqs += seqs;
    recording->frames += frames;
    if (kind != REEL_RUN_STORED)
        recording->gap_frames += frames;
}

/* Boot 7: seqs 0 to 9 of 100 frames, of which 3 to 4 are missing. Boot 8: begins with 2, counts in
 * frames too, 5 missing, then a jump to 20. */
static struct reel_recording example(void)
{
    struct reel_recording recording;
    struct reel_stretch *stretch;

    reel_recording_init(&recording, "mic1", "s1", &speech, 1000000);
    recording.id = 0x1fe;
    stretch = add_stretch(&recording, "7", 0);
    stretch->has_seq = true;
    add_run(&recording, REEL_RUN_STORED, 300, 3);
    add_run(&recording, REEL_RUN_GAP_INFERRED, 200, 2);
    add_run(&recording, REEL_RUN_STORED, 500, 5);

    stretch = add_stretch(&recording, "8", 1);
    stretch->reason = REEL_STRETCH_BOOT;
    stretch->has_seq = stretch->has_frame = true;
    stretch->first_seq = 2;
    stretch->first_frame = 200;
    add_run(&recording, REEL_RUN_STORED, 300, 3);
    add_run(&recording, REEL_RUN_GAP, 100, 1);
    add_run(&recording, REEL_RUN_STORED, 100, 1);

    stretch = add_stretch(&recording, "8", 1);
    stretch->reason = REEL_STRETCH_JUMP;
    stretch->has_seq = stretch->has_frame = true;
    stretch->first_seq = 20;
    stretch->first_frame = 2000;
    add_run(&recording, REEL_RUN_STORED, 200, 2);
    recording.has_next_seq = true;
    recording.next_seq = 22;
    return recording;
}

static void test_recording_has_every_field(void **state)
{
    struct reel_recording recording = example();
    json_t *found;

    (void)state;
    recording.fragments = 14;
    recording.duplicates = 2;
    recording.rejected = 1;
    recording.has_captured = true;
    recording.captured_from_us = 1767323045678901; /* date -u -d @1767323045 */
    recording.captured_to_us = recording.captured_from_us + 1;
    recording.updated_us = 2500000;
    recording.kept = true;
    strcpy(recording.part_of, "s0");
    recording.part = 3;
    recording.tags = json_pack("{s:s, s:i}", "site", "north", "gain", 3);
    reel_recording_complete(&recording, REEL_END_IDLE, 2500000);
    found = reel_describe_recording(&recording);
    expect_json(found,
                "{\"id\":\"00000000000001fe\",\"device\":\"mic1\",\"session\":\"s1\","
                "\"state\":\"complete\",\"end_reason\":\"idle\",\"channels\":1,\"rate\":16000,"
                "\"sample_size\":2,\"encoding\":\"pcm\",\"frames\":1700,\"duration\":0.10625,"
                "\"bytes\":4424,\"started_at\":\"1970-01-01T00:00:01.000000Z\","
                "\"updated_at\":\"1970-01-01T00:00:02.500000Z\","
                "\"captured_from\":\"2026-01-02T03:04:05.678901Z\","
                "\"captured_to\":\"2026-01-02T03:04:05.678902Z\",\"boot\":8,\"next_seq\":22,"
                "\"fragments\":14,\"duplicates\":2,\"rejected\":1,\"gap_frames\":300,\"kept\":true,"
                "\"part_of\":\"s0\",\"part\":3,"
                "\"tags\":{\"site\":\"north\",\"gain\":3}}");
    json_decref(found);
    reel_recording_finish(&recording);
}

static void test_recording_without_what_was_not_sent(void **state)
{
    struct reel_recording recording;
    json_t *found;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &speech, 0);
    found = reel_describe_recording(&recording);
    expect_member(found, "state", "\"recording\"");
    expect_member(found, "end_reason", "null");
    expect_member(found, "captured_from", "null");
    expect_member(found, "captured_to", "null");
    expect_member(found, "boot", "null");
    expect_member(found, "next_seq", "null");
    expect_member(found, "duration", "0.0");
    expect_member(found, "tags", "{}");
    json_decref(found);
    reel_recording_finish(&recording);
}

static void test_boot_comes_back_as_it_was_sent(void **state)
{
    static const struct {
        struct reel_boot boot;
        const char *expected;
    } boots[] = {
        {{"7", true}, "7"},
        {{"7", false}, "\"7\""},
        {{"run-a", false}, "\"run-a\""},
        {{"9223372036854775807", true}, "9223372036854775807"},
        {{"18446744073709551615", true}, "\"18446744073709551615\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        struct reel_recording recording;
        json_t *found;

        reel_recording_init(&recording, "mic1", "s1", &speech, 0);
        recording.boot = boots[i].boot;
        found = reel_describe_recording(&recording);
        expect_member(found, "boot", boots[i].expected);
        json_decref(found);
        reel_recording_finish(&recording);
    }
}

static void test_info_adds_what_is_missing_and_where(void **state)
{
    struct reel_recording recording = example();
    json_t *found = reel_describe_info(&recording);

    (void)state;
    expect_member(found, "missing", "[[5, 5]]");
    expect_member(found, "missing_frames", "[[500, 600]]");
    expect_member(found, "lost", "[[0, 1], [7, 19]]");
    expect_member(found, "next_frame", "2200");
    expect_member(found, "sha256", "null");
    expect_member(found, "stretches",
                  "[{\"reason\":\"first\",\"epoch\":0,\"boot\":7,\"from_frame\":0,"
                  "\"to_frame\":1000,\"first_seq\":0,\"seqs\":10,\"first_frame\":null},"
                  "{\"reason\":\"boot\",\"epoch\":1,\"boot\":8,\"from_frame\":1000,"
                  "\"to_frame\":1500,\"first_seq\":2,\"seqs\":5,\"first_frame\":200},"
                  "{\"reason\":\"jump\",\"epoch\":1,\"boot\":8,\"from_frame\":1500,"
                  "\"to_frame\":1700,\"first_seq\":20,\"seqs\":2,\"first_frame\":2000}]");
    json_decref(found);

    strcpy(recording.sha256, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
    found = reel_describe_info(&recording);
    expect_member(found, "sha256",
                  "\"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"");
    json_decref(found);
    reel_recording_finish(&recording);
}

static void test_each_gap_tells_its_place_and_its_numbers(void **state)
{
    static const char *const expected[] = {
        "{\"from_frame\":300,\"to_frame\":500,\"inferred\":true,\"boot\":7,"
        "\"missing\":[3,4],\"missing_frames\":null}",
        "{\"from_frame\":1300,\"to_frame\":1400,\"inferred\":false,\"boot\":8,"
        "\"missing\":[5,5],\"missing_frames\":[500,600]}",
    };
    struct reel_recording recording = example();
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;
    size_t count = 0;

    (void)state;
    for (; reel_recording_next_gap(&recording, &cursor, &gap); count++) {
        json_t *found = reel_describe_gap(&recording, &gap);

        assert_in_range(count, 0, 1);
        expect_json(found, expected[count]);
        json_decref(found);
    }
    assert_int_equal(count, 2);
    reel_recording_finish(&recording);
}

static void test_ack_tells_of_one_boot(void **state)
{
    struct reel_recording recording = example();
    const struct reel_boot first = {"7", true};
    const struct reel_boot unknown = {"9", true};
    json_t *found = reel_describe_ack(&recording, NULL, NULL);

    (void)state;
    expect_json(found, "{\"status\":\"ok\",\"device\":\"mic1\",\"session\":\"s1\",\"boot\":8,"
                       "\"seq\":21,\"frames\":1700,\"next_frame\":2200,\"missing\":[[5,5]],"
                       "\"missing_frames\":[[500,600]],\"lost\":[[0,1],[7,19]]}");
    json_decref(found);
    found = reel_describe_ack(&recording, &first, NULL);
    expect_json(found, "{\"status\":\"ok\",\"device\":\"mic1\",\"session\":\"s1\",\"boot\":7,"
                       "\"seq\":9,\"frames\":1700,\"next_frame\":null,\"missing\":[[3,4]],"
                       "\"missing_frames\":[],\"lost\":[]}");
    json_decref(found);
    found = reel_describe_ack(&recording, &unknown, NULL);
    expect_member(found, "seq", "null");
    expect_member(found, "missing", "[]");
    json_decref(found);
    reel_recording_finish(&recording);
}

/* Part 2 of s1, which boot 8 of the example goes on in: seqs from 22 on, of which 23 is missing. */
static struct reel_recording next_part(struct reel_recording *before)
{
    struct reel_recording recording;
    struct reel_stretch *stretch;

    reel_recording_init(&recording, "mic1", "s1-2", &speech, 1000000);
    reel_recording_go_on(&recording, before, "s1", 2);
    assert_true(recording.begin.has_seq && recording.begin.seq == 22);
    assert_true(recording.begin.has_frame && recording.begin.frame == 2200);
    stretch = add_stretch(&recording, "8", 0);
    stretch->has_seq = stretch->has_frame = true;
    stretch->first_seq = 22;
    stretch->first_frame = 2200;
    add_run(&recording, REEL_RUN_STORED, 100, 1);
    add_run(&recording, REEL_RUN_GAP, 100, 1);
    add_run(&recording, REEL_RUN_STORED, 100, 1);
    return recording;
}

/* By the session that is published to, with what the part before misses of the same epoch. */
static void test_ack_of_a_part_tells_of_those_before(void **state)
{
    struct reel_recording before = example(), recording = next_part(&before);
    const struct reel_earlier_parts earlier = {{&before}, 1};
    const struct reel_boot first = {"7", true};
    json_t *found = reel_describe_ack(&recording, NULL, &earlier);

    (void)state;
    expect_json(found, "{\"status\":\"ok\",\"device\":\"mic1\",\"session\":\"s1\",\"boot\":8,"
                       "\"seq\":24,\"frames\":300,\"next_frame\":2500,"
                       "\"missing\":[[5,5],[23,23]],"
                       "\"missing_frames\":[[500,600],[2300,2400]],\"lost\":[]}");
    json_decref(found);
    found = reel_describe_ack(&recording, &first, &earlier);
    expect_member(found, "missing", "[]");
    json_decref(found);
    found = reel_describe_info(&recording);
    expect_member(found, "missing", "[[23,23]]");
    expect_member(found, "session", "\"s1-2\"");
    json_decref(found);
    recording.continued = false; /* the recorder restarted: its numbers are others */
    found = reel_describe_ack(&recording, NULL, &earlier);
    expect_member(found, "missing", "[[23,23]]");
    json_decref(found);
    assert_true(reel_describe_ack_bytes(&recording, NULL, &earlier) >
                reel_describe_ack_bytes(&recording, NULL, NULL));
    reel_recording_finish(&recording);
    reel_recording_finish(&before);
}

/* By what is estimated a batch is bounded, so it must not be less than what it becomes. */
static void test_ack_is_estimated_before_it_is_made(void **state)
{
    struct reel_recording recording;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &speech, 0);
    add_stretch(&recording, "", 0);
    recording.stretches[0].has_seq = recording.stretches[0].has_frame = true;
    for (int gaps = 0; gaps < 3000; gaps += 100) {
        json_t *ack = reel_describe_ack(&recording, &recording.boot, NULL);
        char *text = json_dumps(ack, JSON_COMPACT);
        size_t estimate = reel_describe_ack_bytes(&recording, &recording.boot, NULL);

        assert_in_range(strlen(text), estimate / 8, estimate);
        free(text);
        json_decref(ack);
        for (int i = 0; i < 100; i++) {
            add_run(&recording, REEL_RUN_STORED, 160000, 1000);
            add_run(&recording, REEL_RUN_GAP, 160000, 1000);
        }
    }
    reel_recording_finish(&recording);
}

static void test_ack_without_numbers(void **state)
{
    struct reel_recording recording;
    json_t *found;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &speech, 0);
    add_stretch(&recording, "", 0);
    add_run(&recording, REEL_RUN_STORED, 160, 0);
    found = reel_describe_ack(&recording, &recording.boot, NULL);
    expect_json(found, "{\"status\":\"ok\",\"device\":\"mic1\",\"session\":\"s1\",\"boot\":null,"
                       "\"seq\":null,\"frames\":160,\"next_frame\":null,\"missing\":[],"
                       "\"missing_frames\":[],\"lost\":[]}");
    json_decref(found);
    reel_recording_finish(&recording);
}

static void test_refusal_tells_what_is_known(void **state)
{
    const struct reel_numbers numbers = {
        .has_seq = true, .seq = 4, .has_frame = true, .frame = 400, .boot = {"a", false}};
    struct reel_error error;
    json_t *found;

    (void)state;
    reel_error_set(&error, REEL_E_CONFLICT, "data", "other bytes");
    found = reel_describe_refusal(&error, "mic1", "s1", &numbers);
    expect_json(found, "{\"status\":\"error\",\"error\":{\"code\":\"conflict\","
                       "\"message\":\"other bytes\",\"field\":\"data\"},\"data\":{},"
                       "\"device\":\"mic1\",\"session\":\"s1\",\"boot\":\"a\",\"seq\":4,"
                       "\"frame\":400}");
    json_decref(found);
    found = reel_describe_refusal(&error, "mic1", "", NULL);
    expect_json(found, "{\"status\":\"error\",\"error\":{\"code\":\"conflict\","
                       "\"message\":\"other bytes\",\"field\":\"data\"},\"data\":{},"
                       "\"device\":\"mic1\"}");
    json_decref(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording_has_every_field),
        cmocka_unit_test(test_recording_without_what_was_not_sent),
        cmocka_unit_test(test_boot_comes_back_as_it_was_sent),
        cmocka_unit_test(test_info_adds_what_is_missing_and_where),
        cmocka_unit_test(test_each_gap_tells_its_place_and_its_numbers),
        cmocka_unit_test(test_ack_tells_of_one_boot),
        cmocka_unit_test(test_ack_of_a_part_tells_of_those_before),
        cmocka_unit_test(test_ack_is_estimated_before_it_is_made),
        cmocka_unit_test(test_ack_without_numbers),
        cmocka_unit_test(test_refusal_tells_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
