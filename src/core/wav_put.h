/* WAV put: the pieces of a header, one after the other. Each returns where the next one goes. */
#ifndef REEL_CORE_WAV_PUT_H
#define REEL_CORE_WAV_PUT_H

#include <stdint.h>
#include <string.h>

enum { REEL_CHUNK_HEAD_BYTES = 8 };

/* Little-endian. */
static inline uint8_t *reel_put_u16(uint8_t *at, uint64_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    return at + 2;
}

static inline uint8_t *reel_put_u32(uint8_t *at, uint64_t value)
{
    return reel_put_u16(reel_put_u16(at, value), value >> 16);
}

static inline uint8_t *reel_put_u64(uint8_t *at, uint64_t value)
{
    return reel_put_u32(reel_put_u32(at, value), value >> 32);
}

static inline uint8_t *reel_put_id(uint8_t *at, const char id[4])
{
    memcpy(at, id, 4);
    return at + 4;
}

/* A chunk's head. */
static inline uint8_t *reel_put_chunk(uint8_t *at, const char id[4], uint64_t bytes)
{
    return reel_put_u32(reel_put_id(at, id), bytes);
}

#endif
