/* What recorder firmware uses: fragments that the sink's own decoder and the protocol take, topics,
 * acknowledgements as the sink writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reel/ack.h"
#include "reel/fragment.h"
#include "reel/topic.h"
#include "unit/documents.h"
#include "unit/vectors.h"
#include "wire/fragment.h"

static const uint8_t samples[600];

static struct reel_recorder_fragment least(void)
{
    return (struct reel_recorder_fragment){
        .rate = 16000, .channels = 1, .sample_bytes = 2, .data = "\x01\x02", .data_bytes = 2};
}

static void the_least_fragment_has_these_bytes(void **state)
{
    static const char expected[] = "\x82\xa8metadata\x82\xa7session\x80\xa5"
                                   "audio\x83\xa8"
                                   "channels\x01\xa4rate\xcd\x3e\x80\xabsample_size\x02\xa4"
                                   "data\xc4\x02\x01\x02";
    struct reel_recorder_fragment fragment = least();
    uint8_t buffer[sizeof expected];

    (void)state;
    assert_int_equal(reel_recorder_encode(buffer, sizeof buffer, &fragment), sizeof expected - 1);
    assert_memory_equal(buffer, expected, sizeof expected - 1);
}

static void a_full_fragment_is_read_back(void **state)
{
    const struct reel_recorder_tag tags[] = {{"site", "attic", 0}, {"gain", NULL, -3.5}};
    const struct reel_recorder_fragment sent = {
        .rate = 768000,
        .channels = 2,
        .sample_bytes = 4,
        .encoding = REEL_RECORDER_FLOAT,
        .data = samples,
        .data_bytes = sizeof samples,
        .session = "s1",
        .has_seq = true,
        .seq = 70000,
        .has_frame = true,
        .frame = (UINT64_C(1) << 62) - 1,
        .has_time = true,
        .time_us = 255,
        .has_boot_number = true,
        .boot_number = UINT64_C(0x123456789),
        .end = true,
        .reply_to = "reel/v1/reply/mic1/acknowledgements/of/everything",
        .tags = tags,
        .tags_count = 2,
    };
    uint8_t buffer[1024];
    size_t bytes = reel_recorder_encode(buffer, sizeof buffer, &sent);
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;

    (void)state;
    assert_int_equal(reel_fragment_decode(buffer, bytes, NULL, &scratch, &fragment, NULL), REEL_OK);
    assert_int_equal(fragment.format.rate, 768000);
    assert_int_equal(fragment.format.channels, 2);
    assert_int_equal(fragment.format.sample_bytes, 4);
    assert_int_equal(fragment.format.encoding, REEL_FLOAT);
    assert_int_equal(fragment.numbers.frames, sizeof samples / 8);
    assert_string_equal(fragment.session, "s1");
    assert_true(fragment.numbers.has_seq && fragment.numbers.has_frame && fragment.has_time);
    assert_int_equal(fragment.numbers.seq, 70000);
    assert_int_equal(fragment.numbers.frame, (UINT64_C(1) << 62) - 1);
    assert_int_equal(fragment.time_us, 255);
    assert_string_equal(fragment.numbers.boot.text, "4886718345");
    assert_true(fragment.numbers.boot.is_uint);
    assert_true(fragment.numbers.end);
    assert_string_equal(fragment.reply_to, sent.reply_to);
    assert_string_equal(json_string_value(json_object_get(fragment.tags, "site")), "attic");
    assert_true(json_real_value(json_object_get(fragment.tags, "gain")) == -3.5);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
}

/* Python's msgpack makes the same bytes of the same document. */
static void a_full_fragment_is_what_another_encoder_makes(void **state)
{
    static const uint8_t pcm16[] = {0x00, 0x00, 0x01, 0x00, 0xff, 0xff, 0x00, 0x01,
                                    0x00, 0x80, 0xff, 0x7f, 0x39, 0x30, 0xc7, 0xcf};
    const struct reel_recorder_tag tags[] = {{"site", "attic \xc3\xa9", 0}, {"gain", NULL, -3.5}};
    struct reel_recorder_fragment fragment = least();
    struct vector vector;
    uint8_t buffer[512];

    (void)state;
    fragment.data = pcm16;
    fragment.data_bytes = sizeof pcm16;
    fragment.session = "2024-05-01_front.1";
    fragment.has_seq = fragment.has_frame = fragment.has_time = fragment.has_boot_number = true;
    fragment.seq = 70000;
    fragment.frame = 5000000000;
    fragment.boot_number = 4886718345;
    fragment.time_us = 1714550400123456;
    fragment.end = true;
    fragment.reply_to = "reel/v1/reply/mic1/ack";
    fragment.tags = tags;
    fragment.tags_count = 2;
    vector_load(&vector, "python-full");
    assert_int_equal(reel_recorder_encode(buffer, sizeof buffer, &fragment), vector.bytes);
    assert_memory_equal(buffer, vector.payload, vector.bytes);
    vector_finish(&vector);
}

