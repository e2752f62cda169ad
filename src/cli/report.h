/* Report: what the user is told: errors on standard error, JSON and text on standard output. */
#ifndef REEL_CLI_REPORT_H
#define REEL_CLI_REPORT_H

#include <jansson.h>

#include "base/err.h"
#include "cli/commands.h"

/* Write "reel: ..." to standard error. */
void reel_report_error(const struct reel_error *error);
void reel_report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A file that the user wants written did not open: NOT_ALLOWED, with what errno says. Unlike a full
 * disk it is not worth trying again. */
enum reel_code reel_report_open_error(const char *path, struct reel_error *err_out);

/* The exit status that an error's code stands for. */
enum reel_exit reel_report_exit(const struct reel_error *error);

/* Both: the usual end of a command; and of one about a recording, with its name. */
enum reel_exit reel_report_failed(const struct reel_error *error);
enum reel_exit reel_report_failed_of(const char *device, const char *session,
                                     const struct reel_error *error);

/* A usage error of a command: exit status 2. */
enum reel_exit reel_report_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write a line for people to standard output. What would move a terminal's cursor becomes '?'. */
void reel_report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Replace what would move a terminal's cursor (C0, DEL, C1 as UTF-8) by '?'. */
void reel_report_mask(char *text);

/* Write the document as one line of JSON to standard output. */
void reel_report_json(const json_t *document);

/* Set a line's member `error`, in the protocol's form. */
void reel_report_json_error(json_t *line, const struct reel_error *error);

/* Push standard output out. `status`, or FAILED with a line on standard error where what was
 * written did not get there. */
enum reel_exit reel_report_flush(enum reel_exit status);

#endif
