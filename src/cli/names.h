/* Names: devices and sessions from what is at hand, and DEVICE/SESSION taken apart. */
#ifndef REEL_CLI_NAMES_H
#define REEL_CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "cli/commands.h"

/* Make a name of any text: characters that a name does not have become '-', what cannot be its
 * first is left out, it is cut at 64. "" where nothing is left. */
void reel_name_make(const char *text, size_t bytes, char out[REEL_NAME_BYTES]);

/* The name that a file's name gives: without folder and the last suffix. */
void reel_name_of_file(const char *path, char out[REEL_NAME_BYTES]);

/* The name that a moment gives: YYYYMMDDTHHMMSSZ. */
void reel_name_of_time(int64_t wall_us, char out[REEL_NAME_BYTES]);

/* The name that this machine gives. */
void reel_name_of_host(char out[REEL_NAME_BYTES]);

/* The device that recordings are to be of: `given`, else what the user's name gives, else the
 * machine's. USAGE, with a line on standard error, for what is no name. */
enum reel_exit reel_names_device(const struct reel_common *common, const char *given,
                                 char out[REEL_NAME_BYTES]);

/* The sessions that files become, in their order: `given`, if it is, else what each file's name
 * gives, of standard input ("-") the time. USAGE, with a line on standard error, for what gives no
 * name, and where two would be the same recording. */
enum reel_exit reel_names_of_files(const char *given, const char *device,
                                   const struct reel_arguments *paths,
                                   char (*sessions_out)[REEL_NAME_BYTES]);

/* Take "device/session", or the two as two arguments, apart; a session's ".wav" is dropped.
 * BAD_REQUEST for anything else. */
enum reel_code reel_name_pair(const struct reel_arguments *arguments,
                              char device_out[REEL_NAME_BYTES], char session_out[REEL_NAME_BYTES],
                              struct reel_error *err_out);

/* The same of one argument among several, each "device/session". */
enum reel_code reel_name_pair_at(const struct reel_arguments *arguments, size_t i,
                                 char device_out[REEL_NAME_BYTES],
                                 char session_out[REEL_NAME_BYTES], struct reel_error *err_out);

/* BAD_REQUEST where one of the arguments is none, to be said before anything is asked. */
enum reel_code reel_names_check(const struct reel_arguments *arguments, struct reel_error *err_out);

#endif
