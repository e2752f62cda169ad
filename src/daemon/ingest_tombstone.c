/* Ingest: what belongs to recordings that were deleted: what comes of them once more is dropped,
 * what is new goes on in another recording. */
#include "core/describe.h"
#include "daemon/ingest_audio.h"

enum reel_code reel_ingest_tombstone(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                     struct reel_tombstone *tombstone_out)
{
    struct reel_error failure;
    enum reel_code code = reel_store_tombstone(ingest->store, arrival->topic.device,
                                               arrival->topic.session, tombstone_out, &failure);

    return code == REEL_OK || code == REEL_E_NOT_FOUND ? code : reel_ingest_fail(ingest, &failure);
}

/* Audio is never dropped as a repeat that was not shown to be one: a recorder may have restarted
 * under its old name. */
static bool restarts(const struct reel_arrival *arrival, const struct reel_tombstone *tombstone)
{
    const struct reel_fragment *fragment = &arrival->fragment;

    return reel_tombstone_restarts(tombstone, &fragment->numbers, fragment->data,
                                   reel_format_frame_bytes(&fragment->format));
}

/* What has no numbers is a repeat only where the broker delivered it before. */
static bool is_repeat(const struct reel_arrival *arrival, const struct reel_tombstone *tombstone)
{
    if (arrival->redelivered && !arrival->refused)
        return true;
    return reel_tombstone_covers(tombstone, &arrival->fragment.numbers) &&
           !restarts(arrival, tombstone);
}

/* Whether it follows on from what looked like a restart. */
static bool confirms_restart(const struct reel_target *target, const struct reel_numbers *numbers)
{
    struct reel_placement placement;

    reel_place_late(reel_entry_recording(target->last), numbers, &placement);
    return placement.row == REEL_PLACE_RESTARTED;
}

/* The numbers of the deleted one are all that is known of the boot. */
static void acknowledge_alone(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              const struct reel_tombstone *tombstone)
{
    struct reel_ack_place place = reel_arrival_place(arrival);

    if (arrival->reply_topic[0])
        reel_acks_note_document(
            ingest->acks, reel_describe_buried(tombstone, &arrival->fragment.numbers.boot), &place);
}

bool reel_ingest_drop_repeat(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_tombstone *tombstone)
{
    if (!is_repeat(arrival, tombstone))
        return false;
    reel_count(&ingest->links.counters->duplicates, 1);
    acknowledge_alone(ingest, arrival, tombstone);
    return true;
}

/* Drop it, told with what is there of its boot; where there is none, or what followed it was
 * deleted, with what was deleted. */
static void drop(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                 const struct reel_target *target, const struct reel_tombstone *tombstone)
{
    struct reel_epoch epoch =
        reel_recording_epoch(reel_entry_recording(target->home), &arrival->fragment.numbers.boot);

    reel_count(&ingest->links.counters->duplicates, 1);
    if (epoch.first < epoch.end && reel_entry_recording(target->last)->end_reason != REEL_END_LIMIT)
        reel_ingest_acknowledge(ingest, arrival, target);
    else
        acknowledge_alone(ingest, arrival, tombstone);
}

bool reel_ingest_meet_deleted(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              struct reel_target *target)
{
    struct reel_tombstone tombstone;
    struct reel_error error;
    bool is_over = false;

    if (!target->beyond)
        return false;
    if (reel_ingest_tombstone(ingest, arrival, &tombstone) != REEL_OK)
        return ingest->failed;
    if (is_repeat(arrival, &tombstone) && !confirms_restart(target, &arrival->fragment.numbers)) {
        drop(ingest, arrival, target, &tombstone);
        is_over = true;
    } else if (reel_ingest_skip_deleted(ingest, arrival, &tombstone, target, &error)) {
        if (!ingest->failed && reel_ingest_refuse(ingest, arrival, target->last, &error))
            reel_entry_recording(target->last)->rejected++;
        is_over = true;
    }
    reel_tombstone_finish(&tombstone);
    return is_over || ingest->failed;
}

void reel_ingest_begin_behind(struct reel_recording *recording,
                              const struct reel_tombstone *tombstone,
                              const struct reel_numbers *numbers)
{
    struct reel_numbers next;

    if (!reel_tombstone_covers(tombstone, numbers) &&
        reel_tombstone_next(tombstone, &numbers->boot, &next))
        reel_recording_begin_at(recording, &next);
}
