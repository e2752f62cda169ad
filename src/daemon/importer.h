/* Importer: the thread that makes recordings' files of whole uploads, and lets go of what is left
 * of them, off the writing thread. */
#ifndef REEL_DAEMON_IMPORTER_H
#define REEL_DAEMON_IMPORTER_H

#include <stdbool.h>

#include "base/log.h"
#include "io/mailbox.h"
#include "store/upload.h"
#include "store/upload_convert.h"

struct reel_import_job {
    bool converts;                     /* else there is something to be thrown away */
    struct reel_conversion conversion; /* converts */
    struct reel_discard discard;
};

/* Release a job that was not done. Accepts NULL. */
void reel_import_job_destroy(struct reel_import_job *job);

/* All is borrowed. */
struct reel_importer {
    const char *store_dir;
    const struct reel_log *log;
    struct reel_convert_limits limits; /* stop_fd: readable when it is time to end */
    struct reel_mailbox *jobs;         /* in: struct reel_import_job */
    struct reel_mailbox *imports;      /* out: those that convert, done */
};

/* Run until stop_fd is readable. */
void reel_importer_run(const struct reel_importer *importer);

#endif
