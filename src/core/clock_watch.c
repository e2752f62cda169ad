/* Clock watch: a clock that goes ahead waits. */
#include "core/clock_watch.h"

#define DAY_US (INT64_C(86400) * 1000000)

void reel_clock_watch_init(struct reel_clock_watch *watch, int64_t known_us, int64_t monotonic_us)
{
    *watch = (struct reel_clock_watch){.known_us = known_us, .looked_us = monotonic_us};
}

static bool is_ahead(const struct reel_clock_watch *watch, int64_t wall_us, int64_t monotonic_us)
{
    int64_t passed_us = monotonic_us - watch->looked_us;

    return watch->known_us != INT64_MIN && wall_us - passed_us - DAY_US > watch->known_us;
}

bool reel_clock_watch_believes(struct reel_clock_watch *watch, int64_t wall_us,
                               int64_t monotonic_us)
{
    if (!is_ahead(watch, wall_us, monotonic_us)) {
        watch->doubted = false;
    } else if (!watch->doubted) {
        watch->doubted = true;
        watch->believed_us = monotonic_us + DAY_US;
    } else if (monotonic_us >= watch->believed_us) {
        watch->doubted = false;
    }
    if (watch->doubted)
        return false;
    if (wall_us > watch->known_us)
        watch->known_us = wall_us;
    watch->looked_us = monotonic_us;
    return true;
}
