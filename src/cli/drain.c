/* Drain: one loop over spool, connection, recorder and signals. */
#include "cli/drain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/interrupt.h"
#include "cli/lanes.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "io/loop.h"

enum {
    CONNECT_US = 5000000,
    RETRY_LEAST_US = 1000000,
    RETRY_MOST_US = 10000000,
    NOTE_US = 1000000, /* between notes of what is acknowledged */
    TURN_US = 500000,
};

struct drain {
    const struct reel_drain_config *config;
    struct reel_drain_outcome *outcome;
    struct reel_client *client;
    struct reel_lanes lanes;
    struct reel_spool_item item; /* taken out, and not in an outbox yet */
    bool connected;
    bool refused; /* the broker refuses what we publish */
    int signals;
    int64_t connect_us; /* when to try */
    int64_t retry_us;
    int64_t heard_us;
    int64_t note_us;
    struct reel_progress progress;
};

static bool recording(const struct drain *drain)
{
    const struct reel_recorder *recorder = drain->config->recorder;

    return recorder && !atomic_load(&recorder->ended);
}

/* Take out of the spool what the window has room for. `*empty_out`: nothing is left there. */
static enum reel_code feed(struct drain *drain, bool *empty_out, struct reel_error *err_out)
{
    *empty_out = false;
    while (reel_lanes_open(&drain->lanes)) {
        enum reel_code code;

        if (!drain->item.memory) {
            code = reel_spool_take(drain->config->spool, &drain->item, err_out);
            if (code)
                return code;
            if (!drain->item.memory) {
                *empty_out = true;
                return REEL_OK;
            }
        }
        if (!reel_lanes_place(&drain->lanes, &drain->item))
            return REEL_OK;
        drain->item.memory = NULL;
    }
    return REEL_OK;
}

/* The sink will not have it: others behind it may fare better. */
static void refusal(struct drain *drain, struct reel_lane *lane,
                    const struct reel_outbox_refused *which)
{
    struct reel_ring *ring = &lane->outbox.ring;
    bool gone = which->has_seq ? reel_ring_drop(ring, which->seq)
                               : ring->careful && reel_ring_drop_oldest(ring);

    if (!gone)
        return;
    reel_spool_refused(drain->config->spool, lane->state.number);
    if (lane->refused++ == 0 && !drain->config->common->quiet)
        reel_report_error(&lane->outbox.error);
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct drain *drain = user;
    struct reel_lane *lane = reel_lanes_find(&drain->lanes, reel_client_number(message));
    struct reel_outbox_refused refused;
    int64_t now_us = reel_monotonic_us();
    enum reel_outbox_heard heard;
    uint64_t lost;

    if (!lane)
        return;
    lost = lane->outbox.ring.lost;
    heard = reel_outbox_hear(&lane->outbox, message, now_us, &refused);
    if (lane->outbox.ring.lost > lost)
        reel_spool_refused(drain->config->spool, lane->state.number);
    if (heard == REEL_OUTBOX_REFUSED)
        refusal(drain, lane, &refused);
    if (heard == REEL_OUTBOX_ALIVE || heard == REEL_OUTBOX_REFUSED) {
        drain->heard_us = now_us;
        drain->retry_us = RETRY_LEAST_US;
    }
}

static void on_refused(void *user, int publication_id)
{
    (void)publication_id;
    ((struct drain *)user)->refused = true;
}

/* The connection is lost or cannot be had: another try later. */
static void lose(struct drain *drain, const struct reel_error *error)
{
    if (!drain->config->common->quiet && drain->retry_us == RETRY_LEAST_US)
        reel_report_note("%s; trying again", error->message);
    drain->connected = false;
    drain->connect_us = reel_monotonic_us() + drain->retry_us;
    drain->retry_us = drain->retry_us * 2 < RETRY_MOST_US ? drain->retry_us * 2 : RETRY_MOST_US;
}

static enum reel_code connect_due(struct drain *drain, struct reel_error *err_out)
{
    int64_t now_us = reel_monotonic_us();
    enum reel_code code;

    if (drain->connected || now_us < drain->connect_us)
        return REEL_OK;
    drain->refused = false;
    code = reel_client_connect(drain->client, now_us + CONNECT_US, err_out);
    if (code && (code == REEL_E_STALLED || recording(drain))) {
        lose(drain, err_out);
        return REEL_OK;
    }
    if (code)
        return code;
    drain->connected = true;
    reel_lanes_reconnected(&drain->lanes, reel_monotonic_us());
    return REEL_OK;
}

/* Wait for something to happen, on the connection if there is one. */
static enum reel_code wait(struct drain *drain, struct reel_error *err_out)
{
    struct pollfd also[2] = {{.fd = drain->signals, .events = POLLIN},
                             {.fd = -1, .events = POLLIN}};
    int64_t deadline_us = reel_monotonic_us() + TURN_US;
    enum reel_code code = REEL_OK;
    uint64_t news;

