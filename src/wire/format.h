/* Format: what a sample is. A recording has one, and every fragment of it the same. */
#ifndef REEL_WIRE_FORMAT_H
#define REEL_WIRE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum reel_encoding { REEL_PCM, REEL_FLOAT, REEL_ALAW, REEL_ULAW, REEL_ENCODING_COUNT };

struct reel_format {
    uint32_t rate;        /* frames a second, 1 to REEL_RATE_MAX */
    uint16_t channels;    /* 1 to REEL_CHANNELS_MAX */
    uint8_t sample_bytes; /* pcm 1, 2, 3, 4; float 4, 8; alaw, ulaw 1 */
    enum reel_encoding encoding;
};

/* Say whether the combination exists. BAD_REQUEST with the field at fault
 * ("metadata.audio.sample_size", ...); a sample size that looks like bits (8, 16, ..., 160 at
 * first sight) is told that it counts bytes. */
enum reel_code reel_format_check(const struct reel_format *format, struct reel_error *err_out);

bool reel_format_equal(const struct reel_format *a, const struct reel_format *b);

/* Bytes of one frame: channels times sample_bytes; at most 512. */
uint32_t reel_format_frame_bytes(const struct reel_format *format);

/* The byte that silence is made of: 0x80 for 1-byte PCM, 0xD5 A-law, 0xFF u-law, else 0. */
uint8_t reel_format_silence_byte(const struct reel_format *format);

/* "pcm", "float", "alaw", "ulaw". Static storage. */
const char *reel_encoding_name(enum reel_encoding encoding);

/* The encoding of that name, or REEL_ENCODING_COUNT. */
enum reel_encoding reel_encoding_from_name(const char *name);

#endif
