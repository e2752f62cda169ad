/* Fragment, the tags: a few short strings to strings or numbers, kept as a JSON object. */
#include "wire/fragment_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire/utf8.h"

static bool text_valid(const struct reel_token *value)
{
    return value->size <= REEL_TAG_VALUE_BYTES && reel_utf8_valid(value->bytes, value->size);
}

static bool number_valid(const struct reel_token *value)
{
    int64_t whole;

    return value->kind == REEL_TOKEN_FLOAT ? isfinite(value->real)
                                           : reel_token_whole(value, &whole);
}

/* Say whether the value may be a tag's; keep an error if not. */
static bool value_valid(struct reel_decoding *decoding, const char *path,
                        const struct reel_token *value)
{
    switch (value->kind) {
    case REEL_TOKEN_STR:
        if (text_valid(value))
            return true;
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path, "must be UTF-8 of at most %d bytes",
                           REEL_TAG_VALUE_BYTES);
        return false;
    case REEL_TOKEN_UINT:
    case REEL_TOKEN_INT:
    case REEL_TOKEN_FLOAT:
        if (number_valid(value))
            return true;
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path,
                           "must be a finite number below 2^63");
        return false;
    default:
        reel_fragment_fail_type(decoding, path, "a string or a number", value);
        return false;
    }
}

static json_t *json_of(const struct reel_token *value)
{
    int64_t whole = 0;

    if (value->kind == REEL_TOKEN_STR)
        return json_stringn((const char *)value->bytes, value->size);
    if (value->kind == REEL_TOKEN_FLOAT)
        return json_real(value->real);
    reel_token_whole(value, &whole);
    return json_integer(whole);
}

static bool name_valid(const char *name, size_t bytes)
{
    return bytes >= 1 && bytes <= REEL_TAG_NAME_BYTES && reel_utf8_clean(name, bytes);
}

void reel_tag_take(struct reel_decoding *decoding, const char *name, size_t name_bytes,
                   const struct reel_token *value)
{
    const char *tags_path = reel_field_get(REEL_FIELD_TAGS)->path;
    json_t **tags = &decoding->out->tags;
    char key[REEL_TAG_NAME_BYTES + 1];
    char path[sizeof key + sizeof "metadata.tags."];

    if (!name_valid(name, name_bytes)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, tags_path,
                           "names must be 1 to %d bytes of UTF-8 without control characters",
                           REEL_TAG_NAME_BYTES);
        return;
    }
    memcpy(key, name, name_bytes);
    key[name_bytes] = '\0';
    snprintf(path, sizeof path, "%s.%s", tags_path, key);
    if (!*tags)
        *tags = json_object();
    if (json_object_get(*tags, key)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path, "is given twice");
        return;
    }
    if (json_object_size(*tags) == REEL_TAGS_MAX) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, tags_path, "must be at most %d",
                           REEL_TAGS_MAX);
        return;
    }
    if (value_valid(decoding, path, value) && json_object_set_new(*tags, key, json_of(value)) != 0)
        reel_fragment_fail(decoding, REEL_E_STALLED, tags_path, "out of memory");
}
