/* Client: the connection's life, and what goes out over it. */
#include "cli/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/interrupt.h"
#include "cli/report.h"
#include "io/loop.h"
#include "wire/message.h"
#include "wire/topic.h"

enum {
    TOPIC_BYTES = 512,
    REASON_BYTES = 200,
    KEEPALIVE_S = 15,
    ALSO_MAX = 4,
    RECONNECT_US = 1000000
};
enum { REPLIES, PRESENCE, FOLLOWED, SUBSCRIPTIONS_MAX }; /* in the order of their SUBACKs */

struct reel_client {
    const struct reel_common *common;
    struct reel_client_handlers handlers;
    struct reel_client_follow follow;
    struct reel_bus *bus;
    char reply_topic[TOPIC_BYTES];
    char presence_filter[TOPIC_BYTES];
    char presence[REASON_BYTES];
    bool connected;
    bool refused;
    int subscriptions; /* SUBACKs of this connection */
    char reason[REASON_BYTES];
    uint32_t last_number;
    int64_t misc_us; /* when the keep-alive is next looked at */
};

static void on_connected(void *user, bool session_present)
{
    (void)session_present;
    ((struct reel_client *)user)->connected = true;
}

static void on_subscribed(void *user, const int *granted, size_t count)
{
    struct reel_client *client = user;
    bool needed = client->subscriptions != PRESENCE;

    for (size_t i = 0; i < count; i++) {
        if (granted[i] >= 128 && needed)
            client->refused = true;
    }
    client->subscriptions++;
}

static void presence_note(struct reel_client *client, const struct reel_bus_message *message)
{
    json_t *status = json_loadb((const char *)message->payload, message->payload_bytes, 0, NULL);
    const char *name = strrchr(message->topic, '/') + 1;
    const char *state = json_string_value(json_object_get(status, "state"));

    if (json_is_true(json_object_get(status, "online")))
        snprintf(client->presence, sizeof client->presence,
                 "; sink %.64s says it is online (%.16s)", name, state ? state : "?");
    else
        snprintf(client->presence, sizeof client->presence, "; sink %.64s is offline", name);
    json_decref(status);
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct reel_client *client = user;

    if (reel_topic_matches(client->presence_filter, message->topic) &&
        reel_name_valid(strrchr(message->topic, '/') + 1, strlen(strrchr(message->topic, '/') + 1)))
        presence_note(client, message);
    if (client->handlers.message)
        client->handlers.message(client->handlers.user, message);
}

static void on_published(void *user, int publication_id, int refusal)
{
    struct reel_client *client = user;

    if (refusal && client->handlers.refused)
        client->handlers.refused(client->handlers.user, publication_id);
    if (!refusal && client->handlers.published)
        client->handlers.published(client->handlers.user, publication_id);
}

static void on_disconnected(void *user, const char *reason, bool taken_over)
{
    struct reel_client *client = user;

    snprintf(client->reason, sizeof client->reason, "%s",
             taken_over ? "another client came with our id" : reason);
}

enum reel_code reel_client_create(const struct reel_common *common, const char *reply_name,
                                  struct reel_client **client_out, struct reel_error *err_out)
{
    struct reel_client *client = calloc(1, sizeof *client);
    uint64_t random;
    char name[24], run[24];

    if (!client || getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        free(client);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory or randomness");
    }
    client->common = common;
    snprintf(run, sizeof run, "%08" PRIx32, (uint32_t)random);
    snprintf(name, sizeof name, "reel-%08" PRIx32, (uint32_t)(random >> 32));
    if (!reply_name && common->username &&
        reel_name_valid(common->username, strlen(common->username)))
        reply_name = common->username;
    if (!reel_topic_build(client->reply_topic, sizeof client->reply_topic, common->prefix, "reply",
                          reply_name ? reply_name : name, run) ||
        !reel_topic_build(client->presence_filter, sizeof client->presence_filter, common->prefix,
                          "status", "+", NULL)) {
        free(client);
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "--prefix is too long");
    }
    *client_out = client;
    return REEL_OK;
}

void reel_client_destroy(struct reel_client **client)
{
    if (!*client)
        return;
    if ((*client)->bus) {
        reel_bus_disconnect((*client)->bus);
        reel_bus_write((*client)->bus);
        reel_bus_destroy(&(*client)->bus);
    }
    free(*client);
    *client = NULL;
}

