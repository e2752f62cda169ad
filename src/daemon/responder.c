/* Responder: connection, duties and deadlines of the query thread. */
#include "daemon/responder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/announce.h"
#include "daemon/connection.h"
#include "daemon/metrics.h"
#include "daemon/notice.h"
#include "daemon/presence.h"
#include "daemon/query.h"
#include "io/loop.h"
#include "wire/message.h"
#include "wire/topic.h"

enum { SECOND_US = 1000000, FLUSH_US = 2 * SECOND_US };
enum { FOLLOW_US = SECOND_US / 2 };
enum { SUBSCRIPTIONS = 2, READS_AT_ONCE = 64, PENDING_MAX = 256, TOPIC_BYTES = 512 };

struct reel_responder {
    struct reel_responder_links links;
    struct reel_query_links query;
    struct reel_sink_state state;
    struct reel_rival rival;
    struct reel_namesake namesake;
    int awaited_id; /* the publication whose acknowledgement is waited for; 0: none */
    struct reel_bus *bus;
    unsigned subscriptions; /* that the broker has granted */
    bool lost;
    bool ending; /* requests are not answered any more */
    bool taken_over;
    int64_t connected_at_us; /* wall clock; names the connection */
    struct reel_backoff backoff;
    int64_t next_status_us; /* monotonic, as the other */
    int64_t next_metrics_us;
};

static bool online(const struct reel_responder *responder)
{
    return responder->subscriptions == SUBSCRIPTIONS && responder->state.subscribed;
}

/* ---- what goes out ---- */

static int announce(struct reel_responder *responder, enum reel_announcement kind, const char *a,
                    const char *b, json_t *document)
{
    return reel_announce(responder->bus, responder->links.log,
                         responder->links.config->broker_prefix, kind, a, b, document);
}

/* Returns its publication id. */
static int publish_status(struct reel_responder *responder, bool is_online)
{
    const struct reel_config *config = responder->links.config;
    char reason[256] = "";
    int publication_id;

    if (responder->rival.present)
        snprintf(reason, sizeof reason,
                 "sink %s was online under this prefix before: requests are not answered",
                 responder->rival.name);
    publication_id =
        announce(responder, is_online ? REEL_ANNOUNCE_STATUS : REEL_ANNOUNCE_LAST_STATUS,
                 config->sink_name, NULL,
                 reel_presence_status(config, &responder->state, is_online, reason,
                                      responder->connected_at_us, reel_wall_us()));
    responder->next_status_us = reel_monotonic_us() + (int64_t)REEL_STATUS_INTERVAL_S * SECOND_US;
    if (responder->state.stalled)
        sd_notify(0, "READY=1\nSTATUS=stalled"); /* it waits for the disk itself */
    else if (is_online)
        sd_notify(0, "READY=1\nSTATUS=recording");
    return publication_id;
}

static void publish_metrics(struct reel_responder *responder)
{
    struct reel_reader_totals totals;
    struct reel_error error;

    responder->next_metrics_us = reel_monotonic_us() + (int64_t)REEL_METRICS_INTERVAL_S * SECOND_US;
    if (reel_reader_totals(responder->links.reader, &totals, &error)) {
        reel_log_write(responder->links.log, REEL_LOG_WARNING, "no metrics: %s", error.message);
        return;
    }
    announce(responder, REEL_ANNOUNCE_METRICS, responder->links.config->sink_name, NULL,
             reel_metrics_document(responder->links.counters, &totals));
}

static bool publish_response(const struct reel_bus_publication *what, void *user)
{
    struct reel_responder *responder = user;
    struct reel_error error;

    if (reel_bus_publish(responder->bus, what, NULL, &error) == REEL_OK)
        return true;
    reel_log_write(responder->links.log, REEL_LOG_WARNING, "a response to %s was not sent: %s",
                   what->topic, error.message);
    return false;
}

