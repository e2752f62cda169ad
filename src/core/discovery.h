/* Discovery: what Home Assistant is told so that the sink and its devices show there by themselves
 * (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery): topics and documents. Pure.
 *
 *   {home}/{component}/{node}/{object}/config   one thing that is shown, retained
 *   {home}/reel/{node}/{object}/state           how a device is, retained
 *
 * {home} is `homeassistant.prefix`, {node} `reel_` and the sink's name, {object} a device's name
 * and what is shown of it. Home Assistant allows no '.' there: each becomes '_', and eight
 * hex digits of the name's hash are added, as to a name that ends like that. */
#ifndef REEL_CORE_DISCOVERY_H
#define REEL_CORE_DISCOVERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum { REEL_DISCOVERY_TOPIC_BYTES = 512 };

/* How many things are shown of the sink, and of each device. */
enum { REEL_DISCOVERY_OF_SINK = 5, REEL_DISCOVERY_OF_DEVICE = 5 };

/* Whose they are. Borrowed. */
struct reel_discovery {
    const char *home;   /* homeassistant.prefix */
    const char *prefix; /* broker.prefix */
    const char *sink;
    const char *version;
};

/* How a device is. */
struct reel_discovery_state {
    bool is_heard; /* audio came lately */
    bool records;
    bool has_heard;
    int64_t heard_us; /* wall clock */
    uint64_t gap_frames;
    uint64_t rejected;
};

/* All that is shown under this node: a filter. */
void reel_discovery_filter(const struct reel_discovery *discovery,
                           char out[REEL_DISCOVERY_TOPIC_BYTES]);

/* All that the sink may read and write there: a filter; and a topic of it at which nobody listens,
 * for a check. */
void reel_discovery_check(const struct reel_discovery *discovery,
                          char filter_out[REEL_DISCOVERY_TOPIC_BYTES],
                          char topic_out[REEL_DISCOVERY_TOPIC_BYTES]);

/* The topic and the document of thing `i`, of the sink or (`device` not NULL) of a device. A new
 * document, NULL if memory ran out; the caller owns it. */
void reel_discovery_topic(const struct reel_discovery *discovery, const char *device, size_t i,
                          char out[REEL_DISCOVERY_TOPIC_BYTES]);
json_t *reel_discovery_document(const struct reel_discovery *discovery, const char *device,
                                size_t i);

/* The same of a device's state. */
void reel_discovery_state_topic(const struct reel_discovery *discovery, const char *device,
                                char out[REEL_DISCOVERY_TOPIC_BYTES]);
json_t *reel_discovery_state(const struct reel_discovery_state *state);

/* Whose a document is that stands at `topic`, from the sink or an earlier life of it: false where
 * it is not as this one would make it any more. Of a device its name goes to `device_out`, else "".
 */
bool reel_discovery_recognise(const struct reel_discovery *discovery, const char *topic,
                              const json_t *document, char device_out[REEL_NAME_BYTES]);

#endif
