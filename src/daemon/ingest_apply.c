/* Ingest: the recording after its fragment was written: what it holds now, its end, and the events
 * of both. */
#include "core/place.h"
#include "daemon/events.h"
#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"

static void tell(struct reel_ingest *ingest, const struct reel_recording *recording, json_t *event)
{
    reel_ingest_event(ingest, recording->device, recording->session, event);
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

void reel_ingest_apply(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                       struct reel_entry *entry, const struct reel_placement *placement)
{
    struct reel_recording *recording = reel_entry_recording(entry);
    const struct reel_fragment *fragment = &arrival->fragment;
    const struct reel_numbers *numbers = &fragment->numbers;
    struct filled filled = find_filled(recording, numbers, placement);
    uint64_t end_before = recording->frames;
    bool was_complete = recording->state == REEL_STATE_COMPLETE;

    if (!reel_place_apply(recording, numbers, placement, 0)) {
        reel_ingest_fail_memory(ingest);
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
