/* Spool record: bytes to structs and back. */
#include "core/spool_record.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "wire/topic.h"

static const uint8_t magic[4] = {'R', 'S', 'P', '1'};

enum { CHECKED_FROM = 12, LANE_BODY = REEL_SPOOL_LANE_BYTES - REEL_SPOOL_HEAD_BYTES };
enum { FLAG_ENDED = 1, FLAG_REFUSED = 2, FLAG_DAMAGED = 4 };
enum { FRAGMENT_BODY = REEL_SPOOL_FRAGMENT_HEAD_BYTES - REEL_SPOOL_HEAD_BYTES };

static uint8_t *put(uint8_t *at, uint64_t number, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        *at++ = (uint8_t)(number >> (8 * i));
    return at;
}

static uint64_t get(const uint8_t **at, unsigned width)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < width; i++)
        number |= (uint64_t) * (*at)++ << (8 * i);
    return number;
}

/* The body stands already. */
static void head_put(uint8_t *out, enum reel_spool_kind kind, size_t body_bytes)
{
    memcpy(out, magic, sizeof magic);
    put(put(out + CHECKED_FROM, kind, 4), body_bytes, 4);
    put(out + sizeof magic,
        XXH64(out + CHECKED_FROM, REEL_SPOOL_HEAD_BYTES - CHECKED_FROM + body_bytes, 0), 8);
}

static unsigned flags_of(const struct reel_spool_lane *lane)
{
    return (lane->ended ? FLAG_ENDED : 0u) | (lane->refused ? FLAG_REFUSED : 0u) |
           (lane->damaged ? FLAG_DAMAGED : 0u);
}

void reel_spool_lane_encode(const struct reel_spool_lane *lane, uint8_t out[REEL_SPOOL_LANE_BYTES])
{
    uint8_t *at = out + REEL_SPOOL_HEAD_BYTES;

    memset(at, 0, LANE_BODY);
    at = put(at, lane->number, 4);
    memcpy(at, lane->device, strlen(lane->device));
    memcpy(at + REEL_NAME_BYTES, lane->session, strlen(lane->session));
    at = put(at + 2 * REEL_NAME_BYTES, lane->boot, 8);
    at = put(at, lane->source.path_hash, 8);
    at = put(at, lane->source.bytes, 8);
    at = put(at, (uint64_t)lane->source.modified_ns, 8);
    at = put(at, lane->fragment_frames, 4);
    at = put(at, flags_of(lane), 2);
    at = put(at, lane->next_seq, 8);
    at = put(at, lane->next_frame, 8);
    put(at, lane->acknowledged, 8);
    head_put(out, REEL_SPOOL_LANE, LANE_BODY);
}

void reel_spool_fragment_encode(const struct reel_spool_fragment *fragment, uint8_t *out)
{
    uint8_t *at = out + REEL_SPOOL_HEAD_BYTES;

    at = put(at, fragment->lane, 4);
    at = put(at, fragment->frames, 4);
    at = put(at, fragment->seq, 8);
    at = put(at, fragment->next_frame, 8);
    at = put(at, fragment->end, 4);
    memcpy(at, fragment->payload, fragment->payload_bytes);
    head_put(out, REEL_SPOOL_FRAGMENT, FRAGMENT_BODY + fragment->payload_bytes);
}

bool reel_spool_record_begins(const uint8_t *bytes, size_t size)
{
    return memcmp(bytes, magic, size < sizeof magic ? size : sizeof magic) == 0;
}

size_t reel_spool_record_bytes(const uint8_t head[REEL_SPOOL_HEAD_BYTES])
{
    const uint8_t *at = head + CHECKED_FROM;
    uint64_t kind, body;

    if (memcmp(head, magic, sizeof magic) != 0)
        return 0;
    kind = get(&at, 4);
    body = get(&at, 4);
    if (kind == REEL_SPOOL_LANE ? body != LANE_BODY
                                : kind != REEL_SPOOL_FRAGMENT || body <= FRAGMENT_BODY ||
                                      body > REEL_SPOOL_BODY_MAX_BYTES)
        return 0;
    return REEL_SPOOL_HEAD_BYTES + (size_t)body;
}

static bool name_get(const uint8_t **at, char name_out[REEL_NAME_BYTES])
{
    memcpy(name_out, *at, REEL_NAME_BYTES);
    *at += REEL_NAME_BYTES;
    return name_out[REEL_NAME_BYTES - 1] == '\0' && reel_name_valid(name_out, strlen(name_out));
}

static bool lane_get(const uint8_t *at, struct reel_spool_lane *lane)
{
    uint64_t flags;

    lane->number = (uint32_t)get(&at, 4);
    if (!name_get(&at, lane->device) || !name_get(&at, lane->session))
        return false;
    lane->boot = get(&at, 8);
    lane->source.path_hash = get(&at, 8);
    lane->source.bytes = get(&at, 8);
    lane->source.modified_ns = (int64_t)get(&at, 8);
    lane->fragment_frames = (uint32_t)get(&at, 4);
    flags = get(&at, 2);
    lane->ended = flags & FLAG_ENDED;
    lane->refused = flags & FLAG_REFUSED;
    lane->damaged = flags & FLAG_DAMAGED;
    lane->next_seq = get(&at, 8);
    lane->next_frame = get(&at, 8);
    lane->acknowledged = get(&at, 8);
    return true;
}

static void fragment_get(const uint8_t *at, size_t body_bytes, struct reel_spool_fragment *fragment)
{
    fragment->lane = (uint32_t)get(&at, 4);
    fragment->frames = (uint32_t)get(&at, 4);
    fragment->seq = get(&at, 8);
    fragment->next_frame = get(&at, 8);
    fragment->end = get(&at, 4) != 0;
    fragment->payload = at;
    fragment->payload_bytes = body_bytes - FRAGMENT_BODY;
}

bool reel_spool_record_decode(const uint8_t *bytes, size_t size,
                              struct reel_spool_record *record_out)
{
    struct reel_spool_record record = {0};
    const uint8_t *body = bytes + REEL_SPOOL_HEAD_BYTES, *at = bytes + sizeof magic;

    if (size < REEL_SPOOL_HEAD_BYTES)
        return false;
    record.bytes = reel_spool_record_bytes(bytes);
    if (record.bytes == 0 || record.bytes > size ||
        get(&at, 8) != XXH64(bytes + CHECKED_FROM, record.bytes - CHECKED_FROM, 0))
        return false;
    record.kind = bytes[CHECKED_FROM] == REEL_SPOOL_LANE ? REEL_SPOOL_LANE : REEL_SPOOL_FRAGMENT;
    if (record.kind == REEL_SPOOL_FRAGMENT)
        fragment_get(body, record.bytes - REEL_SPOOL_HEAD_BYTES, &record.fragment);
    else if (!lane_get(body, &record.lane))
        return false;
    *record_out = record;
    return true;
}

size_t reel_spool_record_find(const uint8_t *bytes, size_t size, size_t from)
{
    struct reel_spool_record record;

    for (size_t at = from; at < size; at++) {
        const uint8_t *next = memchr(bytes + at, magic[0], size - at);

        if (!next)
            break;
        at = (size_t)(next - bytes);
        if (reel_spool_record_decode(next, size - at, &record))
            return at;
    }
    return size;
}