/* Encode into memory of just that size, so that a byte too many is seen by the sanitizer. */
static void a_small_buffer_is_told_what_is_needed(void **state)
{
    struct reel_recorder_fragment fragment = least();
    size_t needed = reel_recorder_encode(NULL, 0, &fragment);

    (void)state;
    fragment.boot = "b";
    assert_int_equal(reel_recorder_encode(NULL, 0, &fragment), needed + 7);
    for (size_t capacity = 1; capacity <= needed + 7; capacity++) {
        uint8_t *buffer = malloc(capacity);

        assert_int_equal(reel_recorder_encode(buffer, capacity, &fragment), needed + 7);
        free(buffer);
    }
}

static void every_size_of_data_and_text_is_read_back(void **state)
{
    static const size_t sizes[] = {2, 254, 256, 258, 65534, 65536, 65538, 200000};
    static const size_t texts[] = {1, 31, 32, 33, 255, 256};
    struct reel_recorder_fragment fragment = least();
    char reply_to[257] = "";
    uint8_t *data = calloc(1, 200000);
    uint8_t *buffer = malloc(200512);

    (void)state;
    fragment.data = data;
    fragment.reply_to = reply_to;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
            struct reel_scratch scratch = {0};
            struct reel_fragment read;
            size_t bytes;

            memset(reply_to, 'r', texts[j]);
            reply_to[texts[j]] = '\0';
            fragment.data_bytes = sizes[i];
            bytes = reel_recorder_encode(buffer, 200512, &fragment);
            assert_int_equal(reel_fragment_decode(buffer, bytes, NULL, &scratch, &read, NULL),
                             REEL_OK);
            assert_int_equal(read.data_bytes, sizes[i]);
            assert_string_equal(read.reply_to, reply_to);
        }
    }
    free(buffer);
    free(data);
}

#define ASSERT_REFUSED(change)                                                                     \
    do {                                                                                           \
        struct reel_recorder_fragment fragment = least();                                          \
                                                                                                   \
        change;                                                                                    \
        assert_int_equal(reel_recorder_encode(buffer, sizeof buffer, &fragment), 0);               \
    } while (0)

static void what_the_sink_would_refuse_is_not_encoded(void **state)
{
    static const char name_65[] =
        "01234567890123456789012345678901234567890123456789012345678901234";
    const struct reel_recorder_tag unnamed = {"", "x", 0};
    const struct reel_recorder_tag infinite = {"x", NULL, (double)INFINITY};
    uint8_t buffer[512];

    (void)state;
    ASSERT_REFUSED(fragment.channels = 0);
    ASSERT_REFUSED(fragment.rate = 0);
    ASSERT_REFUSED(fragment.sample_bytes = 16);
    ASSERT_REFUSED(fragment.encoding = (enum reel_recorder_encoding)9);
    ASSERT_REFUSED(fragment.encoding = REEL_RECORDER_ALAW);
    ASSERT_REFUSED(fragment.data_bytes = 1);
    ASSERT_REFUSED(fragment.data_bytes = 0);
    ASSERT_REFUSED(fragment.session = "a b");
    ASSERT_REFUSED(fragment.session = name_65);
    ASSERT_REFUSED(fragment.boot = "");
    ASSERT_REFUSED(fragment.boot = name_65);
    ASSERT_REFUSED(fragment.boot = "b"; fragment.has_boot_number = true);
    ASSERT_REFUSED(fragment.reply_to = "");
    ASSERT_REFUSED(fragment.has_seq = true; fragment.seq = UINT64_C(1) << 62);
    ASSERT_REFUSED(fragment.has_frame = true; fragment.frame = UINT64_C(1) << 62);
    ASSERT_REFUSED(fragment.has_time = true; fragment.time_us = UINT64_C(1) << 62);
    ASSERT_REFUSED(fragment.tags = &unnamed; fragment.tags_count = 1);
    ASSERT_REFUSED(fragment.tags = &infinite; fragment.tags_count = 1);
    ASSERT_REFUSED(fragment.tags = &unnamed; fragment.tags_count = 33);
}

