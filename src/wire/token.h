/* Token: one value of a document, from MessagePack (guard.h reads those) or from JSON. */
#ifndef REEL_WIRE_TOKEN_H
#define REEL_WIRE_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/guard.h"

/* "a string", "an integer", for messages. */
const char *reel_token_kind_name(enum reel_token_kind kind);

/* The whole number that the token stands for: any integer up to 2^63-1, or a float with a whole
 * value up to 2^53. */
bool reel_token_whole(const struct reel_token *token, int64_t *value_out);

/* The value as a token; a string is borrowed from it. */
struct reel_token reel_token_of_json(const json_t *json);

#endif
