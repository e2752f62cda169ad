/* Responder: the query connection and its thread: answers requests, publishes events, status and
 * metrics. It never writes the store. */
#ifndef REEL_DAEMON_RESPONDER_H
#define REEL_DAEMON_RESPONDER_H

#include "base/err.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/config_share.h"
#include "daemon/counters.h"
#include "daemon/service.h"
#include "daemon/turns.h"
#include "io/bus.h"
#include "io/mailbox.h"
#include "store/reader.h"

struct reel_responder;

/* All is borrowed and outlives it. */
struct reel_responder_links {
    const struct reel_config *config; /* replaced by what `settings` comes to have */
    struct reel_config_follower *settings;
    struct reel_service *service;
    const char *password; /* "" for none */
    const struct reel_log *log;
    struct reel_counters *counters;
    struct reel_turns *turns;     /* of the store */
    struct reel_mailbox *notices; /* in: struct reel_notice */
    struct reel_mailbox *changes; /* out: struct reel_change, to ingest */
    struct reel_reader *reader;
    struct reel_bus_gate *gate; /* of all connections of the process */
    int stop_fd;                /* readable when it is time to end */
};

/* NULL if memory ran out. */
struct reel_responder *reel_responder_create(const struct reel_responder_links *links);

/* Run until stop_fd is readable (OK; what is queued is sent, and the status says offline), or for
 * good: CONFLICT where another client took the client id over. */
enum reel_code reel_responder_run(struct reel_responder *responder, struct reel_error *err_out);

void reel_responder_destroy(struct reel_responder **responder); /* accepts a pointer to NULL */

#endif
