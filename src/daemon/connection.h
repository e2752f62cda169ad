/* Connection: what the sink's two connections to the broker have in common: when to try again, and
 * how it is told that there is none. */
#ifndef REEL_DAEMON_CONNECTION_H
#define REEL_DAEMON_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "io/bus.h"

/* Each attempt waits twice as long as the one before, from a second up to what the caller says. A
 * disk that is well again is noticed early enough to be back within ten seconds: recovery, the
 * connection and what the broker sends again take the rest. */
enum { REEL_CONNECT_WAIT_MOST_US = 8000000, REEL_STORE_WAIT_MOST_US = 4000000 };
struct reel_backoff {
    int64_t wait_us;
    int64_t next_us; /* monotonic: when to try */
};

/* What was tried has worked: the next wait is the shortest. */
void reel_backoff_reset(struct reel_backoff *backoff);

/* It has not: wait. */
void reel_backoff_wait(struct reel_backoff *backoff, int64_t most_us, int64_t monotonic_us);

/* Say in `text_out` why there is no connection of that name ("ingest"), `reason` being what the bus
 * said when it lost it. */
enum { REEL_CONNECTION_TEXT_BYTES = 384 };
void reel_connection_describe(const struct reel_config *config, const struct reel_bus *bus,
                              const char *name, const char *reason,
                              char text_out[REEL_CONNECTION_TEXT_BYTES]);

#endif
