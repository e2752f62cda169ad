/* Home Assistant: what stands at the broker, from before or from now: it is asked for with each
 * connection, and what is not as it should be is taken back. */
#include "daemon/homeassistant_internal.h"
#include "io/loop.h"
#include "wire/message.h"
#include "wire/topic.h"

/* Larger ones are none of ours. */
enum { DOCUMENT_MAX_BYTES = 8192 };

enum reel_code reel_homeassistant_connected(struct reel_homeassistant *home, struct reel_bus *bus,
                                            struct reel_error *err_out)
{
    const char *filter = home->filter;

    home->connection++;
    home->sink_told = false;
    home->passing = false;
    home->next_us = home->config->homeassistant_enabled ? 0 : INT64_MAX;
    if (reel_home_refusals_connected(&home->refusals, reel_monotonic_us()) && home->next_us == 0) {
        home->next_us = home->rested_us = home->refusals.held_us;
        reel_homeassistant_tell_of_refusal(home, "it ends the connection for it");
        return REEL_OK;
    }
    if (!home->config->homeassistant_enabled && home->looked)
        return REEL_OK;
    home->looked = true;
    return reel_bus_subscribe(bus, &filter, 1, true, err_out);
}

/* A pass comes by it, or takes it back. */
static void hear_of_device(struct reel_homeassistant *home, struct reel_bus *bus, const char *topic,
                           const char *device)
{
    if (reel_homeassistant_find(home, device))
        reel_homeassistant_soon(home);
    else
        reel_homeassistant_take_back_stray(home, bus, topic, device);
}

bool reel_homeassistant_hear(struct reel_homeassistant *home, struct reel_bus *bus,
                             const struct reel_bus_message *message)
{
    char device[REEL_NAME_BYTES] = "";
    enum reel_document_kind kind;
    json_t *document = NULL;
    bool recognised;

    if (!reel_topic_matches(home->filter, message->topic))
        return false;
    if (message->payload_bytes == 0)
        return true; /* it was taken back */
    if (message->payload_bytes <= DOCUMENT_MAX_BYTES)
        reel_document_decode(message->payload, message->payload_bytes, &document, &kind, NULL);
    recognised =
        document && reel_discovery_recognise(&home->discovery, message->topic, document, device);
    json_decref(document);
    if (!recognised || !home->config->homeassistant_enabled)
        reel_homeassistant_take_back_stray(home, bus, message->topic, device);
    else if (device[0] && !reel_devices_find(home->devices, device))
        hear_of_device(home, bus, message->topic, device);
    return true;
}
