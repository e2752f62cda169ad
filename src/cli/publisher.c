/* Publisher: one loop over source, connection, acknowledgements and signals. */
#include "cli/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "io/loop.h"

struct publisher {
    const struct reel_publisher_config *config;
    struct reel_client *client;
    struct reel_sending *sendings;
    size_t count;
    size_t opened; /* sendings[0 .. opened) have been */
    bool refused;
    bool failed; /* publishing itself failed; `error` */
    int signals; /* descriptor */
    bool stopping;
    int64_t heard_us; /* when the sink last moved something forward */
    struct reel_progress progress;
};

static struct reel_sending *reading(struct publisher *publisher)
{
    struct reel_sending *sending;

    if (publisher->opened == 0)
        return NULL;
    sending = &publisher->sendings[publisher->opened - 1];
    return sending->state == REEL_SENDING_READING ? sending : NULL;
}

static bool waiting(const struct reel_sending *sending)
{
    return sending->state == REEL_SENDING_READING || sending->state == REEL_SENDING_DRAINING;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct publisher *publisher = user;
    uint32_t number = reel_client_number(message);
    int64_t now_us = reel_monotonic_us();

    if (number == 0 || number > publisher->opened)
        return;
    if (reel_sending_hear(&publisher->sendings[number - 1], message, now_us))
        publisher->heard_us = now_us;
}

static void on_published(void *user, int publication_id)
{
    struct publisher *publisher = user;
    int64_t now_us = reel_monotonic_us();

    if (!publisher->config->broker_only)
        return;
    for (size_t i = 0; i < publisher->opened; i++)
        reel_sending_published(&publisher->sendings[i], publication_id, now_us);
    publisher->heard_us = now_us;
}

static void on_refused(void *user, int publication_id)
{
    (void)publication_id;
    ((struct publisher *)user)->refused = true;
}

/* Open the next recording once the one before has been read. */
static void open_next(struct publisher *publisher)
{
    const struct reel_publisher_config *config = publisher->config;

    while (!reading(publisher) && publisher->opened < publisher->count) {
        struct reel_sending *sending = &publisher->sendings[publisher->opened++];
        struct reel_error error;
        enum reel_code code;

        reel_interrupt_allow(true); /* a pipe may make us wait */
        code = reel_sending_open(sending, publisher->client, (uint32_t)publisher->opened,
                                 config->raw, config->fragment_ms, &error);
        if (!code && config->broker_only && !reel_outbox_trust_broker(&sending->outbox))
            code = reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
        reel_interrupt_allow(false);
        if (code)
            reel_sending_fail(sending, &error);
        else if (reel_source_guessed(sending->cutter.source) && !config->common->quiet)
            reel_source_guess_note();
    }
}

static bool window_open(const struct publisher *publisher)
{
    size_t bytes = 0, fragments = 0;

    for (size_t i = 0; i < publisher->opened; i++) {
        bytes += publisher->sendings[i].outbox.ring.bytes;
        fragments += publisher->sendings[i].outbox.ring.used;
    }
    return bytes < REEL_OUTBOX_WINDOW_BYTES && fragments < REEL_OUTBOX_WINDOW_FRAGMENTS;
}

static enum reel_code send_due(struct publisher *publisher, struct reel_error *err_out)
{
    int64_t now_us = reel_monotonic_us();
    enum reel_code code = REEL_OK;

    for (size_t i = 0; !code && i < publisher->opened; i++) {
        if (waiting(&publisher->sendings[i]))
            code = reel_outbox_run(&publisher->sendings[i].outbox, now_us, err_out);
    }
    return code;
}

static enum reel_code reconnect(struct publisher *publisher, struct reel_error *err_out)
{
    int64_t patience_us = (int64_t)(publisher->config->common->timeout.value * 1e6);
    enum reel_code code =
        reel_client_reconnect(publisher->client, reel_monotonic_us() + patience_us, err_out);

    publisher->heard_us = reel_monotonic_us();
    for (size_t i = 0; !code && i < publisher->opened; i++)
        reel_outbox_reconnected(&publisher->sendings[i].outbox, publisher->heard_us);
    return code;
}

/* A first signal ends live audio in good order; another, or one without, ends the program. */
static bool interrupted(struct publisher *publisher)
{
    struct reel_sending *sending = reading(publisher);

    if (!reel_interrupt_take(publisher->signals))
        return false;
    if (publisher->stopping || !sending || !reel_source_live(sending->cutter.source))
        return true;
    publisher->stopping = true;
    sending->cutter.stop = true;
    publisher->count = publisher->opened;
    return false;
}

