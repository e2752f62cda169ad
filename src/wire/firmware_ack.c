/* Firmware: an acknowledgement into a fixed struct. */
#include "reel/ack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/guard.h"

/* A value that is nil counts as absent. */
static bool take_text(const struct reel_token *value, char *out, size_t capacity)
{
    size_t bytes;

    if (value->kind == REEL_TOKEN_NIL)
        return true;
    if (value->kind != REEL_TOKEN_STR)
        return false;
    bytes = value->size < capacity ? value->size : capacity - 1;
    memcpy(out, value->bytes, bytes);
    out[bytes] = '\0';
    return true;
}

static bool take_uint(const struct reel_token *value, bool *has_out, uint64_t *out)
{
    if (value->kind == REEL_TOKEN_NIL)
        return true;
    if (value->kind != REEL_TOKEN_UINT)
        return false;
    *has_out = true;
    *out = value->uint;
    return true;
}

static bool take_boot(const struct reel_token *value, char *out, size_t capacity)
{
    if (value->kind != REEL_TOKEN_UINT)
        return take_text(value, out, capacity);
    snprintf(out, capacity, "%" PRIu64, value->uint);
    return true;
}

static bool next_uint(struct reel_token_reader *reader, uint64_t *out)
{
    struct reel_token token;

    if (!reel_token_next(reader, &token) || token.kind != REEL_TOKEN_UINT)
        return false;
    *out = token.uint;
    return true;
}

/* [[first, last], ...], without those that end before `oldest`. */
static bool take_ranges(struct reel_token_reader reader, uint64_t oldest,
                        struct reel_recorder_ranges *out)
{
    struct reel_token array, pair;
    struct reel_recorder_range range;

    if (!reel_token_next(&reader, &array))
        return false;
    if (array.kind == REEL_TOKEN_NIL)
        return true;
    if (array.kind != REEL_TOKEN_ARRAY)
        return false;
    out->count = 0;
    for (uint32_t i = 0; i < array.count; i++) {
        if (!reel_token_next(&reader, &pair) || pair.kind != REEL_TOKEN_ARRAY || pair.count != 2 ||
            !next_uint(&reader, &range.first) || !next_uint(&reader, &range.last))
            return false;
        if (range.last < oldest)
            continue;
        if (out->count < out->capacity)
            out->at[out->count] = range;
        out->count++;
    }
    return true;
}

static bool text_is(const struct reel_token *text, const char *wanted)
{
    return text->kind == REEL_TOKEN_STR && text->size == strlen(wanted) &&
           memcmp(text->bytes, wanted, text->size) == 0;
}

/* Take the pairs of a map one by one: `take` gets each key with a reader at its value. */
static bool each_pair(struct reel_token_reader map, struct reel_recorder_ack *ack,
                      bool (*take)(struct reel_recorder_ack *ack, const struct reel_token *key,
                                   struct reel_token_reader value))
{
    struct reel_token token, key;

    if (!reel_token_next(&map, &token))
        return false;
    if (token.kind == REEL_TOKEN_NIL)
        return true;
    if (token.kind != REEL_TOKEN_MAP)
        return false;
    for (uint32_t i = 0; i < token.count; i++) {
        struct reel_token_reader key_at = map;

        if (!reel_token_skip(&map) || !reel_token_next(&key_at, &key) || !take(ack, &key, map) ||
            !reel_token_skip(&map))
            return false;
    }
    return true;
}

static bool take_error_member(struct reel_recorder_ack *ack, const struct reel_token *key,
                              struct reel_token_reader value)
{
    struct reel_token token;

    if (!reel_token_next(&value, &token))
        return false;
    if (text_is(key, "code"))
        return take_text(&token, ack->code, sizeof ack->code);
    if (text_is(key, "field"))
        return take_text(&token, ack->field, sizeof ack->field);
    if (text_is(key, "message"))
        return take_text(&token, ack->message, sizeof ack->message);
    return true;
}

static bool take_status(struct reel_recorder_ack *ack, const struct reel_token *value)
{
    ack->ok = text_is(value, "ok");
    return ack->ok || text_is(value, "error");
}

static bool take_member(struct reel_recorder_ack *ack, const struct reel_token *key,
                        struct reel_token_reader value)
{
    struct reel_token_reader at = value;
    struct reel_token token;
    bool has;

    if (!reel_token_next(&at, &token))
        return false;
    if (text_is(key, "status"))
        return take_status(ack, &token);
    if (text_is(key, "error"))
        return each_pair(value, ack, take_error_member);
    if (text_is(key, "device"))
        return take_text(&token, ack->device, sizeof ack->device);
    if (text_is(key, "session"))
        return take_text(&token, ack->session, sizeof ack->session);
    if (text_is(key, "boot"))
        return take_boot(&token, ack->boot, sizeof ack->boot);
    if (text_is(key, "seq"))
        return take_uint(&token, &ack->has_seq, &ack->seq);
    if (text_is(key, "frame"))
        return take_uint(&token, &ack->has_frame, &ack->frame);
    if (text_is(key, "next_frame"))
        return take_uint(&token, &ack->has_next_frame, &ack->next_frame);
    if (text_is(key, "frames"))
        return take_uint(&token, &has, &ack->frames);
    if (text_is(key, "missing"))
        return take_ranges(value, ack->oldest_seq, &ack->missing);
    if (text_is(key, "missing_frames"))
        return take_ranges(value, 0, &ack->missing_frames);
    if (text_is(key, "lost"))
        return take_ranges(value, ack->oldest_seq, &ack->lost);
    return true;
}

bool reel_recorder_ack_decode(const void *payload, size_t bytes, struct reel_recorder_ack *ack)
{
    struct reel_recorder_ack fresh = {
        .missing = {ack->missing.at, ack->missing.capacity, 0},
        .missing_frames = {ack->missing_frames.at, ack->missing_frames.capacity, 0},
        .lost = {ack->lost.at, ack->lost.capacity, 0},
        .oldest_seq = ack->oldest_seq,
    };
    struct reel_token_reader reader;

    *ack = fresh;
    if (reel_guard_check(payload, bytes, NULL) != REEL_OK)
        return false;
    reader = (struct reel_token_reader){payload, (const uint8_t *)payload + bytes};
    return each_pair(reader, ack, take_member) && (ack->ok || ack->code[0]);
}

/* Where `seq` is to the ranges: in one, between them, or past the last that was stored. */
enum where { WITHIN, OUTSIDE, PAST };

static enum where find(const struct reel_recorder_ranges *ranges, uint64_t seq)
{
    size_t stored = ranges->count < ranges->capacity ? ranges->count : ranges->capacity;

    for (size_t i = 0; i < stored; i++) {
        if (seq < ranges->at[i].first)
            return OUTSIDE;
        if (seq <= ranges->at[i].last)
            return WITHIN;
    }
    return stored < ranges->count ? PAST : OUTSIDE;
}

enum reel_recorder_fate reel_recorder_ack_fate(const struct reel_recorder_ack *ack, uint64_t seq)
{
    enum where missing = find(&ack->missing, seq);
    enum where lost = find(&ack->lost, seq);

    if (!ack->ok || !ack->has_seq || seq > ack->seq)
        return REEL_RECORDER_UNKNOWN;
    if (missing == WITHIN)
        return REEL_RECORDER_MISSING;
    if (lost == WITHIN)
        return REEL_RECORDER_LOST;
    return missing == PAST || lost == PAST ? REEL_RECORDER_UNKNOWN : REEL_RECORDER_DURABLE;
}
