/* Reject limit: `rejected` events at most once a second for a device and code, with a count
 * (protocol.md, "Events and status"). Bounded: over 1024 pairs the newest share one place. */
#ifndef REEL_CORE_REJECT_LIMIT_H
#define REEL_CORE_REJECT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct reel_reject_limit;

/* What an event tells: the last refusal of its kind, and how many there were. */
struct reel_rejection {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    struct reel_error error;
    uint64_t quarantine_id;
    uint64_t count;
};

struct reel_reject_limit *reel_reject_limit_create(void); /* NULL if memory ran out */
void reel_reject_limit_destroy(struct reel_reject_limit **limit);

/* Note a refusal (its `count` is ignored). */
void reel_reject_limit_note(struct reel_reject_limit *limit, const struct reel_rejection *what);

/* Take one that is due at `now_us` (monotonic); false when none is. */
bool reel_reject_limit_due(struct reel_reject_limit *limit, int64_t now_us,
                           struct reel_rejection *what_out);

/* When the next is due; INT64_MAX if nothing waits. */
int64_t reel_reject_limit_next_us(const struct reel_reject_limit *limit);

#endif
