/* Metrics: the counters and what else the sink can say of itself in numbers, under Prometheus names
 * (protocol.md, "Events and status"): as one flat JSON map, and as Prometheus' own text. */
#ifndef REEL_DAEMON_METRICS_H
#define REEL_DAEMON_METRICS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "core/exposition.h"
#include "daemon/counters.h"
#include "store/reader.h"

enum { REEL_METRICS_INTERVAL_S = 10 };

/* Bounds of the counters' histograms: microseconds, and messages. */
extern const uint64_t reel_sync_bounds_us[REEL_BUCKETS];
extern const uint64_t reel_batch_bounds[REEL_BUCKETS];

/* How the process does at this moment. */
struct reel_figures {
    uint64_t online; /* 0, 1: audio is taken in */
    uint64_t stalled;
    uint64_t started_us;     /* wall clock */
    uint64_t resident_bytes; /* memory */
    uint64_t waiting_events; /* for the query thread: events and answers */
    uint64_t waiting_event_bytes;
    uint64_t waiting_changes; /* for the ingest thread */
    uint64_t unacknowledged;  /* publications that the broker has not confirmed */
};

struct reel_metrics {
    const struct reel_counters *counters;
    const struct reel_reader_totals *totals; /* NULL: the disk does not say */
    struct reel_figures figures;
};

/* A new document, NULL if memory ran out; the caller owns it. */
json_t *reel_metrics_document(const struct reel_metrics *metrics);

/* The same as text. Histograms stand there whole, and rejects with their reason as a label. */
void reel_metrics_expose(const struct reel_metrics *metrics, struct reel_exposition *out);

#endif
