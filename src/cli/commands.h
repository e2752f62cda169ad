/* Commands: what main knows of each. A new command is one more file and one more line here and in
 * the table of reel.c. */
#ifndef REEL_CLI_COMMANDS_H
#define REEL_CLI_COMMANDS_H

#include <stddef.h>

#include "cli/options.h"

/* Exit statuses. */
enum reel_exit {
    REEL_EXIT_OK = 0,
    REEL_EXIT_FAILED = 1,
    REEL_EXIT_USAGE = 2,
    REEL_EXIT_NOT_FOUND = 3, /* no such recording */
    REEL_EXIT_NOT_NOW = 4,   /* may be tried again: no broker, no answer, busy, a failing disk */
    REEL_EXIT_INTERRUPTED = 130,
};

struct reel_arguments {
    char *const *items;
    size_t count;
};

struct reel_command {
    const char *name;
    const char *arguments; /* as its usage line shows them */
    const char *summary;   /* one line */
    const char *help;      /* what more is to say; NULL: nothing */
    const struct reel_option *options;
    size_t values_bytes; /* of the struct that `options` fill */
    size_t arguments_min, arguments_max;
    double timeout_s; /* where --timeout is not given */
    enum reel_exit (*run)(const struct reel_common *common, const void *values,
                          const struct reel_arguments *arguments);
};

extern const struct reel_command reel_cmd_publish;
extern const struct reel_command reel_cmd_upload;
extern const struct reel_command reel_cmd_list;
extern const struct reel_command reel_cmd_info;
extern const struct reel_command reel_cmd_get;
extern const struct reel_command reel_cmd_watch;
extern const struct reel_command reel_cmd_rejects;
extern const struct reel_command reel_cmd_status;
extern const struct reel_command reel_cmd_devices;
extern const struct reel_command reel_cmd_top;
extern const struct reel_command reel_cmd_verify;
extern const struct reel_command reel_cmd_keep;
extern const struct reel_command reel_cmd_tag;
extern const struct reel_command reel_cmd_replay;
extern const struct reel_command reel_cmd_rm;

#endif
