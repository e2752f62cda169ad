/* Home refusals: which publications of daemon/homeassistant.h the broker has not acknowledged yet,
 * and what follows where it refuses them. mosquitto 2.0.11 with `max_queued_messages 0` ends the
 * connection for one: after some in a row it is held back for a while, or there would be no other
 * answers either. */
#ifndef REEL_DAEMON_HOME_REFUSALS_H
#define REEL_DAEMON_HOME_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reel_home_refusals {
    uint8_t waiting[(UINT16_MAX + 1) / 8]; /* a bit for each id */
    size_t count;                          /* of them */
    bool refused;                          /* one was, over this connection */
    unsigned in_vain;                      /* connections that ended after that, or while some
                                              waited, in a row */
    int64_t held_us;                       /* monotonic: nothing is published before */
};

/* `id` was published; 0: nothing was. */
void reel_home_refusals_note(struct reel_home_refusals *refusals, int id);

/* `id` was acknowledged, or `refused`. Whether it is one of these. */
bool reel_home_refusals_take(struct reel_home_refusals *refusals, int id, bool refused);

/* All that there was to tell was told; the broker has all of it, too, if none waits or was refused.
 */
void reel_home_refusals_whole(struct reel_home_refusals *refusals);

/* There is a new connection, over which nothing waits. Whether it is held back. */
bool reel_home_refusals_connected(struct reel_home_refusals *refusals, int64_t monotonic_us);

#endif
