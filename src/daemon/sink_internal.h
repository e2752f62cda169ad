/* Sink, inside: what its two files share: sink.c wires all together, sink_run.c has the threads. */
#ifndef REEL_DAEMON_SINK_INTERNAL_H
#define REEL_DAEMON_SINK_INTERNAL_H

#include "daemon/config_share.h"
#include "daemon/hasher.h"
#include "daemon/importer.h"
#include "daemon/ingest.h"
#include "daemon/mailboxes.h"
#include "daemon/remover.h"
#include "daemon/responder.h"
#include "daemon/service.h"
#include "daemon/sink.h"
#include "daemon/worker.h"

/* Each with its thread, in the order in which they end: ingest commits, and tells the responder the
 * last. */
enum reel_sink_worker {
    REEL_SINK_INGEST,
    REEL_SINK_RESPONDER,
    REEL_SINK_HASHER,
    REEL_SINK_REMOVER,
    REEL_SINK_IMPORTER,
    REEL_SINK_WORKERS
};

struct reel_sink {
    struct reel_config_share *settings;
    const struct reel_config_sources *sources;
    char store_dir[REEL_SETTING_BYTES];
    struct reel_log *log;
    struct reel_service service;
    struct reel_counters counters;
    struct reel_turns turns;
    struct reel_bus_gate *gate;
    struct reel_mailboxes boxes;
    struct reel_reader *reader;
    struct reel_ingest *ingest;
    struct reel_responder *responder;
    struct reel_hasher hasher;
    struct reel_importer importer;
    struct reel_remover remover;
    struct reel_worker workers[REEL_SINK_WORKERS];
    int ended_fd; /* a worker ended by itself */
    /* Each with a descriptor: of two signals the kernel gives the lower number first, however often
     * that one comes. */
    int end_fd;    /* SIGTERM, SIGINT */
    int reload_fd; /* SIGHUP */
};

/* Open what the threads are started, stopped and watched by. STALLED without descriptors; what was
 * opened until then is to be closed. */
enum reel_code reel_sink_open_workers(struct reel_sink *sink, struct reel_error *err_out);
void reel_sink_close_workers(struct reel_sink *sink);

#endif
