/* Drain: one loop over spool, connection, recorder and signals. */
#include "cli/drain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/interrupt.h"
#include "cli/outbox.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "io/loop.h"
#include "wire/topic.h"

enum {
    LANES_MAX = 64, /* boots under way at once */
    CONNECT_US = 5000000,
    RETRY_LEAST_US = 1000000,
    RETRY_MOST_US = 10000000,
    NOTE_US = 1000000, /* between notes of what is acknowledged */
    TURN_US = 500000,
};

/* One boot under way. */
struct lane {
    struct reel_spool_lane state;
    char topic[512];
    struct reel_outbox outbox;
    uint64_t refused;
};

struct drain {
    const struct reel_drain_config *config;
    struct reel_drain_outcome *outcome;
    struct reel_client *client;
    struct lane lanes[LANES_MAX];
    struct reel_spool_item item; /* taken out, and not in an outbox yet */
    bool connected;
    bool closing;
    bool refused; /* the broker refuses what we publish */
    int signals;
    int64_t connect_us; /* when to try */
    int64_t retry_us;
    int64_t heard_us;
    int64_t note_us;
    uint64_t frames; /* acknowledged, of lanes that were let go */
    struct reel_progress progress;
};

static bool recording(const struct drain *drain)
{
    const struct reel_recorder *recorder = drain->config->recorder;

    return recorder && !atomic_load(&recorder->ended);
}

/* A payload stands behind the number of the file that it is kept in. */
static void on_forgotten(void *user, const uint8_t *payload)
{
    struct drain *drain = user;
    uint64_t file;
    void *memory;

    payload -= sizeof file;
    memcpy(&file, payload, sizeof file);
    memcpy(&memory, &payload, sizeof memory);
    free(memory);
    if (!drain->closing)
        reel_spool_release(drain->config->spool, file);
}

static void lane_note(struct drain *drain, struct lane *lane)
{
    reel_spool_acknowledged(drain->config->spool, lane->state.number,
                            reel_ring_oldest(&lane->outbox.ring));
}

/* Tell what became of it, and make it free. */
static void lane_close(struct drain *drain, struct lane *lane)
{
    const struct reel_ring *ring = &lane->outbox.ring;
    struct reel_drained drained = {
        .session = lane->state.session,
        .fragments = ring->next_seq - lane->state.acknowledged - ring->fragments - ring->lost -
                     lane->refused,
        .frames = ring->durable_frames,
        .resent = ring->resent,
        .refused = lane->refused,
        .lost = ring->lost,
    };

    if (!lane->outbox.slots)
        return;
    lane_note(drain, lane);
    drain->frames += ring->durable_frames;
    if (drained.frames || drained.refused || drained.lost)
        drain->outcome->drained(drain->outcome->user, &drained);
    drain->closing = true; /* what is under way stays in the spool */
    reel_outbox_finish(&lane->outbox);
    drain->closing = false;
    memset(lane, 0, sizeof *lane);
}

static struct lane *lane_find(struct drain *drain, uint32_t number)
{
    for (size_t i = 0; i < LANES_MAX; i++) {
        if (drain->lanes[i].outbox.slots && drain->lanes[i].state.number == number)
            return &drain->lanes[i];
    }
    return NULL;
}

/* One that is free, or has nothing under way. */
static struct lane *lane_free(struct drain *drain)
{
    for (size_t i = 0; i < LANES_MAX; i++) {
        if (!drain->lanes[i].outbox.slots)
            return &drain->lanes[i];
    }
    for (size_t i = 0; i < LANES_MAX; i++) {
        if (drain->lanes[i].outbox.ring.fragments == 0) {
            lane_close(drain, &drain->lanes[i]);
            return &drain->lanes[i];
        }
    }
    return NULL;
}

static bool lane_open(struct drain *drain, struct lane *lane, const struct reel_spool_lane *state)
{
    lane->state = *state;
    if (!reel_topic_build(lane->topic, sizeof lane->topic, drain->config->common->prefix, "audio",
                          state->device, state->session) ||
        !reel_outbox_init(&lane->outbox, drain->client, lane->topic, state->number,
                          REEL_OUTBOX_WINDOW_FRAGMENTS, reel_monotonic_us()))
        return false;
    lane->state.acknowledged = drain->item.fragment.seq; /* where this run begins */
    lane->outbox.patient = true;
    lane->outbox.forgotten = on_forgotten;
    lane->outbox.user = drain;
    return true;
}

