/* Loop: clocks and a poll with a deadline. */
#include "io/loop.h"

#include <limits.h>
#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now); /* cannot fail for the clocks used */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t reel_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t reel_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t reel_elapsed_us(void)
{
    return clock_us(CLOCK_BOOTTIME);
}

int reel_poll(struct pollfd *descriptors, size_t count, int64_t deadline_us)
{
    int timeout_ms = -1;
    int ready;

    if (deadline_us != INT64_MAX) {
        int64_t left_us = deadline_us - reel_monotonic_us();

        /* Round up, so that the deadline has passed when poll returns. */
        timeout_ms = left_us <= 0                ? 0
                     : left_us / 1000 >= INT_MAX ? INT_MAX
                                                 : (int)(left_us / 1000) + 1;
    }
    ready = poll(descriptors, (nfds_t)count, timeout_ms);
    if (ready < 0) {
        for (size_t i = 0; i < count; i++)
            descriptors[i].revents = 0;
        return 0;
    }
    return ready;
}
