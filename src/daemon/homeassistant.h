/* Home Assistant: keeps what is told it by MQTT discovery (core/discovery.h) as it should be: for
 * the sink and each device, while `homeassistant.enabled` says so; what is there of devices that
 * are gone, or of an earlier life, is taken back. One thread, the responder's. */
#ifndef REEL_DAEMON_HOMEASSISTANT_H
#define REEL_DAEMON_HOMEASSISTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "daemon/config.h"
#include "io/bus.h"
#include "store/reader.h"

struct reel_homeassistant;

/* All is borrowed and outlives it, the settings until they are renewed. NULL if memory ran out. */
struct reel_homeassistant *reel_homeassistant_create(const struct reel_config *config,
                                                     const struct reel_log *log,
                                                     struct reel_reader *reader);
void reel_homeassistant_destroy(struct reel_homeassistant **home); /* accepts a pointer to NULL */

/* The settings were read again. */
void reel_homeassistant_renew(struct reel_homeassistant *home, const struct reel_config *config);

/* There is a new connection: ask for what stands there, and tell all anew. While it is turned off,
 * that is asked once: what an earlier process left is taken back. Errors of reel_bus_subscribe. */
enum reel_code reel_homeassistant_connected(struct reel_homeassistant *home, struct reel_bus *bus,
                                            struct reel_error *err_out);

/* Take in a message, if it is one of these: what is not as it should be is taken back. False: it is
 * another. */
bool reel_homeassistant_hear(struct reel_homeassistant *home, struct reel_bus *bus,
                             const struct reel_bus_message *message);

/* A publication was acknowledged: where it is one of these that the broker refused, that is logged
 * once. */
void reel_homeassistant_published(struct reel_homeassistant *home, int publication_id, int refusal);

/* Look at some devices, where that is due, and tell what changed. */
void reel_homeassistant_work(struct reel_homeassistant *home, struct reel_bus *bus,
                             int64_t monotonic_us, int64_t wall_us);

/* Something happened to a recording: the next look is due sooner. */
void reel_homeassistant_soon(struct reel_homeassistant *home);

/* When that is due: monotonic. */
int64_t reel_homeassistant_due_us(const struct reel_homeassistant *home);

#endif
