/* Fields: reads a request's members one by one, each with its type and range. Pure.
 *
 *   struct reel_fields fields = {.document = request, .err_out = err_out};
 *   plan->has_rate = reel_fields_uint(&fields, "rate", 1, REEL_RATE_MAX, &plan->rate);
 *   ...
 *   return fields.code;
 *
 * Every reader says whether the member is there and good. The first that is of the wrong type or
 * out of range sets `code` to BAD_REQUEST and describes it in `err_out`; from then on all say
 * false. A member that is null is of the wrong type: who means "no filter" leaves it away. The
 * outputs are untouched where false is returned. */
#ifndef REEL_CORE_FIELDS_H
#define REEL_CORE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct reel_fields {
    const json_t *document; /* an object; NULL has no members */
    struct reel_error *err_out;
    enum reel_code code;
};

/* A whole number from `least` to `most`. */
bool reel_fields_uint(struct reel_fields *fields, const char *field, uint64_t least, uint64_t most,
                      uint64_t *value_out);

/* The same of a value by itself, for arrays: whole and >= 0. A real may stand for it where it is
 * whole and at most 2^53, as some encoders have it. False, `*value_out` untouched, otherwise. */
bool reel_value_uint(const json_t *value, uint64_t *value_out);

/* Seconds: a finite number >= 0, whole or not. */
bool reel_fields_seconds(struct reel_fields *fields, const char *field, double *value_out);

bool reel_fields_bool(struct reel_fields *fields, const char *field, bool *value_out);

/* A string; `*text_out` belongs to the document. */
bool reel_fields_text(struct reel_fields *fields, const char *field, const char **text_out);

/* A name of the protocol: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit. */
bool reel_fields_name(struct reel_fields *fields, const char *field, char out[REEL_NAME_BYTES]);

/* RFC 3339. */
bool reel_fields_time(struct reel_fields *fields, const char *field, int64_t *time_us_out);

/* One of `count` strings: its index. The message lists them. */
bool reel_fields_choice(struct reel_fields *fields, const char *field, const char *const *choices,
                        size_t count, size_t *index_out);

/* Fail with BAD_REQUEST where `present` is false: the member is needed. */
void reel_fields_need(struct reel_fields *fields, const char *field, bool present);

/* Fail, unless something failed before: for checks of several members together. */
void reel_fields_fail(struct reel_fields *fields, enum reel_code code, const char *field,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
