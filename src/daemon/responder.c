/* Responder: duties and deadlines of the query thread. */
#include "daemon/responder.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/announce.h"
#include "daemon/journal.h"
#include "daemon/notice.h"
#include "daemon/responder_internal.h"
#include "io/loop.h"

enum { SECOND_US = 1000000, FLUSH_US = 2 * SECOND_US };
enum { FOLLOW_US = SECOND_US / 2, READS_AT_ONCE = 64, PENDING_MAX = 256 };

static bool online(const struct reel_responder *responder)
{
    return reel_responder_hears(responder) && responder->state.subscribed;
}

/* ---- what goes out ---- */

static int announce(struct reel_responder *responder, enum reel_announcement kind, const char *a,
                    const char *b, json_t *document)
{
    return reel_announce(responder->bus, responder->links.log,
                         responder->links.config->broker_prefix, kind, a, b, document);
}

void reel_responder_tell_service(struct reel_responder *responder)
{
    const struct reel_counters *counters = responder->links.counters;
    const char *unreachable = responder->unreachable;
    struct reel_service_news news = {
        .reason = unreachable[0] ? unreachable : responder->state.reason,
        .recordings_open = reel_counted(&counters->recordings_open),
        .fragments = reel_counted(&counters->fragments),
        .fragment_bytes = reel_counted(&counters->fragment_bytes),
        .disk_free_bytes = responder->disk_free_bytes,
    };

    if (responder->state.stalled)
        news.state = REEL_SERVICE_STALLED;
    else if (online(responder))
        news.state = REEL_SERVICE_RECORDING;
    if (!responder->ending)
        reel_service_tell(responder->links.service, &news, reel_monotonic_us());
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
    reel_responder_tell_service(responder);
    return publication_id;
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

static void follow_store(struct reel_responder *responder)
{
    struct reel_turns *turns = responder->links.turns;
    uint64_t turn = reel_turns_now(turns);

    if (!reel_turns_behind(turns))
        return;
    reel_reader_renew(responder->links.reader);
    reel_turns_follow(turns, turn);
}

/* Let ingest, which may be opening the store, have a moment. A disk that fails for good costs one
 * question in a second that time, and no other; one that is slow to fail is not asked again. */
static bool ask_again(unsigned tries, void *user)
{
    static const int64_t waits_us[] = {10000, 40000, 100000, 150000};
    struct reel_responder *responder = user;
    struct pollfd stop = {.fd = responder->links.stop_fd, .events = POLLIN};
    int64_t now_us = reel_monotonic_us();

    if (responder->in_vain_us && now_us - responder->in_vain_us < SECOND_US)
        return false;
    if (tries == 1)
        responder->asked_us = now_us;
    if (tries > sizeof waits_us / sizeof *waits_us || now_us - responder->asked_us > SECOND_US) {
        responder->in_vain_us = now_us;
        return false;
    }
    if (reel_poll(&stop, 1, now_us + waits_us[tries - 1]) > 0)
        return false;
    follow_store(responder);
    return true;
}

static void send_answer(struct reel_responder *responder, const struct reel_notice *notice)
{
    const struct reel_property property = {"status", notice->status};
    const struct reel_bus_publication what = {
        .topic = notice->topic,
        .payload = notice->text,
        .payload_bytes = notice->text_bytes,
        .content_type = notice->content_type,
        .correlation = notice->correlation,
        .correlation_bytes = notice->correlation_bytes,
        .properties = &property,
        .properties_count = 1,
    };

    publish_response(&what, responder);
}

static void take_notice(struct reel_responder *responder, struct reel_notice *notice)
{
    if (notice->kind == REEL_NOTICE_EVENT) {
        reel_announce_encoded(responder->bus, responder->links.log,
                              responder->links.config->broker_prefix, REEL_ANNOUNCE_EVENT,
                              notice->device, notice->session, notice->text, notice->text_bytes);
        reel_count(&responder->links.counters->events, 1);
        reel_homeassistant_soon(responder->home);
        return;
    }
    if (notice->kind == REEL_NOTICE_ANSWER) {
        send_answer(responder, notice);
        return;
    }
    responder->state.subscribed = notice->subscribed;
    responder->state.stalled = notice->stalled;
    snprintf(responder->state.reason, sizeof responder->state.reason, "%s", notice->text);
    publish_status(responder, online(responder));
}

/* ---- the loop ---- */

/* Events that the broker does not take wait in the mailbox, which is bounded in bytes. */
static bool may_take_notice(const struct reel_responder *responder)
{
    return reel_responder_hears(responder) && reel_bus_pending(responder->bus) < PENDING_MAX;
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
    if (reel_responder_hears(responder) && !responder->lost) {
        take_notices(responder);
        if (reel_rival_expire(&responder->rival, now_us) || now_us >= responder->next_status_us)
            publish_status(responder, online(responder));
        if (may_take_notice(responder))
            reel_homeassistant_work(responder->home, responder->bus, now_us, reel_wall_us());
    }
    if (!responder->lost)
        reel_bus_misc(responder->bus);
    if (!responder->lost && reel_bus_wants_write(responder->bus))
        reel_bus_write(responder->bus);
    if (responder->lost)
        reel_responder_disconnect(responder);
}

/* The status tells of them. */
static void renew_settings(struct reel_responder *responder)
{
    struct reel_config_follower *settings = responder->links.settings;

    if (!reel_config_follower_behind(settings))
        return;
    reel_config_follower_renew(settings);
    responder->links.config = settings->config;
    responder->query.config = settings->config;
    reel_homeassistant_renew(responder->home, settings->config);
    responder->next_status_us = 0;
}

/* One turn; false when it is time to end. */
static bool turn(struct reel_responder *responder)
{
    bool ready = responder->bus && may_take_notice(responder);
    int64_t deadline_us = reel_monotonic_us() + FOLLOW_US;
    struct pollfd fds[4] = {
        {.fd = responder->links.stop_fd, .events = POLLIN},
        {.fd = ready ? reel_mailbox_fd(responder->links.notices) : -1, .events = POLLIN},
        {.fd = responder->bus ? reel_bus_fd(responder->bus) : -1, .events = POLLIN},
        {.fd = reel_config_follower_fd(responder->links.settings), .events = POLLIN},
    };

    if (responder->bus && reel_bus_wants_write(responder->bus))
        fds[2].events = POLLOUT;
    if (!responder->bus && responder->backoff.next_us < deadline_us)
        deadline_us = responder->backoff.next_us;
    if (ready && reel_homeassistant_due_us(responder->home) < deadline_us)
        deadline_us = reel_homeassistant_due_us(responder->home);
    reel_poll(fds, 4, deadline_us);
    if (fds[0].revents)
        return false;
    reel_journal_tick(responder->links.log);
    renew_settings(responder);
    follow_store(responder);
    reel_reader_rest(responder->links.reader);
    if (responder->bus)
        work(responder, fds[2].revents != 0);
    else if (reel_monotonic_us() >= responder->backoff.next_us)
        reel_responder_connect(responder);
    if (reel_monotonic_us() >= responder->next_metrics_us)
        reel_responder_metrics(responder);
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
        for (int i = 0; i < READS_AT_ONCE && reel_monotonic_us() < deadline_us; i++) {
            if (!reel_bus_read(responder->bus)) /* it may be many requests */
                break;
        }
        take_notices(responder);
        reel_bus_write(responder->bus);
    }
}

