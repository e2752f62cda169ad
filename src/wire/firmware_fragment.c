/* Firmware: a fragment into the caller's buffer. */
#include "reel/fragment.h"

#include <string.h>

#include "base/limits.h"
#include "wire/format.h"
#include "wire/topic.h"

/* Counts what is written, and writes it as far as it fits. */
struct writer {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
    if (size > 0 && writer->size <= writer->capacity && size <= writer->capacity - writer->size)
        memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static void put_byte(struct writer *writer, uint8_t byte)
{
    put(writer, &byte, 1);
}

/* A head byte and a number of `width` bytes, big-endian. */
static void put_headed(struct writer *writer, unsigned head, uint64_t number, unsigned width)
{
    put_byte(writer, (uint8_t)head);
    for (unsigned i = width; i > 0; i--)
        put_byte(writer, (uint8_t)(number >> (8 * (i - 1))));
}

static void put_uint(struct writer *writer, uint64_t number)
{
    if (number < 0x80)
        put_byte(writer, (uint8_t)number);
    else if (number <= UINT8_MAX)
        put_headed(writer, 0xcc, number, 1);
    else if (number <= UINT16_MAX)
        put_headed(writer, 0xcd, number, 2);
    else if (number <= UINT32_MAX)
        put_headed(writer, 0xce, number, 4);
    else
        put_headed(writer, 0xcf, number, 8);
}

static void put_text(struct writer *writer, const char *text)
{
    size_t bytes = strlen(text);

    if (bytes < 32)
        put_byte(writer, (uint8_t)(0xa0 | bytes));
    else if (bytes <= UINT8_MAX)
        put_headed(writer, 0xd9, bytes, 1);
    else
        put_headed(writer, 0xda, bytes, 2);
    put(writer, text, bytes);
}

static void put_map(struct writer *writer, size_t count)
{
    if (count < 16)
        put_byte(writer, (uint8_t)(0x80 | count));
    else
        put_headed(writer, 0xde, count, 2);
}

static void put_bin(struct writer *writer, const void *bytes, size_t size)
{
    if (size <= UINT8_MAX)
        put_headed(writer, 0xc4, size, 1);
    else if (size <= UINT16_MAX)
        put_headed(writer, 0xc5, size, 2);
    else
        put_headed(writer, 0xc6, size, 4);
    put(writer, bytes, size);
}

static void put_number(struct writer *writer, const char *key, bool has, uint64_t number)
{
    if (!has)
        return;
    put_text(writer, key);
    put_uint(writer, number);
}

static void put_string(struct writer *writer, const char *key, const char *text)
{
    if (!text)
        return;
    put_text(writer, key);
    put_text(writer, text);
}

static void put_session(struct writer *writer, const struct reel_recorder_fragment *fragment)
{
    unsigned count = (fragment->session ? 1u : 0u) + fragment->has_seq + fragment->has_frame +
                     fragment->has_time + fragment->has_boot_number + (fragment->boot ? 1u : 0u) +
                     fragment->end + (fragment->reply_to ? 1u : 0u);

    put_text(writer, "session");
    put_map(writer, count);
    put_string(writer, "id", fragment->session);
    put_number(writer, "seq", fragment->has_seq, fragment->seq);
    put_number(writer, "frame", fragment->has_frame, fragment->frame);
    put_string(writer, "boot", fragment->boot);
    put_number(writer, "boot", fragment->has_boot_number, fragment->boot_number);
    put_number(writer, "time", fragment->has_time, fragment->time_us);
    if (fragment->end) {
        put_text(writer, "end");
        put_byte(writer, 0xc3);
    }
    put_string(writer, "reply_to", fragment->reply_to);
}

static void put_audio(struct writer *writer, const struct reel_format *format)
{
    bool is_pcm = format->encoding == REEL_PCM;

    put_text(writer, "audio");
    put_map(writer, is_pcm ? 3 : 4);
    put_number(writer, "channels", true, format->channels);
    put_number(writer, "rate", true, format->rate);
    put_number(writer, "sample_size", true, format->sample_bytes);
    put_string(writer, "encoding", is_pcm ? NULL : reel_encoding_name(format->encoding));
}

static void put_tags(struct writer *writer, const struct reel_recorder_fragment *fragment)
{
    if (fragment->tags_count == 0)
        return;
    put_text(writer, "tags");
    put_map(writer, fragment->tags_count);
    for (size_t i = 0; i < fragment->tags_count; i++) {
        const struct reel_recorder_tag *tag = &fragment->tags[i];
        uint64_t bits;

        put_text(writer, tag->name);
        if (tag->text) {
            put_text(writer, tag->text);
        } else {
            memcpy(&bits, &tag->number, sizeof bits);
            put_headed(writer, 0xcb, bits, 8);
        }
    }
}

static struct reel_format format_of(const struct reel_recorder_fragment *fragment)
{
    static const enum reel_encoding encodings[] = {
        [REEL_RECORDER_PCM] = REEL_PCM,
        [REEL_RECORDER_FLOAT] = REEL_FLOAT,
        [REEL_RECORDER_ALAW] = REEL_ALAW,
        [REEL_RECORDER_ULAW] = REEL_ULAW,
    };
    size_t index = (size_t)fragment->encoding;

