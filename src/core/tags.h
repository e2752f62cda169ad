/* Tags: what a request makes of a recording's. Pure. */
#ifndef REEL_CORE_TAGS_H
#define REEL_CORE_TAGS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* Make the tags that are left when `change` is carried out on `tags` (NULL: none): its values are
 * set, null takes the tag away; with `replace` all others go. `*tags_out` is a new object, NULL
 * where none is left; `tags` is not changed. BAD_REQUEST with the field (`tags`, `tags.NAME`) where
 * `change` is no map, a tag is not what a fragment's may be, or more than REEL_TAGS_MAX would be
 * there; STALLED where memory ran out. */
enum reel_code reel_tags_change(const json_t *tags, json_t *change, bool replace, json_t **tags_out,
                                struct reel_error *err_out);

/* Say whether both are the same; NULL is as an empty object. */
bool reel_tags_equal(const json_t *a, const json_t *b);

#endif
