/* Ingest: carrying out where a fragment goes, and telling of it. core/place decides. */
#include <string.h>

#include "core/place.h"
#include "daemon/events.h"
#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"

static const uint8_t *fragment_at(const struct reel_fragment *fragment, uint32_t offset_frames)
{
    return fragment->data + (size_t)offset_frames * reel_format_frame_bytes(&fragment->format);
}

/* Compare what the file holds already. False in `*equal_out` at the first difference. */
static enum reel_code compare(struct reel_ingest *ingest, struct reel_entry *entry,
                              const struct reel_fragment *fragment,
                              const struct reel_placement *placement, bool *equal_out)
{
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;
    struct reel_error error;

    *equal_out = true;
    while (*equal_out && reel_place_next_segment(reel_entry_recording(entry), &fragment->numbers,
                                                 placement, &cursor, &segment)) {
        if (segment.stored && reel_store_equal(ingest->store, entry, segment.at_frame,
                                               fragment_at(fragment, segment.offset_frames),
                                               segment.frames, equal_out, &error))
            return reel_ingest_fail(ingest, &error);
    }
    return REEL_OK;
}

/* A gap stands in one recording with what it is before, so it is at most as long as they may be. */
static struct reel_place_limits limits_of(const struct reel_config *config,
                                          const struct reel_fragment *fragment)
{
    struct reel_place_limits limits = {config->max_gap_s, config->max_gap_bytes};
    uint64_t most_frames = config->session_max_duration_s * fragment->format.rate;
    uint64_t most_bytes;

    if (most_frames == 0)
        return limits;
    if (most_frames > fragment->numbers.frames)
        most_frames -= fragment->numbers.frames;
    most_bytes = most_frames * reel_format_frame_bytes(&fragment->format);
    if (most_bytes < limits.max_gap_bytes)
        limits.max_gap_bytes = most_bytes;
    return limits;
}

void reel_ingest_decide(struct reel_ingest *ingest, struct reel_entry *entry,
                        const struct reel_fragment *fragment, struct reel_placement *placement)
{
    const struct reel_recording *recording = reel_entry_recording(entry);
    const struct reel_place_limits limits = limits_of(ingest->links.config, fragment);
    bool equal = true;

    reel_place(recording, &fragment->numbers, &limits, placement);
    if (placement->compare && compare(ingest, entry, fragment, placement, &equal) == REEL_OK &&
        !equal)
        reel_place_conflict(recording, &fragment->numbers, placement);
}

/* Write the audio of the candidate that waited in quarantine at `at_frame`. NOT_FOUND if it has
 * made room for others or holds something else. */
static enum reel_code write_candidate(struct reel_ingest *ingest, struct reel_entry *entry,
                                      uint64_t at_frame)
{
    const struct reel_recording *recording = reel_entry_recording(entry);
    struct reel_buffer payload = {0};
    struct reel_fragment fragment;
    struct reel_envelope bare = {0};
    struct reel_error error;
    enum reel_code code;

    code = reel_store_unquarantine(ingest->store, recording->candidate.quarantine_id, &payload,
                                   &error);
    if (code == REEL_OK) {
        code = reel_fragment_decode(payload.bytes, payload.size, &bare, &ingest->candidate_scratch,
                                    &fragment, &error);
        if (code == REEL_OK && fragment.numbers.frames == recording->candidate.numbers.frames)
            code = reel_store_write(ingest->store, entry, at_frame, fragment.data,
                                    fragment.numbers.frames, &error);
        else
            code = REEL_E_NOT_FOUND;
        reel_fragment_finish(&fragment);
    }
    reel_buffer_finish(&payload);
    return code == REEL_OK || code == REEL_E_NOT_FOUND ? code : reel_ingest_fail(ingest, &error);
}

/* Write silence, candidate and fragment. */
static enum reel_code write_all(struct reel_ingest *ingest, struct reel_entry *entry,
                                const struct reel_fragment *fragment,
                                const struct reel_placement *placement)
{
    const struct reel_recording *recording = reel_entry_recording(entry);
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;
    struct reel_error error;

    /* Silence is written and synced as audio is, so it closes a batch as audio does. */
    ingest->batch.bytes += placement->fill_frames * reel_format_frame_bytes(&recording->format);
    if (placement->fill_frames &&
        reel_store_fill(ingest->store, entry, recording->frames, placement->fill_frames, &error))
        return reel_ingest_fail(ingest, &error);
    if (placement->take_candidate) {
        enum reel_code code =
            write_candidate(ingest, entry, recording->frames + placement->fill_frames);

        if (code)
            return code;
    }
    while (reel_place_next_segment(recording, &fragment->numbers, placement, &cursor, &segment)) {
        if (!segment.stored &&
            reel_store_write(ingest->store, entry, segment.at_frame,
                             fragment_at(fragment, segment.offset_frames), segment.frames, &error))
            return reel_ingest_fail(ingest, &error);
    }
    return REEL_OK;
}

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

static void set_captured(struct reel_recording *recording, const struct reel_fragment *fragment)
{
    uint64_t length_us = (uint64_t)fragment->numbers.frames * 1000000u / recording->format.rate;
    int64_t from_us = (int64_t)fragment->time_us;
    int64_t to_us = from_us + (int64_t)length_us;

    if (!fragment->has_time)
        return;
    if (!recording->has_captured || from_us < recording->captured_from_us)
        recording->captured_from_us = from_us;
    if (!recording->has_captured || to_us > recording->captured_to_us)
        recording->captured_to_us = to_us;
    recording->has_captured = true;
}

