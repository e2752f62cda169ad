/* Importer: the thread that makes recordings' files of whole uploads, off the writing thread. */
#ifndef REEL_DAEMON_IMPORTER_H
#define REEL_DAEMON_IMPORTER_H

#include <stdbool.h>

#include "base/log.h"
#include "daemon/config_share.h"
#include "io/mailbox.h"
#include "store/upload_convert.h"

/* All is borrowed. */
struct reel_importer {
    const char *store_dir;
    const struct reel_log *log;
    struct reel_config_follower *settings;
    struct reel_mailbox *jobs;    /* in: struct reel_conversion */
    struct reel_mailbox *imports; /* out: the same, done */
    int stop_fd;                  /* readable when it is time to end */
};

/* Run until stop_fd is readable. */
void reel_importer_run(const struct reel_importer *importer);

#endif