void reel_client_handle(struct reel_client *client, const struct reel_client_handlers *handlers)
{
    client->handlers = *handlers;
}

void reel_client_follow(struct reel_client *client, const struct reel_client_follow *follow)
{
    client->follow = *follow;
}

static enum reel_code bus_open(struct reel_client *client, struct reel_error *err_out)
{
    const struct reel_common *common = client->common;
    const struct reel_bus_config config = {
        .host = common->host,
        .port = (int)common->port.value,
        .username = common->username,
        .password = common->password,
        .cafile = common->cafile,
        .cert = common->cert,
        .key = common->key,
        .psk = common->psk,
        .psk_identity = common->psk_identity,
        .client_id = common->client_id,
        .keepalive_s = KEEPALIVE_S,
    };
    const struct reel_bus_handlers handlers = {
        .user = client,
        .connected = on_connected,
        .subscribed = on_subscribed,
        .message = on_message,
        .published = on_published,
        .disconnected = on_disconnected,
    };
    enum reel_code code;

    reel_bus_destroy(&client->bus);
    client->connected = client->refused = false;
    client->subscriptions = 0;
    client->reason[0] = '\0';
    code = reel_bus_create(&config, &handlers, &client->bus, err_out);
    return code ? code : reel_bus_connect(client->bus, err_out);
}

static enum reel_code subscribe(struct reel_client *client, struct reel_error *err_out)
{
    const char *replies[] = {client->reply_topic};
    const char *presence[] = {client->presence_filter};
    enum reel_code code = reel_bus_subscribe(client->bus, replies, 1, false, err_out);

    if (!code)
        code = reel_bus_subscribe(client->bus, presence, 1, true, err_out);
    if (!code && client->follow.count)
        code = reel_bus_subscribe(client->bus, client->follow.filters, client->follow.count,
                                  client->follow.retained, err_out);
    return code;
}

/* Run until `*flag` (or the number of SUBACKs) is as wanted. */
static enum reel_code await(struct reel_client *client, bool subscribed, int64_t deadline_us,
                            struct reel_error *err_out)
{
    int wanted = client->follow.count ? FOLLOWED + 1 : PRESENCE + 1;

    while (subscribed ? client->subscriptions < wanted : !client->connected) {
        enum reel_code code = reel_client_run(client, NULL, 0, deadline_us, err_out);

        if (code)
            return code;
        if (reel_monotonic_us() >= deadline_us)
            return reel_error_set(err_out, REEL_E_STALLED, NULL,
                                  "the broker at %s port %d does not answer", client->common->host,
                                  (int)client->common->port.value);
    }
    return REEL_OK;
}

enum reel_code reel_client_connect(struct reel_client *client, int64_t deadline_us,
                                   struct reel_error *err_out)
{
    enum reel_code code = bus_open(client, err_out);

    if (!code)
        code = await(client, false, deadline_us, err_out);
    if (!code)
        code = subscribe(client, err_out);
    if (!code)
        code = await(client, true, deadline_us, err_out);
    if (!code && client->refused)
        code = reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL,
                              "the broker refuses the subscription to %s", client->reply_topic);
    return code;
}

enum reel_code reel_client_reconnect(struct reel_client *client, int64_t give_up_us,
                                     struct reel_error *err_out)
{
    bool held = reel_interrupt_allow(true);
    enum reel_code code;

    if (!client->common->quiet)
        reel_report_note("%s; connecting again", err_out->message);
    do {
        int64_t now_us = reel_monotonic_us();

        reel_poll(NULL, 0, now_us + RECONNECT_US);
        code = reel_client_connect(client, now_us + REEL_CLIENT_CONNECT_US, err_out);
    } while (code == REEL_E_STALLED && reel_monotonic_us() < give_up_us);
    reel_interrupt_allow(!held);
    return code;
}

static enum reel_code connection_ended(const struct reel_client *client, struct reel_error *err_out)
{
    const char *host = client->common->host;
    int port = (int)client->common->port.value;

