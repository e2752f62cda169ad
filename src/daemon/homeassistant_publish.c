/* Home Assistant: what is published to it of the sink and of devices, and taken back. */
#include "core/discovery.h"
#include "daemon/homeassistant_internal.h"
#include "wire/message.h"

/* Retained. An empty payload takes back what stands there. */
static void publish(struct reel_homeassistant *home, struct reel_bus *bus, const char *topic,
                    const struct reel_buffer *payload)
{
    const struct reel_bus_publication what = {
        .topic = topic,
        .payload = payload->bytes,
        .payload_bytes = payload->size,
        .qos = 1,
        .retain = true,
    };
    struct reel_error error;
    int publication_id = 0;

    if (reel_bus_publish(bus, &what, &publication_id, &error))
        reel_log_write(home->log, REEL_LOG_WARNING, "%s was not published: %s", topic,
                       error.message);
    reel_home_refusals_note(&home->refusals, publication_id);
}

/* The same of a document, whose reference is taken over (NULL is memory run out). */
static void tell(struct reel_homeassistant *home, struct reel_bus *bus, const char *topic,
                 json_t *document)
{
    struct reel_buffer payload = {0};

    if (document && reel_document_encode(document, REEL_DOCUMENT_JSON, NULL, 0, &payload))
        publish(home, bus, topic, &payload);
    else
        reel_log_write(home->log, REEL_LOG_WARNING, "%s was not published: out of memory", topic);
    reel_buffer_finish(&payload);
    json_decref(document);
}

static void take_back(struct reel_homeassistant *home, struct reel_bus *bus, const char *topic)
{
    const struct reel_buffer nothing = {0};

    publish(home, bus, topic, &nothing);
}

static void take_back_state(struct reel_homeassistant *home, struct reel_bus *bus,
                            const char *device)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];

    reel_discovery_state_topic(&home->discovery, device, topic);
    take_back(home, bus, topic);
}

void reel_homeassistant_tell_documents(struct reel_homeassistant *home, struct reel_bus *bus,
                                       const char *device)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];
    size_t count = device ? REEL_DISCOVERY_OF_DEVICE : REEL_DISCOVERY_OF_SINK;

    for (size_t i = 0; i < count; i++) {
        reel_discovery_topic(&home->discovery, device, i, topic);
        tell(home, bus, topic, reel_discovery_document(&home->discovery, device, i));
    }
}

void reel_homeassistant_tell_state(struct reel_homeassistant *home, struct reel_bus *bus,
                                   struct reel_told *told, const struct reel_discovery_state *state)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];

    told->state = *state;
    told->has_state = true;
    reel_discovery_state_topic(&home->discovery, told->device, topic);
    tell(home, bus, topic, reel_discovery_state(state));
}

void reel_homeassistant_take_back(struct reel_homeassistant *home, struct reel_bus *bus,
                                  const char *device)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];

    for (size_t i = 0; i < REEL_DISCOVERY_OF_DEVICE; i++) {
        reel_discovery_topic(&home->discovery, device, i, topic);
        take_back(home, bus, topic);
    }
    take_back_state(home, bus, device);
}

void reel_homeassistant_take_back_stray(struct reel_homeassistant *home, struct reel_bus *bus,
                                        const char *topic, const char *device)
{
    take_back(home, bus, topic);
    if (device[0])
        take_back_state(home, bus, device);
}

void reel_homeassistant_tell_of_refusal(struct reel_homeassistant *home, const char *how)
{
    char filter[REEL_DISCOVERY_TOPIC_BYTES], topic[REEL_DISCOVERY_TOPIC_BYTES];

    if (home->refusal_told)
        return;
    home->refusal_told = true;
    reel_discovery_check(&home->discovery, filter, topic);
    reel_log_write(home->log, REEL_LOG_WARNING,
                   "the broker refuses what Home Assistant is to be shown: %s; in the acl_file, "
                   "below the sink's user, and then the sink started again: topic readwrite %s",
                   how, filter);
}

void reel_homeassistant_published(struct reel_homeassistant *home, int publication_id, int refusal)
{
    if (reel_home_refusals_take(&home->refusals, publication_id, refusal != 0) && refusal)
        reel_homeassistant_tell_of_refusal(home, reel_bus_reason_text(refusal));
}
