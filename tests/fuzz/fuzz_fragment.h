/* Fuzz, fragments: one message in any of the three forms. The input: a byte that names the Content
 * Type, a byte for the length of the user properties, these as lines NAME=VALUE, the payload. */
#ifndef REEL_TESTS_FUZZ_FUZZ_FRAGMENT_H
#define REEL_TESTS_FUZZ_FUZZ_FRAGMENT_H

#include "reel/fragment.h"
#include "fuzz/fuzz.h"

enum { PROPERTIES_MAX = 16 };

struct message {
    char *text; /* of the properties */
    struct reel_property properties[PROPERTIES_MAX];
    struct reel_envelope envelope;
    const uint8_t *payload;
    size_t bytes;
};

static inline void message_take(struct message *message, const uint8_t *data, size_t bytes)
{
    static const char *const types[] = {
        NULL,        "application/msgpack",         "application/json",
        "audio/wav", " Application/X-MsgPack; a=b", "text/plain"};
    struct input input = {data, bytes};
    size_t type = input_byte(&input) % (sizeof types / sizeof *types);
    size_t count = 0;
    char *rest;

    message->text = input_text(&input, input_byte(&input));
    for (char *line = strtok_r(message->text, "\n", &rest); line && count < PROPERTIES_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');

        if (equals)
            *equals = '\0';
        message->properties[count++] = (struct reel_property){line, equals ? equals + 1 : ""};
    }
    message->envelope = (struct reel_envelope){types[type], message->properties, count};
    message->payload = input.at;
    message->bytes = input.left;
}

static inline void assert_same(const struct reel_fragment *a, const struct reel_fragment *b)
{
    assert_string_equal(a->session, b->session);
    assert_int_equal(a->numbers.has_seq, b->numbers.has_seq);
    assert_int_equal(a->numbers.has_frame, b->numbers.has_frame);
    assert_int_equal(a->numbers.end, b->numbers.end);
    assert_int_equal(a->numbers.seq, b->numbers.seq);
    assert_int_equal(a->numbers.frame, b->numbers.frame);
    assert_int_equal(a->numbers.frames, b->numbers.frames);
    assert_string_equal(a->numbers.boot.text, b->numbers.boot.text);
    assert_int_equal(a->has_time, b->has_time);
    assert_int_equal(a->time_us, b->time_us);
    assert_string_equal(a->reply_to, b->reply_to);
    assert_true(reel_format_equal(&a->format, &b->format));
    assert_int_equal(json_object_size(a->tags), json_object_size(b->tags));
    assert_int_equal(a->data_bytes, b->data_bytes);
    if (a->data_bytes > 0)
        assert_memory_equal(a->data, b->data, a->data_bytes);
}

/* The fragment as a recorder would give it to the encoder. */
static inline struct reel_recorder_fragment
as_recorded(const struct reel_fragment *fragment, struct reel_recorder_tag tags[REEL_TAGS_MAX])
{
    const struct reel_numbers *numbers = &fragment->numbers;
    struct reel_recorder_fragment recorded = {
        .rate = fragment->format.rate,
        .channels = fragment->format.channels,
        .sample_bytes = fragment->format.sample_bytes,
        .encoding = (enum reel_recorder_encoding)fragment->format.encoding,
        .data = fragment->data,
        .data_bytes = fragment->data_bytes,
        .session = *fragment->session ? fragment->session : NULL,
        .has_seq = numbers->has_seq,
        .has_frame = numbers->has_frame,
        .has_time = fragment->has_time,
        .end = numbers->end,
        .seq = numbers->seq,
        .frame = numbers->frame,
        .time_us = fragment->time_us,
        .boot = *numbers->boot.text ? numbers->boot.text : NULL,
        .reply_to = *fragment->reply_to ? fragment->reply_to : NULL,
        .tags = tags,
    };
    const char *name;
    json_t *value;

    json_object_foreach (fragment->tags, name, value)
        tags[recorded.tags_count++] =
            (struct reel_recorder_tag){name, json_string_value(value), json_number_value(value)};
    return recorded;
}

static inline void assert_same_tags(const json_t *tags, const json_t *again)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)tags, name, value) {
        const json_t *other = json_object_get(again, name);

        if (json_is_string(value))
            assert_string_equal(json_string_value(value), json_string_value(other));
        else
            assert_true(json_number_value(value) == json_number_value(other));
    }
}

/* What was taken can be sent, and is taken for the same, whatever form it came in. */
static inline void assert_encodes(const struct reel_fragment *fragment)
{
    struct reel_recorder_tag tags[REEL_TAGS_MAX];
    struct reel_recorder_fragment recorded = as_recorded(fragment, tags);
    struct reel_scratch scratch = {0};
    struct reel_fragment again;
    size_t bytes = reel_recorder_encode(NULL, 0, &recorded);
    uint8_t *payload = malloc(bytes);

    assert_true(bytes > 0 && payload);
    assert_int_equal(reel_recorder_encode(payload, bytes, &recorded), bytes);
    assert_int_equal(reel_fragment_decode(payload, bytes, NULL, &scratch, &again, NULL), REEL_OK);
    assert_same(fragment, &again);
    assert_same_tags(fragment->tags, again.tags);
    reel_fragment_finish(&again);
    reel_scratch_finish(&scratch);
    free(payload);
}

/* Decode it twice: the promises, the same answer, and a fragment that can be sent on. */
static inline void fuzz_message(const struct message *message)
{
    struct reel_scratch scratch[2] = {{0}, {0}};
    struct reel_fragment fragments[2];
    struct reel_error errs[2] = {{.code = REEL_OK}, {.code = REEL_OK}};
    enum reel_code codes[2];

    promises_of_fragment(message->payload, message->bytes, &message->envelope);
    for (int i = 0; i < 2; i++)
        codes[i] = reel_fragment_decode(message->payload, message->bytes, &message->envelope,
                                        &scratch[i], &fragments[i], &errs[i]);
    assert_int_equal(codes[0], codes[1]);
    if (codes[0] != REEL_OK)
        assert_error(codes[0], &errs[0]);
    assert_string_equal(errs[0].message, errs[1].message);
    assert_string_equal(errs[0].field, errs[1].field);
    assert_same(&fragments[0], &fragments[1]);
    if (codes[0] == REEL_OK)
        assert_encodes(&fragments[0]);
    for (int i = 0; i < 2; i++) {
        reel_fragment_finish(&fragments[i]);
        reel_scratch_finish(&scratch[i]);
    }
}

#endif
