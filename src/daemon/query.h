/* Query: turns a request message into response messages (protocol.md, "Requests and responses").
 * It reads through its own reader and publishes through a callback; of a request it keeps nothing
 * but that its device has sent one more. One thread. */
#ifndef REEL_DAEMON_QUERY_H
#define REEL_DAEMON_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "core/allowance.h"
#include "daemon/config.h"
#include "daemon/counters.h"
#include "io/bus.h"
#include "io/mailbox.h"
#include "store/reader.h"

/* Publish one response; false if it could not be queued. Strings and bytes are borrowed. */
typedef bool reel_query_publish_fn(const struct reel_bus_publication *what, void *user);

/* A question could not be answered because of the disk, `tries` times by now: wait a moment, then
 * true to have it tried once more. Ingest may have been opening the store just then. */
typedef bool reel_query_again_fn(unsigned tries, void *user);

/* What the ingest side says of itself, as `status` reports it. */
struct reel_sink_state {
    bool subscribed;
    bool stalled;
    char reason[256];   /* "" when all is well */
    int64_t started_us; /* when the process started: wall clock */
};

/* All is borrowed and outlives the query. */
struct reel_query_links {
    const struct reel_config *config;
    const struct reel_log *log;
    struct reel_counters *counters; /* it counts requests and request_errors */
    const struct reel_sink_state *state;
    struct reel_reader *reader;
    struct reel_mailbox *changes;    /* out: struct reel_change, to ingest */
    struct reel_allowance *requests; /* of each device: rules.max_requests_per_s */
    struct reel_buffer *parts;       /* empty; a download reads into it */
    reel_query_publish_fn *publish;
    reel_query_again_fn *again;
    void *user; /* of both */
};

/* Answer one message that came under `{prefix}/request/#`. What is wrong with it is answered, not
 * returned. `wall_us` is now. */
void reel_query_answer(const struct reel_query_links *links, const struct reel_bus_message *message,
                       int64_t wall_us);

#endif
