/* Metrics: the counters as one flat map of numbers under Prometheus names (protocol.md, "Events
 * and status"). */
#ifndef REEL_DAEMON_METRICS_H
#define REEL_DAEMON_METRICS_H

#include <jansson.h>

#include "daemon/counters.h"
#include "store/reader.h"

enum { REEL_METRICS_INTERVAL_S = 10 };

/* A new document, NULL if memory ran out; the caller owns it. */
json_t *reel_metrics_document(const struct reel_counters *counters,
                              const struct reel_reader_totals *totals);

#endif
