/* Firmware: the ring of unacknowledged fragments. */
#include "reel/ring.h"

#include <string.h>

enum { PATIENCE_US = 2000000, RETRY_LEAST_US = 2000000, RETRY_MOST_US = 60000000 };

static struct reel_ring_slot *slot_at(const struct reel_ring *ring, size_t i)
{
    return &ring->config.slots[(ring->first + i) % ring->config.slots_count];
}

void reel_ring_init(struct reel_ring *ring, const struct reel_ring_config *config)
{
    const struct reel_ring fresh = {.config = *config};
    struct reel_ring_config *own = &ring->config;

    *ring = fresh;
    own->window_fragments = own->window_fragments ? own->window_fragments : SIZE_MAX;
    own->window_bytes = own->window_bytes ? own->window_bytes : SIZE_MAX;
    own->patience_us = own->patience_us ? own->patience_us : PATIENCE_US;
    own->retry_least_us = own->retry_least_us ? own->retry_least_us : RETRY_LEAST_US;
    own->retry_most_us = own->retry_most_us ? own->retry_most_us : RETRY_MOST_US;
    ring->retry_us = ring->connect_us = own->retry_least_us;
}

/* The wait that is due now; the next is twice as long. */
static int64_t backoff(const struct reel_ring *ring, int64_t *wait_us)
{
    int64_t now = *wait_us;

    *wait_us = now < ring->config.retry_most_us / 2 ? now * 2 : ring->config.retry_most_us;
    return now;
}

void *reel_ring_reserve(const struct reel_ring *ring, size_t bytes)
{
    uint8_t *storage = ring->config.storage;
    size_t start, end;

    if (!storage || bytes > ring->config.storage_bytes || ring->used == ring->config.slots_count)
        return NULL;
    if (ring->used == 0)
        return storage;
    start = (size_t)((const uint8_t *)slot_at(ring, 0)->payload - storage);
    end = (size_t)((const uint8_t *)slot_at(ring, ring->used - 1)->payload - storage) +
          slot_at(ring, ring->used - 1)->bytes;
    if (end <= start)
        return start - end >= bytes ? storage + end : NULL;
    if (ring->config.storage_bytes - end >= bytes)
        return storage + end;
    return start >= bytes ? storage : NULL;
}

enum reel_ring_pushed reel_ring_push(struct reel_ring *ring, uint64_t seq, uint32_t frames,
                                     const void *payload, size_t bytes)
{
    void *room = reel_ring_reserve(ring, bytes);
    struct reel_ring_slot *slot;

    if (bytes == 0 || seq < ring->next_seq ||
        (ring->config.storage && bytes > ring->config.storage_bytes))
        return REEL_RING_UNFIT;
    if (ring->used == ring->config.slots_count || (ring->config.storage && !room))
        return REEL_RING_FULL;
    if (room && room != payload)
        payload = memcpy(room, payload, bytes);
    slot = slot_at(ring, ring->used++);
    *slot = (struct reel_ring_slot){.seq = seq,
                                    .payload = payload,
                                    .bytes = bytes,
                                    .frames = frames,
                                    .at_us = INT64_MIN,
                                    .state = REEL_RING_DUE};
    ring->next_seq = seq + 1;
    ring->fragments++;
    ring->bytes += bytes;
    return REEL_RING_PUSHED;
}

static void slot_due(struct reel_ring *ring, struct reel_ring_slot *slot, int64_t at_us)
{
    if (slot->state == REEL_RING_SENT) {
        ring->under_way--;
        ring->under_way_bytes -= slot->bytes;
    }
    slot->state = REEL_RING_DUE;
    slot->at_us = at_us;
}

static void slot_forget(struct reel_ring *ring, struct reel_ring_slot *slot, enum reel_ring_end end)
{
    slot_due(ring, slot, 0);
    ring->fragments--;
    ring->bytes -= slot->bytes;
    if (end == REEL_RING_DURABLE)
        ring->durable_frames += slot->frames;
    else if (end == REEL_RING_LOST)
        ring->lost++;
    else
        ring->dropped++;
    if (ring->config.forgotten)
        ring->config.forgotten(ring->config.user, slot, end);
    slot->state = REEL_RING_GONE;
}

