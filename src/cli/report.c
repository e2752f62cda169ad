/* Report: lines to the user. */
#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void line(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void line(const char *format, va_list args)
{
    fputs("reel: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void reel_report_error(const struct reel_error *error)
{
    /* What may pass by itself says so in words; the others' codes are the protocol's. */
    const char *code = error->code == REEL_E_STALLED ? NULL : reel_code_name(error->code);

    reel_report_note("%s%s%s%s%s%s", error->message, code ? " (" : "", code ? code : "",
                     code && error->field[0] ? ", field " : "", code ? error->field : "",
                     code ? ")" : "");
}

void reel_report_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(format, args);
    va_end(args);
}

enum reel_code reel_report_open_error(const char *path, struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL, "%s: %s", path, strerror(errno));
}

enum reel_exit reel_report_exit(const struct reel_error *error)
{
    switch (error->code) {
    case REEL_OK:
        return REEL_EXIT_OK;
    case REEL_E_NOT_FOUND:
        return REEL_EXIT_NOT_FOUND;
    case REEL_E_BUSY:
    case REEL_E_STALLED:
        return REEL_EXIT_NOT_NOW;
    default:
        return REEL_EXIT_FAILED;
    }
}

enum reel_exit reel_report_failed(const struct reel_error *error)
{
    reel_report_error(error);
    return reel_report_exit(error);
}

enum reel_exit reel_report_failed_of(const char *device, const char *session,
                                     const struct reel_error *error)
{
    struct reel_error named;

    if (error->code == REEL_E_STALLED)
        return reel_report_failed(error);
    reel_error_set(&named, error->code, error->field, "%s/%s: %s", device, session, error->message);
    return reel_report_failed(&named);
}

enum reel_exit reel_report_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(format, args);
    va_end(args);
    return REEL_EXIT_USAGE;
}

void reel_report_mask(char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)text[0], next = (unsigned char)text[1];

        if (byte < 0x20 || byte == 0x7f)
            *text = '?';
        else if (byte == 0xc2 && next >= 0x80 && next < 0xa0)
            text[0] = text[1] = '?';
    }
}

void reel_report_line(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = vasprintf(&text, format, args);
    va_end(args);
    if (bytes < 0)
        return;
    reel_report_mask(text);
    puts(text);
    free(text);
}

void reel_report_json(const json_t *document)
{
    if (json_dumpf(document, stdout, JSON_COMPACT) == 0)
        putchar('\n');
}

void reel_report_json_error(json_t *line, const struct reel_error *error)
{
    json_object_set_new(line, "error",
                        json_pack("{s:s, s:s, s:s}", "code", reel_code_name(error->code), "message",
                                  error->message, "field", error->field));
}

enum reel_exit reel_report_flush(enum reel_exit status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE) /* whoever read, `head` say, has enough */
        reel_report_note("standard output: %s", strerror(errno));
    return status == REEL_EXIT_OK ? REEL_EXIT_FAILED : status;
}
