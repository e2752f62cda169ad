/* Progress: a bar on standard error where that is a terminal, nothing otherwise. */
#ifndef REEL_CLI_PROGRESS_H
#define REEL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

struct reel_progress {
    bool shown; /* there is a terminal, and nobody asked for quiet */
    bool drawn; /* a line stands there now */
    int64_t began_us;
    int64_t next_us; /* when it is drawn again */
};

void reel_progress_init(struct reel_progress *progress, const struct reel_common *common);

/* Draw it, if it is time to. `total` 0: not known, `done` is shown alone. The unit is the caller's:
 * only the share is shown. */
void reel_progress_show(struct reel_progress *progress, const char *label, uint64_t done,
                        uint64_t total, int64_t now_us);

/* Wipe the line. */
void reel_progress_finish(struct reel_progress *progress);

#endif
