/* Errors: filling and naming them. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[REEL_CODE_COUNT] = {
    [REEL_OK] = "ok",
    [REEL_E_BAD_REQUEST] = "bad-request",
    [REEL_E_NOT_FOUND] = "not-found",
    [REEL_E_CONFLICT] = "conflict",
    [REEL_E_TOO_LARGE] = "too-large",
    [REEL_E_VERSION_MISMATCH] = "version-mismatch",
    [REEL_E_NOT_ALLOWED] = "not-allowed",
    [REEL_E_JUMP] = "jump",
    [REEL_E_LATE] = "late",
    [REEL_E_BUSY] = "busy",
    [REEL_E_STALLED] = "stalled",
    [REEL_E_INTERNAL] = "internal",
};

void reel_printable(char *out, size_t capacity, const char *text, size_t bytes)
{
    size_t i;

    if (capacity == 0)
        return;
    for (i = 0; i < bytes && i + 1 < capacity; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    out[i] = '\0';
}

static void error_fill(struct reel_error *err_out, enum reel_code code, const char *field,
                       const char *message)
{
    err_out->code = code;
    reel_printable(err_out->field, sizeof err_out->field, field ? field : "",
                   field ? strlen(field) : 0);
    err_out->errno_value = 0;
    reel_printable(err_out->message, sizeof err_out->message, message, strlen(message));
}

enum reel_code reel_error_set(struct reel_error *err_out, enum reel_code code, const char *field,
                              const char *format, ...)
{
    char message[REEL_ERROR_MESSAGE_BYTES];
    va_list args;

    if (!err_out)
        return code;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_fill(err_out, code, field, message);
    return code;
}

enum reel_code reel_error_errno(struct reel_error *err_out, int errno_value, const char *what, ...)
{
    char message[REEL_ERROR_MESSAGE_BYTES];
    va_list args;
    size_t used;

    if (!err_out)
        return REEL_E_STALLED;
    va_start(args, what);
    vsnprintf(message, sizeof message, what, args);
    va_end(args);
    used = strlen(message);
    snprintf(message + used, sizeof message - used, ": %s", strerror(errno_value));
    error_fill(err_out, REEL_E_STALLED, NULL, message);
    err_out->errno_value = errno_value;
    return REEL_E_STALLED;
}

bool reel_error_may_pass(const struct reel_error *error)
{
    switch (error->errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EROFS:
    case EIO:
        return error->code == REEL_E_STALLED;
    default:
        return false;
    }
}

const char *reel_code_name(enum reel_code code)
{
    return (unsigned)code < REEL_CODE_COUNT ? names[code] : "internal";
}

enum reel_code reel_code_from_name(const char *name)
{
    for (unsigned code = 0; code < REEL_CODE_COUNT; code++) {
        if (strcmp(names[code], name) == 0)
            return (enum reel_code)code;
    }
    return REEL_CODE_COUNT;
}