static void say_goodbye(struct reel_responder *responder)
{
    bool connected = responder->bus && reel_responder_hears(responder);

    responder->ending = true;
    if (connected) {
        take_notices(responder);
        flush(responder);
    }
    responder->state.subscribed = false;
    reel_responder_metrics(responder);
    if (!connected || responder->lost)
        return;
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
                              "another client took over reeld-%s-query: two sinks have one name; "
                              "give each a sink.name of its own",
                              responder->links.config->sink_name);
    return REEL_OK;
}

struct reel_responder *reel_responder_create(const struct reel_responder_links *links)
{
    struct reel_responder *responder = calloc(1, sizeof *responder);

    if (!responder)
        return NULL;
    responder->links = *links;
    responder->query.requests = reel_allowance_create();
    responder->home = reel_homeassistant_create(links->config, links->log, links->reader);
    if (!responder->query.requests || !responder->home) {
        reel_responder_destroy(&responder);
        return NULL;
    }
    reel_backoff_reset(&responder->backoff);
    responder->state.started_us = reel_wall_us();
    responder->query.config = links->config;
    responder->query.log = links->log;
    responder->query.counters = links->counters;
    responder->query.state = &responder->state;
    responder->query.reader = links->reader;
    responder->query.changes = links->changes;
    responder->query.parts = &responder->parts;
    responder->query.publish = publish_response;
    responder->query.again = ask_again;
    responder->query.user = responder;
    return responder;
}

void reel_responder_destroy(struct reel_responder **responder)
{
    if (!*responder)
        return;
    reel_bus_destroy(&(*responder)->bus);
    reel_allowance_destroy(&(*responder)->query.requests);
    reel_homeassistant_destroy(&(*responder)->home);
    reel_buffer_finish(&(*responder)->parts);
    free(*responder);
    *responder = NULL;
}
