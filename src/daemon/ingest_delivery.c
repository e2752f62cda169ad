/* Ingest, the deliveries: which messages of QoS 1 the batch took in, and which of those of the last
 * durable batches the broker delivers once more. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/ingest_internal.h"

void reel_redelivery_drop(struct reel_redelivery *redelivery)
{
    free(redelivery->deliveries);
    memset(redelivery, 0, sizeof *redelivery);
}

void reel_redelivery_expect(struct reel_ingest *ingest)
{
    struct reel_redelivery *redelivery = &ingest->redelivery;
    const struct reel_delivery *deliveries;
    size_t count;

    reel_redelivery_drop(redelivery);
    reel_store_deliveries(ingest->store, &deliveries, &count);
    if (count == 0)
        return;
    redelivery->deliveries = malloc(count * sizeof *deliveries);
    if (!redelivery->deliveries)
        return; /* then repeats without numbers are taken for new audio: none is lost */
    memcpy(redelivery->deliveries, deliveries, count * sizeof *deliveries);
    redelivery->count = count;
}

void reel_redelivery_forget(struct reel_ingest *ingest)
{
    struct reel_error error;

    reel_redelivery_drop(&ingest->redelivery);
    if (reel_store_forget_deliveries(ingest->store, &error))
        reel_ingest_fail(ingest, &error);
}

static uint64_t message_hash(const struct reel_bus_message *message)
{
    uint64_t topic_hash = XXH3_64bits(message->topic, strlen(message->topic));

    return XXH3_64bits_withSeed(message->payload, message->payload_bytes, topic_hash);
}

/* The message as a durable batch took it in, whose acknowledgement the broker may not have seen;
 * NULL if none did. Those come first and in order, so the first other one ends it. */
static const struct reel_delivery *recognise(struct reel_redelivery *redelivery,
                                             const struct reel_delivery *delivery)
{
    for (size_t i = redelivery->at; i < redelivery->count; i++) {
        if (redelivery->deliveries[i].packet_id == delivery->packet_id &&
            redelivery->deliveries[i].hash == delivery->hash) {
            redelivery->at = i + 1;
            return &redelivery->deliveries[i];
        }
    }
    redelivery->at = redelivery->count;
    return NULL;
}

void reel_ingest_note_delivery(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const struct reel_bus_message *message = arrival->message;
    struct reel_batch *batch = &ingest->batch;
    struct reel_delivery delivery = {.packet_id = message->packet_id};
    const struct reel_delivery *before;

    reel_batch_open(batch, arrival->monotonic_us);
    batch->messages++;
    batch->bytes += message->payload_bytes;
    batch->kept_bytes += message->correlation_bytes;
    if (message->packet_id == 0)
        return;
    delivery.hash = message_hash(message);
    before = recognise(&ingest->redelivery, &delivery);
    arrival->redelivered = before != NULL;
    arrival->refused = before && before->refused;
    /* What is recognised is noted already, in its order. */
    if (!before && batch->deliveries_count < REEL_BATCH_MESSAGES_MAX)
        batch->deliveries[batch->deliveries_count++] = delivery;
}

void reel_ingest_note_refusal(struct reel_batch *batch, const struct reel_arrival *arrival)
{
    if (arrival->message->packet_id != 0 && batch->deliveries_count > 0)
        batch->deliveries[batch->deliveries_count - 1].refused = true;
}
