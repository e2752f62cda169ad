/* Fragment as a small WAV file: its chunks, and the numbers from the message's user properties.
 * Recorders write wrong sizes (one declares 1024 bytes and sends 512), so no size is trusted and
 * none alone is a reason to refuse. */
#include "wire/fragment_internal.h"

#include <string.h>

#include "wire/chunk.h"

enum { FMT_BYTES = 16, DS64_BYTES = 16 };

static void take_fmt(struct reel_decoding *decoding, const struct reel_chunk *fmt)
{
    struct reel_format *format = &decoding->out->format;
    uint32_t block_bytes = (uint32_t)reel_little_endian(fmt->bytes + 12, 2);
    uint32_t sample_bytes = (uint32_t)(reel_little_endian(fmt->bytes + 14, 2) + 7) / 8;

    format->encoding = reel_chunk_encoding(fmt);
    format->channels = (uint16_t)reel_little_endian(fmt->bytes + 2, 2);
    format->rate = (uint32_t)reel_little_endian(fmt->bytes + 4, 4);
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

/* `declared_bytes` is what ds64 says where that counts. */
static void take_samples(struct reel_decoding *decoding, const struct reel_chunk *data,
                         uint64_t declared_bytes)
{
    /* Who writes to a pipe cannot go back for the size, and leaves 0 or all ones. */
    bool says_nothing = declared_bytes == 0 || declared_bytes > data->left;

    decoding->data.kind = REEL_DATA_BYTES;
    decoding->data.bytes = data->bytes;
    decoding->data.size = says_nothing ? data->left : (size_t)declared_bytes;
    decoding->data.size_unknown = says_nothing;
    reel_field_mark(decoding, reel_field_get(REEL_FIELD_DATA));
}

static void take_chunks(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes)
{
    uint64_t long_bytes = UINT32_MAX;
    bool has_fmt = false;
    struct reel_chunk_walk walk;
    struct reel_chunk chunk;

    if (!reel_chunk_begin(&walk, payload, bytes)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "payload",
                           "begins like a WAV file, but is none");
        return;
    }
    while (reel_chunk_next(&walk, &chunk)) {
        if (reel_chunk_is(&chunk, "ds64") && chunk.present >= DS64_BYTES) {
            long_bytes = reel_little_endian(chunk.bytes + 8, 8);
        } else if (reel_chunk_is(&chunk, "fmt ") && chunk.present >= FMT_BYTES && !has_fmt) {
            has_fmt = true;
            take_fmt(decoding, &chunk);
        } else if (reel_chunk_is(&chunk, "data")) {
            take_samples(decoding, &chunk,
                         chunk.declared == UINT32_MAX ? long_bytes : chunk.declared);
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
                          const struct reel_property *property)
{
    struct reel_token value = {.kind = REEL_TOKEN_STR};
    const char *wanted = NULL;

    switch (field->id) {
    case REEL_FIELD_SEQ:
    case REEL_FIELD_FRAME:
    case REEL_FIELD_TIME:
        value.kind = REEL_TOKEN_UINT;
        if (!parse_decimal(property->value, &value.uint))
            wanted = "a decimal number below 2^62";
        break;
    case REEL_FIELD_END:
        value.kind = REEL_TOKEN_BOOL;
        if (!parse_bool(property->value, &value.boolean))
            wanted = "true or false";
        break;
    default:
        value.bytes = (const uint8_t *)property->value;
        value.size = (uint32_t)strlen(property->value);
    }
    if (wanted)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, property->name, "must be %s", wanted);
    else
        reel_field_take(decoding, field, property->name, &value);
}

/* The field that a property of that name stands for, or NULL. */
static const struct reel_field *field_of(const char *name)
{
    if (strcmp(name, "session") == 0)
        return reel_field_get(REEL_FIELD_SESSION_ID);
    return strcmp(name, "id") == 0 ? NULL : reel_field_find(REEL_IN_SESSION, name, strlen(name));
}

static void take_properties(struct reel_decoding *decoding, const struct reel_envelope *envelope)
{
    for (size_t i = 0; i < envelope->properties_count; i++) {
        const struct reel_property *property = &envelope->properties[i];
        const struct reel_field *field = field_of(property->name);

        if (field && reel_field_see(decoding, field, property->name))
            take_property(decoding, field, property);
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
