/* Change: a request that changes the store, on its way from the query thread, which read it, to
 * ingest, which alone writes: it carries it out, and the answer leaves once it is durable. */
#ifndef REEL_DAEMON_CHANGE_H
#define REEL_DAEMON_CHANGE_H

#include <jansson.h>
#include <stddef.h>

#include "daemon/answer.h"
#include "wire/topic.h"

struct reel_change {
    char op[REEL_OP_BYTES];
    bool confined;    /* the topic named a device, which `document` names too */
    json_t *document; /* owned: nothing in it has been looked at but `device`, where confined */
    struct reel_answer *answer; /* owned */
};

/* Copies all; NULL if memory ran out. */
struct reel_change *reel_change_create(const struct reel_topic *topic, const json_t *document,
                                       const struct reel_answer_place *place);
void reel_change_destroy(struct reel_change *change); /* accepts NULL */

/* About what it takes of memory; `payload_bytes` is its request's size. */
size_t reel_change_bytes(size_t payload_bytes);

#endif
