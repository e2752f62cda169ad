/* Ingest, the connection: made, and lost. */
#include <stdio.h>

#include "daemon/ingest_changes.h"
#include "io/loop.h"
#include "wire/hermes.h"

void reel_ingest_tell(struct reel_ingest *ingest, const char *reason)
{
    struct reel_notice *notice = reel_notice_ingest(ingest->subscribed, ingest->store == NULL,
                                                    reason[0] ? reason : ingest->sweep.unmet);

    if (notice && !reel_mailbox_post(ingest->links.notices, notice, 0))
        reel_notice_destroy(notice);
}

static void session_lost(struct reel_ingest *ingest)
{
    reel_count(&ingest->links.counters->sessions_lost, 1);
    reel_log_write(ingest->links.log, REEL_LOG_WARNING,
                   "the broker came back without our session: what it held for us is gone");
}

/* There is no connection, or it is of no use: make another one. */
static void lose(struct reel_ingest *ingest, enum reel_log_priority priority, const char *reason)
{
    ingest->lost = true;
    snprintf(ingest->lost_reason, sizeof ingest->lost_reason, "%s", reason);
    reel_log_write(ingest->links.log, priority, "%s", reason);
}

/* Whether there was one: in this life, or in an earlier one, which knows what came by it. */
static bool had_session(struct reel_ingest *ingest)
{
    const struct reel_delivery *deliveries;
    size_t count;

    reel_store_deliveries(ingest->store, &deliveries, &count);
    return count > 0 || reel_counted(&ingest->links.counters->connects) > 0;
}

/* What we subscribe to below the prefix; the topics of satellites follow, where they are taken. */
static const char *const own_kinds[] = {"audio", "upload"};
enum {
    OWN_FILTERS = sizeof own_kinds / sizeof own_kinds[0],
    FILTERS_MAX = OWN_FILTERS + REEL_HERMES_FILTERS,
    FILTER_BYTES = REEL_SETTING_BYTES + 16,
};

static size_t filters_count(const struct reel_config *config)
{
    return config->hermes_enabled ? FILTERS_MAX : OWN_FILTERS;
}

static void filter_build(const struct reel_config *config, size_t i, char out[FILTER_BYTES])
{
    if (i < OWN_FILTERS)
        snprintf(out, FILTER_BYTES, "%s/%s/#", config->broker_prefix, own_kinds[i]);
    else
        snprintf(out, FILTER_BYTES, "%s", reel_hermes_filters[i - OWN_FILTERS]);
}

/* What an earlier life subscribed to is the session's as well, unless that is taken back. */
static enum reel_code subscribe(struct reel_ingest *ingest, bool session_present,
                                struct reel_error *err_out)
{
    const struct reel_config *config = ingest->links.config;
    char texts[FILTERS_MAX][FILTER_BYTES];
    const char *filters[FILTERS_MAX];
    enum reel_code code;

    for (size_t i = 0; i < FILTERS_MAX; i++) {
        filter_build(config, i, texts[i]);
        filters[i] = texts[i];
    }
    code = reel_bus_subscribe(ingest->bus, filters, filters_count(config), false, err_out);
    if (code == REEL_OK && session_present && !config->hermes_enabled)
        code = reel_bus_unsubscribe(ingest->bus, reel_hermes_filters, REEL_HERMES_FILTERS, err_out);
    return code;
}

static void on_connected(void *user, bool session_present)
{
    struct reel_ingest *ingest = user;
    struct reel_error error;

    if (!session_present && had_session(ingest))
        session_lost(ingest);
    reel_count(&ingest->links.counters->connects, 1);
    if (session_present)
        reel_redelivery_expect(ingest);
    else
        reel_redelivery_forget(ingest);
    if (subscribe(ingest, session_present, &error))
        lose(ingest, REEL_LOG_ERROR, error.message);
}

/* The first filter that is not granted; as many as there are where all are. */
static size_t find_refused(const int *granted, size_t count)
{
    size_t i = 0;

    while (i < count && granted[i] < 128)
        i++;
    return i;
}

static void on_subscribed(void *user, const int *granted, size_t count)
{
    struct reel_ingest *ingest = user;
    size_t refused = find_refused(granted, count);
    char filter[FILTER_BYTES];
    char reason[REEL_CONNECTION_TEXT_BYTES];

    if (refused < filters_count(ingest->links.config)) {
        filter_build(ingest->links.config, refused, filter);
        snprintf(reason, sizeof reason, "the broker does not let us subscribe to %.100s", filter);
        lose(ingest, REEL_LOG_ERROR, reason);
        return;
    }
    ingest->subscribed = true;
    ingest->subscribed_us = reel_monotonic_us();
    reel_backoff_reset(&ingest->backoff);
    reel_log_write(ingest->links.log, REEL_LOG_INFO, "taking in audio under %s/audio",
                   ingest->links.config->broker_prefix);
    reel_ingest_tell(ingest, "");
}

static void on_disconnected(void *user, const char *reason, bool taken_over)
{
    struct reel_ingest *ingest = user;
    char text[REEL_CONNECTION_TEXT_BYTES];

    reel_connection_describe(ingest->links.config, ingest->bus, "ingest", reason, text);
    lose(ingest, ingest->ending ? REEL_LOG_INFO : REEL_LOG_WARNING, text);
    ingest->taken_over = taken_over;
}

void reel_ingest_disconnect(struct reel_ingest *ingest, const char *reason)
{
    reel_bus_destroy(&ingest->bus);
    ingest->lost = false;
    ingest->subscribed = false;
    reel_backoff_wait(&ingest->backoff,
                      ingest->store ? REEL_CONNECT_WAIT_MOST_US : REEL_STORE_WAIT_MOST_US,
                      reel_monotonic_us());
    reel_ingest_tell(ingest, reason);
}

void reel_ingest_connect(struct reel_ingest *ingest)
{
    const struct reel_config *config = ingest->links.config;
    const struct reel_bus_handlers handlers = {
        .user = ingest,
        .connected = on_connected,
        .subscribed = on_subscribed,
        .message = reel_ingest_message,
        .disconnected = on_disconnected,
    };
    struct reel_bus_config bus_config;
    char client_id[REEL_NAME_BYTES + 32];
    struct reel_error error;
    enum reel_code code;

    reel_ingest_silence_begin(ingest);
    snprintf(client_id, sizeof client_id, "reeld-%s-ingest", config->sink_name);
    reel_config_bus(config, ingest->links.password, &bus_config);
    bus_config.client_id = client_id;
    bus_config.gate = ingest->links.gate;
    bus_config.session_expiry_s = UINT32_MAX; /* never: what we miss waits for us */
    bus_config.receive_maximum = 65535;
    code = reel_bus_create(&bus_config, &handlers, &ingest->bus, &error);
    if (code == REEL_OK)
        code = reel_bus_connect(ingest->bus, &error);
    if (code == REEL_OK)
        return;
    reel_log_write(ingest->links.log, REEL_LOG_WARNING, "%s", error.message);
    reel_ingest_disconnect(ingest, error.message);
}
