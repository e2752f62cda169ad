/* Hasher: the thread that makes the sha256 of complete recordings, off the writing thread. */
#ifndef REEL_DAEMON_HASHER_H
#define REEL_DAEMON_HASHER_H

#include "base/log.h"
#include "io/mailbox.h"

/* All is borrowed. */
struct reel_hasher {
    const char *store_dir;
    const struct reel_log *log;
    struct reel_mailbox *jobs;   /* in: struct reel_hash_job */
    struct reel_mailbox *hashes; /* out: the same, done (sha256 "" where it failed) */
    int stop_fd;                 /* readable when it is time to end */
};

/* Run until stop_fd is readable. */
void reel_hasher_run(const struct reel_hasher *hasher);

#endif
