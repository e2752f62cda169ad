/* Change: made by one thread, released by another, so that nothing in it is shared. */
#include "daemon/change.h"

#include <stdlib.h>
#include <string.h>

/* A document takes up to this much more than its text: {"a":1} and the like. */
enum { TREE_TIMES = 32, CHANGE_BYTES = 2048 };

struct reel_change *reel_change_create(const struct reel_topic *topic, const json_t *document,
                                       const struct reel_answer_place *place)
{
    struct reel_change *change = calloc(1, sizeof *change);

    if (!change)
        return NULL;
    memcpy(change->op, topic->op, sizeof change->op);
    change->confined = topic->confined;
    change->document = json_deep_copy(document);
    change->answer = reel_answer_create(place);
    if (change->document && change->answer)
        return change;
    reel_change_destroy(change);
    return NULL;
}

void reel_change_destroy(struct reel_change *change)
{
    if (!change)
        return;
    json_decref(change->document);
    reel_answer_destroy(change->answer);
    free(change);
}

size_t reel_change_bytes(size_t payload_bytes)
{
    return CHANGE_BYTES + TREE_TIMES * payload_bytes;
}