static void topics_are_built_from_names(void **state)
{
    char topic[64];
    char long_suffix[300];
    char long_topic[300];

    (void)state;
    assert_int_equal(
        reel_recorder_audio_topic(topic, sizeof topic, REEL_PREFIX_DEFAULT, "mic1", "s1"), 21);
    assert_string_equal(topic, "reel/v1/audio/mic1/s1");
    assert_int_equal(
        reel_recorder_audio_topic(topic, sizeof topic, REEL_PREFIX_DEFAULT, "mic1", NULL), 18);
    assert_string_equal(topic, "reel/v1/audio/mic1");
    assert_int_equal(reel_recorder_audio_topic(topic, 21, "reel/v1", "mic1", "s1"), 0);
    assert_string_equal(topic, "");
    assert_int_equal(reel_recorder_audio_topic(topic, sizeof topic, "reel/v1", "mic 1", "s1"), 0);
    assert_int_equal(reel_recorder_audio_topic(topic, sizeof topic, "reel/v1", "mic1", ""), 0);
    assert_int_equal(reel_recorder_audio_topic(topic, sizeof topic, "reel/v1", NULL, "s1"), 0);
    assert_int_equal(reel_recorder_reply_topic(topic, sizeof topic, "reel/v1", "mic1", "ack"), 22);
    assert_string_equal(topic, "reel/v1/reply/mic1/ack");
    assert_int_equal(reel_recorder_reply_topic(topic, sizeof topic, "reel/v1", "mic1", "a/#"), 0);
    assert_int_equal(reel_recorder_reply_topic(topic, sizeof topic, "reel/v1", "mic1", ""), 0);
    memset(long_suffix, 'x', sizeof long_suffix);
    long_suffix[256 - 19] = '\0';
    assert_int_equal(
        reel_recorder_reply_topic(long_topic, sizeof long_topic, "reel/v1", "mic1", long_suffix),
        256);
    long_suffix[256 - 19] = 'x';
    long_suffix[257 - 19] = '\0';
    assert_int_equal(
        reel_recorder_reply_topic(long_topic, sizeof long_topic, "reel/v1", "mic1", long_suffix),
        0);
    assert_true(reel_recorder_name_valid("a.b"));
    assert_false(reel_recorder_name_valid("-a"));
    assert_false(reel_recorder_name_valid(NULL));
}

static bool read_ack(const char *text, struct reel_recorder_ack *ack)
{
    msgpack_sbuffer payload = document_from_text(text);
    char *exact = malloc(payload.size);
    bool read;

    memcpy(exact, payload.data, payload.size);
    read = reel_recorder_ack_decode(exact, payload.size, ack);
    free(exact);
    msgpack_sbuffer_destroy(&payload);
    return read;
}

static void an_acknowledgement_is_read(void **state)
{
    struct reel_recorder_range missing[2], frames[1], lost[1];
    struct reel_recorder_ack ack = {
        .missing = {missing, 2, 0}, .missing_frames = {frames, 1, 0}, .lost = {lost, 1, 0}};

    (void)state;
    assert_true(read_ack("{\"status\":\"ok\",\"device\":\"mic1\",\"session\":\"s1\",\"boot\":7,"
                         "\"seq\":41,\"frames\":70000,\"next_frame\":70000,\"later\":{\"a\":[1]},"
                         "\"missing\":[[3,5],[9,9]],\"missing_frames\":[[300,600]],"
                         "\"lost\":[[0,1]]}",
                         &ack));
    assert_true(ack.ok);
    assert_string_equal(ack.device, "mic1");
    assert_string_equal(ack.session, "s1");
    assert_string_equal(ack.boot, "7");
    assert_true(ack.has_seq);
    assert_int_equal(ack.seq, 41);
    assert_int_equal(ack.frames, 70000);
    assert_true(ack.has_next_frame);
    assert_int_equal(ack.next_frame, 70000);
    assert_false(ack.has_frame);
    assert_int_equal(ack.missing.count, 2);
    assert_int_equal(missing[1].first, 9);
    assert_int_equal(missing[1].last, 9);
    assert_int_equal(ack.missing_frames.count, 1);
    assert_int_equal(frames[0].first, 300);
    assert_int_equal(frames[0].last, 600);
    assert_int_equal(ack.lost.count, 1);
}

static void an_error_is_read(void **state)
{
    struct reel_recorder_ack ack = {.ok = true};

    (void)state;
    assert_true(read_ack("{\"status\":\"error\",\"error\":{\"code\":\"conflict\",\"message\":\"m\","
                         "\"field\":null},\"data\":{},\"session\":\"s1\",\"seq\":4,\"frame\":5}",
                         &ack));
    assert_false(ack.ok);
    assert_string_equal(ack.code, "conflict");
    assert_string_equal(ack.message, "m");
    assert_string_equal(ack.field, "");
    assert_true(ack.has_seq && ack.has_frame);
    assert_int_equal(ack.seq, 4);
    assert_int_equal(ack.frame, 5);
}

