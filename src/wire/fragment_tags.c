/* Fragment, the tags: a few short strings to strings or numbers, kept as a JSON object. */
#include "wire/fragment_internal.h"

#include <stdio.h>
#include <string.h>

#include "wire/tag.h"

void reel_tag_take(struct reel_decoding *decoding, const char *name, size_t name_bytes,
                   const struct reel_token *value)
{
    const char *tags_path = reel_field_get(REEL_FIELD_TAGS)->path;
    json_t **tags = &decoding->out->tags;
    char key[REEL_TAG_NAME_BYTES + 1];
    char path[sizeof key + sizeof "metadata.tags."];

    if (decoding->err.code || reel_tag_check_name(tags_path, name, name_bytes, &decoding->err))
        return;
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
    if (reel_tag_check_value(tags_path, name, name_bytes, value, &decoding->err) == REEL_OK &&
        json_object_set_new(*tags, key, reel_tag_value(value)) != 0)
        reel_fragment_fail(decoding, REEL_E_STALLED, tags_path, "out of memory");
}
