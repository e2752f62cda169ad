/* Mailboxes: what the threads of the sink hand each other. */
#ifndef REEL_DAEMON_MAILBOXES_H
#define REEL_DAEMON_MAILBOXES_H

#include "base/err.h"
#include "io/mailbox.h"

struct reel_mailboxes {
    struct reel_mailbox *notices;     /* struct reel_notice: ingest to responder */
    struct reel_mailbox *changes;     /* struct reel_change: responder to ingest */
    struct reel_mailbox *jobs;        /* struct reel_hash_job: ingest to hasher ... */
    struct reel_mailbox *hashes;      /* ... and back, done */
    struct reel_mailbox *import_jobs; /* struct reel_conversion: ingest to importer ... */
    struct reel_mailbox *imports;     /* ... and back, done */
    struct reel_mailbox *discards;    /* struct reel_discard: ingest to remover */
};

/* INTERNAL without memory or descriptors; what was made until then is to be finished. */
enum reel_code reel_mailboxes_init(struct reel_mailboxes *boxes, struct reel_error *err_out);

/* What is still in them goes; files that wait to be unlinked stay for the next start. Accepts one
 * that is all zero. */
void reel_mailboxes_finish(struct reel_mailboxes *boxes);

#endif
