/* Ingest: the batch: what it holds until it is durable, and the commit. */
#include <stdlib.h>
#include <string.h>

#include "daemon/event_log.h"
#include "daemon/ingest_changes.h"
#include "daemon/metrics.h"
#include "io/loop.h"
#include "io/memory.h"

/* What waits in memory for the commit closes a batch too, whatever ingest.commit_bytes allows of
 * audio, which is on its way to the disk. */
enum { KEPT_MOST_BYTES = 4 << 20 };

enum reel_code reel_batch_init(struct reel_batch *batch)
{
    memset(batch, 0, sizeof *batch);
    batch->deliveries = calloc(REEL_BATCH_MESSAGES_MAX, sizeof *batch->deliveries);
    return batch->deliveries ? REEL_OK : REEL_E_INTERNAL;
}

static void batch_drop_notices(struct reel_batch *batch)
{
    for (size_t i = 0; i < batch->notices_count; i++)
        reel_notice_destroy(batch->notices[i]);
    batch->notices_count = 0;
}

void reel_batch_finish(struct reel_batch *batch)
{
    batch_drop_notices(batch);
    for (size_t i = 0; i < batch->answers_count; i++)
        reel_answer_destroy(batch->answers[i]);
    free(batch->answers);
    free(batch->notices);
    free(batch->deliveries);
    memset(batch, 0, sizeof *batch);
}

void reel_batch_open(struct reel_batch *batch, int64_t monotonic_us)
{
    if (batch->open)
        return;
    batch->open = true;
    batch->since_us = monotonic_us;
    batch->hurry_us = INT64_MAX;
}

void reel_batch_hurry(struct reel_batch *batch, int64_t monotonic_us)
{
    if (monotonic_us < batch->hurry_us)
        batch->hurry_us = monotonic_us;
}

