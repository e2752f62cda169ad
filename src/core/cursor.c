/* Cursor: packing and unpacking. */
#include "core/cursor.h"

#include <string.h>

#include "wire/message.h"
#include "wire/topic.h"

enum cursor_kind { KIND_LIST = 1, KIND_REJECTS = 2, KIND_DEVICES = 3 };

enum {
    HEAD_BYTES = 1 + 4 + 8 + 8,
    HASH_BYTES = 4,
    PACKED_MAX = HEAD_BYTES + 2 * REEL_NAME_BYTES + HASH_BYTES,
};

struct packed {
    uint8_t bytes[PACKED_MAX];
    size_t size;
};

static void hash_bytes(struct reel_hash *hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash->value = (hash->value ^ at[i]) * 16777619u;
}

void reel_hash_init(struct reel_hash *hash)
{
    hash->value = 2166136261u;
}

void reel_hash_uint(struct reel_hash *hash, bool present, uint64_t value)
{
    uint8_t bytes[9] = {present};

    for (int i = 0; i < 8 && present; i++)
        bytes[i + 1] = (uint8_t)(value >> (8 * i));
    hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void reel_hash_real(struct reel_hash *hash, bool present, double value)
{
    reel_hash_uint(hash, present, bits_of(value));
}

void reel_hash_text(struct reel_hash *hash, bool present, const char *text)
{
    reel_hash_uint(hash, present, 0);
    if (present)
        hash_bytes(hash, text, strlen(text) + 1);
}

static void pack_uint(struct packed *packed, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++)
        packed->bytes[packed->size++] = (uint8_t)(value >> (8 * i));
}

static void pack_name(struct packed *packed, const char *name)
{
    size_t size = strlen(name) + 1;

    memcpy(packed->bytes + packed->size, name, size);
    packed->size += size;
}

static uint32_t hash_of(const uint8_t *bytes, size_t size)
{
    struct reel_hash hash;

    reel_hash_init(&hash);
    hash_bytes(&hash, bytes, size);
    return hash.value;
}

/* Base64 with - and _ for + and /, so that the text needs no escaping anywhere; no padding. */
static void write_text(struct packed *packed, char out[REEL_CURSOR_TEXT_BYTES])
{
    pack_uint(packed, HASH_BYTES, hash_of(packed->bytes, packed->size));
    reel_base64_encode(packed->bytes, packed->size, out);
    for (char *at = out; *at; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
        else if (*at == '=')
            *at = '\0';
    }
}