    if (client->connected)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "the broker at %s port %d is gone: %s",
                              host, port, client->reason);
    if (reel_bus_refusal(client->bus))
        return reel_error_set(
            err_out, REEL_E_NOT_ALLOWED, NULL, "the broker at %s port %d refuses us: %s%s", host,
            port, client->reason,
            reel_bus_refuses_user(client->bus) ? ": look at --username and --password" : "");
    return reel_error_set(
        err_out, REEL_E_STALLED, NULL, "no MQTT broker answers at %s port %d, %s TLS: %s", host,
        port, client->common->cafile || client->common->psk ? "with" : "without", client->reason);
}

enum reel_code reel_client_run(struct reel_client *client, struct pollfd *also, size_t also_count,
                               int64_t deadline_us, struct reel_error *err_out)
{
    struct pollfd ready[1 + ALSO_MAX];
    int64_t now_us;

    if (reel_bus_wants_write(client->bus))
        reel_bus_write(client->bus);
    ready[0] = (struct pollfd){.fd = reel_bus_fd(client->bus), .events = POLLIN};
    if (reel_bus_wants_write(client->bus))
        ready[0].events |= POLLOUT;
    for (size_t i = 0; i < also_count; i++)
        ready[1 + i] = also[i];
    if (client->misc_us < deadline_us)
        deadline_us = client->misc_us;
    if (ready[0].fd >= 0)
        reel_poll(ready, 1 + also_count, deadline_us);
    for (size_t i = 0; i < also_count; i++)
        also[i].revents = ready[1 + i].revents;
    while (reel_bus_read(client->bus))
        continue;
    now_us = reel_monotonic_us();
    if (now_us >= client->misc_us) {
        client->misc_us = now_us + 1000000;
        reel_bus_misc(client->bus);
    }
    if (reel_bus_wants_write(client->bus))
        reel_bus_write(client->bus);
    if (reel_bus_fd(client->bus) >= 0)
        return REEL_OK;
    return connection_ended(client, err_out);
}

const char *reel_client_reply_topic(const struct reel_client *client)
{
    return client->reply_topic;
}

enum reel_code reel_client_publish(struct reel_client *client,
                                   const struct reel_bus_publication *what, int *publication_id_out,
                                   struct reel_error *err_out)
{
    return reel_bus_publish(client->bus, what, publication_id_out, err_out);
}

enum reel_code reel_client_request(struct reel_client *client, const char *op, const char *device,
                                   const json_t *request, uint32_t *number_out,
                                   struct reel_error *err_out)
{
    struct reel_buffer payload = {0};
    char topic[TOPIC_BYTES];
    uint32_t number = ++client->last_number;
    struct reel_bus_publication what = {
        .topic = topic,
        .qos = 1,
        .expiry_s = (uint32_t)client->common->timeout.value + 1,
        .content_type = reel_document_content_type(REEL_DOCUMENT_MSGPACK),
        .response_topic = client->reply_topic,
        .correlation = (const uint8_t *)&number,
        .correlation_bytes = sizeof number,
    };
    json_t *nothing = json_object();
    enum reel_code code;

    if (!reel_topic_build(topic, sizeof topic, client->common->prefix, "request", op, device))
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "--prefix is too long");
    else if (!nothing || !reel_document_encode(request ? request : nothing, REEL_DOCUMENT_MSGPACK,
                                               NULL, 0, &payload))
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else {
        what.payload = payload.bytes;
        what.payload_bytes = payload.size;
        code = reel_bus_publish(client->bus, &what, NULL, err_out);
    }
    if (!code)
        *number_out = number;
    json_decref(nothing);
    reel_buffer_finish(&payload);
    return code;
}

uint32_t reel_client_number(const struct reel_bus_message *message)
{
    uint32_t number = 0;

    if (message->correlation && message->correlation_bytes == sizeof number)
        memcpy(&number, message->correlation, sizeof number);
    return number;
}

const char *reel_client_property(const struct reel_bus_message *message, const char *name)
{
    for (size_t i = 0; i < message->envelope.properties_count; i++) {
        if (strcmp(message->envelope.properties[i].name, name) == 0)
            return message->envelope.properties[i].value;
    }
    return NULL;
}

const char *reel_client_presence(const struct reel_client *client)
{
    return client->presence;
}
