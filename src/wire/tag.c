/* Tag: its name and its value, checked. */
#include "wire/tag.h"

#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "wire/token.h"
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

enum reel_code reel_tag_check_name(const char *path, const char *name, size_t name_bytes,
                                   struct reel_error *err_out)
{
    if (name_bytes >= 1 && name_bytes <= REEL_TAG_NAME_BYTES && reel_utf8_clean(name, name_bytes))
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, path,
                          "names must be 1 to %d bytes of UTF-8 without control characters",
                          REEL_TAG_NAME_BYTES);
}

enum reel_code reel_tag_check_value(const char *path, const char *name, size_t name_bytes,
                                    const struct reel_token *value, struct reel_error *err_out)
{
    char field[REEL_ERROR_FIELD_BYTES];

    snprintf(field, sizeof field, "%s.%.*s", path, (int)name_bytes, name);
    switch (value->kind) {
    case REEL_TOKEN_STR:
        if (text_valid(value))
            return REEL_OK;
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "must be UTF-8 of at most %d bytes", REEL_TAG_VALUE_BYTES);
    case REEL_TOKEN_UINT:
    case REEL_TOKEN_INT:
    case REEL_TOKEN_FLOAT:
        if (number_valid(value))
            return REEL_OK;
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "must be a finite number below 2^63");
    default:
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "must be a string or a number, not %s",
                              reel_token_kind_name(value->kind));
    }
}

json_t *reel_tag_value(const struct reel_token *value)
{
    int64_t whole = 0;

    if (value->kind == REEL_TOKEN_STR)
        return json_stringn((const char *)value->bytes, value->size);
    if (value->kind == REEL_TOKEN_FLOAT)
        return json_real(value->real);
    reel_token_whole(value, &whole);
    return json_integer(whole);
}