static bool window_open(const struct drain *drain)
{
    size_t bytes = 0, fragments = 0;

    for (size_t i = 0; i < LANES_MAX; i++) {
        if (drain->lanes[i].outbox.slots) {
            bytes += drain->lanes[i].outbox.ring.bytes;
            fragments += drain->lanes[i].outbox.ring.used;
        }
    }
    return bytes < REEL_OUTBOX_WINDOW_BYTES && fragments < REEL_OUTBOX_WINDOW_FRAGMENTS;
}

/* Put what was taken out where it belongs. False: not yet. */
static bool item_place(struct drain *drain)
{
    const struct reel_spool_fragment *fragment = &drain->item.fragment;
    struct lane *lane = lane_find(drain, drain->item.lane.number);
    uint64_t file = drain->item.file;
    uint8_t *memory;

    if (!lane) {
        lane = lane_free(drain);
        if (!lane || !lane_open(drain, lane, &drain->item.lane))
            return false;
    }
    memory = malloc(sizeof file + fragment->payload_bytes);
    if (!memory)
        return false;
    memcpy(memory, &file, sizeof file);
    memcpy(memory + sizeof file, fragment->payload, fragment->payload_bytes);
    if (!reel_outbox_push(&lane->outbox, fragment->seq, fragment->frames, memory + sizeof file,
                          fragment->payload_bytes)) {
        free(memory); /* it came a second time */
        reel_spool_release(drain->config->spool, file);
    }
    free(drain->item.memory);
    drain->item.memory = NULL;
    return true;
}

/* Take out of the spool what the window has room for. `*empty_out`: nothing is left there. */
static enum reel_code feed(struct drain *drain, bool *empty_out, struct reel_error *err_out)
{
    *empty_out = false;
    while (window_open(drain)) {
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
        if (!item_place(drain))
            return REEL_OK;
    }
    return REEL_OK;
}

/* The sink will not have it: others behind it may fare better. */
static void refusal(struct drain *drain, struct lane *lane, const struct reel_outbox_refused *which)
{
    struct reel_ring *ring = &lane->outbox.ring;
    bool gone = which->has_seq ? reel_ring_drop(ring, which->seq)
                               : ring->careful && reel_ring_drop_oldest(ring);

    if (!gone)
        return;
    if (lane->refused++ == 0 && !drain->config->common->quiet)
        reel_report_error(&lane->outbox.error);
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct drain *drain = user;
    struct lane *lane = lane_find(drain, reel_client_number(message));
    struct reel_outbox_refused refused;
    int64_t now_us = reel_monotonic_us();
    enum reel_outbox_heard heard;

    if (!lane)
        return;
    heard = reel_outbox_hear(&lane->outbox, message, now_us, &refused);
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
    for (size_t i = 0; i < LANES_MAX; i++) {
        if (drain->lanes[i].outbox.slots)
            reel_outbox_reconnected(&drain->lanes[i].outbox, reel_monotonic_us());
    }
    return REEL_OK;
}

static enum reel_code send_due(struct drain *drain, struct reel_error *err_out)
{
    int64_t now_us = reel_monotonic_us();
    enum reel_code code = REEL_OK;

    for (size_t i = 0; !code && drain->connected && i < LANES_MAX; i++) {
        if (drain->lanes[i].outbox.slots)
            code = reel_outbox_run(&drain->lanes[i].outbox, now_us, err_out);
    }
    return code;
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

/* Note now and then how far the sink is. */
static uint64_t note(struct drain *drain, bool now)
{
    int64_t now_us = reel_monotonic_us();
    uint64_t under_way = 0, frames = drain->frames;
    bool due = now || now_us >= drain->note_us;

    if (due)
        drain->note_us = now_us + NOTE_US;
    for (size_t i = 0; i < LANES_MAX; i++) {
        struct lane *lane = &drain->lanes[i];

        if (!lane->outbox.slots)
            continue;
        under_way += lane->outbox.ring.fragments;
        frames += lane->outbox.ring.durable_frames;
        if (due)
            lane_note(drain, lane);
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
        idle = empty && note(drain, false) == 0;
        if (!code && idle && ended)
            return REEL_OK;
        if (!code)
            code = connect_due(drain, err_out);
        if (!code)
            code = send_due(drain, err_out);
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
    for (size_t i = 0; i < LANES_MAX; i++)
        lane_close(drain, &drain->lanes[i]);
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
        reel_client_handle(drain->client,
                           &(struct reel_client_handlers){drain, on_message, on_refused});
        code = run(drain, err_out);
    }
    reel_client_destroy(&drain->client);
    free(drain);
    return code;
}