static void what_is_no_acknowledgement_is_refused(void **state)
{
    struct reel_recorder_ack ack = {.ok = false};

    (void)state;
    assert_false(read_ack("{}", &ack));
    assert_false(read_ack("[]", &ack));
    assert_false(read_ack("{\"status\":\"fine\"}", &ack));
    assert_false(read_ack("{\"status\":\"error\"}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"seq\":\"4\"}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"seq\":-4}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"missing\":[[1]]}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"missing\":[[1,2,3]]}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"missing\":[1,2]}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"missing\":{}}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"device\":5}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"boot\":true}", &ack));
    assert_false(read_ack("{\"status\":\"error\",\"error\":{\"code\":1}}", &ack));
    assert_false(read_ack("{\"status\":\"ok\",\"error\":5}", &ack));
    assert_false(reel_recorder_ack_decode("", 0, &ack));
    assert_false(reel_recorder_ack_decode("\xdf\xff\xff\xff\xff", 5, &ack));
    assert_false(reel_recorder_ack_decode("{\"status\":\"ok\"}", 15, &ack));
}

static void an_acknowledgement_says_what_may_be_forgotten(void **state)
{
    struct reel_recorder_range missing[2], lost[1];
    struct reel_recorder_ack ack = {.missing = {missing, 2, 0}, .lost = {lost, 1, 0}};
    static const enum reel_recorder_fate fates[] = {
        REEL_RECORDER_LOST,    REEL_RECORDER_LOST,    REEL_RECORDER_DURABLE, REEL_RECORDER_MISSING,
        REEL_RECORDER_MISSING, REEL_RECORDER_DURABLE, REEL_RECORDER_MISSING, REEL_RECORDER_UNKNOWN,
        REEL_RECORDER_UNKNOWN, REEL_RECORDER_UNKNOWN, REEL_RECORDER_UNKNOWN,
    };

    (void)state;
    assert_true(read_ack("{\"status\":\"ok\",\"seq\":9,\"missing\":[[3,4],[6,6],[8,8]],"
                         "\"lost\":[[0,1]]}",
                         &ack));
    assert_int_equal(ack.missing.count, 3);
    for (size_t seq = 0; seq < sizeof fates / sizeof *fates; seq++)
        assert_int_equal(reel_recorder_ack_fate(&ack, seq), fates[seq]);
    assert_true(read_ack("{\"status\":\"ok\",\"seq\":2,\"missing\":null,\"lost\":[]}", &ack));
    assert_int_equal(reel_recorder_ack_fate(&ack, 2), REEL_RECORDER_DURABLE);
    assert_int_equal(reel_recorder_ack_fate(&ack, 3), REEL_RECORDER_UNKNOWN);
    assert_true(read_ack("{\"status\":\"error\",\"error\":{\"code\":\"busy\"},\"seq\":2}", &ack));
    assert_int_equal(reel_recorder_ack_fate(&ack, 2), REEL_RECORDER_UNKNOWN);
}

static void ranges_of_no_more_interest_take_no_place(void **state)
{
    struct reel_recorder_range missing[2], lost[1];
    struct reel_recorder_ack ack = {
        .missing = {missing, 2, 0}, .lost = {lost, 1, 0}, .oldest_seq = 6};

    (void)state;
    assert_true(read_ack("{\"status\":\"ok\",\"seq\":9,\"missing\":[[1,1],[3,4],[5,6],[8,8]],"
                         "\"lost\":[[0,0],[2,2],[7,7]]}",
                         &ack));
    assert_int_equal(ack.missing.count, 2);
    assert_int_equal(ack.lost.count, 1);
    assert_int_equal(reel_recorder_ack_fate(&ack, 6), REEL_RECORDER_MISSING);
    assert_int_equal(reel_recorder_ack_fate(&ack, 7), REEL_RECORDER_LOST);
    assert_int_equal(reel_recorder_ack_fate(&ack, 8), REEL_RECORDER_MISSING);
    assert_int_equal(reel_recorder_ack_fate(&ack, 9), REEL_RECORDER_DURABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_fragment_has_these_bytes),
        cmocka_unit_test(a_full_fragment_is_read_back),
        cmocka_unit_test(a_full_fragment_is_what_another_encoder_makes),
        cmocka_unit_test(a_small_buffer_is_told_what_is_needed),
        cmocka_unit_test(every_size_of_data_and_text_is_read_back),
        cmocka_unit_test(what_the_sink_would_refuse_is_not_encoded),
        cmocka_unit_test(topics_are_built_from_names),
        cmocka_unit_test(an_acknowledgement_is_read),
        cmocka_unit_test(an_error_is_read),
        cmocka_unit_test(what_is_no_acknowledgement_is_refused),
        cmocka_unit_test(an_acknowledgement_says_what_may_be_forgotten),
        cmocka_unit_test(ranges_of_no_more_interest_take_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
