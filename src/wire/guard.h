/* Guard: walks MessagePack without allocating, so that nothing downstream trusts a stranger's
 * counts (facts.md: five bytes can ask msgpack-c for 96 GB), and reads it token by token. */
#ifndef REEL_WIRE_GUARD_H
#define REEL_WIRE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Check that `payload` is exactly one well-formed MessagePack value, nested at most
 * REEL_NESTING_MAX deep, every count covered by the bytes that follow. Time linear in `bytes`,
 * no allocation. BAD_REQUEST otherwise. */
enum reel_code reel_guard_check(const uint8_t *payload, size_t bytes, struct reel_error *err_out);

enum reel_token_kind {
    REEL_TOKEN_NIL,
    REEL_TOKEN_BOOL,  /* .boolean */
    REEL_TOKEN_UINT,  /* .uint; any width, and signed encodings of a value >= 0 */
    REEL_TOKEN_INT,   /* .sint, below 0 */
    REEL_TOKEN_FLOAT, /* .real */
    REEL_TOKEN_STR,   /* .bytes, .size */
    REEL_TOKEN_BIN,   /* .bytes, .size */
    REEL_TOKEN_ARRAY, /* .count elements follow */
    REEL_TOKEN_MAP,   /* .count pairs follow */
    REEL_TOKEN_EXT,   /* .bytes, .size */
};

struct reel_token {
    enum reel_token_kind kind;
    union {
        bool boolean;
        uint64_t uint;
        int64_t sint;
        double real;
        struct {
            const uint8_t *bytes; /* into the payload */
            uint32_t size;
        };
        uint32_t count;
    };
};

struct reel_token_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Read the next token; false at the end or where the bytes break off (then nothing is moved).
 * Safe on unchecked bytes; counts are only meaningful after reel_guard_check. */
bool reel_token_next(struct reel_token_reader *reader, struct reel_token *token_out);

/* Skip one whole value; or what is inside of the one whose token was read last: elements, pairs.
 * False where the bytes break off before its end. */
bool reel_token_skip(struct reel_token_reader *reader);
bool reel_token_skip_inside(struct reel_token_reader *reader, const struct reel_token *token);

#endif
