/* Fragment, the samples: `data` in any of its forms becomes bytes as WAV stores them. */
#include "wire/fragment_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

static bool reserve(struct reel_decoding *decoding, size_t bytes)
{
    struct reel_scratch *scratch = decoding->scratch;
    uint8_t *grown;

    if (bytes <= scratch->capacity)
        return true;
    grown = realloc(scratch->bytes, bytes);
    if (!grown) {
        reel_fragment_fail(decoding, REEL_E_STALLED, "data", "out of memory");
        return false;
    }
    scratch->bytes = grown;
    scratch->capacity = bytes;
    return true;
}

static void put_little_endian(uint8_t *at, uint64_t bits, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(bits >> (8 * i));
}

/* 1-byte samples are unsigned (PCM as WAV has it, A-law, u-law); wider ones two's complement. */
static bool put_integer(const struct reel_token *number, size_t sample_bytes, uint8_t *at)
{
    int64_t least = sample_bytes == 1 ? 0 : -(INT64_C(1) << (8 * sample_bytes - 1));
    int64_t most = least + (INT64_C(1) << (8 * sample_bytes)) - 1;
    int64_t value;

    if (!reel_token_whole(number, &value) || value < least || value > most)
        return false;
    put_little_endian(at, (uint64_t)value, sample_bytes);
    return true;
}

static bool put_real(const struct reel_token *number, size_t sample_bytes, uint8_t *at)
{
    double real;
    uint64_t bits;

    if (number->kind == REEL_TOKEN_UINT)
        real = (double)number->uint;
    else if (number->kind == REEL_TOKEN_INT)
        real = (double)number->sint;
    else if (number->kind == REEL_TOKEN_FLOAT)
        real = number->real;
    else
        return false;
    if (!isfinite(real))
        return false;
    if (sample_bytes == 4) {
        float narrow = (float)real;
        uint32_t narrow_bits;

        if (!isfinite(narrow))
            return false;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        bits = narrow_bits;
    } else {
        memcpy(&bits, &real, sizeof bits);
    }
    put_little_endian(at, bits, sample_bytes);
    return true;
}

static void take_numbers(struct reel_decoding *decoding)
{
    struct reel_numbers_source *numbers = &decoding->data.numbers;
    const struct reel_format *format = &decoding->out->format;
    size_t sample_bytes = format->sample_bytes;
    struct reel_token number;

    if (!reserve(decoding, numbers->count * sample_bytes))
        return;
    for (size_t i = 0; i < numbers->count && numbers->next(numbers, &number); i++) {
        uint8_t *at = decoding->scratch->bytes + i * sample_bytes;
        bool taken = format->encoding == REEL_FLOAT ? put_real(&number, sample_bytes, at)
                                                    : put_integer(&number, sample_bytes, at);
        if (!taken) {
            reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "data",
                               "element %zu is no number in the range of a %zu-byte %s sample", i,
                               sample_bytes, reel_encoding_name(format->encoding));
            return;
        }
    }
    decoding->out->data = decoding->scratch->bytes;
    decoding->out->data_bytes = numbers->count * sample_bytes;
}

static void take_base64(struct reel_decoding *decoding)
{
    const struct reel_data_source *data = &decoding->data;
    size_t bytes;

    if (!reserve(decoding, 3 * (data->size / 4) + 3))
        return;
    if (!reel_base64_decode((const char *)data->bytes, data->size, decoding->scratch->bytes,
                            &bytes)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "data", "is not base64");
        return;
    }
    decoding->out->data = decoding->scratch->bytes;
    decoding->out->data_bytes = bytes;
}

static void count_frames(struct reel_decoding *decoding)
{
    struct reel_fragment *out = decoding->out;
    uint32_t frame_bytes = reel_format_frame_bytes(&out->format);
    size_t rest_bytes = out->data_bytes % frame_bytes;

    if (decoding->data.size_unknown) {
        out->data_bytes -= rest_bytes;
        rest_bytes = 0;
    }
    if (rest_bytes != 0)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "data",
                           "%zu bytes are not whole frames of %u bytes", out->data_bytes,
                           frame_bytes);
    else if (out->data_bytes == 0 && !out->numbers.end)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "data",
                           "is empty; only the last fragment's may be");
    else if (out->data_bytes / frame_bytes > UINT32_MAX)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "data", "has more than 2^32-1 frames");
    else
        out->numbers.frames = (uint32_t)(out->data_bytes / frame_bytes);
}

void reel_fragment_take_data(struct reel_decoding *decoding)
{
    switch (decoding->data.kind) {
    case REEL_DATA_NONE:
        break;
    case REEL_DATA_BYTES:
        decoding->out->data = decoding->data.bytes;
        decoding->out->data_bytes = decoding->data.size;
        break;
    case REEL_DATA_NUMBERS:
        take_numbers(decoding);
        break;
    case REEL_DATA_BASE64:
        take_base64(decoding);
        break;
    }
    if (decoding->err.code == REEL_OK)
        count_frames(decoding);
}