static void take_notice(struct reel_responder *responder, struct reel_notice *notice)
{
    if (notice->kind == REEL_NOTICE_EVENT) {
        reel_announce_encoded(responder->bus, responder->links.log,
                              responder->links.config->broker_prefix, REEL_ANNOUNCE_EVENT,
                              notice->device, notice->session, notice->text, notice->text_bytes);
        reel_count(&responder->links.counters->events, 1);
        return;
    }
    responder->state.subscribed = notice->subscribed;
    responder->state.stalled = notice->stalled;
    snprintf(responder->state.reason, sizeof responder->state.reason, "%s", notice->text);
    publish_status(responder, online(responder));
}

/* ---- what comes in ---- */

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

static void on_subscribed(void *user, const int *granted, size_t count)
{
    struct reel_responder *responder = user;

    if (count != 1 || granted[0] >= 128) {
        reel_log_write(responder->links.log, REEL_LOG_ERROR,
                       "the broker does not let us subscribe to %s/request/# or %s/status/+",
                       responder->links.config->broker_prefix,
                       responder->links.config->broker_prefix);
        responder->lost = true;
        return;
    }
    responder->subscriptions++;
    if (responder->subscriptions == SUBSCRIPTIONS) {
        reel_backoff_reset(&responder->backoff);
        responder->next_status_us = 0;
        responder->next_metrics_us = 0;
    }
}

static void on_published(void *user, int publication_id, bool refused)
{
    struct reel_responder *responder = user;

    (void)refused;
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
    reel_log_write(responder->links.log, REEL_LOG_WARNING, "%s", text);
}

/* ---- the connection ---- */

static void disconnect(struct reel_responder *responder)
{
    reel_bus_destroy(&responder->bus);
    responder->lost = false;
    responder->subscriptions = 0;
    memset(&responder->rival, 0, sizeof responder->rival);
    reel_backoff_wait(&responder->backoff, REEL_CONNECT_WAIT_MOST_US, reel_monotonic_us());
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

static void connect_bus(struct reel_responder *responder)
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
    disconnect(responder);
}

/* ---- the loop ---- */

/* Events that the broker does not take wait in the mailbox, which is bounded in bytes. */
static bool may_take_notice(const struct reel_responder *responder)
{
    return responder->subscriptions == SUBSCRIPTIONS &&
           reel_bus_pending(responder->bus) < PENDING_MAX;
}

static void take_notices(struct reel_responder *responder)
{
    struct reel_notice *notice;

    while (may_take_notice(responder) &&
           (notice = reel_mailbox_take(responder->links.notices)) != NULL) {
        take_notice(responder, notice);
        reel_notice_destroy(notice);
    }
}

static void follow_store(struct reel_responder *responder)
{
    struct reel_turns *turns = responder->links.turns;
    uint64_t turn = reel_turns_now(turns);

    if (!reel_turns_behind(turns))
        return;
    reel_reader_renew(responder->links.reader);
    reel_turns_follow(turns, turn);
}

static bool may_read(const struct reel_responder *responder)
{
    return !responder->lost && !reel_bus_wants_write(responder->bus);
}

static void work(struct reel_responder *responder, bool readable)
{
    int64_t now_us = reel_monotonic_us();

    /* Who asks faster than the broker takes the answers waits in the socket, not in our memory. */
    for (int i = 0; readable && i < READS_AT_ONCE && may_read(responder); i++)
        readable = reel_bus_read(responder->bus);
    if (responder->subscriptions == SUBSCRIPTIONS && !responder->lost) {
        take_notices(responder);
        if (reel_rival_expire(&responder->rival, now_us) || now_us >= responder->next_status_us)
            publish_status(responder, online(responder));
        if (now_us >= responder->next_metrics_us)
            publish_metrics(responder);
    }
    if (!responder->lost)
        reel_bus_misc(responder->bus);
    if (!responder->lost && reel_bus_wants_write(responder->bus))
        reel_bus_write(responder->bus);
    if (responder->lost)
        disconnect(responder);
}