    if (recording(drain))
        also[1].fd = drain->config->recorder->news;
    if (drain->connected)
        code = reel_client_run(drain->client, also, 2, deadline_us, err_out);
    else
        reel_poll(also, 2, drain->connect_us < deadline_us ? drain->connect_us : deadline_us);
    if (also[1].revents && read(also[1].fd, &news, sizeof news) < 0)
        return REEL_OK; /* another time */
    if (drain->refused)
        code = reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL,
                              "the broker refuses what we publish for device %s: an access list, "
                              "or its limit on size",
                              drain->config->device);
    if (code && (code == REEL_E_STALLED || recording(drain))) {
        lose(drain, err_out);
        code = REEL_OK;
    }
    return code;
}

/* Note now and then how far the sink is. Returns how many fragments are under way. */
static uint64_t note(struct drain *drain)
{
    int64_t now_us = reel_monotonic_us();
    uint64_t frames;
    uint64_t under_way = reel_lanes_count(&drain->lanes, &frames);

    if (now_us >= drain->note_us) {
        drain->note_us = now_us + NOTE_US;
        reel_lanes_note(&drain->lanes);
    }
    reel_progress_show(&drain->progress, drain->config->folder, frames, 0, now_us);
    return under_way;
}

static enum reel_code overdue(struct drain *drain, struct reel_error *err_out)
{
    double timeout_s = drain->config->common->timeout.value;
    int64_t now_us = reel_monotonic_us();

    if (recording(drain)) {
        drain->heard_us = now_us;
        return REEL_OK;
    }
    if (now_us < drain->heard_us + (int64_t)(timeout_s * 1e6))
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_STALLED, NULL,
                          "no sink acknowledged anything for %g s; %" PRIu64
                          " fragments stay in %s%s",
                          timeout_s, reel_spool_waiting(drain->config->spool),
                          drain->config->folder, reel_client_presence(drain->client));
}

/* A first signal ends what is recorded; another, or one while nothing is, ends the program. */
static bool interrupted(struct drain *drain)
{
    struct reel_recorder *recorder = drain->config->recorder;

    if (!reel_interrupt_take(drain->signals))
        return false;
    if (recording(drain) && !atomic_load(&recorder->stop)) {
        reel_recorder_stop(recorder);
        if (!atomic_load(&recorder->opening))
            return false;
    }
    drain->outcome->interrupted = true;
    drain->outcome->abandoned = recording(drain);
    return true;
}

static enum reel_code loop(struct drain *drain, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    while (!code) {
        bool ended = !recording(drain), empty = false, idle;

        code = feed(drain, &empty, err_out);
        idle = empty && note(drain) == 0;
        if (!code && idle && ended)
            return REEL_OK;
        if (!code)
            code = connect_due(drain, err_out);
        if (!code && drain->connected)
            code = reel_lanes_run(&drain->lanes, reel_monotonic_us(), err_out);
        if (!code)
            code = wait(drain, err_out);
        if (!code)
            code = overdue(drain, err_out);
        if (interrupted(drain))
            return code;
    }
    return code;
}

static enum reel_code run(struct drain *drain, struct reel_error *err_out)
{
    struct reel_recorder *recorder = drain->config->recorder;
    enum reel_code code = REEL_OK;

    drain->signals = reel_interrupt_open();
    drain->heard_us = reel_monotonic_us();
    drain->retry_us = RETRY_LEAST_US;
    reel_progress_init(&drain->progress, drain->config->common);
    if (recorder)
        code = reel_recorder_start(recorder, err_out);
    if (!code) {
        code = loop(drain, err_out);
        if (recorder && !drain->outcome->abandoned) {
            reel_recorder_stop(recorder);
            reel_recorder_join(recorder);
        }
    }
    reel_progress_finish(&drain->progress);
    reel_lanes_close(&drain->lanes);
    free(drain->item.memory);
    reel_interrupt_close(drain->signals);
    return code;
}

enum reel_code reel_drain_run(const struct reel_drain_config *config,
                              struct reel_drain_outcome *outcome, struct reel_error *err_out)
{
    struct drain *drain = calloc(1, sizeof *drain);
    enum reel_code code;

    if (!drain)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    drain->config = config;
    drain->outcome = outcome;
    outcome->interrupted = outcome->abandoned = false;
    code = reel_client_create(config->common, config->device, &drain->client, err_out);
    if (!code) {
        drain->lanes = (struct reel_lanes){.spool = config->spool,
                                           .client = drain->client,
                                           .prefix = config->common->prefix,
                                           .user = outcome->user,
                                           .drained = outcome->drained};
        reel_client_handle(drain->client, &(struct reel_client_handlers){.user = drain,
                                                                         .message = on_message,
                                                                         .refused = on_refused});
        code = run(drain, err_out);
    }
    reel_client_destroy(&drain->client);
    free(drain);
    return code;
}
