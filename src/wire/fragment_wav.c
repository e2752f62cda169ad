/* Fragment as a small WAV file: its chunks, and the numbers from the message's user properties.
 * Recorders write wrong sizes (one declares 1024 bytes and sends 512), so no size is trusted and
 * none alone is a reason to refuse. */
#include "wire/fragment_internal.h"

#include <string.h>

enum {
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_ALAW = 6,
    TAG_ULAW = 7,
    TAG_EXTENSIBLE = 0xFFFE,
    FMT_BYTES = 16,            /* of a plain fmt chunk */
    FMT_EXTENSIBLE_BYTES = 40, /* with a sub-format */
    CHUNK_HEAD_BYTES = 8,
    RIFF_HEAD_BYTES = 12,
};

struct chunk {
    const uint8_t *id;
    const uint8_t *bytes;
    uint32_t declared;
    size_t size; /* the smaller of declared and present */
    size_t present;
};

static uint32_t little_endian(const uint8_t *at, size_t bytes)
{
    uint32_t value = 0;

    for (size_t i = bytes; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

/* Read the chunk at `*at` and step over it; false at the end. */
static bool next_chunk(const uint8_t **at, const uint8_t *end, struct chunk *out)
{
    if (end - *at < CHUNK_HEAD_BYTES)
        return false;
    out->id = *at;
    out->declared = little_endian(*at + 4, 4);
    out->bytes = *at + CHUNK_HEAD_BYTES;
    out->present = (size_t)(end - out->bytes);
    out->size = out->declared < out->present ? out->declared : out->present;
    *at = out->bytes + out->size;
    *at += out->size % 2 && *at < end;
    return true;
}

static bool chunk_is(const struct chunk *chunk, const char *id)
{
    return memcmp(chunk->id, id, 4) == 0;
}

/* The format tag; of an extensible fmt chunk the one in its sub-format. */
static uint32_t format_tag(const struct chunk *fmt)
{
    static const uint8_t guid_rest[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                          0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    uint32_t tag = little_endian(fmt->bytes, 2);

    if (tag == TAG_EXTENSIBLE && fmt->size >= FMT_EXTENSIBLE_BYTES &&
        memcmp(fmt->bytes + 26, guid_rest, sizeof guid_rest) == 0)
        return little_endian(fmt->bytes + 24, 2);
    return tag;
}

static enum reel_encoding encoding_of(uint32_t tag)
{
    switch (tag) {
    case TAG_PCM:
        return REEL_PCM;
    case TAG_FLOAT:
        return REEL_FLOAT;
    case TAG_ALAW:
        return REEL_ALAW;
    case TAG_ULAW:
        return REEL_ULAW;
    default:
        return REEL_ENCODING_COUNT;
    }
}

static void take_fmt(struct reel_decoding *decoding, const struct chunk *fmt)
{
    struct reel_format *format = &decoding->out->format;
    uint32_t block_bytes = little_endian(fmt->bytes + 12, 2);
    uint32_t sample_bytes = (little_endian(fmt->bytes + 14, 2) + 7) / 8;

    format->encoding = encoding_of(format_tag(fmt));
    format->channels = (uint16_t)little_endian(fmt->bytes + 2, 2);
    format->rate = little_endian(fmt->bytes + 4, 4);
    /* 24 bits may stand at the top of four bytes, which then are a 4-byte sample. */
    if (sample_bytes == 3 && block_bytes == 4u * format->channels)
        sample_bytes = 4;
    if (block_bytes != 0 && block_bytes != sample_bytes * format->channels)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "metadata.audio.sample_size",
                           "the WAV header contradicts itself: frames of %u bytes, samples of %u",
                           block_bytes, sample_bytes);
    format->sample_bytes = (uint8_t)(sample_bytes < UINT8_MAX ? sample_bytes : UINT8_MAX);
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_CHANNELS));
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_RATE));
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_SAMPLE_SIZE));
}

static void take_samples(struct reel_decoding *decoding, const struct chunk *data)
{
    /* Who writes to a pipe cannot go back for the size, and leaves 0 or all ones. */
    bool unset = data->declared == 0 || data->declared == UINT32_MAX;

    decoding->data.kind = REEL_DATA_BYTES;
    decoding->data.bytes = data->bytes;
    decoding->data.size = unset ? data->present : data->size;
    decoding->data.size_unknown = unset || data->declared > data->present;
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_DATA));
}

static void take_chunks(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes)
{
    const uint8_t *end = payload + bytes;
    const uint8_t *at = payload + RIFF_HEAD_BYTES;
    bool has_fmt = false;
    struct chunk chunk;

    if (bytes < RIFF_HEAD_BYTES || memcmp(payload + 8, "WAVE", 4) != 0) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "payload",
                           "begins like a WAV file, but is none");
        return;
    }
    while (next_chunk(&at, end, &chunk)) {
        if (chunk_is(&chunk, "fmt ") && chunk.size >= FMT_BYTES && !has_fmt) {
            has_fmt = true;
            take_fmt(decoding, &chunk);
        } else if (chunk_is(&chunk, "data")) {
            take_samples(decoding, &chunk);
            break;
        }
    }
    if (!has_fmt)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "payload",
                           "the WAV file has no fmt chunk before its data");
}

/* Decimal digits and nothing else. */
static bool parse_decimal(const char *text, uint64_t *out)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static void take_property(struct reel_decoding *decoding, const struct reel_field *field,
                          const char *text)
{
    struct reel_token value = {.kind = REEL_TOKEN_STR};
    const char *wanted = NULL;

    switch (field->id) {
    case REEL_FIELD_SEQ:
    case REEL_FIELD_FRAME:
    case REEL_FIELD_TIME:
        value.kind = REEL_TOKEN_UINT;
        if (!parse_decimal(text, &value.uint))
            wanted = "a decimal number below 2^62";
        break;
    case REEL_FIELD_END:
        value.kind = REEL_TOKEN_BOOL;
        if (!parse_bool(text, &value.boolean))
            wanted = "true or false";
        break;
    default:
        value.bytes = (const uint8_t *)text;
        value.size = (uint32_t)strlen(text);
    }
    if (wanted)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, field->key, "must be %s", wanted);
    else
        reel_field_take(decoding, field, field->key, &value);
}

static void take_properties(struct reel_decoding *decoding, const struct reel_envelope *envelope)
{
    for (size_t i = 0; i < envelope->properties_count; i++) {
        const struct reel_property *property = &envelope->properties[i];
        const char *name = strcmp(property->name, "session") == 0 ? "id" : property->name;
        const struct reel_field *field;

        if (strcmp(property->name, "id") == 0)
            continue;
        field = reel_field_find(decoding, REEL_IN_SESSION, name, strlen(name));
        if (field)
            take_property(decoding, field, property->value);
    }
}

void reel_fragment_walk_wav(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes,
                            const struct reel_envelope *envelope)
{
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_METADATA));
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_AUDIO));
    take_properties(decoding, envelope);
    take_chunks(decoding, payload, bytes);
}
