/* Loop: clocks and a poll with a deadline. */
#ifndef REEL_IO_LOOP_H
#define REEL_IO_LOOP_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds: monotonic, and since 1970 UTC. */
int64_t reel_monotonic_us(void);
int64_t reel_wall_us(void);

/* The monotonic clock with the time that the machine was suspended. */
int64_t reel_elapsed_us(void);

/* poll until a descriptor is ready or the monotonic clock passes `deadline_us` (INT64_MAX: no
 * deadline). A negative fd is passed over. Returns how many are ready; 0 at the deadline or when a
 * signal came. */
int reel_poll(struct pollfd *descriptors, size_t count, int64_t deadline_us);

#endif
