/* Guard: MessagePack token by token (the format is msgpack/spec.md). */
#include "wire/guard.h"

#include <string.h>

#include "base/limits.h"

/* What the bytes 0xc0 to 0xdf announce: the kind, and the width of the number behind it. */
static const struct head {
    enum reel_token_kind kind;
    uint8_t width;
    bool valid;
} heads[32] = {
    [0x00] = {REEL_TOKEN_NIL, 0, true},   [0x02] = {REEL_TOKEN_BOOL, 0, true},
    [0x03] = {REEL_TOKEN_BOOL, 0, true},  [0x04] = {REEL_TOKEN_BIN, 1, true},
    [0x05] = {REEL_TOKEN_BIN, 2, true},   [0x06] = {REEL_TOKEN_BIN, 4, true},
    [0x07] = {REEL_TOKEN_EXT, 1, true},   [0x08] = {REEL_TOKEN_EXT, 2, true},
    [0x09] = {REEL_TOKEN_EXT, 4, true},   [0x0a] = {REEL_TOKEN_FLOAT, 4, true},
    [0x0b] = {REEL_TOKEN_FLOAT, 8, true}, [0x0c] = {REEL_TOKEN_UINT, 1, true},
    [0x0d] = {REEL_TOKEN_UINT, 2, true},  [0x0e] = {REEL_TOKEN_UINT, 4, true},
    [0x0f] = {REEL_TOKEN_UINT, 8, true},  [0x10] = {REEL_TOKEN_INT, 1, true},
    [0x11] = {REEL_TOKEN_INT, 2, true},   [0x12] = {REEL_TOKEN_INT, 4, true},
    [0x13] = {REEL_TOKEN_INT, 8, true},   [0x14] = {REEL_TOKEN_EXT, 0, true},
    [0x15] = {REEL_TOKEN_EXT, 0, true},   [0x16] = {REEL_TOKEN_EXT, 0, true},
    [0x17] = {REEL_TOKEN_EXT, 0, true},   [0x18] = {REEL_TOKEN_EXT, 0, true},
    [0x19] = {REEL_TOKEN_STR, 1, true},   [0x1a] = {REEL_TOKEN_STR, 2, true},
    [0x1b] = {REEL_TOKEN_STR, 4, true},   [0x1c] = {REEL_TOKEN_ARRAY, 2, true},
    [0x1d] = {REEL_TOKEN_ARRAY, 4, true}, [0x1e] = {REEL_TOKEN_MAP, 2, true},
    [0x1f] = {REEL_TOKEN_MAP, 4, true},
};

