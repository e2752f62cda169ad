/* Ingest, what is refused: it is counted, logged, put into quarantine, and told. */
#include <stdio.h>

#include "core/describe.h"
#include "daemon/ingest_audio.h"

void reel_ingest_note_rejected(struct reel_ingest *ingest, const char *device, const char *session,
                               const struct reel_numbers *numbers, const struct reel_error *error,
                               uint64_t quarantine_id)
{
    struct reel_rejection rejection = {.error = *error, .quarantine_id = quarantine_id};
    const struct reel_log_subject subject = {
        .device = device,
        .session = session,
        .reason = reel_code_name(error->code),
        .has_seq = numbers && numbers->has_seq,
        .seq = numbers ? numbers->seq : 0,
    };

    reel_count(&ingest->links.counters->rejected, 1);
    reel_count(&ingest->links.counters->rejected_by_code[error->code], 1);
    reel_log_write_about(ingest->links.log, REEL_LOG_NOTICE, &subject, "%s/%s: refused: %s%s%s",
                         device[0] ? device : "-", session[0] ? session : "-", error->message,
                         error->field[0] ? ": " : "", error->field);
    snprintf(rejection.device, sizeof rejection.device, "%s", device);
    snprintf(rejection.session, sizeof rejection.session, "%s", session);
    reel_reject_limit_note(ingest->rejects, &rejection);
}

uint64_t reel_ingest_reject(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_error *error)
{
    const struct reel_topic *topic = &arrival->topic;
    const struct reel_reject reject = {
        .topic = arrival->message->topic,
        .device = topic->device,
        .session = topic->session,
        .error = *error,
        .time_us = arrival->wall_us,
        .bytes = arrival->message->payload_bytes,
    };
    struct reel_error failure;
    uint64_t quarantine_id;

    reel_ingest_note_refusal(&ingest->batch, arrival);
    if (reel_store_quarantine(ingest->store, &reject, arrival->message->payload, &quarantine_id,
                              &failure)) {
        reel_ingest_fail(ingest, &failure);
        return 0;
    }
    reel_ingest_note_rejected(ingest, topic->device, topic->session, &arrival->fragment.numbers,
                              error, quarantine_id);
    return quarantine_id;
}

uint64_t reel_ingest_refuse(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_entry *entry, const struct reel_error *error)
{
    const struct reel_topic *topic = &arrival->topic;
    struct reel_ack_place place = reel_arrival_place(arrival);
    uint64_t quarantine_id;

    if (arrival->reply_topic[0])
        reel_acks_note_document(
            ingest->acks,
            reel_describe_refusal(error, topic->device, topic->session, &arrival->fragment.numbers),
            &place);
    if (arrival->redelivered)
        return 0; /* it was refused before */
    quarantine_id = reel_ingest_reject(ingest, arrival, error);
    if (quarantine_id != 0 && entry)
        reel_store_touch(ingest->store, entry, arrival->monotonic_us);
    return quarantine_id;
}
