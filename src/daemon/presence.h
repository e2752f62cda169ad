/* Presence: the retained status of a sink, ours and others' (protocol.md, "Events and status"). */
#ifndef REEL_DAEMON_PRESENCE_H
#define REEL_DAEMON_PRESENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "daemon/config.h"
#include "daemon/query.h"

enum {
    REEL_STATUS_INTERVAL_S = 60, /* how often it is published again */
    REEL_STATUS_EXPIRY_S = 180,  /* and how long it stands without */
};

/* Our status. `connected_at_us` (wall clock) names the connection whose will carries it too.
 * `reason` overrules the state's if not "". NULL if memory ran out. */
json_t *reel_presence_status(const struct reel_config *config, const struct reel_sink_state *state,
                             bool online, const char *reason, int64_t connected_at_us,
                             int64_t now_us);

/* The will: offline, with the same `connected_at`. */
json_t *reel_presence_will(int64_t connected_at_us);

/* Another sink that is online under our prefix and was there before us. */
struct reel_rival {
    bool present;
    char name[REEL_NAME_BYTES];
    int64_t heard_us; /* monotonic */
};

/* Take in a status message of sink `name`. Returns whether `rival` changed. */
bool reel_rival_hear(struct reel_rival *rival, const char *own_name, int64_t own_connected_at_us,
                     const char *name, const uint8_t *payload, size_t payload_bytes,
                     int64_t monotonic_us);

/* Another sink with our very name: each takes the other's connections over, and the broker need not
 * say so (mosquitto 2.0.11 closes the socket without a word). What tells is the status under our
 * name: it carries connections that are none of ours, and newer than our first. One may be of a
 * sink that is gone again; several in a row are a fight, and who sees that first gives up. */
enum { REEL_CONNECTIONS_KNOWN = 8, REEL_NAMESAKE_CONNECTIONS = 3 };
struct reel_namesake {
    int64_t own_us[REEL_CONNECTIONS_KNOWN]; /* connected_at of our latest connections, a ring */
    unsigned own_count;
    int64_t own_first_us;
    int64_t other_us; /* connected_at of its latest, once other_count > 0 */
    unsigned other_count;
};

/* Note a connection of ours, before it is made. */
void reel_namesake_note(struct reel_namesake *namesake, int64_t connected_at_us);

/* Take in a status message under our own name; says whether it is time to give up. */
bool reel_namesake_hear(struct reel_namesake *namesake, const uint8_t *payload,
                        size_t payload_bytes);

/* Forget one that has not been heard of for REEL_STATUS_EXPIRY_S. Returns whether it changed. */
bool reel_rival_expire(struct reel_rival *rival, int64_t monotonic_us);

#endif