    return (struct reel_format){
        .rate = fragment->rate,
        .channels = fragment->channels,
        .sample_bytes = fragment->sample_bytes,
        .encoding =
            index < sizeof encodings / sizeof *encodings ? encodings[index] : REEL_ENCODING_COUNT,
    };
}

static bool text_within(const char *text, size_t least_bytes, size_t most_bytes)
{
    return !text || (strlen(text) >= least_bytes && strlen(text) <= most_bytes);
}

static bool tags_valid(const struct reel_recorder_fragment *fragment)
{
    if (fragment->tags_count > REEL_TAGS_MAX)
        return false;
    for (size_t i = 0; i < fragment->tags_count; i++) {
        const struct reel_recorder_tag *tag = &fragment->tags[i];

        /* A number less itself is 0, unless it is infinite or no number. */
        if (!tag->name || !text_within(tag->name, 1, REEL_TAG_NAME_BYTES) ||
            !text_within(tag->text, 0, REEL_TAG_VALUE_BYTES) ||
            (!tag->text && !(tag->number - tag->number >= 0)))
            return false;
    }
    return true;
}

static bool valid(const struct reel_recorder_fragment *fragment, const struct reel_format *format)
{
    if (reel_format_check(format, NULL) != REEL_OK ||
        fragment->data_bytes % reel_format_frame_bytes(format) != 0 ||
        fragment->data_bytes / 2 > UINT32_MAX / 2 /* size_t may be no wider */)
        return false;
    if (fragment->data_bytes == 0 && !fragment->end)
        return false;
    if ((fragment->has_seq && fragment->seq >= REEL_NUMBER_MAX) ||
        (fragment->has_frame && fragment->frame >= REEL_NUMBER_MAX) ||
        (fragment->has_time && fragment->time_us >= REEL_NUMBER_MAX))
        return false;
    if (fragment->session && !reel_name_valid(fragment->session, strlen(fragment->session)))
        return false;
    return !(fragment->boot && fragment->has_boot_number) &&
           text_within(fragment->boot, 1, REEL_NAME_BYTES - 1) &&
           text_within(fragment->reply_to, 1, REEL_REPLY_TOPIC_MAX_BYTES) && tags_valid(fragment);
}

size_t reel_recorder_encode(void *buffer, size_t capacity,
                            const struct reel_recorder_fragment *fragment)
{
    struct writer writer = {buffer, capacity, 0};
    struct reel_format format = format_of(fragment);

    if (!valid(fragment, &format))
        return 0;
    put_map(&writer, 2);
    put_text(&writer, "metadata");
    put_map(&writer, fragment->tags_count > 0 ? 3 : 2);
    put_session(&writer, fragment);
    put_audio(&writer, &format);
    put_tags(&writer, fragment);
    put_text(&writer, "data");
    put_bin(&writer, fragment->data, fragment->data_bytes);
    return writer.size;
}