/* Room for one more pointer in a list that grows; false if memory ran out. */
static bool room_for_one(void **items, size_t count, size_t *capacity)
{
    size_t wanted = *capacity > 0 ? 2 * *capacity : 64;
    void *grown;

    if (count < *capacity)
        return true;
    grown = reallocarray(*items, wanted, sizeof(void *));
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

static bool keep_notice(struct reel_batch *batch, struct reel_notice *notice)
{
    void *notices = batch->notices;

    if (!room_for_one(&notices, batch->notices_count, &batch->notices_capacity))
        return false;
    batch->notices = notices;
    batch->notices[batch->notices_count++] = notice;
    batch->kept_bytes += reel_notice_bytes(notice);
    return true;
}

void reel_ingest_event(struct reel_ingest *ingest, const char *device, const char *session,
                       json_t *event)
{
    struct reel_notice *notice;

    reel_event_log(ingest->links.log, device, session, event);
    notice = reel_notice_event(device, session, event);
    if (notice && keep_notice(&ingest->batch, notice))
        return;
    reel_notice_destroy(notice);
    reel_count(&ingest->links.counters->events_dropped, 1);
}

static void post(struct reel_ingest *ingest, struct reel_notice *notice)
{
    if (notice && reel_mailbox_post(ingest->links.notices, notice, reel_notice_bytes(notice)))
        return;
    reel_notice_destroy(notice);
    reel_count(&ingest->links.counters->events_dropped, 1);
}

void reel_ingest_tell_answer(struct reel_ingest *ingest, struct reel_answer *answer)
{
    post(ingest, reel_answer_notice(answer));
    reel_answer_destroy(answer);
}

void reel_ingest_answer(struct reel_ingest *ingest, struct reel_answer *answer)
{
    struct reel_batch *batch = &ingest->batch;
    void *answers = batch->answers;

    if (!room_for_one(&answers, batch->answers_count, &batch->answers_capacity)) {
        reel_log_write(ingest->links.log, REEL_LOG_WARNING, "no memory for an answer");
        reel_answer_destroy(answer);
        return;
    }
    batch->answers = answers;
    batch->answers[batch->answers_count++] = answer;
    batch->kept_bytes += reel_answer_bytes(answer);
}

static void tell_answers(struct reel_ingest *ingest)
{
    struct reel_batch *batch = &ingest->batch;

    for (size_t i = 0; i < batch->answers_count; i++)
        reel_ingest_tell_answer(ingest, batch->answers[i]);
    batch->answers_count = 0;
}

/* What was done for them is not durable: they may be asked again. */
static void turn_answers_down(struct reel_ingest *ingest)
{
    struct reel_batch *batch = &ingest->batch;
    struct reel_error error;

    reel_error_set(&error, REEL_E_STALLED, NULL, "it could not be stored: %s",
                   ingest->failed ? ingest->failure.message : "the batch was dropped");
    for (size_t i = 0; i < batch->answers_count; i++)
        reel_answer_error(batch->answers[i], &error);
    tell_answers(ingest);
}

bool reel_batch_full(const struct reel_ingest *ingest, int64_t monotonic_us)
{
    const struct reel_batch *batch = &ingest->batch;
    uint64_t kept_bytes = batch->kept_bytes + reel_acks_bytes(ingest->acks);
    uint64_t bytes = batch->bytes + kept_bytes;

    return batch->open &&
           (batch->messages >= REEL_BATCH_MESSAGES_MAX || kept_bytes >= KEPT_MOST_BYTES ||
            bytes >= ingest->links.config->ingest_commit_bytes ||
            reel_store_crowded(ingest->store) || monotonic_us >= reel_batch_deadline_us(ingest));
}

int64_t reel_batch_deadline_us(const struct reel_ingest *ingest)
{
    const struct reel_config *config = ingest->links.config;
    int64_t deadline_us;

    if (!ingest->batch.open)
        return INT64_MAX;
    deadline_us = ingest->batch.since_us + (int64_t)config->ingest_commit_interval_ms * 1000;
    return ingest->batch.hurry_us < deadline_us ? ingest->batch.hurry_us : deadline_us;
}

enum reel_code reel_ingest_fail(struct reel_ingest *ingest, const struct reel_error *error)
{
    if (!ingest->failed)
        ingest->failure = *error;
    ingest->failed = true;
    return ingest->failure.code;
}

void reel_ingest_fail_memory(struct reel_ingest *ingest)
{
    struct reel_error error;

    reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
    reel_ingest_fail(ingest, &error);
}

static void batch_empty(struct reel_batch *batch)
{
    batch_drop_notices(batch);
    batch->open = false;
    batch->removes = false;
    batch->large_json = false;
    batch->messages = 0;
    batch->bytes = 0;
    batch->kept_bytes = 0;
    batch->deliveries_count = 0;
}

void reel_ingest_drop(struct reel_ingest *ingest)
{
    turn_answers_down(ingest);
    reel_acks_drop(ingest->acks);
    batch_empty(&ingest->batch);
}

/* Hand the events over; what the query thread has no room for is counted. */
static void tell_events(struct reel_ingest *ingest)
{
    struct reel_batch *batch = &ingest->batch;

    for (size_t i = 0; i < batch->notices_count; i++)
        post(ingest, batch->notices[i]);
    batch->notices_count = 0;
}

static void count_commit(struct reel_ingest *ingest, int64_t took_us)
{
    struct reel_counters *counters = ingest->links.counters;
    const struct reel_batch *batch = &ingest->batch;
    struct reel_store_stats stats;

    reel_store_stats(ingest->store, &stats);
    reel_count(&counters->commits, 1);
    reel_count(&counters->commit_us, (uint64_t)took_us);
    if (stats.sync_us > 0)
        reel_count_into(&counters->sync_us, reel_sync_bounds_us, (uint64_t)stats.sync_us);
    if (batch->messages > 0)
        reel_count_into(&counters->batch_messages, reel_batch_bounds, batch->messages);
    reel_count(&counters->batch_bytes, batch->bytes);
    atomic_store_explicit(&counters->recordings_open, stats.open_recordings, memory_order_relaxed);
}

void reel_ingest_commit(struct reel_ingest *ingest)
{
    struct reel_batch *batch = &ingest->batch;
    bool had_large_json = batch->large_json;
    int64_t began_us = reel_monotonic_us();
    struct reel_error error;

    /* Rendered first: the commit may let go of recordings that have completed. */
    if (!reel_acks_render(ingest->acks, ingest->links.log)) {
        reel_ingest_fail_memory(ingest);
        return;
    }
    if (reel_store_commit(ingest->store, batch->deliveries, batch->deliveries_count, reel_wall_us(),
                          &error)) {
        reel_ingest_fail(ingest, &error);
        return;
    }
    count_commit(ingest, reel_monotonic_us() - began_us);
    reel_ingest_unlink_removed(ingest);
    reel_ingest_retain_wrote(ingest, batch->bytes);
    if (ingest->bus)
        reel_count(&ingest->links.counters->acknowledgements,
                   reel_acks_publish(ingest->acks, ingest->bus, ingest->links.log));
    reel_acks_drop(ingest->acks);
    tell_events(ingest);
    tell_answers(ingest);
    batch_empty(batch);
    /* Only here may what was queued since the last commit leave: the PUBACKs among it. */
    if (ingest->bus)
        reel_bus_write(ingest->bus);
    if (had_large_json) /* which takes some milliseconds: nobody waits for it */
        reel_memory_give_back();
}
