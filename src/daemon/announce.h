/* Announce: publishing what the sink says unasked: events, status, metrics, all JSON (protocol.md,
 * "Quality of service", "Events and status"). */
#ifndef REEL_DAEMON_ANNOUNCE_H
#define REEL_DAEMON_ANNOUNCE_H

#include <jansson.h>
#include <stddef.h>

#include "base/log.h"
#include "io/bus.h"

enum reel_announcement {
    REEL_ANNOUNCE_EVENT,       /* event/{device}/{session}: QoS 1 */
    REEL_ANNOUNCE_STATUS,      /* status/{sink}: QoS 1, retained, expires */
    REEL_ANNOUNCE_LAST_STATUS, /* the same without expiry: the sink is going */
    REEL_ANNOUNCE_METRICS,     /* metrics/{sink}: QoS 0, retained, expires */
};

/* Queue `document` (the reference is taken over; NULL: nothing) under {prefix}/{kind}/{a}/{b}; `b`
 * may be NULL. Returns its publication id (io/bus.h); 0, and it is logged, if it was not queued. */
int reel_announce(struct reel_bus *bus, const struct reel_log *log, const char *prefix,
                  enum reel_announcement kind, const char *a, const char *b, json_t *document);

/* The same of a document that is encoded already. */
int reel_announce_encoded(struct reel_bus *bus, const struct reel_log *log, const char *prefix,
                          enum reel_announcement kind, const char *a, const char *b,
                          const void *payload, size_t payload_bytes);

#endif
