/* Errors: one type for a stranger's bad data, a failing environment and our own faults.
 *
 * A function that can fail returns an `enum reel_code` (REEL_OK is 0) and, where it has an
 * `err_out`, describes the failure there. `err_out` may be NULL; on success it is not touched. */
#ifndef REEL_BASE_ERR_H
#define REEL_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* The codes of the protocol (protocol.md, "Requests and responses" and "Where a fragment goes").
 * A stranger's bad data is any code up to NOT_ALLOWED, JUMP or LATE; BUSY and STALLED are the
 * environment's; INTERNAL is ours. */
enum reel_code {
    REEL_OK = 0,
    REEL_E_BAD_REQUEST,
    REEL_E_NOT_FOUND,
    REEL_E_CONFLICT,
    REEL_E_TOO_LARGE,
    REEL_E_VERSION_MISMATCH,
    REEL_E_NOT_ALLOWED,
    REEL_E_JUMP, /* only of a fragment: far ahead, waits for one that confirms it */
    REEL_E_LATE, /* only of a fragment: its place is no longer known */
    REEL_E_BUSY,
    REEL_E_STALLED, /* a failing disk: what was asked was not done and may be asked again */
    REEL_E_INTERNAL,
    REEL_CODE_COUNT
};

enum { REEL_ERROR_FIELD_BYTES = 80, REEL_ERROR_MESSAGE_BYTES = 240 };

struct reel_error {
    enum reel_code code;
    char field[REEL_ERROR_FIELD_BYTES];     /* dotted path of the field at fault, or "" */
    char message[REEL_ERROR_MESSAGE_BYTES]; /* printable ASCII, one line */
    int errno_value;                        /* of the system call that failed, or 0 */
};

/* Fill `err_out` (may be NULL) and return `code`, so that `return reel_error_set(...)` fails with
 * it. `field` may be NULL. Bytes of the message that are not printable ASCII become '?'. */
enum reel_code reel_error_set(struct reel_error *err_out, enum reel_code code, const char *field,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for a failed system call: code STALLED, message "WHAT: strerror(errno_value)". */
enum reel_code reel_error_errno(struct reel_error *err_out, int errno_value, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether what failed may go well later by itself, or once somebody has made room: a disk that is
 * full, over a quota, read-only or failing, not one that we have no right to. */
bool reel_error_may_pass(const struct reel_error *error);

/* The protocol's name of a code ("bad-request", ...; REEL_OK is "ok"). Static storage. */
const char *reel_code_name(enum reel_code code);

/* The code of that protocol name, or REEL_CODE_COUNT if there is none. */
enum reel_code reel_code_from_name(const char *name);

/* Copy at most `bytes` of `text` into `out` (capacity `capacity`, always terminated), every byte
 * that is not printable ASCII replaced by '?'. For quoting what a stranger sent. */
void reel_printable(char *out, size_t capacity, const char *text, size_t bytes);

#endif
