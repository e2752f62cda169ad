/* Responder, inside: what the loop (responder.c), the connection (responder_connection.c) and the
 * metrics (responder_metrics.c) share. */
#ifndef REEL_DAEMON_RESPONDER_INTERNAL_H
#define REEL_DAEMON_RESPONDER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/connection.h"
#include "daemon/homeassistant.h"
#include "daemon/presence.h"
#include "daemon/query.h"
#include "daemon/responder.h"
#include "daemon/service.h"

enum { REEL_RESPONDER_SUBSCRIPTIONS = 2 }; /* to requests, and to sinks' status */

struct reel_responder {
    struct reel_responder_links links;
    struct reel_query_links query;
    struct reel_buffer parts; /* of downloads */
    struct reel_homeassistant *home;
    struct reel_sink_state state;
    struct reel_rival rival;
    struct reel_namesake namesake;
    int awaited_id; /* the publication whose acknowledgement is waited for; 0: none */
    struct reel_bus *bus;
    unsigned subscriptions; /* that the broker has granted */
    bool lost;
    bool ending; /* requests are not answered any more */
    bool taken_over;
    int64_t connected_at_us; /* wall clock; names the connection */
    struct reel_backoff backoff;
    char unreachable[REEL_CONNECTION_TEXT_BYTES]; /* why there is no connection; "" if there is */
    uint64_t disk_free_bytes;                     /* when the metrics were last gathered */
    int64_t next_status_us;                       /* monotonic, as the other */
    int64_t next_metrics_us;
    bool textfile_failed; /* metrics.textfile, when it was last written */
    int64_t asked_us;     /* when the question that is tried again was first in vain */
    int64_t in_vain_us;   /* when a question last had all its tries, and no answer; 0: never */
};

/* The broker has granted all that is needed: requests are heard. */
static inline bool reel_responder_hears(const struct reel_responder *responder)
{
    return responder->subscriptions == REEL_RESPONDER_SUBSCRIPTIONS;
}

/* Tell the service manager how things are. */
void reel_responder_tell_service(struct reel_responder *responder);

/* Try to connect; what fails is logged, and tried again after a wait. */
void reel_responder_connect(struct reel_responder *responder);

/* Publish the metrics and write them to `metrics.textfile`, as far as there are connection and
 * file; the next are due after REEL_METRICS_INTERVAL_S. */
void reel_responder_metrics(struct reel_responder *responder);

/* Give the connection up, and wait before the next. */
void reel_responder_disconnect(struct reel_responder *responder);

#endif
