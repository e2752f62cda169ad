/* The golden messages, each compared with what it must be taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <string.h>

#include <cmocka.h>

#include "reel/ack.h"
#include "unit/vectors.h"
#include "wire/message.h"

#define EXPECT(vector, condition)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s: %s", (vector)->name, #condition);                                        \
    } while (0)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void compare_numbers(const struct vector *vector, const struct reel_fragment *fragment)
{
    const json_t *expected = vector->expected;
    const json_t *boot = json_object_get(expected, "boot");
    char boot_text[REEL_NAME_BYTES] = "";

    EXPECT(vector, strcmp(fragment->session, text_of(expected, "session")) == 0);
    EXPECT(vector, fragment->numbers.has_seq == (json_object_get(expected, "seq") != NULL));
    EXPECT(vector, fragment->numbers.seq == number_of(expected, "seq"));
    EXPECT(vector, fragment->numbers.has_frame == (json_object_get(expected, "frame") != NULL));
    EXPECT(vector, fragment->numbers.frame == number_of(expected, "frame"));
    EXPECT(vector, fragment->has_time == (json_object_get(expected, "time") != NULL));
    EXPECT(vector, fragment->time_us == number_of(expected, "time"));
    EXPECT(vector, fragment->numbers.end == json_is_true(json_object_get(expected, "end")));
    EXPECT(vector, strcmp(fragment->reply_to, text_of(expected, "reply_to")) == 0);
    if (json_is_integer(boot))
        snprintf(boot_text, sizeof boot_text, "%" JSON_INTEGER_FORMAT, json_integer_value(boot));
    else if (boot)
        snprintf(boot_text, sizeof boot_text, "%s", json_string_value(boot));
    EXPECT(vector, strcmp(fragment->numbers.boot.text, boot_text) == 0);
    EXPECT(vector, fragment->numbers.boot.is_uint == json_is_integer(boot));
}

static void compare_data(const struct vector *vector, const struct reel_fragment *fragment)
{
    const char *hex = text_of(vector->expected, "data");
    size_t bytes = strlen(hex) / 2;
    size_t repeat = json_object_get(vector->expected, "repeat")
                        ? (size_t)number_of(vector->expected, "repeat")
                        : 1;

    EXPECT(vector, fragment->data_bytes == bytes * repeat);
    for (size_t i = 0; i < bytes * repeat; i++) {
        unsigned byte = 256;

        sscanf(hex + i % bytes * 2, "%2x", &byte);
        EXPECT(vector, fragment->data[i] == byte);
    }
}

static void compare_fragment(const struct vector *vector, const struct reel_fragment *fragment)
{
    const json_t *format = json_object_get(vector->expected, "format");
    const json_t *tags = json_object_get(vector->expected, "tags");

    EXPECT(vector, fragment->format.channels == number_of(format, "channels"));
    EXPECT(vector, fragment->format.rate == number_of(format, "rate"));
    EXPECT(vector, fragment->format.sample_bytes == number_of(format, "sample_size"));
    EXPECT(vector,
           strcmp(reel_encoding_name(fragment->format.encoding), text_of(format, "encoding")) == 0);
    EXPECT(vector, fragment->numbers.frames == number_of(vector->expected, "frames"));
    EXPECT(vector, tags ? json_equal(fragment->tags, tags) : fragment->tags == NULL);
    compare_numbers(vector, fragment);
    compare_data(vector, fragment);
}

static void compare_error(const struct vector *vector, enum reel_code code,
                          const struct reel_error *err)
{
    const json_t *error = json_object_get(vector->expected, "error");

    EXPECT(vector, strcmp(reel_code_name(code), text_of(error, "code")) == 0);
    if (strcmp(err->field, text_of(error, "field")) != 0)
        fail_msg("%s blames %s: %s", vector->name, err->field, err->message);
}

static void check_fragment(const struct vector *vector)
{
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    struct reel_error err;
    enum reel_code code;

    if (!vector_is(vector, "fragment"))
        return;
    code = reel_fragment_decode(vector->payload, vector->bytes, &vector->envelope, &scratch,
                                &fragment, &err);
    if (!vector_is_good(vector))
        compare_error(vector, code, &err);
    else if (code != REEL_OK)
        fail_msg("%s: %s (%s)", vector->name, err.message, err.field);
    else
        compare_fragment(vector, &fragment);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
}

static void check_request(const struct vector *vector)
{
    enum reel_document_kind kind;
    json_t *document = NULL;
    struct reel_error err;
    enum reel_code code;

    if (!vector_is(vector, "request"))
        return;
    code = reel_document_decode(vector->payload, vector->bytes, &document, &kind, &err);
    if (!vector_is_good(vector))
        compare_error(vector, code, &err);
    else if (code != REEL_OK)
        fail_msg("%s: %s", vector->name, err.message);
    else
        EXPECT(vector, json_equal(document, json_object_get(vector->expected, "document")));
    json_decref(document);
}

/* The ranges that were read, against the document's. */
static void compare_ranges(const struct vector *vector, const char *name,
                           const struct reel_recorder_ranges *ranges)
{
    const json_t *expected = json_object_get(json_object_get(vector->expected, "document"), name);

    EXPECT(vector, ranges->count == json_array_size(expected));
    for (size_t i = 0; i < ranges->count; i++) {
        const json_t *pair = json_array_get(expected, i);

        EXPECT(vector,
               (json_int_t)ranges->at[i].first == json_integer_value(json_array_get(pair, 0)));
        EXPECT(vector,
               (json_int_t)ranges->at[i].last == json_integer_value(json_array_get(pair, 1)));
    }
}

static void check_acknowledgement(const struct vector *vector)
{
    struct reel_recorder_range room[3][8];
    struct reel_recorder_ack ack = {
        .missing = {room[0], 8, 0}, .missing_frames = {room[1], 8, 0}, .lost = {room[2], 8, 0}};
    const json_t *expected = json_object_get(vector->expected, "document");

    if (!vector_is(vector, "acknowledgement"))
        return;
    EXPECT(vector, reel_recorder_ack_decode(vector->payload, vector->bytes, &ack));
    EXPECT(vector, ack.ok);
    EXPECT(vector, strcmp(ack.device, text_of(expected, "device")) == 0);
    EXPECT(vector, strcmp(ack.session, text_of(expected, "session")) == 0);
    EXPECT(vector, ack.has_seq && ack.seq == number_of(expected, "seq"));
    EXPECT(vector, ack.frames == number_of(expected, "frames"));
    compare_ranges(vector, "missing", &ack.missing);
    compare_ranges(vector, "missing_frames", &ack.missing_frames);
    compare_ranges(vector, "lost", &ack.lost);
}

static void fragments_are_taken_as_expected(void **state)
{
    (void)state;
    assert_in_range(vectors_each(check_fragment), 100, 10000);
}

static void requests_are_taken_as_expected(void **state)
{
    (void)state;
    vectors_each(check_request);
}

static void acknowledgements_are_taken_as_expected(void **state)
{
    (void)state;
    vectors_each(check_acknowledgement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_are_taken_as_expected),
        cmocka_unit_test(requests_are_taken_as_expected),
        cmocka_unit_test(acknowledgements_are_taken_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