static uint64_t big_endian(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

static void set_signed(struct reel_token *token, uint64_t bits, size_t width)
{
    uint64_t sign = 1ull << (8 * width - 1);

    if (bits & sign) {
        token->kind = REEL_TOKEN_INT;
        /* Sign-extended without shifting or converting a negative number. */
        token->sint = -(int64_t)(sign - 1 - (bits & (sign - 1))) - 1;
    } else {
        token->kind = REEL_TOKEN_UINT;
        token->uint = bits;
    }
}

static void set_float(struct reel_token *token, uint64_t bits, size_t width)
{
    if (width == 4) {
        uint32_t half = (uint32_t)bits;
        float real;

        memcpy(&real, &half, sizeof real);
        token->real = (double)real;
    } else {
        memcpy(&token->real, &bits, sizeof token->real);
    }
}

/* The one-byte forms: small numbers, and small maps, arrays and strings. */
static uint32_t set_fix(struct reel_token *token, uint8_t first)
{
    if (first < 0x80) {
        token->kind = REEL_TOKEN_UINT;
        token->uint = first;
    } else if (first >= 0xe0) {
        token->kind = REEL_TOKEN_INT;
        token->sint = (int64_t)first - 256;
    } else if (first < 0x90) {
        token->kind = REEL_TOKEN_MAP;
        token->count = first & 0x0fu;
    } else if (first < 0xa0) {
        token->kind = REEL_TOKEN_ARRAY;
        token->count = first & 0x0fu;
    } else {
        token->kind = REEL_TOKEN_STR;
        return first & 0x1fu;
    }
    return 0;
}

/* The forms that `heads` lists; `bits` is the number of `width` bytes. Returns the bytes that
 * belong to the token after it; for an ext one of them is its type. */
static uint64_t set_headed(struct reel_token *token, uint8_t first, uint64_t bits, size_t width)
{
    token->kind = heads[first - 0xc0].kind;
    switch (token->kind) {
    case REEL_TOKEN_BOOL:
        token->boolean = first == 0xc3;
        return 0;
    case REEL_TOKEN_FLOAT:
        set_float(token, bits, width);
        return 0;
    case REEL_TOKEN_UINT:
        token->uint = bits;
        return 0;
    case REEL_TOKEN_INT:
        set_signed(token, bits, width);
        return 0;
    case REEL_TOKEN_ARRAY:
    case REEL_TOKEN_MAP:
        token->count = (uint32_t)bits;
        return 0;
    case REEL_TOKEN_STR:
    case REEL_TOKEN_BIN:
        return bits;
    case REEL_TOKEN_EXT:
        return 1 + (width ? bits : 1ull << (first - 0xd4));
    case REEL_TOKEN_NIL:
        break;
    }
    return 0;
}

static bool has_bytes(enum reel_token_kind kind)
{
    return kind == REEL_TOKEN_STR || kind == REEL_TOKEN_BIN || kind == REEL_TOKEN_EXT;
}

bool reel_token_next(struct reel_token_reader *reader, struct reel_token *token_out)
{
    const uint8_t *at = reader->at;
    struct reel_token token = {.kind = REEL_TOKEN_NIL};
    uint64_t bytes;

    if (at >= reader->end)
        return false;
    uint8_t first = *at++;
    if (first < 0xc0 || first >= 0xe0) {
        bytes = set_fix(&token, first);
    } else {
        const struct head *head = &heads[first - 0xc0];

        if (!head->valid || (size_t)(reader->end - at) < head->width)
            return false;
        bytes = set_headed(&token, first, big_endian(at, head->width), head->width);
        at += head->width;
    }
    if (bytes > (size_t)(reader->end - at))
        return false;
    if (has_bytes(token.kind)) {
        size_t type_bytes = token.kind == REEL_TOKEN_EXT;

        token.bytes = at + type_bytes;
        token.size = (uint32_t)(bytes - type_bytes);
    }
    reader->at = at + bytes;
    *token_out = token;
    return true;
}

static uint64_t values_inside(const struct reel_token *token)
{
    if (token->kind == REEL_TOKEN_ARRAY)
        return token->count;
    if (token->kind == REEL_TOKEN_MAP)
        return 2ull * token->count;
    return 0;
}

bool reel_token_skip_inside(struct reel_token_reader *reader, const struct reel_token *token)
{
    struct reel_token inner;

    for (uint64_t left = values_inside(token); left > 0; left--) {
        if (!reel_token_next(reader, &inner))
            return false;
        left += values_inside(&inner);
    }
    return true;
}

bool reel_token_skip(struct reel_token_reader *reader)
{
    struct reel_token token;

    return reel_token_next(reader, &token) && reel_token_skip_inside(reader, &token);
}

enum reel_code reel_guard_check(const uint8_t *payload, size_t bytes, struct reel_error *err_out)
{
    struct reel_token_reader reader = {payload, bytes ? payload + bytes : payload};
    uint64_t left[REEL_NESTING_MAX + 1] = {1}; /* values still to come, by depth */
    size_t depth = 0;
    struct reel_token token;

    for (;;) {
        size_t offset = (size_t)(reader.at - payload);

        while (left[depth] == 0 && depth > 0)
            depth--;
        if (left[depth] == 0)
            break;
        left[depth]--;
        if (!reel_token_next(&reader, &token))
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                                  "not MessagePack: breaks off or is malformed at byte %zu",
                                  offset);
        if (token.kind != REEL_TOKEN_ARRAY && token.kind != REEL_TOKEN_MAP)
            continue;
        uint64_t inside = values_inside(&token);
        if (inside > (size_t)(reader.end - reader.at))
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                                  "not MessagePack: the count at byte %zu exceeds the bytes left",
                                  offset);
        if (depth == REEL_NESTING_MAX)
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                                  "nested more than %d deep", REEL_NESTING_MAX);
        left[++depth] = inside;
    }
    if (reader.at != reader.end)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                              "%zu bytes follow the end of the MessagePack value",
                              (size_t)(reader.end - reader.at));
    return REEL_OK;
}
