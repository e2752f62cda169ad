/* Promises of the decoders' headers, whatever the bytes: asserted of one payload. */
#ifndef REEL_TESTS_UNIT_PROMISES_H
#define REEL_TESTS_UNIT_PROMISES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fragment.h"
#include "wire/message.h"
#include "wire/topic.h"

static inline void assert_printable(const char *text)
{
    for (; *text; text++)
        assert_in_range(*text, 0x20, 0x7e);
}

/* What was taken keeps the promises of the header, whatever the payload. */
static inline void assert_whole(const struct reel_fragment *fragment)
{
    const struct reel_numbers *numbers = &fragment->numbers;

    assert_int_equal(reel_format_check(&fragment->format, NULL), REEL_OK);
    assert_int_equal(fragment->data_bytes,
                     (size_t)numbers->frames * reel_format_frame_bytes(&fragment->format));
    assert_true(numbers->frames > 0 || numbers->end);
    assert_true(numbers->seq < REEL_NUMBER_MAX && numbers->frame < REEL_NUMBER_MAX);
    assert_true(fragment->time_us < REEL_NUMBER_MAX);
    assert_true(numbers->has_seq || numbers->seq == 0);
    assert_true(json_object_size(fragment->tags) <= REEL_TAGS_MAX);
    for (size_t i = 0; i < fragment->data_bytes; i++)
        (void)*(const volatile uint8_t *)&fragment->data[i]; /* may all be read */
}

static inline enum reel_code promises_of_fragment(const uint8_t *payload, size_t bytes,
                                                  const struct reel_envelope *envelope)
{
    static struct reel_scratch scratch;
    struct reel_fragment fragment;
    struct reel_error err = {.code = REEL_OK};
    enum reel_code code = reel_fragment_decode(payload, bytes, envelope, &scratch, &fragment, &err);

    assert_true(code == REEL_OK || code == REEL_E_BAD_REQUEST);
    assert_true(fragment.session[0] == '\0' ||
                reel_name_valid(fragment.session, strlen(fragment.session)));
    assert_int_equal(err.code, code);
    assert_printable(err.message);
    assert_printable(err.field);
    if (code == REEL_OK)
        assert_whole(&fragment);
    else
        assert_true(err.field[0] != '\0' && !fragment.tags && !fragment.data);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
    return code;
}

/* Equal, where a whole float and the integer of its value are: MessagePack's become integers. */
static inline bool same_value(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) && json_is_integer(b)
                   ? json_integer_value(a) == json_integer_value(b)
                   : json_number_value(a) == json_number_value(b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a)) {
        json_object_foreach ((json_t *)(uintptr_t)a, name, value)
            if (!json_object_get(b, name) || !same_value(value, json_object_get(b, name)))
                return false;
        return json_object_size(a) == json_object_size(b);
    }
    if (!json_is_array(a))
        return json_equal(a, b);
    json_array_foreach (a, i, value)
        if (i >= json_array_size(b) || !same_value(value, json_array_get(b, i)))
            return false;
    return json_array_size(a) == json_array_size(b);
}

/* What a request is taken for survives both encodings. */
static inline void promises_of_document(const uint8_t *payload, size_t bytes)
{
    enum reel_document_kind kind;
    json_t *document, *again;
    struct reel_error err;

    if (reel_document_decode(payload, bytes, &document, &kind, &err) != REEL_OK) {
        assert_printable(err.message);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct reel_buffer buffer = {0};
        enum reel_document_kind as = i == 0 ? REEL_DOCUMENT_JSON : REEL_DOCUMENT_MSGPACK;

        assert_true(reel_document_encode(document, as, NULL, 0, &buffer));
        assert_int_equal(
            reel_document_decode_response(buffer.bytes, buffer.size, &again, &kind, &err), REEL_OK);
        assert_true(kind == as);
        assert_true(same_value(document, again));
        json_decref(again);
        reel_buffer_finish(&buffer);
    }
    json_decref(document);
}

#endif
