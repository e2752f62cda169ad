/* Ingest: one fragment to its place: stored, refused, or passed over as a repeat. */
#include "core/place.h"
#include "daemon/ingest_audio.h"

static enum reel_code refusal(const struct reel_placement *placement,
                              const struct reel_numbers *numbers, struct reel_error *err_out)
{
    const char *field = numbers->has_frame ? "metadata.session.frame" : "metadata.session.seq";

    switch (placement->row) {
    case REEL_PLACE_JUMP:
        return reel_error_set(err_out, REEL_E_JUMP, field,
                              "far ahead of the recording: it waits for one that follows on");
    case REEL_PLACE_LATE:
        return reel_error_set(err_out, REEL_E_LATE, field, "its place is not known any more");
    default:
        return reel_error_set(err_out, REEL_E_CONFLICT, field,
                              "other audio is stored under this number");
    }
}

static void refuse_placed(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                          struct reel_entry *entry, const struct reel_placement *placement)
{
    struct reel_recording *recording = reel_entry_recording(entry);
    struct reel_error error;
    uint64_t quarantine_id;

    refusal(placement, &arrival->fragment.numbers, &error);
    quarantine_id = reel_ingest_refuse(ingest, arrival, entry, &error);
    if (quarantine_id &&
        !reel_place_apply(recording, &arrival->fragment.numbers, placement, quarantine_id))
        reel_ingest_fail_memory(ingest);
}

/* A fragment that the broker delivered once more, and that was stored the first time. What its
 * numbers make of it now may be another thing: one of the recorder's life before a restart would be
 * one more restart. Only what was lost since is written again, into the gap that stands for it. */
static bool repeated(const struct reel_arrival *arrival, const struct reel_recording *recording,
                     const struct reel_placement *placement)
{
    return arrival->redelivered && !arrival->refused && recording->fragments > 0 &&
           placement->row != REEL_PLACE_STORED && placement->row != REEL_PLACE_HOLE;
}

/* Write what the placement says, or refuse. NOT_FOUND: there is no candidate to take. */
static enum reel_code carry_out(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                struct reel_entry *entry, const struct reel_placement *placement)
{
    if (ingest->failed)
        return ingest->failure.code;
    if (!reel_place_refuses(placement))
        return reel_ingest_write(ingest, entry, &arrival->fragment, placement);
    refuse_placed(ingest, arrival, entry, placement);
    return REEL_OK;
}

/* A rule may refuse what would be stored. That does not count as heard: a recording that takes
 * nothing any more is complete as if nothing came. True also where the batch failed. */
static bool refused_by_rule(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_target *target)
{
    struct reel_recording *recording = reel_entry_recording(target->entry);
    struct reel_error error;

    if (reel_place_refuses(&target->placement) ||
        reel_ingest_rules_grow(ingest, arrival, recording, &target->placement, &error) == REEL_OK)
        return false;
    if (!ingest->failed && reel_ingest_refuse(ingest, arrival, NULL, &error))
        recording->rejected++;
    return true;
}

/* Where it makes the recording too long, the next part takes it. */
static void place_whole(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                        struct reel_target *target)
{
    struct reel_error error;
    enum reel_code code = reel_ingest_go_on(ingest, arrival, target, &error);

    if (code) {
        if (!ingest->failed && reel_ingest_refuse(ingest, arrival, target->last, &error))
            reel_entry_recording(target->last)->rejected++;
        return;
    }
    code = carry_out(ingest, arrival, target->entry, &target->placement);
    if (code == REEL_E_NOT_FOUND) {
        /* The candidate is gone from quarantine: the answer is the one without it. */
        reel_entry_recording(target->entry)->candidate.kind = REEL_CANDIDATE_NONE;
        reel_ingest_place(ingest, arrival, target->last);
        return;
    }
    if (code || reel_place_refuses(&target->placement))
        return;
    reel_ingest_apply(ingest, arrival, target->entry, &target->placement);
    reel_ingest_acknowledge(ingest, arrival, target);
}

/* What lies in one part by itself, then the last `rest_frames`. */
static void place_in_pieces(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_target *target, uint32_t rest_frames)
{
    const struct reel_recording *recording = reel_entry_recording(target->entry);
    struct reel_arrival head = *arrival;
    struct reel_arrival rest = *arrival;
    struct reel_numbers *numbers = &rest.fragment.numbers;

    head.fragment.numbers.frames -= rest_frames;
    head.fragment.numbers.end = false;
    head.fragment.data_bytes -= rest_frames * reel_format_frame_bytes(&head.fragment.format);
    rest.fragment.data = reel_fragment_at(&arrival->fragment, head.fragment.numbers.frames);
    rest.fragment.data_bytes -= head.fragment.data_bytes;
    rest.fragment.time_us +=
        (uint64_t)head.fragment.numbers.frames * 1000000u / rest.fragment.format.rate;
    numbers->frame += head.fragment.numbers.frames;
    numbers->frames = rest_frames;
    numbers->has_seq =
        numbers->has_seq && (!recording->has_next_seq || numbers->seq >= recording->next_seq);
    reel_ingest_place(ingest, &head, target->last);
    if (!ingest->failed)
        reel_ingest_place(ingest, &rest, target->last);
}

void reel_ingest_place(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                       struct reel_entry *last)
{
    struct reel_target target = {.last = last};
    uint32_t rest_frames;
    bool is_repeated;

    reel_store_touch_quietly(ingest->store, last);
    reel_ingest_find_place(ingest, arrival, &target);
    if (ingest->failed || reel_ingest_meet_deleted(ingest, arrival, &target))
        return;
    rest_frames = reel_ingest_cut(ingest, arrival, &target);
    if (rest_frames > 0) {
        place_in_pieces(ingest, arrival, &target, rest_frames);
        return;
    }
    reel_store_touch_quietly(ingest->store, target.entry);
    is_repeated = repeated(arrival, reel_entry_recording(target.entry), &target.placement);
    if (!is_repeated && refused_by_rule(ingest, arrival, &target))
        return;
    reel_store_touch(ingest->store, target.last, arrival->monotonic_us);
    if (is_repeated) {
        reel_entry_recording(target.entry)->duplicates++;
        reel_count(&ingest->links.counters->duplicates, 1);
        reel_ingest_acknowledge(ingest, arrival, &target);
        return;
    }
    place_whole(ingest, arrival, &target);
}
