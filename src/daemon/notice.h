/* Notice: what the ingest thread tells the query thread, which alone publishes events and status.
 */
#ifndef REEL_DAEMON_NOTICE_H
#define REEL_DAEMON_NOTICE_H

#include <stdbool.h>
#include <jansson.h>

#include "base/limits.h"

enum reel_notice_kind {
    REEL_NOTICE_EVENT,  /* publish `event` */
    REEL_NOTICE_INGEST, /* the ingest side's state changed */
};

struct reel_notice {
    enum reel_notice_kind kind;
    /* EVENT: where it belongs ("-" for a name that is invalid) and the document, owned. */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    json_t *event;
    /* INGEST */
    bool subscribed;
    bool stalled;
    char reason[256]; /* why it is stalled or not subscribed; "" */
};

/* NULL if memory ran out. An event's reference is taken over, even then. */
struct reel_notice *reel_notice_event(const char *device, const char *session, json_t *event);
struct reel_notice *reel_notice_ingest(bool subscribed, bool stalled, const char *reason);

/* Accepts NULL. */
void reel_notice_destroy(struct reel_notice *notice);

#endif
