/* Fields: the members of a request, with type and range. */
#include "core/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "wire/topic.h"

/* The member, or NULL where there is none or something failed before. */
static const json_t *member(const struct reel_fields *fields, const char *field)
{
    return fields->code == REEL_OK ? json_object_get(fields->document, field) : NULL;
}

void reel_fields_fail(struct reel_fields *fields, enum reel_code code, const char *field,
                      const char *format, ...)
{
    char message[REEL_ERROR_MESSAGE_BYTES];
    va_list args;

    if (fields->code != REEL_OK)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fields->code = reel_error_set(fields->err_out, code, field, "%s", message);
}

static bool wrong(struct reel_fields *fields, const char *field, const char *what)
{
    reel_fields_fail(fields, REEL_E_BAD_REQUEST, field, "%s must be %s", field, what);
    return false;
}

bool reel_value_uint(const json_t *value, uint64_t *value_out)
{
    double real = json_real_value(value);

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        *value_out = (uint64_t)json_integer_value(value);
    else if (json_is_real(value) && real >= 0 && real <= REEL_FLOAT_WHOLE_MAX &&
             floor(real) == real)
        *value_out = (uint64_t)real;
    else
        return false;
    return true;
}

bool reel_fields_uint(struct reel_fields *fields, const char *field, uint64_t least, uint64_t most,
                      uint64_t *value_out)
{
    const json_t *value = member(fields, field);
    uint64_t number;
    char range[96];

    if (!value)
        return false;
    if (!reel_value_uint(value, &number) || number < least || number > most) {
        snprintf(range, sizeof range, "a whole number from %" PRIu64 " to %" PRIu64, least, most);
        return wrong(fields, field, range);
    }
    *value_out = number;
    return true;
}

bool reel_fields_seconds(struct reel_fields *fields, const char *field, double *value_out)
{
    const json_t *value = member(fields, field);
    double number = json_number_value(value);

    if (!value)
        return false;
    if (!json_is_number(value) || !isfinite(number) || number < 0)
        return wrong(fields, field, "a number of seconds, 0 or more");
    *value_out = number;
    return true;
}

bool reel_fields_bool(struct reel_fields *fields, const char *field, bool *value_out)
{
    const json_t *value = member(fields, field);

    if (!value)
        return false;
    if (!json_is_boolean(value))
        return wrong(fields, field, "true or false");
    *value_out = json_is_true(value);
    return true;
}

bool reel_fields_text(struct reel_fields *fields, const char *field, const char **text_out)
{
    const json_t *value = member(fields, field);

    if (!value)
        return false;
    if (!json_is_string(value))
        return wrong(fields, field, "a string");
    *text_out = json_string_value(value);
    return true;
}

bool reel_fields_name(struct reel_fields *fields, const char *field, char out[REEL_NAME_BYTES])
{
    const char *text;

    if (!reel_fields_text(fields, field, &text))
        return false;
    if (!reel_name_valid(text, strlen(text)))
        return wrong(fields, field,
                     "1 to 64 characters of A-Z a-z 0-9 . _ -, the first a letter or digit");
    snprintf(out, REEL_NAME_BYTES, "%s", text);
    return true;
}

bool reel_fields_time(struct reel_fields *fields, const char *field, int64_t *time_us_out)
{
    const char *text;

    if (!reel_fields_text(fields, field, &text))
        return false;
    if (!reel_time_parse(text, time_us_out))
        return wrong(fields, field, "a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z");
    return true;
}

bool reel_fields_choice(struct reel_fields *fields, const char *field, const char *const *choices,
                        size_t count, size_t *index_out)
{
    char list[REEL_ERROR_MESSAGE_BYTES] = "one of";
    const char *text;
    size_t used = strlen(list);

    if (!reel_fields_text(fields, field, &text))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(choices[i], text) == 0) {
            *index_out = i;
            return true;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s %s", i > 0 ? "," : "",
                                     choices[i]);
    }
    return wrong(fields, field, list);
}

void reel_fields_need(struct reel_fields *fields, const char *field, bool present)
{
    if (!present)
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, field, "%s is needed", field);
}
