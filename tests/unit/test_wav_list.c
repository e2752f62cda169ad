/* The LIST/INFO chunk of a view's header, byte by byte as RIFF has it. */
#include "unit/memory.h"

#include <stdio.h>

#include "core/wav_header.h"
#include "core/wav_list.h"
#include "wire/chunk.h"

#define START_US INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */

static struct reel_recording tagged(const char *tags)
{
    struct reel_recording recording = {
        .device = "mic1",
        .session = "s1",
        .format = {16000, 1, 2, REEL_PCM},
        .started_us = START_US,
        .tags = tags ? json_loads(tags, 0, NULL) : NULL,
    };

    assert_true(recording.tags || !tags);
    return recording;
}

/* The text of the comment, and that the chunk is even and padded to its length. */
static const char *comment_of(const char *tags, uint8_t chunk[REEL_WAV_LIST_MAX])
{
    struct reel_recording recording = tagged(tags);
    size_t bytes;
    const char *at = (const char *)chunk + 8 + 4;

    assert_true(reel_wav_list_make(&recording, chunk, &bytes));
    assert_memory_equal(chunk, "LIST", 4);
    assert_int_equal(reel_little_endian(chunk + 4, 4), bytes - 8);
    assert_int_equal(bytes % 2, 0);
    while (memcmp(at, "ICMT", 4) != 0)
        at += 8 + (reel_little_endian((const uint8_t *)at + 4, 4) + 1) / 2 * 2;
    assert_int_equal(reel_little_endian((const uint8_t *)at + 4, 4), strlen(at + 8) + 1);
    assert_ptr_equal(at + 8 + (strlen(at + 8) + 2) / 2 * 2, (const char *)chunk + bytes);
    reel_recording_finish(&recording);
    return at + 8;
}

static void every_text_is_where_riff_has_it(void **state)
{
    static const char wanted[] = "LIST\x4a\0\0\0INFO"
                                 "INAM\x08\0\0\0mic1/s1\0"
                                 "ISFT\x05\0\0\0reel\0\0"
                                 "ICRD\x0b\0\0\0"
                                 "2026-01-02\0\0"
                                 "ICMT\x0c\0\0\0{\"gain\":12}\0";
    struct reel_recording recording = tagged("{\"gain\":12}");
    uint8_t chunk[REEL_WAV_LIST_MAX];
    size_t bytes;

    (void)state;
    assert_true(reel_wav_list_make(&recording, chunk, &bytes));
    assert_int_equal(bytes, sizeof wanted - 1);
    assert_memory_equal(chunk, wanted, bytes);
    reel_recording_finish(&recording);
}

static void without_tags_there_is_none(void **state)
{
    struct reel_recording none = tagged(NULL);
    struct reel_recording empty = tagged("{}");
    uint8_t chunk[REEL_WAV_LIST_MAX];
    size_t bytes = 1;

    (void)state;
    assert_true(reel_wav_list_make(&none, chunk, &bytes));
    assert_int_equal(bytes, 0);
    bytes = 1;
    assert_true(reel_wav_list_make(&empty, chunk, &bytes));
    assert_int_equal(bytes, 0);
    reel_recording_finish(&empty);
}

