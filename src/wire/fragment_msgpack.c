/* Fragment as MessagePack: walked token by token, once, without a tree. */
#include "wire/fragment_internal.h"

static bool next_number(struct reel_numbers_source *source, struct reel_token *token_out)
{
    /* A map or an array is no number, so nobody asks for what follows its head. */
    return reel_token_next(&source->reader, token_out);
}

/* `inside` is behind the token. */
static void take_data(struct reel_decoding *decoding, const struct reel_field *field,
                      const struct reel_token *token, struct reel_token_reader inside)
{
    if (token->kind == REEL_TOKEN_NIL)
        return;
    reel_field_mark(decoding, field);
    if (token->kind == REEL_TOKEN_BIN || token->kind == REEL_TOKEN_STR) {
        decoding->data.kind = REEL_DATA_BYTES;
        decoding->data.bytes = token->bytes;
        decoding->data.size = token->size;
    } else if (token->kind == REEL_TOKEN_ARRAY) {
        decoding->data.kind = REEL_DATA_NUMBERS;
        decoding->data.numbers = (struct reel_numbers_source){
            .count = token->count, .next = next_number, .reader = inside};
    } else {
        reel_fragment_fail_type(decoding, field->path, "binary data or an array", token);
    }
}

static void take_tags(struct reel_decoding *decoding, const struct reel_field *field,
                      const struct reel_token *token, struct reel_token_reader inside)
{
    struct reel_token name, tag;

    if (token->kind == REEL_TOKEN_NIL)
        return;
    if (token->kind != REEL_TOKEN_MAP) {
        reel_fragment_fail_type(decoding, field->path, "a map", token);
        return;
    }
    for (uint32_t i = 0; i < token->count && decoding->err.code == REEL_OK; i++) {
        struct reel_token_reader one;

        if (!reel_token_next(&inside, &name))
            return;
        if (name.kind != REEL_TOKEN_STR) {
            reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, field->path, "names must be strings");
            return;
        }
        one = inside;
        if (!reel_token_skip(&inside) || !reel_token_next(&one, &tag))
            return;
        reel_tag_take(decoding, (const char *)name.bytes, name.size, &tag);
    }
}

static bool walk_pairs(struct reel_decoding *decoding, struct reel_token_reader *reader,
                       uint32_t count, enum reel_section section);

/* Take the value that the reader is at, and move on behind it; false where it breaks off. */
static bool take_value(struct reel_decoding *decoding, const struct reel_field *field,
                       struct reel_token_reader *reader)
{
    struct reel_token token;

    if (!reel_token_next(reader, &token))
        return false;
    if (field->id == REEL_FIELD_DATA) {
        take_data(decoding, field, &token, *reader);
    } else if (field->id == REEL_FIELD_TAGS) {
        take_tags(decoding, field, &token, *reader);
    } else if (field->opens == REEL_LEAF) {
        reel_field_take(decoding, field, field->path, &token);
    } else if (token.kind == REEL_TOKEN_MAP) {
        reel_field_mark(decoding, field);
        return walk_pairs(decoding, reader, token.count, field->opens);
    } else if (token.kind != REEL_TOKEN_NIL) {
        reel_field_mark(decoding, field);
        reel_fragment_fail_type(decoding, field->path, "a map", &token);
    }
    return reel_token_skip_inside(reader, &token);
}

/* Take the known fields of a map of `count` pairs, and move on behind it; false where it breaks
 * off. Recursion is as deep as the sections are. */
static bool walk_pairs(struct reel_decoding *decoding, struct reel_token_reader *reader,
                       uint32_t count, enum reel_section section)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct reel_field *field = NULL;
        struct reel_token key;

        if (!reel_token_next(reader, &key) || !reel_token_skip_inside(reader, &key))
            return false;
        if (key.kind == REEL_TOKEN_STR)
            field = reel_field_find(section, (const char *)key.bytes, key.size);
        if (field && !reel_field_see(decoding, field, field->path))
            field = NULL;
        if (!(field ? take_value(decoding, field, reader) : reel_token_skip(reader)))
            return false;
    }
    return true;
}

void reel_fragment_walk_msgpack(struct reel_decoding *decoding, const uint8_t *payload,
                                size_t bytes)
{
    struct reel_token_reader reader = {payload, payload + bytes};
    struct reel_token token;

    if (!reel_token_next(&reader, &token) || token.kind != REEL_TOKEN_MAP) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "payload",
                           "is no MessagePack map, JSON object or WAV file");
        return;
    }
    /* Broken bytes are walked too, as far as they go: a truncated payload mostly still says whose
     * it is and where the answer goes. */
    reel_guard_check(payload, bytes, decoding->err.code == REEL_OK ? &decoding->err : NULL);
    (void)walk_pairs(decoding, &reader, token.count, REEL_ROOT);
}
