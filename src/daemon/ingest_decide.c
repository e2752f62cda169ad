/* Ingest: where a fragment goes in one recording: core/place says it, and what is stored there
 * already is compared. */
#include "core/place.h"
#include "daemon/ingest_audio.h"

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
                                               reel_fragment_at(fragment, segment.offset_frames),
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
