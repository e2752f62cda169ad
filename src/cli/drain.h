/* Drain: from the spool to the sink, for as long as it takes.
 *
 * Fragments leave in the order in which they were recorded, a window's worth at a time, by the
 * rules of the ring. A broker that is away is tried again with growing waits, and a sink that is
 * silent or busy is borne: what is not acknowledged is in the spool. */
#ifndef REEL_CLI_DRAIN_H
#define REEL_CLI_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/lanes.h"
#include "cli/options.h"
#include "cli/recorder.h"
#include "cli/spool.h"

struct reel_drain_config {
    const struct reel_common *common;
    const char *device;
    const char *folder; /* of the spool, for messages */
    struct reel_spool *spool;
    struct reel_recorder *recorder; /* to be started and ended here; NULL: none */
};

struct reel_drain_outcome {
    void *user;
    void (*drained)(void *user, const struct reel_drained *drained); /* for each boot */
    bool interrupted;                                                /* a signal ended it */
    bool abandoned; /* while the recorder could not be stopped: the program must end */
};

/* Send until the recorder has ended and everything is acknowledged. STALLED: nothing was
 * acknowledged for --timeout after the recorder's end, or the spool cannot be read. NOT_ALLOWED:
 * the broker refuses, and nothing is being recorded. What was not acknowledged stays. */
enum reel_code reel_drain_run(const struct reel_drain_config *config,
                              struct reel_drain_outcome *outcome, struct reel_error *err_out);

#endif
