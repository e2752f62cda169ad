/* Home Assistant, inside: homeassistant.c goes by the devices, homeassistant_publish.c tells what
 * is to be told of them, homeassistant_standing.c hears what stands at the broker. */
#ifndef REEL_DAEMON_HOMEASSISTANT_INTERNAL_H
#define REEL_DAEMON_HOMEASSISTANT_INTERNAL_H

#include "core/devices.h"
#include "core/discovery.h"
#include "daemon/home_refusals.h"
#include "daemon/homeassistant.h"

/* What was told of a device. */
struct reel_told {
    char device[REEL_NAME_BYTES];
    uint64_t pass;       /* that came by it last */
    uint64_t connection; /* over which all was told */
    bool has_state;
    struct reel_discovery_state state;
};

struct reel_homeassistant {
    const struct reel_config *config;
    const struct reel_log *log;
    struct reel_reader *reader;
    struct reel_discovery discovery;
    char filter[REEL_DISCOVERY_TOPIC_BYTES];
    struct reel_devices *devices; /* struct reel_told: who was come by last is last */
    uint64_t pass;
    bool passing;
    uint64_t connection; /* they are numbered from 1 on */
    bool sink_told;      /* over this connection */
    struct reel_home_refusals refusals;
    bool refusal_told;
    bool bound_told;
    bool looked;                  /* at what stands there, since the process began */
    char device[REEL_NAME_BYTES]; /* a pass has come this far */
    int64_t next_us;
    int64_t rested_us; /* the next comes then at the soonest */
};

/* What was told of a device, which is remembered from now on if it was not. NULL where too many are
 * shown already, or without memory. */
struct reel_told *reel_homeassistant_find(struct reel_homeassistant *home, const char *device);

/* What follows goes to the broker retained; what fails is logged. */

/* All that is shown of a device; NULL: of the sink. */
void reel_homeassistant_tell_documents(struct reel_homeassistant *home, struct reel_bus *bus,
                                       const char *device);

/* How a device is; that is noted in `told`. */
void reel_homeassistant_tell_state(struct reel_homeassistant *home, struct reel_bus *bus,
                                   struct reel_told *told,
                                   const struct reel_discovery_state *state);

/* Take back all that is shown of a device. */
void reel_homeassistant_take_back(struct reel_homeassistant *home, struct reel_bus *bus,
                                  const char *device);

/* Take back what stands at a topic; of a device also how it was ("": it is of none). */
void reel_homeassistant_take_back_stray(struct reel_homeassistant *home, struct reel_bus *bus,
                                        const char *topic, const char *device);

/* Log once that the broker refuses what is told it, and what to do. */
void reel_homeassistant_tell_of_refusal(struct reel_homeassistant *home, const char *how);

#endif
