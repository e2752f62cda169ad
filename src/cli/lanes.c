/* Lanes: from the spool into outboxes, and what leaves those out of the spool. */
#include "cli/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "io/loop.h"
#include "wire/topic.h"

/* A payload stands behind the number of the file that it is kept in. */
static void on_forgotten(void *user, const uint8_t *payload)
{
    struct reel_lanes *lanes = user;
    uint64_t file;
    void *memory;

    payload -= sizeof file;
    memcpy(&file, payload, sizeof file);
    memcpy(&memory, &payload, sizeof memory);
    free(memory);
    if (!lanes->closing)
        reel_spool_release(lanes->spool, file);
}

static void lane_note(struct reel_lanes *lanes, struct reel_lane *lane)
{
    reel_spool_acknowledged(lanes->spool, lane->state.number, reel_ring_oldest(&lane->outbox.ring));
}

/* Tell what became of it, and make it free. */
static void lane_close(struct reel_lanes *lanes, struct reel_lane *lane)
{
    const struct reel_ring *ring = &lane->outbox.ring;
    struct reel_drained drained = {
        .session = lane->state.session,
        .fragments = lane->fragments - ring->fragments - ring->lost - lane->refused,
        .frames = ring->durable_frames,
        .resent = ring->resent,
        .refused = lane->refused,
        .lost = ring->lost,
        .missing = lane->missing,
    };

    if (!lane->outbox.slots)
        return;
    lane_note(lanes, lane);
    lanes->frames += ring->durable_frames;
    if (drained.frames || drained.refused || drained.lost || drained.missing)
        lanes->drained(lanes->user, &drained);
    lanes->closing = true; /* what is under way stays in the spool */
    reel_outbox_finish(&lane->outbox);
    lanes->closing = false;
    memset(lane, 0, sizeof *lane);
}

struct reel_lane *reel_lanes_find(struct reel_lanes *lanes, uint32_t number)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots && lanes->at[i].state.number == number)
            return &lanes->at[i];
    }
    return NULL;
}

/* One that is free, or has nothing under way. */
static struct reel_lane *lane_free(struct reel_lanes *lanes)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (!lanes->at[i].outbox.slots)
            return &lanes->at[i];
    }
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.ring.fragments == 0) {
            lane_close(lanes, &lanes->at[i]);
            return &lanes->at[i];
        }
    }
    return NULL;
}

static bool lane_open(struct reel_lanes *lanes, struct reel_lane *lane,
                      const struct reel_spool_lane *state, uint64_t next_seq)
{
    lane->state = *state;
    if (!reel_topic_build(lane->topic, sizeof lane->topic, lanes->prefix, "audio", state->device,
                          state->session) ||
        !reel_outbox_init(&lane->outbox, lanes->client, lane->topic, state->number,
                          REEL_OUTBOX_WINDOW_FRAGMENTS, reel_monotonic_us()))
        return false;
    lane->next_seq = next_seq;
    lane->outbox.patient = true;
    lane->outbox.forgotten = on_forgotten;
    lane->outbox.user = lanes;
    return true;
}

bool reel_lanes_open(const struct reel_lanes *lanes)
{
    size_t bytes = 0, fragments = 0;

    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots) {
            bytes += lanes->at[i].outbox.ring.bytes;
            fragments += lanes->at[i].outbox.ring.used;
        }
    }
    return bytes < REEL_OUTBOX_WINDOW_BYTES && fragments < REEL_OUTBOX_WINDOW_FRAGMENTS;
}

/* An earlier boot of the same recording is still under way. */
static bool earlier_under_way(const struct reel_lanes *lanes, const struct reel_spool_lane *state)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        const struct reel_lane *lane = &lanes->at[i];

        if (lane->outbox.slots && lane->state.number != state->number &&
            lane->outbox.ring.fragments > 0 && strcmp(lane->state.session, state->session) == 0)
            return true;
    }
    return false;
}

/* It is in the outbox: those between it and the one before are nowhere. */
static void lane_count(struct reel_lanes *lanes, struct reel_lane *lane, uint64_t seq)
{
    if (seq > lane->next_seq) {
        lane->missing += seq - lane->next_seq;
        reel_spool_missed(lanes->spool, lane->state.number);
    }
    lane->next_seq = seq + 1;
    lane->fragments++;
}

bool reel_lanes_place(struct reel_lanes *lanes, const struct reel_spool_item *item)
{
    const struct reel_spool_fragment *fragment = &item->fragment;
    struct reel_lane *lane = reel_lanes_find(lanes, item->lane.number);
    uint64_t file = item->file;
    uint8_t *memory;

    if (earlier_under_way(lanes, &item->lane))
        return false;
    if (!lane) {
        lane = lane_free(lanes);
        if (!lane || !lane_open(lanes, lane, &item->lane, item->first_seq))
            return false;
    }
    memory = malloc(sizeof file + fragment->payload_bytes);
    if (!memory)
        return false;
    memcpy(memory, &file, sizeof file);
    memcpy(memory + sizeof file, fragment->payload, fragment->payload_bytes);
    if (reel_outbox_push(&lane->outbox, fragment->seq, fragment->frames, memory + sizeof file,
                         fragment->payload_bytes)) {
        lane_count(lanes, lane, fragment->seq);
    } else {
        free(memory); /* it came a second time */
        reel_spool_release(lanes->spool, file);
    }
    free(item->memory);
    return true;
}

enum reel_code reel_lanes_run(struct reel_lanes *lanes, int64_t now_us, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    for (size_t i = 0; !code && i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots)
            code = reel_outbox_run(&lanes->at[i].outbox, now_us, err_out);
    }
    return code;
}

void reel_lanes_reconnected(struct reel_lanes *lanes, int64_t now_us)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots)
            reel_outbox_reconnected(&lanes->at[i].outbox, now_us);
    }
}

uint64_t reel_lanes_count(const struct reel_lanes *lanes, uint64_t *frames_out)
{
    uint64_t under_way = 0;

    *frames_out = lanes->frames;
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots) {
            under_way += lanes->at[i].outbox.ring.fragments;
            *frames_out += lanes->at[i].outbox.ring.durable_frames;
        }
    }
    return under_way;
}

void reel_lanes_note(struct reel_lanes *lanes)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++) {
        if (lanes->at[i].outbox.slots)
            lane_note(lanes, &lanes->at[i]);
    }
}

void reel_lanes_close(struct reel_lanes *lanes)
{
    for (size_t i = 0; i < REEL_LANES_MAX; i++)
        lane_close(lanes, &lanes->at[i]);
}
