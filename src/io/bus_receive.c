/* Bus: the library's callbacks, turned into ours. */
#include <stdlib.h>
#include <string.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "io/bus_internal.h"

void reel_bus_lost(struct reel_bus *bus, const char *reason, bool taken_over)
{
    if (bus->down)
        return;
    bus->down = true;
    if (bus->handlers.disconnected)
        bus->handlers.disconnected(bus->handlers.user, reason, taken_over);
}

void reel_bus_failed(struct reel_bus *bus, int rc)
{
    if (rc != MOSQ_ERR_SUCCESS)
        reel_bus_lost(bus, reel_bus_tls_reason(&bus->tls, mosquitto_strerror(rc)), false);
}

static void take_terms(struct reel_bus *bus, const mosquitto_property *properties)
{
    struct reel_bus_terms terms = {
        .session_expiry_s = bus->session_expiry_s,
        .receive_maximum = UINT16_MAX,
        .qos_maximum = 2,
        .retain = true,
    };
    uint8_t qos = 2, retain = 1;

    mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
                                  &terms.packet_max_bytes, false);
    mosquitto_property_read_int32(properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                  &terms.session_expiry_s, false);
    mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &terms.receive_maximum,
                                  false);
    mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &qos, false);
    mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &retain, false);
    terms.qos_maximum = qos;
    terms.retain = retain != 0;
    bus->terms = terms;
}

static void on_connect(struct mosquitto *m, void *user, int rc, int flags,
                       const mosquitto_property *properties)
{
    struct reel_bus *bus = user;

    (void)m;
    take_terms(bus, properties);
    reel_bus_tls_answered(&bus->tls);
    bus->received++;
    bus->refusal = rc;
    bus->accepted = rc == 0;
    bus->awaited--;
    if (rc != 0)
        reel_bus_lost(bus, mosquitto_reason_string(rc), false);
    else if (!bus->down && bus->handlers.connected)
        bus->handlers.connected(bus->handlers.user, (flags & 1) != 0);
}

static void on_disconnect(struct mosquitto *m, void *user, int rc,
                          const mosquitto_property *properties)
{
    struct reel_bus *bus = user;

    (void)m;
    (void)properties;
    if (rc == 0)
        reel_bus_lost(bus, "closed", false);
    else
        /* A code of the broker's DISCONNECT is 128 and above, one of the library's below. */
        reel_bus_lost(bus,
                      reel_bus_tls_reason(&bus->tls, rc >= 128 ? mosquitto_reason_string(rc)
                                                               : mosquitto_strerror(rc)),
                      rc == MQTT_RC_SESSION_TAKEN_OVER);
}

static void on_subscribe(struct mosquitto *m, void *user, int packet_id, int count,
                         const int *granted, const mosquitto_property *properties)
{
    struct reel_bus *bus = user;

    (void)m;
    (void)packet_id;
    (void)properties;
    bus->received++;
    bus->awaited--;
    if (!bus->down && bus->handlers.subscribed)
        bus->handlers.subscribed(bus->handlers.user, granted, (size_t)count);
}

static void on_publish(struct mosquitto *m, void *user, int publication_id, int rc,
                       const mosquitto_property *properties)
{
    struct reel_bus *bus = user;

    (void)m;
    (void)properties;
    bus->received++;
    bus->pending -= bus->pending > 0;
    if (!bus->down && bus->handlers.published)
        bus->handlers.published(bus->handlers.user, publication_id, rc >= 128 ? rc : 0);
}

/* The properties of one message, copied out of the library's list. */
struct unpacked {
    char *response_topic;
    char *content_type;
    void *correlation;
    uint16_t correlation_bytes;
    struct reel_property properties[REEL_BUS_PROPERTIES_MAX];
    char *texts[2 * REEL_BUS_PROPERTIES_MAX];
    size_t count;
};

