/* Ingest, retention, inside: which recordings go (ingest_choose.c) and when (ingest_retain.c). */
#ifndef REEL_DAEMON_INGEST_RETAIN_H
#define REEL_DAEMON_INGEST_RETAIN_H

#include "daemon/ingest_internal.h"

/* Recordings that one slice takes at most. */
enum { REEL_VICTIMS_MAX = 64 };

/* What is to be removed in one slice. */
struct reel_victims {
    size_t count;
    struct {
        char device[REEL_NAME_BYTES];
        char session[REEL_NAME_BYTES];
        const char *reason;
    } items[REEL_VICTIMS_MAX];
};

/* Before all that may be removed. */
static inline struct reel_removable_place reel_removable_first(void)
{
    return (struct reel_removable_place){INT64_MIN, 0};
}

/* Before all that ended by a clock that was set. */
static inline struct reel_removable_place reel_removable_of_age(void)
{
    return (struct reel_removable_place){REEL_CLOCK_SET_US, 0};
}

/* Find the victims of one slice of what is under way: room on the disk, else the pass, which this
 * moves on. What cannot be held is noted in the sweep. Where the store fails, `ingest->failed` is
 * set. */
void reel_ingest_choose(struct reel_ingest *ingest, struct reel_victims *victims_out);

#endif
