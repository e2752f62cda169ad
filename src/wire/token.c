/* Token: what it is called, what number it stands for, how JSON makes one. */
#include "wire/token.h"

#include <math.h>

#include "base/limits.h"

const char *reel_token_kind_name(enum reel_token_kind kind)
{
    static const char *const kinds[] = {
        [REEL_TOKEN_NIL] = "nil",         [REEL_TOKEN_BOOL] = "a boolean",
        [REEL_TOKEN_UINT] = "an integer", [REEL_TOKEN_INT] = "a negative integer",
        [REEL_TOKEN_FLOAT] = "a float",   [REEL_TOKEN_STR] = "a string",
        [REEL_TOKEN_BIN] = "binary data", [REEL_TOKEN_ARRAY] = "an array",
        [REEL_TOKEN_MAP] = "a map",       [REEL_TOKEN_EXT] = "an extension type",
    };

    return kinds[kind];
}

bool reel_token_whole(const struct reel_token *token, int64_t *value_out)
{
    switch (token->kind) {
    case REEL_TOKEN_UINT:
        *value_out = (int64_t)token->uint;
        return token->uint <= INT64_MAX;
    case REEL_TOKEN_INT:
        *value_out = token->sint;
        return true;
    case REEL_TOKEN_FLOAT:
        if (!(fabs(token->real) <= REEL_FLOAT_WHOLE_MAX) || token->real != trunc(token->real))
            return false;
        *value_out = (int64_t)token->real;
        return true;
    default:
        return false;
    }
}

struct reel_token reel_token_of_json(const json_t *json)
{
    struct reel_token token = {.kind = REEL_TOKEN_NIL};

    switch (json_typeof(json)) {
    case JSON_NULL:
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        token.kind = REEL_TOKEN_BOOL;
        token.boolean = json_is_true(json);
        break;
    case JSON_INTEGER:
        token.kind = json_integer_value(json) < 0 ? REEL_TOKEN_INT : REEL_TOKEN_UINT;
        token.sint = json_integer_value(json);
        break;
    case JSON_REAL:
        token.kind = REEL_TOKEN_FLOAT;
        token.real = json_real_value(json);
        break;
    case JSON_STRING:
        token.kind = REEL_TOKEN_STR;
        token.bytes = (const uint8_t *)json_string_value(json);
        token.size = (uint32_t)json_string_length(json);
        break;
    case JSON_ARRAY:
        token.kind = REEL_TOKEN_ARRAY;
        token.count = (uint32_t)json_array_size(json);
        break;
    case JSON_OBJECT:
        token.kind = REEL_TOKEN_MAP;
        token.count = (uint32_t)json_object_size(json);
        break;
    }
    return token;
}
