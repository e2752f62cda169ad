/* Fragment as MessagePack: walked token by token, without a tree. */
#include "wire/fragment_internal.h"

static bool next_number(struct reel_numbers_source *source, struct reel_token *token_out)
{
    /* A map or an array is no number, so nobody asks for what follows its head. */
    return reel_token_next(&source->reader, token_out);
}

static void take_data(struct reel_decoding *decoding, const struct reel_field *field,
                      struct reel_token_reader value)
{
    struct reel_token token;

    if (!reel_token_next(&value, &token) || token.kind == REEL_TOKEN_NIL)
        return;
    reel_field_mark(decoding, field);
    if (token.kind == REEL_TOKEN_BIN || token.kind == REEL_TOKEN_STR) {
        decoding->data.kind = REEL_DATA_BYTES;
        decoding->data.bytes = token.bytes;
        decoding->data.size = token.size;
    } else if (token.kind == REEL_TOKEN_ARRAY) {
        decoding->data.kind = REEL_DATA_NUMBERS;
        decoding->data.numbers = (struct reel_numbers_source){
            .count = token.count, .next = next_number, .reader = value};
    } else {
        reel_fragment_fail_type(decoding, field->path, "binary data or an array", &token);
    }
}

static void take_tags(struct reel_decoding *decoding, const struct reel_field *field,
                      struct reel_token_reader value)
{
    struct reel_token token, name, tag;

    if (!reel_token_next(&value, &token) || token.kind == REEL_TOKEN_NIL)
        return;
    if (token.kind != REEL_TOKEN_MAP) {
        reel_fragment_fail_type(decoding, field->path, "a map", &token);
        return;
    }
    for (uint32_t i = 0; i < token.count && decoding->err.code == REEL_OK; i++) {
        struct reel_token_reader one;

        if (!reel_token_next(&value, &name))
            return;
        if (name.kind != REEL_TOKEN_STR) {
            reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, field->path, "names must be strings");
            return;
        }
        one = value;
        if (!reel_token_skip(&value) || !reel_token_next(&one, &tag))
            return;
        reel_tag_take(decoding, (const char *)name.bytes, name.size, &tag);
    }
}

static void walk_map(struct reel_decoding *decoding, struct reel_token_reader map,
                     enum reel_section section);

static void take_value(struct reel_decoding *decoding, const struct reel_field *field,
                       struct reel_token_reader value)
{
    struct reel_token_reader map = value;
    struct reel_token token;

    if (field->id == REEL_FIELD_DATA) {
        take_data(decoding, field, value);
    } else if (field->id == REEL_FIELD_TAGS) {
        take_tags(decoding, field, value);
    } else if (!reel_token_next(&value, &token)) {
        return;
    } else if (field->opens == REEL_LEAF) {
        reel_field_take(decoding, field, field->path, &token);
    } else if (token.kind == REEL_TOKEN_MAP) {
        reel_field_mark(decoding, field);
        walk_map(decoding, map, field->opens);
    } else if (token.kind != REEL_TOKEN_NIL) {
        reel_field_mark(decoding, field);
        reel_fragment_fail_type(decoding, field->path, "a map", &token);
    }
}

/* Take the known fields of the map at `map`; recursion is as deep as the sections are. */
static void walk_map(struct reel_decoding *decoding, struct reel_token_reader map,
                     enum reel_section section)
{
    struct reel_token token, key;

    if (!reel_token_next(&map, &token))
        return;
    for (uint32_t i = 0; i < token.count; i++) {
        const struct reel_field *field = NULL;
        struct reel_token_reader key_at = map;
        struct reel_token_reader value;

        if (!reel_token_skip(&map) || !reel_token_next(&key_at, &key))
            return;
        if (key.kind == REEL_TOKEN_STR)
            field = reel_field_find(section, (const char *)key.bytes, key.size);
        value = map;
        bool whole = reel_token_skip(&map);
        if (field && reel_field_see(decoding, field, field->path))
            take_value(decoding, field, value);
        if (!whole)
            return;
    }
}

void reel_fragment_walk_msgpack(struct reel_decoding *decoding, const uint8_t *payload,
                                size_t bytes)
{
    struct reel_token_reader reader = {payload, payload + bytes};
    struct reel_token_reader first = reader;
    struct reel_token token;

    if (!reel_token_next(&first, &token) || token.kind != REEL_TOKEN_MAP) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "payload",
                           "is no MessagePack map, JSON object or WAV file");
        return;
    }
    /* Broken bytes are walked too, as far as they go: a truncated payload mostly still says whose
     * it is and where the answer goes. */
    reel_guard_check(payload, bytes, decoding->err.code == REEL_OK ? &decoding->err : NULL);
    walk_map(decoding, reader, REEL_ROOT);
}