static void tell(struct reel_ingest *ingest, const struct reel_recording *recording, json_t *event)
{
    reel_ingest_event(ingest, recording->device, recording->session, event);
}

/* Events of what was put in. The gaps that were filled are the parts written before the old end. */
static void tell_placed(struct reel_ingest *ingest, const struct reel_recording *recording,
                        const struct reel_placement *placement, uint64_t end_before, int64_t now_us)
{
    if (placement->row == REEL_PLACE_GAP) {
        reel_count(&ingest->links.counters->gaps, 1);
        reel_count(&ingest->links.counters->gap_frames, placement->fill_frames);
        tell(ingest, recording,
             reel_event_gap(recording, end_before, placement->fill_frames, placement->gap_seqs,
                            placement->inferred, now_us));
    }
    if (placement->row == REEL_PLACE_RESTARTED)
        tell(ingest, recording, reel_event_plain("restarted", recording, now_us));
    if (placement->row == REEL_PLACE_UNKNOWN || placement->row == REEL_PLACE_BOOT ||
        placement->row == REEL_PLACE_CONFIRMED || placement->row == REEL_PLACE_RESTARTED)
        tell(ingest, recording, reel_event_discontinuity(recording, placement, end_before, now_us));
}

/* The parts that go into gaps: noted before they are applied, told after. */
struct filled {
    uint64_t from_frame;
    uint64_t frames;
};

static struct filled find_filled(const struct reel_recording *recording,
                                 const struct reel_numbers *numbers,
                                 const struct reel_placement *placement)
{
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;
    struct filled filled = {0, 0};

    if (placement->row != REEL_PLACE_HOLE && placement->row != REEL_PLACE_DIVIDED)
        return filled;
    while (reel_place_next_segment(recording, numbers, placement, &cursor, &segment)) {
        if (segment.stored || segment.at_frame >= recording->frames)
            continue;
        if (filled.frames == 0)
            filled.from_frame = segment.at_frame;
        filled.frames += segment.frames;
    }
    return filled;
}

void reel_ingest_complete(struct reel_ingest *ingest, struct reel_entry *entry,
                          enum reel_end_reason reason, int64_t wall_us)
{
    struct reel_recording *recording = reel_entry_recording(entry);

    reel_recording_complete(recording, reason, wall_us);
    reel_ingest_hermes_ended(ingest, recording);
    reel_ingest_note_short(ingest, recording);
    reel_count(&ingest->links.counters->recordings_completed, 1);
    tell(ingest, recording, reel_event_plain("completed", recording, wall_us));
    reel_ingest_retain_soon(ingest);
}

static void reopen(struct reel_ingest *ingest, struct reel_recording *recording, int64_t wall_us)
{
    recording->state = REEL_STATE_RECORDING;
    recording->end_reason = REEL_END_NONE;
    tell(ingest, recording, reel_event_plain("reopened", recording, wall_us));
}

/* The recording after its fragment was written. */
static void apply(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                  struct reel_entry *entry, const struct reel_placement *placement)
{
    struct reel_recording *recording = reel_entry_recording(entry);
    const struct reel_fragment *fragment = &arrival->fragment;
    const struct reel_numbers *numbers = &fragment->numbers;
    struct filled filled = find_filled(recording, numbers, placement);
    uint64_t end_before = recording->frames;
    bool was_complete = recording->state == REEL_STATE_COMPLETE;

    if (!reel_place_apply(recording, numbers, placement, 0)) {
        struct reel_error error;

        reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
        reel_ingest_fail(ingest, &error);
        return;
    }
    if (placement->row == REEL_PLACE_STORED) {
        reel_count(&ingest->links.counters->duplicates, 1);
        return;
    }
    recording->updated_us = arrival->wall_us;
    set_captured(recording, fragment);
    reel_recording_merge_tags(recording, fragment->tags);
    reel_count(&ingest->links.counters->fragments, 1);
    reel_count(&ingest->links.counters->fragment_bytes, fragment->data_bytes);
    if (was_complete && recording->frames > end_before)
        reopen(ingest, recording, arrival->wall_us);
    tell_placed(ingest, recording, placement, end_before, arrival->wall_us);
    if (filled.frames)
        tell(ingest, recording,
             reel_event_gap_filled(recording, filled.from_frame, filled.frames, arrival->wall_us));
    if (numbers->end && recording->state == REEL_STATE_RECORDING)
        reel_ingest_complete(ingest, entry, REEL_END_END, arrival->wall_us);
}

void reel_ingest_acknowledge(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_target *target)
{
    struct reel_ack_place place = reel_arrival_place(arrival);
    struct reel_earlier_parts earlier;

    if (!arrival->reply_topic[0])
        return;
    reel_ingest_earlier(ingest, target, &earlier);
    if (!ingest->failed && !reel_acks_note(ingest->acks, target->home,
                                           &arrival->fragment.numbers.boot, &earlier, &place))
        reel_log_write_about(ingest->links.log, REEL_LOG_WARNING,
                             REEL_LOG_OF(arrival->topic.device, arrival->topic.session),
                             "no memory for an acknowledgement to %s", arrival->reply_topic);
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
        !reel_place_apply(recording, &arrival->fragment.numbers, placement, quarantine_id)) {
        reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
        reel_ingest_fail(ingest, &error);
    }
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
        return write_all(ingest, entry, &arrival->fragment, placement);
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
    apply(ingest, arrival, target->entry, &target->placement);
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
    rest.fragment.data = fragment_at(&arrival->fragment, head.fragment.numbers.frames);
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
