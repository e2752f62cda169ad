/* Bus: what is published, with its properties. */
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "io/bus_internal.h"

static int publication_properties(const struct reel_bus_publication *what,
                                  mosquitto_property **properties)
{
    int rc = MOSQ_ERR_SUCCESS;

    if (what->expiry_s)
        rc = mosquitto_property_add_int32(properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                          what->expiry_s);
    if (rc == MOSQ_ERR_SUCCESS && what->content_type)
        rc = mosquitto_property_add_string(properties, MQTT_PROP_CONTENT_TYPE, what->content_type);
    if (rc == MOSQ_ERR_SUCCESS && what->response_topic)
        rc = mosquitto_property_add_string(properties, MQTT_PROP_RESPONSE_TOPIC,
                                           what->response_topic);
    if (rc == MOSQ_ERR_SUCCESS && what->correlation)
        rc = mosquitto_property_add_binary(properties, MQTT_PROP_CORRELATION_DATA,
                                           what->correlation, (uint16_t)what->correlation_bytes);
    for (size_t i = 0; i < what->properties_count && rc == MOSQ_ERR_SUCCESS; i++)
        rc =
            mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY,
                                               what->properties[i].name, what->properties[i].value);
    return rc;
}

enum reel_code reel_bus_publish(struct reel_bus *bus, const struct reel_bus_publication *what,
                                int *publication_id_out, struct reel_error *err_out)
{
    mosquitto_property *properties = NULL;
    int publication_id = 0;
    int rc;

    if (what->payload_bytes > REEL_BUS_PAYLOAD_MAX_BYTES || what->correlation_bytes > UINT16_MAX)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, NULL, "larger than MQTT carries");
    rc = publication_properties(what, &properties);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_publish_v5(bus->mosquitto, &publication_id, what->topic,
                                  (int)what->payload_bytes, what->payload, what->qos, what->retain,
                                  properties);
    mosquitto_property_free_all(&properties);
    if (rc != MOSQ_ERR_SUCCESS)
        return reel_bus_library_error(err_out, rc, "publishing");
    bus->pending++;
    bus->unwritten++;
    if (publication_id_out)
        *publication_id_out = publication_id;
    return REEL_OK;
}

size_t reel_bus_pending(const struct reel_bus *bus)
{
    return bus->pending;
}
