/* Format: which combinations exist, and what follows from them. */
#include "wire/format.h"

#include <string.h>

#include "base/limits.h"

static const char *const names[REEL_ENCODING_COUNT] = {
    [REEL_PCM] = "pcm",
    [REEL_FLOAT] = "float",
    [REEL_ALAW] = "alaw",
    [REEL_ULAW] = "ulaw",
};

static bool sample_bytes_valid(const struct reel_format *format)
{
    switch (format->encoding) {
    case REEL_PCM:
        return format->sample_bytes >= 1 && format->sample_bytes <= 4;
    case REEL_FLOAT:
        return format->sample_bytes == 4 || format->sample_bytes == 8;
    case REEL_ALAW:
    case REEL_ULAW:
        return format->sample_bytes == 1;
    case REEL_ENCODING_COUNT:
        break;
    }
    return false;
}

static const char *sample_bytes_wanted(enum reel_encoding encoding)
{
    switch (encoding) {
    case REEL_PCM:
        return "1, 2, 3 or 4";
    case REEL_FLOAT:
        return "4 or 8";
    default:
        return "1";
    }
}

enum reel_code reel_format_check(const struct reel_format *format, struct reel_error *err_out)
{
    if ((unsigned)format->encoding >= REEL_ENCODING_COUNT)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.encoding",
                              "must be pcm, float, alaw or ulaw");
    if (format->channels < 1 || format->channels > REEL_CHANNELS_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.channels",
                              "must be 1 to %u", REEL_CHANNELS_MAX);
    if (format->rate < 1 || format->rate > REEL_RATE_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.rate",
                              "must be 1 to %u frames a second", REEL_RATE_MAX);
    if (!sample_bytes_valid(format))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.sample_size",
                              "counts bytes, not bits: must be %s for %s",
                              sample_bytes_wanted(format->encoding), names[format->encoding]);
    return REEL_OK;
}

bool reel_format_equal(const struct reel_format *a, const struct reel_format *b)
{
    return a->rate == b->rate && a->channels == b->channels && a->sample_bytes == b->sample_bytes &&
           a->encoding == b->encoding;
}

uint32_t reel_format_frame_bytes(const struct reel_format *format)
{
    return (uint32_t)format->channels * format->sample_bytes;
}

uint8_t reel_format_silence_byte(const struct reel_format *format)
{
    switch (format->encoding) {
    case REEL_PCM:
        return format->sample_bytes == 1 ? 0x80 : 0;
    case REEL_ALAW:
        return 0xD5;
    case REEL_ULAW:
        return 0xFF;
    default:
        return 0;
    }
}

const char *reel_encoding_name(enum reel_encoding encoding)
{
    return (unsigned)encoding < REEL_ENCODING_COUNT ? names[encoding] : "";
}

enum reel_encoding reel_encoding_from_name(const char *name)
{
    for (unsigned encoding = 0; encoding < REEL_ENCODING_COUNT; encoding++) {
        if (strcmp(names[encoding], name) == 0)
            return (enum reel_encoding)encoding;
    }
    return REEL_ENCODING_COUNT;
}
