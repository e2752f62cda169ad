/* Tags: a request's change of them. */
#include "core/tags.h"

#include <string.h>

#include "base/limits.h"
#include "wire/tag.h"
#include "wire/token.h"

static const char field[] = "tags";

static enum reel_code no_memory(struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_STALLED, field, "out of memory");
}

static enum reel_code set(json_t *tags, const char *name, const json_t *value,
                          struct reel_error *err_out)
{
    const struct reel_token token = reel_token_of_json(value);
    size_t name_bytes = strlen(name);
    enum reel_code code = reel_tag_check_name(field, name, name_bytes, err_out);

    if (code == REEL_OK && token.kind != REEL_TOKEN_NIL)
        code = reel_tag_check_value(field, name, name_bytes, &token, err_out);
    if (code != REEL_OK)
        return code;
    if (token.kind == REEL_TOKEN_NIL)
        json_object_del(tags, name);
    else if (json_object_set_new(tags, name, reel_tag_value(&token)) != 0)
        return no_memory(err_out);
    return REEL_OK;
}

static enum reel_code set_all(json_t *tags, json_t *change, struct reel_error *err_out)
{
    const char *name;
    json_t *value;

    json_object_foreach (change, name, value) {
        enum reel_code code = set(tags, name, value, err_out);

        if (code != REEL_OK)
            return code;
    }
    if (json_object_size(tags) > REEL_TAGS_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "a recording has at most %d tags, and would have %zu", REEL_TAGS_MAX,
                              json_object_size(tags));
    return REEL_OK;
}

enum reel_code reel_tags_change(const json_t *tags, json_t *change, bool replace, json_t **tags_out,
                                struct reel_error *err_out)
{
    json_t *changed;
    enum reel_code code;

    if (!json_is_object(change))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "tags must be a map of names to strings, numbers or null");
    changed = tags && !replace ? json_deep_copy(tags) : json_object();
    if (!changed)
        return no_memory(err_out);
    code = set_all(changed, change, err_out);
    if (code != REEL_OK || json_object_size(changed) == 0) {
        json_decref(changed);
        changed = NULL;
    }
    if (code == REEL_OK)
        *tags_out = changed;
    return code;
}

bool reel_tags_equal(const json_t *a, const json_t *b)
{
    if (json_object_size(a) == 0 || json_object_size(b) == 0)
        return json_object_size(a) == json_object_size(b);
    return json_equal(a, b);
}
