/* Ingest: writing what a placement says: silence, the candidate that waited, the fragment's audio.
 */
#include "core/place.h"
#include "daemon/ingest_audio.h"

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

enum reel_code reel_ingest_write(struct reel_ingest *ingest, struct reel_entry *entry,
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
        if (!segment.stored && reel_store_write(ingest->store, entry, segment.at_frame,
                                                reel_fragment_at(fragment, segment.offset_frames),
                                                segment.frames, &error))
            return reel_ingest_fail(ingest, &error);
    }
    return REEL_OK;
}
