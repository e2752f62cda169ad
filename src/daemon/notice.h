/* Notice: what the ingest thread tells the query thread, which alone publishes events and status.
 */
#ifndef REEL_DAEMON_NOTICE_H
#define REEL_DAEMON_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "base/limits.h"

enum reel_notice_kind {
    REEL_NOTICE_EVENT,  /* publish `text` */
    REEL_NOTICE_INGEST, /* the ingest side's state changed */
    REEL_NOTICE_ANSWER, /* send a response */
};

struct reel_notice {
    enum reel_notice_kind kind;
    /* EVENT: where it belongs ("-" for a name that is invalid). */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    /* INGEST */
    bool subscribed;
    bool stalled;
    /* ANSWER: what `text` is and where it goes. The texts are static or in `text` too. */
    const char *topic;
    const char *content_type;
    const char *status;
    const uint8_t *correlation; /* NULL: none */
    size_t correlation_bytes;
    /* EVENT: the document in JSON, since many wait when recordings complete together, and a tree
     * takes ten times as much. INGEST: why it is stalled or not subscribed; "". ANSWER: the
     * payload. */
    size_t text_bytes;
    char text[];
};

/* What it takes of memory. */
size_t reel_notice_bytes(const struct reel_notice *notice);

/* NULL if memory ran out. An event's reference is taken over, even then. */
struct reel_notice *reel_notice_event(const char *device, const char *session, json_t *event);
struct reel_notice *reel_notice_ingest(bool subscribed, bool stalled, const char *reason);

/* A response; copied but for the static `content_type` and `status`. */
struct reel_notice_answer {
    const char *topic;
    const char *content_type;
    const char *status;
    const uint8_t *correlation; /* NULL: none */
    size_t correlation_bytes;
    const uint8_t *payload;
    size_t payload_bytes;
};
struct reel_notice *reel_notice_answer(const struct reel_notice_answer *answer);

/* Accepts NULL. */
void reel_notice_destroy(struct reel_notice *notice);

#endif