static bool read_text(const char *text, struct packed *packed)
{
    char standard[REEL_CURSOR_TEXT_BYTES];
    uint8_t bytes[REEL_CURSOR_TEXT_BYTES];
    size_t length = strlen(text);
    size_t size;

    if (length >= sizeof standard)
        return false;
    for (size_t i = 0; i <= length; i++)
        standard[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    if (!reel_base64_decode(standard, length, bytes, &size))
        return false;
    if (size < HEAD_BYTES + HASH_BYTES || size > sizeof packed->bytes)
        return false;
    packed->size = size;
    memcpy(packed->bytes, bytes, size);
    return true;
}

static uint64_t unpack_uint(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static bool is_ours(const struct packed *packed, enum cursor_kind kind, uint32_t fingerprint)
{
    size_t size = packed->size - HASH_BYTES;

    return unpack_uint(packed->bytes + size, HASH_BYTES) == hash_of(packed->bytes, size) &&
           packed->bytes[0] == kind && unpack_uint(packed->bytes + 1, 4) == fingerprint;
}

void reel_cursor_encode(const struct reel_list_plan *plan, const struct reel_cursor *cursor,
                        char out[REEL_CURSOR_TEXT_BYTES])
{
    struct packed packed = {.size = 0};

    pack_uint(&packed, 1, KIND_LIST);
    pack_uint(&packed, 4, plan->fingerprint);
    pack_uint(&packed, 8,
              plan->sort == REEL_SORT_DURATION ? bits_of(cursor->real) : (uint64_t)cursor->integer);
    pack_uint(&packed, 8, cursor->rowid);
    if (plan->sort == REEL_SORT_NAME) {
        pack_name(&packed, cursor->device);
        pack_name(&packed, cursor->session);
    }
    write_text(&packed, out);
}

/* Two names, each ended by a zero, and nothing after them. */
static bool unpack_names(const uint8_t *at, size_t size, struct reel_cursor *cursor)
{
    const uint8_t *end = memchr(at, 0, size);
    size_t device_bytes = end ? (size_t)(end - at) : 0;
    const char *session = (const char *)at + device_bytes + 1;

    if (!end || device_bytes + 2 > size || at[size - 1] != 0 ||
        strlen(session) != size - device_bytes - 2 ||
        !reel_name_valid((const char *)at, device_bytes) ||
        !reel_name_valid(session, strlen(session)))
        return false;
    memcpy(cursor->device, at, device_bytes + 1); /* a valid name fits, its zero too */
    memcpy(cursor->session, session, strlen(session) + 1);
    return true;
}

bool reel_cursor_decode(const char *text, const struct reel_list_plan *plan,
                        struct reel_cursor *cursor_out)
{
    struct reel_cursor cursor = {0};
    struct packed packed;
    uint64_t key;
    size_t names_bytes;

    if (!read_text(text, &packed) || !is_ours(&packed, KIND_LIST, plan->fingerprint))
        return false;
    key = unpack_uint(packed.bytes + 5, 8);
    cursor.rowid = unpack_uint(packed.bytes + 13, 8);
    names_bytes = packed.size - HEAD_BYTES - HASH_BYTES;
    if (plan->sort == REEL_SORT_NAME) {
        if (!unpack_names(packed.bytes + HEAD_BYTES, names_bytes, &cursor))
            return false;
    } else if (names_bytes > 0) {
        return false;
    }
    if (plan->sort == REEL_SORT_DURATION)
        memcpy(&cursor.real, &key, sizeof key);
    else
        cursor.integer = (int64_t)key;
    *cursor_out = cursor;
    return true;
}

void reel_rejects_cursor_encode(const struct reel_rejects_plan *plan, uint64_t last_id,
                                char out[REEL_CURSOR_TEXT_BYTES])
{
    struct packed packed = {.size = 0};

    pack_uint(&packed, 1, KIND_REJECTS);
    pack_uint(&packed, 4, plan->fingerprint);
    pack_uint(&packed, 8, 0);
    pack_uint(&packed, 8, last_id);
    write_text(&packed, out);
}

bool reel_rejects_cursor_decode(const char *text, const struct reel_rejects_plan *plan,
                                uint64_t *last_id_out)
{
    struct packed packed;

    if (!read_text(text, &packed) || !is_ours(&packed, KIND_REJECTS, plan->fingerprint) ||
        packed.size != HEAD_BYTES + HASH_BYTES)
        return false;
    *last_id_out = unpack_uint(packed.bytes + 13, 8);
    return true;
}

void reel_devices_cursor_encode(const char *last, char out[REEL_CURSOR_TEXT_BYTES])
{
    struct packed packed = {.size = 0};

    pack_uint(&packed, 1, KIND_DEVICES);
    pack_uint(&packed, 4, 0);
    pack_uint(&packed, 8, 0);
    pack_uint(&packed, 8, 0);
    pack_name(&packed, last);
    write_text(&packed, out);
}

bool reel_devices_cursor_decode(const char *text, char last_out[REEL_NAME_BYTES])
{
    struct packed packed;
    const char *name = (const char *)packed.bytes + HEAD_BYTES;
    size_t name_bytes;

    if (!read_text(text, &packed) || !is_ours(&packed, KIND_DEVICES, 0))
        return false;
    name_bytes = packed.size - HEAD_BYTES - HASH_BYTES;
    if (name_bytes < 2 || name[name_bytes - 1] != '\0' || !reel_name_valid(name, name_bytes - 1))
        return false;
    memcpy(last_out, name, name_bytes); /* a valid name fits, its zero too */
    return true;
}
