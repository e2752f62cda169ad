/* Hash: FNV-1a of 64 bits, for tables and to tell names apart; no protection from who means ill. */
#ifndef REEL_BASE_HASH_H
#define REEL_BASE_HASH_H

#include <stdint.h>

#define REEL_HASH_START UINT64_C(14695981039346656037)

/* The hash with one byte more; the first goes to REEL_HASH_START. */
static inline uint64_t reel_hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(1099511628211);
}

#endif
