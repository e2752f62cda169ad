/* Tag: what one may be, wherever it comes from: a short name to a short string or a number. */
#ifndef REEL_WIRE_TAG_H
#define REEL_WIRE_TAG_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/guard.h"

/* Check the name: 1 to REEL_TAG_NAME_BYTES bytes of UTF-8 without control characters; and the
 * value: UTF-8 of at most REEL_TAG_VALUE_BYTES without U+0000, or a finite number, a whole one
 * below 2^63. Otherwise BAD_REQUEST with the field `path`, or where the value is at fault
 * `path.name`. */
enum reel_code reel_tag_check_name(const char *path, const char *name, size_t name_bytes,
                                   struct reel_error *err_out);
enum reel_code reel_tag_check_value(const char *path, const char *name, size_t name_bytes,
                                    const struct reel_token *value, struct reel_error *err_out);

/* A value that was checked, as JSON has it; NULL if memory ran out. */
json_t *reel_tag_value(const struct reel_token *value);

#endif
