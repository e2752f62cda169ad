/* Options: the command line of reeld. */
#ifndef REEL_DAEMON_OPTIONS_H
#define REEL_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "daemon/config.h"

enum { REEL_EXIT_OK = 0, REEL_EXIT_FAILED = 1, REEL_EXIT_TAKEN_OVER = 69, REEL_EXIT_CONFIG = 78 };

enum { REEL_ASSIGNMENTS_MAX = 128 };

struct reel_options {
    bool check_config;
    bool list_settings;
    bool reindex;
    bool verify;
    bool check_broker;
    bool json;                          /* what is found, as JSON */
    struct reel_config_sources sources; /* borrow from the command line, and from here */
    const char *assignments[REEL_ASSIGNMENTS_MAX];
};

/* Read the command line and the settings it leads to, which are the caller's to destroy. Returns -1
 * to go on; else the exit status, everything said. `options_out` stays where it is. */
int reel_options_read(int argc, char **argv, struct reel_options *options_out,
                      struct reel_config **config_out);

#endif
