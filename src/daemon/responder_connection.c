/* Responder, the connection: made, lost, and who is heard by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/responder_internal.h"
#include "io/loop.h"
#include "wire/topic.h"

enum { TOPIC_BYTES = 512 };

/* A sink is online: ourselves, another one under our prefix, or another one with our name. */
static void hear_status(struct reel_responder *responder, const char *name,
                        const struct reel_bus_message *message)
{
    const char *own_name = responder->links.config->sink_name;

    if (strcmp(name, own_name) == 0)
        responder->taken_over =
            responder->taken_over ||
            reel_namesake_hear(&responder->namesake, message->payload, message->payload_bytes);
    else if (reel_rival_hear(&responder->rival, own_name, responder->connected_at_us, name,
                             message->payload, message->payload_bytes, reel_monotonic_us()))
        responder->next_status_us = 0;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct reel_responder *responder = user;
    const struct reel_config *config = responder->links.config;
    struct reel_topic topic;

    if (reel_homeassistant_hear(responder->home, responder->bus, message))
        return;
    memset(&topic, 0, sizeof topic);
    reel_topic_parse(config->broker_prefix, message->topic, &topic, NULL);
    if (topic.kind == REEL_TOPIC_STATUS) {
        hear_status(responder, topic.device, message);
        return;
    }
    if (!responder->rival.present && !responder->ending)
        reel_query_answer(&responder->query, message, reel_wall_us());
}

static void on_connected(void *user, bool session_present)
{
    struct reel_responder *responder = user;
    char requests[TOPIC_BYTES];
    char statuses[TOPIC_BYTES];
    const char *filter = requests;
    struct reel_error error;
    enum reel_code code;

    (void)session_present;
    snprintf(requests, sizeof requests, "%s/request/#", responder->links.config->broker_prefix);
    snprintf(statuses, sizeof statuses, "%s/status/+", responder->links.config->broker_prefix);
    code = reel_bus_subscribe(responder->bus, &filter, 1, false, &error);
    filter = statuses;
    if (code == REEL_OK)
        code = reel_bus_subscribe(responder->bus, &filter, 1, true, &error);
    if (code) {
        reel_log_write(responder->links.log, REEL_LOG_ERROR, "%s", error.message);
        responder->lost = true;
    }
}

/* All that is needed is granted. */
static void begin(struct reel_responder *responder)
{
    struct reel_error error;

    responder->unreachable[0] = '\0';
    reel_backoff_reset(&responder->backoff);
    responder->next_status_us = 0;
    responder->next_metrics_us = 0;
    if (reel_homeassistant_connected(responder->home, responder->bus, &error)) {
        reel_log_write(responder->links.log, REEL_LOG_ERROR, "%s", error.message);
        responder->lost = true;
    }
}

/* What stands at Home Assistant's topics may be out of our reach; it is missed only if it is
 * wanted.
 */
static void hear_of_home(const struct reel_responder *responder, bool granted)
{
    const struct reel_config *config = responder->links.config;

    if (!granted && config->homeassistant_enabled)
        reel_log_write(responder->links.log, REEL_LOG_WARNING,
                       "the broker does not let us subscribe under %s: what is gone stays shown",
                       config->homeassistant_prefix);
}

static void on_subscribed(void *user, const int *granted, size_t count)
{
    struct reel_responder *responder = user;

    if (reel_responder_hears(responder)) {
        hear_of_home(responder, granted[0] < 128);
        return;
    }
    if (count != 1 || granted[0] >= 128) {
        reel_log_write(responder->links.log, REEL_LOG_ERROR,
                       "the broker does not let us subscribe to %s/request/# or %s/status/+",
                       responder->links.config->broker_prefix,
                       responder->links.config->broker_prefix);
        responder->lost = true;
        return;
    }
    responder->subscriptions++;
    if (reel_responder_hears(responder))
        begin(responder);
}

static void on_published(void *user, int publication_id, int refusal)
{
    struct reel_responder *responder = user;

    reel_homeassistant_published(responder->home, publication_id, refusal);
    if (publication_id == responder->awaited_id)
        responder->awaited_id = 0;
}

static void on_disconnected(void *user, const char *reason, bool taken_over)
{
    struct reel_responder *responder = user;
    char text[REEL_CONNECTION_TEXT_BYTES];

    responder->lost = true;
    responder->taken_over = responder->taken_over || taken_over;
    reel_connection_describe(responder->links.config, responder->bus, "query", reason, text);
    reel_log_write(responder->links.log, responder->ending ? REEL_LOG_INFO : REEL_LOG_WARNING, "%s",
                   text);
    snprintf(responder->unreachable, sizeof responder->unreachable, "%s", text);
}

void reel_responder_disconnect(struct reel_responder *responder)
{
    reel_bus_destroy(&responder->bus);
    responder->lost = false;
    responder->subscriptions = 0;
    memset(&responder->rival, 0, sizeof responder->rival);
    reel_backoff_wait(&responder->backoff, REEL_CONNECT_WAIT_MOST_US, reel_monotonic_us());
    reel_responder_tell_service(responder);
}

static enum reel_code create_bus(struct reel_responder *responder, struct reel_error *err_out)
{
    const struct reel_config *config = responder->links.config;
    const struct reel_bus_handlers handlers = {
        .user = responder,
        .connected = on_connected,
        .subscribed = on_subscribed,
        .message = on_message,
        .published = on_published,
        .disconnected = on_disconnected,
    };
    struct reel_bus_config bus_config;
    char client_id[REEL_NAME_BYTES + 32];
    char will_topic[TOPIC_BYTES];
    json_t *will = reel_presence_will(responder->connected_at_us);
    char *will_payload = will ? json_dumps(will, JSON_COMPACT) : NULL;
    enum reel_code code = REEL_E_INTERNAL;

    reel_config_bus(config, responder->links.password, &bus_config);
    snprintf(client_id, sizeof client_id, "reeld-%s-query", config->sink_name);
    bus_config.client_id = client_id;
    bus_config.gate = responder->links.gate;
    bus_config.will_topic = will_topic;
    bus_config.will_payload = will_payload;
    if (!will_payload)
        reel_error_set(err_out, code, NULL, "out of memory");
    else if (reel_topic_build(will_topic, sizeof will_topic, config->broker_prefix, "status",
                              config->sink_name, NULL))
        code = reel_bus_create(&bus_config, &handlers, &responder->bus, err_out);
    free(will_payload);
    json_decref(will);
    return code;
}

void reel_responder_connect(struct reel_responder *responder)
{
    struct reel_error error;
    enum reel_code code;

    responder->connected_at_us = reel_wall_us();
    reel_namesake_note(&responder->namesake, responder->connected_at_us);
    code = create_bus(responder, &error);
    if (code == REEL_OK)
        code = reel_bus_connect(responder->bus, &error);
    if (code == REEL_OK)
        return;
    reel_log_write(responder->links.log, REEL_LOG_WARNING, "%s", error.message);
    snprintf(responder->unreachable, sizeof responder->unreachable, "%s", error.message);
    reel_responder_disconnect(responder);
}