/* One turn; false when it is time to end. */
static bool turn(struct reel_responder *responder)
{
    bool ready = responder->bus && may_take_notice(responder);
    int64_t deadline_us = reel_monotonic_us() + FOLLOW_US;
    struct pollfd fds[3] = {
        {.fd = responder->links.stop_fd, .events = POLLIN},
        {.fd = ready ? reel_mailbox_fd(responder->links.notices) : -1, .events = POLLIN},
        {.fd = responder->bus ? reel_bus_fd(responder->bus) : -1, .events = POLLIN},
    };

    if (responder->bus && reel_bus_wants_write(responder->bus))
        fds[2].events = POLLOUT;
    if (!responder->bus && responder->backoff.next_us < deadline_us)
        deadline_us = responder->backoff.next_us;
    reel_poll(fds, 3, deadline_us);
    if (fds[0].revents)
        return false;
    follow_store(responder);
    if (responder->bus)
        work(responder, fds[2].revents != 0);
    else if (reel_monotonic_us() >= responder->backoff.next_us)
        connect_bus(responder);
    return !responder->taken_over;
}

/* Send what is queued, and wait for what is awaited, for a bounded time. A socket closed with
 * something unread is reset, and the broker then loses what it has not read itself. */
static void flush(struct reel_responder *responder)
{
    int64_t deadline_us = reel_monotonic_us() + FLUSH_US;

    while (!responder->lost && reel_monotonic_us() < deadline_us &&
           (responder->awaited_id || reel_bus_pending(responder->bus) > 0 ||
            reel_bus_wants_write(responder->bus))) {
        struct pollfd fd = {.fd = reel_bus_fd(responder->bus), .events = POLLIN};

        if (reel_bus_wants_write(responder->bus))
            fd.events |= POLLOUT;
        reel_poll(&fd, 1, deadline_us);
        for (int i = 0; i < READS_AT_ONCE && reel_bus_read(responder->bus); i++)
            continue;
        take_notices(responder);
        reel_bus_write(responder->bus);
    }
}

static void say_goodbye(struct reel_responder *responder)
{
    if (!responder->bus || responder->subscriptions != SUBSCRIPTIONS)
        return;
    responder->ending = true;
    take_notices(responder);
    flush(responder);
    if (responder->lost)
        return;
    responder->state.subscribed = false;
    publish_metrics(responder);
    if (responder->taken_over) /* its own will, so that it does not see a connection of ours last */
        responder->awaited_id =
            announce(responder, REEL_ANNOUNCE_LAST_STATUS, responder->links.config->sink_name, NULL,
                     reel_presence_will(responder->namesake.other_us));
    else
        responder->awaited_id = publish_status(responder, false);
    flush(responder);
    if (!responder->lost) {
        reel_bus_disconnect(responder->bus);
        flush(responder);
    }
}

enum reel_code reel_responder_run(struct reel_responder *responder, struct reel_error *err_out)
{
    while (turn(responder))
        continue;
    say_goodbye(responder);
    if (responder->taken_over)
        return reel_error_set(err_out, REEL_E_CONFLICT, "sink.name",
                              "another client took over reeld-%s-query: two sinks have one name",
                              responder->links.config->sink_name);
    return REEL_OK;
}

struct reel_responder *reel_responder_create(const struct reel_responder_links *links)
{
    struct reel_responder *responder = calloc(1, sizeof *responder);

    if (!responder)
        return NULL;
    responder->links = *links;
    reel_backoff_reset(&responder->backoff);
    responder->state.started_us = reel_wall_us();
    responder->query.config = links->config;
    responder->query.log = links->log;
    responder->query.counters = links->counters;
    responder->query.state = &responder->state;
    responder->query.reader = links->reader;
    responder->query.publish = publish_response;
    responder->query.publish_user = responder;
    return responder;
}

void reel_responder_destroy(struct reel_responder **responder)
{
    if (!*responder)
        return;
    reel_bus_destroy(&(*responder)->bus);
    free(*responder);
    *responder = NULL;
}