/* What is empty at the beginning is room again. */
static void trim(struct reel_ring *ring)
{
    while (ring->used > 0 && slot_at(ring, 0)->state == REEL_RING_GONE) {
        ring->first = (ring->first + 1) % ring->config.slots_count;
        ring->used--;
    }
}

bool reel_ring_drop_oldest(struct reel_ring *ring)
{
    return ring->used > 0 && reel_ring_drop(ring, slot_at(ring, 0)->seq);
}

static struct reel_ring_slot *find(const struct reel_ring *ring, uint64_t seq)
{
    size_t low = 0, high = ring->used;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (slot_at(ring, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == ring->used || slot_at(ring, low)->seq != seq ||
        slot_at(ring, low)->state == REEL_RING_GONE)
        return NULL;
    return slot_at(ring, low);
}

bool reel_ring_drop(struct reel_ring *ring, uint64_t seq)
{
    struct reel_ring_slot *slot = find(ring, seq);

    if (!slot)
        return false;
    slot_forget(ring, slot, REEL_RING_DROPPED);
    trim(ring);
    return true;
}

uint64_t reel_ring_oldest(const struct reel_ring *ring)
{
    return ring->used > 0 ? slot_at(ring, 0)->seq : ring->next_seq;
}

/* Everything under way counts as not sent. */
static void go_back(struct reel_ring *ring, int64_t now_us)
{
    for (size_t i = 0; i < ring->used; i++) {
        if (slot_at(ring, i)->state == REEL_RING_SENT)
            slot_due(ring, slot_at(ring, i), now_us);
    }
}

void reel_ring_connected(struct reel_ring *ring, int64_t now_us)
{
    go_back(ring, now_us);
    ring->connected = true;
    ring->careful = ring->probing = false;
    ring->quiet_us = now_us;
    ring->retry_us = ring->config.retry_least_us;
}

int64_t reel_ring_disconnected(struct reel_ring *ring, int64_t now_us)
{
    ring->connected = false;
    return now_us + backoff(ring, &ring->connect_us);
}

static enum reel_ring_heard refusal(struct reel_ring *ring, const struct reel_recorder_ack *ack,
                                    int64_t now_us)
{
    struct reel_ring_slot *slot = ack->has_seq ? find(ring, ack->seq) : NULL;
    bool jump = strcmp(ack->code, "jump") == 0;

    if (!jump && strcmp(ack->code, "busy") != 0 && strcmp(ack->code, "stalled") != 0) {
        ring->answered = true;
        return REEL_RING_REFUSED;
    }
    ring->answered = ring->answered || jump;
    ring->quiet_us = now_us;
    ring->probing = false;
    ring->careful = !jump; /* a jump is confirmed by the one behind it */
    if (slot && (jump || slot == slot_at(ring, 0)))
        slot_due(ring, slot, now_us + backoff(ring, &ring->retry_us));
    else if (slot)
        slot_due(ring, slot, now_us);
    return REEL_RING_BUSY;
}

static void take(struct reel_ring *ring, const struct reel_recorder_ack *ack, int64_t now_us)
{
    for (size_t i = 0; i < ring->used; i++) {
        struct reel_ring_slot *slot = slot_at(ring, i);

        if (slot->state == REEL_RING_GONE)
            continue;
        switch (reel_recorder_ack_fate(ack, slot->seq)) {
        case REEL_RECORDER_UNKNOWN:
            break;
        case REEL_RECORDER_MISSING:
            if (slot->state == REEL_RING_SENT && now_us - slot->at_us >= ring->config.patience_us)
                slot_due(ring, slot, now_us);
            break;
        case REEL_RECORDER_LOST:
            slot_forget(ring, slot, REEL_RING_LOST);
            break;
        case REEL_RECORDER_DURABLE:
            slot_forget(ring, slot, REEL_RING_DURABLE);
            break;
        }
    }
    trim(ring);
}

enum reel_ring_heard reel_ring_acknowledge(struct reel_ring *ring,
                                           const struct reel_recorder_ack *ack, int64_t now_us)
{
    size_t before = ring->fragments;

    if ((ring->config.session && strcmp(ring->config.session, ack->session) != 0) ||
        (ring->config.boot && strcmp(ring->config.boot, ack->boot) != 0))
        return REEL_RING_OTHER;
    if (!ack->ok)
        return refusal(ring, ack, now_us);
    take(ring, ack, now_us);
    ring->answered = ring->answered || ring->fragments < before;
    /* The oldest was sent once more behind all the others, and nothing but it was stored: on their
     * way in order, they did not arrive. */
    if (ring->probing && ack->has_seq && ack->seq == ring->probe_seq)
        go_back(ring, now_us);
    ring->careful = ring->probing = false;
    ring->quiet_us = now_us;
    ring->retry_us = ring->connect_us = ring->config.retry_least_us;
    return ring->fragments < before ? REEL_RING_PROGRESS : REEL_RING_NOTHING;
}

/* Whether nothing is sent but the oldest. */
static bool alone(const struct reel_ring *ring)
{
    return ring->careful || (ring->config.first_alone && !ring->answered);
}

static bool window_open(const struct reel_ring *ring, const struct reel_ring_slot *slot)
{
    if (ring->careful || ring->under_way == 0)
        return true;
    return ring->under_way < ring->config.window_fragments &&
           slot->bytes <= ring->config.window_bytes &&
           ring->under_way_bytes <= ring->config.window_bytes - slot->bytes;
}

static bool slot_send(struct reel_ring *ring, struct reel_ring_slot *slot, int64_t now_us)
{
    if (!ring->config.send(ring->config.user, slot))
        return false;
    if (ring->under_way == 0)
        ring->quiet_us = now_us;
    if (slot->times++ > 0)
        ring->resent++;
    slot->state = REEL_RING_SENT;
    slot->at_us = now_us;
    ring->under_way++;
    ring->under_way_bytes += slot->bytes;
    return true;
}

static void listen(struct reel_ring *ring, int64_t now_us)
{
    struct reel_ring_slot *oldest = slot_at(ring, 0);

    if (ring->under_way == 0 || now_us - ring->quiet_us < ring->retry_us)
        return;
    backoff(ring, &ring->retry_us);
    ring->quiet_us = now_us;
    ring->careful = ring->probing = true;
    ring->probe_seq = oldest->seq;
    slot_due(ring, oldest, now_us);
}

size_t reel_ring_run(struct reel_ring *ring, int64_t now_us)
{
    size_t sent = 0;

    if (!ring->connected)
        return 0;
    listen(ring, now_us);
    for (size_t i = 0; i < ring->used; i++) {
        struct reel_ring_slot *slot = slot_at(ring, i);

        if (slot->state == REEL_RING_DUE && slot->at_us <= now_us) {
            if (!window_open(ring, slot) || !slot_send(ring, slot, now_us))
                break;
            sent++;
        }
        if (alone(ring))
            break;
    }
    return sent;
}

int64_t reel_ring_wake_us(const struct reel_ring *ring, int64_t now_us)
{
    int64_t wake_us = INT64_MAX;

    if (!ring->connected)
        return wake_us;
    if (ring->under_way > 0)
        wake_us = ring->quiet_us + ring->retry_us;
    for (size_t i = 0; i < ring->used; i++) {
        const struct reel_ring_slot *slot = slot_at(ring, i);

        if (slot->state == REEL_RING_DUE && slot->at_us <= now_us && !window_open(ring, slot))
            break;
        if (slot->state == REEL_RING_DUE && slot->at_us < wake_us)
            wake_us = slot->at_us;
        if (alone(ring))
            break;
    }
    return wake_us > now_us ? wake_us : now_us;
}
