/* Clock watch: whether the wall clock may be believed by who removes what is old. A machine without
 * a clock of its own starts in 1970 or at any other time until it is told the right one; what is
 * removed by a clock that is ahead does not come back. Pure. */
#ifndef REEL_CORE_CLOCK_WATCH_H
#define REEL_CORE_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* What ended before it ended by a clock that was not set: how old it is nobody knows.
 * 2000-01-01T00:00:00Z. */
#define REEL_CLOCK_SET_US INT64_C(946684800000000)

struct reel_clock_watch {
    int64_t known_us;    /* the latest wall time that was believed */
    int64_t looked_us;   /* monotonic */
    int64_t believed_us; /* monotonic: then a clock that is doubted is believed */
    bool doubted;
};

/* Begin with the latest wall time that is known from elsewhere (INT64_MIN: none, any is believed).
 */
void reel_clock_watch_init(struct reel_clock_watch *watch, int64_t known_us, int64_t monotonic_us);

/* Whether the wall clock is believed. One that is more than a day ahead of the latest time that was
 * believed, and of what has passed since, is doubted until it has been so for a day or goes back.
 */
bool reel_clock_watch_believes(struct reel_clock_watch *watch, int64_t wall_us,
                               int64_t monotonic_us);

#endif
