/* Ingest: takes fragments from the broker, makes them durable batch by batch, and only then lets
 * the acknowledgements go (architecture.md, "The way of a fragment"). One thread, which alone
 * writes the store. */
#ifndef REEL_DAEMON_INGEST_H
#define REEL_DAEMON_INGEST_H

#include "base/err.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/config_share.h"
#include "daemon/counters.h"
#include "daemon/turns.h"
#include "io/bus.h"
#include "io/mailbox.h"
#include "store/store.h"

struct reel_ingest;

/* What it is connected to. All is borrowed and outlives it. */
struct reel_ingest_links {
    const struct reel_config *config;      /* replaced by what `settings` comes to have */
    struct reel_config_follower *settings; /* NULL: it stays */
    const char *password;                  /* "" for none */
    const struct reel_log *log;
    struct reel_counters *counters;
    struct reel_turns *turns;         /* of the store */
    struct reel_mailbox *notices;     /* out: struct reel_notice, to the query thread */
    struct reel_mailbox *changes;     /* in: struct reel_change, from the query thread */
    struct reel_mailbox *jobs;        /* out: struct reel_hash_job, to the hashing thread */
    struct reel_mailbox *hashes;      /* in: struct reel_hash_job, done */
    struct reel_mailbox *import_jobs; /* out: struct reel_conversion, to the importing thread */
    struct reel_mailbox *imports;     /* in: the same, done */
    struct reel_mailbox *discards;    /* out: struct reel_discard, to the unlinking thread */
    struct reel_bus_gate *gate;       /* of all connections of the process */
    int stop_fd;                      /* readable when it is time to end */
};

/* `store` is open and is taken over, even on failure. NULL: the disk fails, and is tried again and
 * again as after a batch that could not be stored. */
enum reel_code reel_ingest_create(const struct reel_ingest_links *links, struct reel_store *store,
                                  struct reel_ingest **ingest_out, struct reel_error *err_out);

/* Run until stop_fd is readable (OK; the batch is committed and the store settled), or for good:
 * CONFLICT where another client took the client id over. */
enum reel_code reel_ingest_run(struct reel_ingest *ingest, struct reel_error *err_out);

void reel_ingest_destroy(struct reel_ingest **ingest); /* accepts a pointer to NULL */

#endif
