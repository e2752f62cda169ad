/* Fragment, the tags: a few short strings to strings or numbers, kept as a JSON object. */
#include "wire/fragment_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire/utf8.h"

static json_t *tag_text(const struct reel_token *value)
{
    if (value->size > REEL_TAG_VALUE_BYTES || !reel_utf8_valid(value->bytes, value->size))
        return NULL;
    return json_stringn((const char *)value->bytes, value->size);
}

static json_t *tag_number(const struct reel_token *value)
{
    int64_t whole;

    if (value->kind == REEL_TOKEN_FLOAT)
        return isfinite(value->real) ? json_real(value->real) : NULL;
    return reel_token_whole(value, &whole) ? json_integer(whole) : NULL;
}

static json_t *tag_value(struct reel_decoding *decoding, const char *path,
                         const struct reel_token *value)
{
    json_t *json = NULL;

    switch (value->kind) {
    case REEL_TOKEN_STR:
        json = tag_text(value);
        break;
    case REEL_TOKEN_UINT:
    case REEL_TOKEN_INT:
    case REEL_TOKEN_FLOAT:
        json = tag_number(value);
        break;
    default:
        reel_fragment_fail_type(decoding, path, "a string or a number", value);
        return NULL;
    }
    if (!json)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path,
                           "must be UTF-8 of at most %d bytes, or a finite number below 2^63",
                           REEL_TAG_VALUE_BYTES);
    return json;
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
    json_t *json = tag_value(decoding, path, value);
    if (json && json_object_set_new(*tags, key, json) != 0)
        reel_fragment_fail(decoding, REEL_E_STALLED, tags_path, "out of memory");
}
