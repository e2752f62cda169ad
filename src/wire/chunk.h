/* Chunk: the pieces that a WAV file in memory is made of (RIFF or RF64, EBU Tech 3306). */
#ifndef REEL_WIRE_CHUNK_H
#define REEL_WIRE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/format.h"

/* wFormatTag (mmreg.h). */
enum {
    REEL_WAV_TAG_PCM = 0x0001,
    REEL_WAV_TAG_FLOAT = 0x0003,
    REEL_WAV_TAG_ALAW = 0x0006,
    REEL_WAV_TAG_ULAW = 0x0007,
    REEL_WAV_TAG_EXTENSIBLE = 0xFFFE,
};

struct reel_chunk {
    const uint8_t *id;    /* four characters */
    const uint8_t *bytes; /* what follows its head ... */
    size_t present;       /* ... as far as it is here: at most what is declared */
    size_t left;          /* from `bytes` to the end of the file */
    uint32_t declared;    /* its length as its head says */
};

struct reel_chunk_walk {
    const uint8_t *at;
    const uint8_t *end;
};

/* Begin with the file's first chunk. False if it does not begin as a WAV file does. */
bool reel_chunk_begin(struct reel_chunk_walk *walk, const uint8_t *file, size_t bytes);

/* The next chunk; false at the end. No size is trusted. */
bool reel_chunk_next(struct reel_chunk_walk *walk, struct reel_chunk *chunk_out);

bool reel_chunk_is(const struct reel_chunk *chunk, const char *id);

/* The number of `width` bytes, at most 8. */
uint64_t reel_little_endian(const uint8_t *at, size_t width);

/* The encoding that a fmt chunk of at least 16 bytes names, of an extensible one in its
 * sub-format; REEL_ENCODING_COUNT for one that we do not take. */
enum reel_encoding reel_chunk_encoding(const struct reel_chunk *fmt);

#endif
