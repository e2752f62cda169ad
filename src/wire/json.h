/* JSON: a stranger's text into a jansson value, bounded. */
#ifndef REEL_WIRE_JSON_H
#define REEL_WIRE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Say whether the payload is to be read as JSON: after white space or a BOM it begins with `{`. */
bool reel_json_begins(const uint8_t *payload, size_t bytes);

/* Load the object that the payload holds; nested at most REEL_NESTING_MAX deep, no duplicate key,
 * no U+0000, nothing behind it. The caller owns the object. NULL on error: BAD_REQUEST with the
 * field "payload", TOO_LARGE where it would take more than about `tree_max_bytes` once it is loaded
 * (a tree may be a hundred times as large as its text, `{},{},...`), STALLED where memory ran out
 * (as far as jansson says so: 2.14 calls some of its failed allocations an invalid token). */
json_t *reel_json_load(const uint8_t *payload, size_t bytes, size_t tree_max_bytes,
                       struct reel_error *err_out);

#endif
