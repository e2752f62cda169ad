/* Chunk: one step at a time. */
#include "wire/chunk.h"

#include <string.h>

enum {
    RIFF_HEAD_BYTES = 12,
    CHUNK_HEAD_BYTES = 8,
    EXTENSIBLE_BYTES = 40,
    SUBFORMAT_OFFSET = 24,
};

uint64_t reel_little_endian(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = width; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

bool reel_chunk_begin(struct reel_chunk_walk *walk, const uint8_t *file, size_t bytes)
{
    if (bytes < RIFF_HEAD_BYTES || (memcmp(file, "RIFF", 4) != 0 && memcmp(file, "RF64", 4) != 0) ||
        memcmp(file + 8, "WAVE", 4) != 0)
        return false;
    walk->at = file + RIFF_HEAD_BYTES;
    walk->end = file + bytes;
    return true;
}

bool reel_chunk_next(struct reel_chunk_walk *walk, struct reel_chunk *chunk_out)
{
    if (walk->end - walk->at < CHUNK_HEAD_BYTES)
        return false;
    chunk_out->id = walk->at;
    chunk_out->declared = (uint32_t)reel_little_endian(walk->at + 4, 4);
    chunk_out->bytes = walk->at + CHUNK_HEAD_BYTES;
    chunk_out->left = (size_t)(walk->end - chunk_out->bytes);
    chunk_out->present =
        chunk_out->declared < chunk_out->left ? chunk_out->declared : chunk_out->left;
    walk->at = chunk_out->bytes + chunk_out->present;
    if (chunk_out->present % 2 == 1 && walk->at < walk->end)
        walk->at++;
    return true;
}

bool reel_chunk_is(const struct reel_chunk *chunk, const char *id)
{
    return memcmp(chunk->id, id, 4) == 0;
}

enum reel_encoding reel_chunk_encoding(const struct reel_chunk *fmt)
{
    /* KSDATAFORMAT_SUBTYPE_*: the tag, then these. */
    static const uint8_t guid_rest[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                          0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    uint64_t tag = reel_little_endian(fmt->bytes, 2);

    if (tag == REEL_WAV_TAG_EXTENSIBLE && fmt->present >= EXTENSIBLE_BYTES &&
        memcmp(fmt->bytes + SUBFORMAT_OFFSET + 2, guid_rest, sizeof guid_rest) == 0)
        tag = reel_little_endian(fmt->bytes + SUBFORMAT_OFFSET, 2);
    switch (tag) {
    case REEL_WAV_TAG_PCM:
        return REEL_PCM;
    case REEL_WAV_TAG_FLOAT:
        return REEL_FLOAT;
    case REEL_WAV_TAG_ALAW:
        return REEL_ALAW;
    case REEL_WAV_TAG_ULAW:
        return REEL_ULAW;
    default:
        return REEL_ENCODING_COUNT;
    }
}