static void tags_are_json_in_order_and_printable(void **state)
{
    static const struct {
        const char *tags, *comment;
    } rows[] = {
        {"{\"b\":1,\"a\":\"x\"}", "{\"a\":\"x\",\"b\":1}"},
        {"{\"ratio\":0.1,\"n\":-3}", "{\"n\":-3,\"ratio\":0.1}"},
        {"{\"site\":\"K\xc3\xbc"
         "che\"}",
         "{\"site\":\"K\xc3\xbc"
         "che\"}"},
        {"{\"a\":\"1\\n2\\u0001\\u007f3\\u0080\\u009f\\u00a0\"}",
         "{\"a\":\"1\\n2\\u0001\\u007f3\\u0080\\u009f\xc2\xa0\"}"},
        {"{\"a\":\"\\\"\\\\\"}", "{\"a\":\"\\\"\\\\\"}"},
    };
    uint8_t chunk[REEL_WAV_LIST_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(comment_of(rows[i].tags, chunk), rows[i].comment);
}

/* The longest that tags can become, in the longest header. */
static struct reel_recording crowded(char byte)
{
    struct reel_recording recording = tagged("{}");
    char name[REEL_TAG_NAME_BYTES + 1], value[REEL_TAG_VALUE_BYTES + 1];

    memset(recording.device, 'd', REEL_NAME_BYTES - 1);
    memset(recording.session, 's', REEL_NAME_BYTES - 1);
    memset(value, byte, sizeof value);
    value[REEL_TAG_VALUE_BYTES] = '\0';
    memset(name, '"', sizeof name);
    name[REEL_TAG_NAME_BYTES] = '\0';
    for (int i = 0; i < REEL_TAGS_MAX; i++) {
        name[0] = (char)(i < 16 ? '"' : '\\');
        for (int bit = 0; bit < 4; bit++)
            name[1 + bit] = (char)(i >> bit & 1 ? '"' : '\\');
        json_object_set_new(recording.tags, name, json_string(value));
    }
    assert_int_equal(json_object_size(recording.tags), REEL_TAGS_MAX);
    return recording;
}

static void the_most_that_tags_become_has_room(void **state)
{
    struct reel_recording recordings[] = {crowded('\x01'), crowded('\x7f')};
    struct reel_format longest = {8000, 64, 8, REEL_FLOAT};
    uint8_t *chunk = malloc(REEL_WAV_LIST_MAX), *header = malloc(REEL_WAV_VIEW_HEADER_MAX);
    size_t bytes;

    (void)state;
    assert_true(chunk && header);
    for (size_t i = 0; i < 2; i++) {
        assert_true(reel_wav_list_make(&recordings[i], chunk, &bytes));
        assert_in_range(bytes, REEL_WAV_LIST_MAX - 256, REEL_WAV_LIST_MAX);
        assert_in_range(reel_wav_view_header(&longest, 1ull << 40, chunk, bytes, header), bytes,
                        REEL_WAV_VIEW_HEADER_MAX);
        reel_recording_finish(&recordings[i]);
    }
    free(chunk);
    free(header);
}

/* It stands before the samples, and the head's sizes count it. */
static void a_header_has_it_before_the_samples(void **state)
{
    struct reel_recording recording = tagged("{\"gain\":12}");
    uint8_t chunk[REEL_WAV_LIST_MAX], header[REEL_WAV_VIEW_HEADER_MAX];
    struct reel_wav_info info;
    size_t bytes;

    (void)state;
    assert_true(reel_wav_list_make(&recording, chunk, &bytes));
    assert_int_equal(reel_wav_view_header(&recording.format, 10, chunk, bytes, header), 44 + bytes);
    assert_int_equal(reel_little_endian(header + 4, 4), 36 + bytes + 20);
    assert_memory_equal(header + 36, chunk, bytes);
    assert_true(reel_wav_parse(header, 44 + bytes, &info));
    assert_int_equal(info.data_offset, 44 + bytes);
    assert_int_equal(info.data_bytes, 20);
    reel_recording_finish(&recording);
}

static void make_once(const void *argument)
{
    uint8_t chunk[REEL_WAV_LIST_MAX];
    size_t bytes;
    bool made = reel_wav_list_make(argument, chunk, &bytes);

    memory_end();
    if (made)
        assert_true(bytes > 0);
}

static void without_memory_there_is_no_chunk(void **state)
{
    struct reel_recording recording = crowded('\x01');

    (void)state;
    memory_fails_each(make_once, &recording);
    reel_recording_finish(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_is_where_riff_has_it),
        cmocka_unit_test(without_tags_there_is_none),
        cmocka_unit_test(tags_are_json_in_order_and_printable),
        cmocka_unit_test(the_most_that_tags_become_has_room),
        cmocka_unit_test(a_header_has_it_before_the_samples),
        cmocka_unit_test(without_memory_there_is_no_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