/* Whether to read now; else `*also` and `*deadline_us` say what to wait for. */
static bool may_read(struct publisher *publisher, int64_t now_us, struct pollfd *also,
                     int64_t *deadline_us)
{
    struct reel_sending *sending = reading(publisher);
    int64_t next_us;

    if (!sending || !window_open(publisher))
        return false;
    next_us = reel_cutter_next_us(&sending->cutter);
    if (next_us > now_us && !sending->cutter.stop) {
        *deadline_us = next_us < *deadline_us ? next_us : *deadline_us;
        return false;
    }
    if (sending->cutter.stop || reel_source_fd(sending->cutter.source) < 0)
        return true;
    also->fd = reel_source_fd(sending->cutter.source);
    return also->revents != 0;
}

static enum reel_code overdue(struct publisher *publisher, int64_t now_us,
                              struct reel_error *err_out)
{
    double timeout_s = publisher->config->common->timeout.value;
    size_t unacknowledged = 0;

    for (size_t i = 0; i < publisher->opened; i++)
        unacknowledged += publisher->sendings[i].outbox.ring.fragments;
    if (!unacknowledged)
        publisher->heard_us = now_us;
    if (now_us < publisher->heard_us + (int64_t)(timeout_s * 1e6))
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_STALLED, NULL,
                          "no %s acknowledged anything for %g s; %zu fragments are not known to "
                          "be stored%s",
                          publisher->config->broker_only ? "broker" : "sink", timeout_s,
                          unacknowledged, reel_client_presence(publisher->client));
}

static bool unfinished(const struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->opened; i++) {
        if (waiting(&publisher->sendings[i]))
            return true;
    }
    return publisher->opened < publisher->count;
}

static void show(struct publisher *publisher, int64_t now_us)
{
    uint64_t done = 0, total = 0;
    const struct reel_sending *sending = &publisher->sendings[publisher->opened - 1];

    for (size_t i = 0; i < publisher->opened; i++) {
        done += publisher->sendings[i].outbox.ring.durable_frames;
        total += publisher->sendings[i].cutter.total_frames;
    }
    if (publisher->opened < publisher->count)
        total = 0; /* the length of the rest is not known yet */
    reel_progress_show(&publisher->progress, sending->session, done, total, now_us);
}

/* One round: read, send, wait, take in. */
static enum reel_code step(struct publisher *publisher, struct pollfd also[2],
                           struct reel_error *err_out)
{
    int64_t now_us = reel_monotonic_us();
    int64_t deadline_us = now_us + 500000;
    bool more = false;
    enum reel_code code;

    open_next(publisher);
    also[1].fd = -1;
    if (may_read(publisher, now_us, &also[1], &deadline_us)) {
        reel_sending_read(reading(publisher), now_us, reel_wall_us());
        more = true;
    }
    if (!unfinished(publisher))
        return REEL_OK;
    code = send_due(publisher, err_out);
    if (!code)
        code = reel_client_run(publisher->client, also, 2, more ? 0 : deadline_us, err_out);
    if (publisher->refused) /* some brokers close the connection besides */
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL,
                              "the broker refuses what we publish for device %s: an access list, "
                              "or its limit on size",
                              publisher->config->device);
    if (code == REEL_E_STALLED)
        code = reconnect(publisher, err_out);
    if (!code)
        code = overdue(publisher, reel_monotonic_us(), err_out);
    show(publisher, now_us);
    return code;
}

static enum reel_code loop(struct publisher *publisher, bool *interrupted_out,
                           struct reel_error *err_out)
{
    struct pollfd also[2] = {{.fd = publisher->signals, .events = POLLIN},
                             {.fd = -1, .events = POLLIN}};
    enum reel_code code = REEL_OK;

    while (!code && unfinished(publisher)) {
        code = step(publisher, also, err_out);
        if (interrupted(publisher)) {
            *interrupted_out = true;
            break;
        }
    }
    return code;
}

enum reel_code reel_publisher_run(const struct reel_publisher_config *config,
                                  struct reel_sending *sendings, size_t count,
                                  bool *interrupted_out, struct reel_error *err_out)
{
    struct publisher publisher = {.config = config, .sendings = sendings, .count = count};
    const struct reel_client_handlers handlers = {
        .user = &publisher,
        .message = on_message,
        .refused = on_refused,
        .published = on_published,
    };
    enum reel_code code =
        reel_client_create(config->common, config->device, &publisher.client, err_out);

    *interrupted_out = false;
    if (code)
        return code;
    reel_client_handle(publisher.client, &handlers);
    code = reel_client_connect(publisher.client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US,
                               err_out);
    if (!code) {
        publisher.signals = reel_interrupt_open();
        publisher.heard_us = reel_monotonic_us();
        reel_progress_init(&publisher.progress, config->common);
        code = loop(&publisher, interrupted_out, err_out);
        reel_progress_finish(&publisher.progress);
        reel_interrupt_close(publisher.signals);
    }
    reel_client_destroy(&publisher.client);
    return code;
}
