/* Outbox: a ring with memory of its own, and its two ends at the client. */
#include "cli/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

enum {
    RANGES_MAX = 256,
    RETRY_LEAST_US = 2000000,
    RETRY_MOST_US = 5000000,
    BUSY_US = 300000000, /* a sink may be busy for so long */
};

/* A broker says what it has as long as the connection stands. */
#define RETRY_NEVER_US ((int64_t)365 * 86400 * 1000000)

static bool on_send(void *user, const struct reel_ring_slot *slot)
{
    struct reel_outbox *outbox = user;
    struct reel_bus_publication what = {
        .topic = outbox->topic,
        .payload = slot->payload,
        .payload_bytes = slot->bytes,
        .qos = 1,
        .content_type = "application/msgpack",
    };
    int *publication = outbox->publications ? outbox->publications + (slot - outbox->slots) : NULL;

    if (!publication) {
        what.response_topic = reel_client_reply_topic(outbox->client);
        what.correlation = (const uint8_t *)&outbox->number;
        what.correlation_bytes = sizeof outbox->number;
    }
    return reel_client_publish(outbox->client, &what, publication, &outbox->error) == REEL_OK;
}

static void on_forgotten(void *user, const struct reel_ring_slot *slot, enum reel_ring_end end)
{
    const struct reel_outbox *outbox = user;
    void *payload;

    (void)end;
    memcpy(&payload, &slot->payload, sizeof payload); /* ours, and const for others alone */
    if (outbox->forgotten)
        outbox->forgotten(outbox->user, payload);
    else
        free(payload);
}

bool reel_outbox_init(struct reel_outbox *outbox, struct reel_client *client, const char *topic,
                      uint32_t number, size_t fragments, int64_t now_us)
{
    struct reel_ring_slot *slots = calloc(fragments, sizeof *slots);
    const struct reel_ring_config config = {
        .slots = slots,
        .slots_count = fragments,
        .first_alone = true,
        .retry_least_us = RETRY_LEAST_US,
        .retry_most_us = RETRY_MOST_US,
        .user = outbox,
        .send = on_send,
        .forgotten = on_forgotten,
    };

    if (!slots)
        return false;
    *outbox =
        (struct reel_outbox){.slots = slots, .client = client, .topic = topic, .number = number};
    reel_ring_init(&outbox->ring, &config);
    reel_ring_connected(&outbox->ring, now_us);
    return true;
}

bool reel_outbox_trust_broker(struct reel_outbox *outbox)
{
    outbox->publications = calloc(outbox->ring.config.slots_count, sizeof *outbox->publications);
    outbox->ring.config.retry_least_us = outbox->ring.config.retry_most_us = RETRY_NEVER_US;
    return outbox->publications != NULL;
}

void reel_outbox_finish(struct reel_outbox *outbox)
{
    while (outbox->slots && reel_ring_drop_oldest(&outbox->ring))
        continue;
    free(outbox->slots);
    free(outbox->publications);
    outbox->slots = NULL;
    outbox->publications = NULL;
}

bool reel_outbox_push(struct reel_outbox *outbox, uint64_t seq, uint32_t frames, uint8_t *payload,
                      size_t payload_bytes)
{
    return reel_ring_push(&outbox->ring, seq, frames, payload, payload_bytes) == REEL_RING_PUSHED;
}

enum reel_code reel_outbox_run(struct reel_outbox *outbox, int64_t now_us,
                               struct reel_error *err_out)
{
    outbox->error.code = REEL_OK;
    reel_ring_run(&outbox->ring, now_us);
    if (outbox->error.code)
        *err_out = outbox->error;
    return outbox->error.code;
}

void reel_outbox_reconnected(struct reel_outbox *outbox, int64_t now_us)
{
    reel_ring_connected(&outbox->ring, now_us);
}

/* A broker acknowledges in the order in which it gets. */
void reel_outbox_published(struct reel_outbox *outbox, int publication_id, int64_t now_us)
{
    for (size_t i = 0; outbox->publications && i < outbox->ring.config.slots_count; i++) {
        const struct reel_recorder_ack ack = {
            .ok = true, .has_seq = true, .seq = outbox->slots[i].seq};

        if (outbox->slots[i].state == REEL_RING_SENT && outbox->publications[i] == publication_id)
            reel_ring_acknowledge(&outbox->ring, &ack, now_us);
    }
}

/* What the sink could not decode, too large for one, it refuses in JSON. */
static bool refusal_decode(const struct reel_bus_message *message, struct reel_recorder_ack *ack)
{
    struct reel_error error = {0};
    json_t *data = NULL;
    enum reel_code code = reel_answer_decode(message, &data, &error);

    json_decref(data);
    ack->ok = false;
    snprintf(ack->code, sizeof ack->code, "%s", reel_code_name(error.code));
    snprintf(ack->field, sizeof ack->field, "%s", error.field);
    snprintf(ack->message, sizeof ack->message, "%.*s", (int)sizeof ack->message - 1,
             error.message);
    return code != REEL_OK;
}

static bool ack_decode(const struct reel_bus_message *message, struct reel_recorder_ack *ack)
{
    if (message->payload_bytes > 0 && message->payload[0] == '{')
        return refusal_decode(message, ack);
    return reel_recorder_ack_decode(message->payload, message->payload_bytes, ack);
}

static enum reel_outbox_heard refuse(struct reel_outbox *outbox,
                                     const struct reel_recorder_ack *ack,
                                     struct reel_outbox_refused *refused_out)
{
    enum reel_code code = reel_code_from_name(ack->code);

    reel_error_set(&outbox->error,
                   code == REEL_CODE_COUNT || code == REEL_OK ? REEL_E_INTERNAL : code, ack->field,
                   "the sink refuses a fragment of %s: %s", strrchr(outbox->topic, '/') + 1,
                   ack->message);
    *refused_out = (struct reel_outbox_refused){ack->has_seq, ack->seq};
    return REEL_OUTBOX_REFUSED;
}

/* A refusal that may pass by itself. */
static enum reel_outbox_heard bear(struct reel_outbox *outbox, const struct reel_recorder_ack *ack,
                                   int64_t now_us, struct reel_outbox_refused *refused_out)
{
    if (!outbox->busy_since_us)
        outbox->busy_since_us = now_us;
    if (!outbox->patient && now_us - outbox->busy_since_us >= BUSY_US)
        return refuse(outbox, ack, refused_out);
    return REEL_OUTBOX_ALIVE;
}

enum reel_outbox_heard reel_outbox_hear(struct reel_outbox *outbox,
                                        const struct reel_bus_message *message, int64_t now_us,
                                        struct reel_outbox_refused *refused_out)
{
    struct reel_recorder_range missing[RANGES_MAX], lost[RANGES_MAX];
    struct reel_recorder_ack ack = {.missing = {missing, RANGES_MAX, 0},
                                    .lost = {lost, RANGES_MAX, 0},
                                    .oldest_seq = reel_ring_oldest(&outbox->ring)};
    enum reel_ring_heard heard;

    if (!ack_decode(message, &ack))
        return REEL_OUTBOX_NONE;
    heard = reel_ring_acknowledge(&outbox->ring, &ack, now_us);
    if (heard == REEL_RING_REFUSED)
        return refuse(outbox, &ack, refused_out);
    if (heard == REEL_RING_BUSY)
        return bear(outbox, &ack, now_us, refused_out);
    outbox->busy_since_us = 0;
    outbox->stored_frames = ack.frames;
    return heard == REEL_RING_PROGRESS ? REEL_OUTBOX_ALIVE : REEL_OUTBOX_NOTHING;
}
