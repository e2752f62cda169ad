/* reel publish --spool: the spool, what records into it and what sends from it, as one command. */
#ifndef REEL_CLI_PUBLISH_SPOOL_H
#define REEL_CLI_PUBLISH_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/commands.h"
#include "cli/recorder.h"

struct reel_publish_spool_config {
    const struct reel_common *common;
    const char *folder;
    uint64_t max_bytes;
    const char *device;
    bool device_given; /* else the spool's own is taken, where it has one */
    const struct reel_source_raw *raw;
    unsigned fragment_ms;
};

/* Record the sources, which may be none, and send everything that the folder holds. Tells the user
 * what became of it. */
enum reel_exit reel_publish_spool(const struct reel_publish_spool_config *config,
                                  struct reel_recording *recordings, size_t count);

#endif