static bool unpack_pair(const mosquitto_property *at, struct unpacked *out)
{
    char **name = &out->texts[2 * out->count];

    if (out->count == REEL_BUS_PROPERTIES_MAX)
        return true; /* more are passed over */
    if (!mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, name, name + 1, false))
        return false;
    out->properties[out->count++] = (struct reel_property){name[0], name[1]};
    return true;
}

/* False if memory ran out: the library tells that and a property that is not there alike, so each
 * is asked for where it is. */
static bool unpack(const mosquitto_property *list, struct unpacked *out)
{
    bool read = true;

    for (const mosquitto_property *at = list; at && read; at = mosquitto_property_next(at)) {
        switch (mosquitto_property_identifier(at)) {
        case MQTT_PROP_RESPONSE_TOPIC:
            read = mosquitto_property_read_string(at, MQTT_PROP_RESPONSE_TOPIC,
                                                  &out->response_topic, false) != NULL;
            break;
        case MQTT_PROP_CONTENT_TYPE:
            read = mosquitto_property_read_string(at, MQTT_PROP_CONTENT_TYPE, &out->content_type,
                                                  false) != NULL;
            break;
        case MQTT_PROP_CORRELATION_DATA:
            read = mosquitto_property_read_binary(at, MQTT_PROP_CORRELATION_DATA, &out->correlation,
                                                  &out->correlation_bytes, false) != NULL;
            break;
        case MQTT_PROP_USER_PROPERTY:
            read = unpack_pair(at, out);
            break;
        default:
            break;
        }
    }
    return read;
}

static void unpacked_finish(struct unpacked *unpacked)
{
    free(unpacked->response_topic);
    free(unpacked->content_type);
    free(unpacked->correlation);
    for (size_t i = 0; i < 2 * unpacked->count; i++)
        free(unpacked->texts[i]);
}

static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *from,
                       const mosquitto_property *properties)
{
    struct reel_bus *bus = user;
    struct unpacked unpacked;
    struct reel_bus_message message = {
        .topic = from->topic,
        .payload = from->payload,
        .payload_bytes = from->payloadlen > 0 ? (size_t)from->payloadlen : 0,
        .qos = from->qos,
        .retain = from->retain,
        .packet_id = from->qos > 0 ? (uint16_t)from->mid : 0,
    };

    (void)m;
    bus->received++;
    bus->unwritten += from->qos > 0; /* its acknowledgement */
    if (bus->down || !bus->handlers.message)
        return;
    if (!properties) {
        bus->handlers.message(bus->handlers.user, &message);
        return;
    }
    memset(&unpacked, 0, sizeof unpacked);
    if (!unpack(properties, &unpacked)) {
        unpacked_finish(&unpacked);
        reel_bus_lost(bus, "out of memory", false); /* not acknowledged, so it comes again */
        return;
    }
    message.response_topic = unpacked.response_topic;
    message.correlation = unpacked.correlation;
    message.correlation_bytes = unpacked.correlation_bytes;
    message.envelope.content_type = unpacked.content_type;
    message.envelope.properties = unpacked.properties;
    message.envelope.properties_count = unpacked.count;
    bus->handlers.message(bus->handlers.user, &message);
    unpacked_finish(&unpacked);
}

static void on_log(struct mosquitto *m, void *user, int level, const char *line)
{
    struct reel_bus *bus = user;

    if (level == MOSQ_LOG_ERR)
        reel_bus_tls_hear(&bus->tls, m, line);
}

void reel_bus_receive_set_up(struct reel_bus *bus)
{
    mosquitto_user_data_set(bus->mosquitto, bus);
    mosquitto_log_callback_set(bus->mosquitto, on_log);
    mosquitto_connect_v5_callback_set(bus->mosquitto, on_connect);
    mosquitto_disconnect_v5_callback_set(bus->mosquitto, on_disconnect);
    mosquitto_subscribe_v5_callback_set(bus->mosquitto, on_subscribe);
    mosquitto_publish_v5_callback_set(bus->mosquitto, on_publish);
    mosquitto_message_v5_callback_set(bus->mosquitto, on_message);
}
