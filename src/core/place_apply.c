/* Place: what a placement changes in the recording, once it was carried out. */
#include "core/place.h"

#include <string.h>

#include "core/bounds.h"
#include "core/runs.h"

static struct reel_stretch *last_stretch(struct reel_recording *recording)
{
    return recording->stretches_count > 0 ? &recording->stretches[recording->stretches_count - 1]
                                          : NULL;
}

/* Append a run to the last stretch. */
static bool append_run(struct reel_recording *recording, const struct reel_run *run)
{
    struct reel_stretch *stretch = last_stretch(recording);
    size_t runs_count = stretch->runs_count;

    if (!reel_runs_append(stretch, run))
        return false;
    recording->frames += run->frames;
    if (stretch->has_seq) {
        recording->has_next_seq = true;
        recording->next_seq = stretch->first_seq + stretch->seqs;
    }
    if (stretch->runs_count > runs_count)
        reel_bounds_trim_runs(recording);
    return true;
}

/* One that neither has audio nor uses up a number leaves no trace, but in a stretch of its own:
 * each has a run. */
static bool append_fragment(struct reel_recording *recording, const struct reel_numbers *numbers,
                            bool new_stretch)
{
    const struct reel_run run = {
        .kind = REEL_RUN_STORED,
        .frames = numbers->frames,
        .seqs = numbers->has_seq,
        .fragment_frames = numbers->frames,
    };

    return (run.frames + run.seqs == 0 && !new_stretch) || append_run(recording, &run);
}

static bool append_gap(struct reel_recording *recording, const struct reel_placement *placement)
{
    const struct reel_run run = {
        .kind = placement->inferred ? REEL_RUN_GAP_INFERRED : REEL_RUN_GAP,
        .frames = placement->fill_frames,
        .seqs = placement->gap_seqs,
        .fragment_frames =
            placement->inferred ? (uint32_t)(placement->fill_frames / placement->gap_seqs) : 0,
    };

    recording->gap_frames += run.frames;
    return run.frames == 0 || append_run(recording, &run);
}

/* The boot of a recording's first stretch. What has neither number nor boot is of the epoch that a
 * continued recording goes on with; what has another boot, or comes of a restart, goes on from
 * nothing. */
static void begin_first_epoch(struct reel_recording *recording, const struct reel_numbers *numbers,
                              bool anew)
{
    bool bare = !numbers->has_seq && !numbers->has_frame && numbers->boot.text[0] == '\0';

    recording->boot = recording->continued && bare ? recording->begin.boot : numbers->boot;
    if (anew || strcmp(recording->boot.text, recording->begin.boot.text) != 0)
        recording->continued = false;
}

/* Begin a stretch with `numbers`, or with the gap before them. */
static bool begin_stretch(struct reel_recording *recording, const struct reel_numbers *numbers,
                          const struct reel_placement *placement)
{
    bool anew = placement->reason == REEL_STRETCH_BOOT || placement->reason == REEL_STRETCH_RESTART;
    bool new_epoch = recording->stretches_count == 0 || anew;
    struct reel_stretch *stretch;
    uint32_t epoch = 0;

    if (!reel_bounds_make_room(recording))
        return false;
    stretch = reel_recording_add_stretch(recording);
    if (!stretch)
        return false;
    if (recording->stretches_count > 1)
        epoch = stretch[-1].epoch + new_epoch;
    if (recording->stretches_count == 1)
        begin_first_epoch(recording, numbers, anew);
    else if (new_epoch)
        recording->boot = numbers->boot;
    if (new_epoch) {
        recording->has_next_seq = false;
        recording->next_seq = 0;
    }
    stretch->epoch = epoch;
    stretch->reason = placement->reason;
    stretch->boot = recording->boot;
    stretch->has_seq = numbers->has_seq;
    stretch->has_frame = numbers->has_frame;
    if (numbers->has_seq)
        stretch->first_seq = numbers->seq - placement->gap_seqs;
    if (numbers->has_frame)
        stretch->first_frame = numbers->frame - placement->fill_frames;
    stretch->start_frames = recording->frames;
    return true;
}

static bool append(struct reel_recording *recording, const struct reel_numbers *numbers,
                   const struct reel_placement *placement)
{
    struct reel_candidate candidate = recording->candidate;

    if (placement->row == REEL_PLACE_BOOT || placement->row == REEL_PLACE_RESTARTED ||
        placement->take_candidate)
        recording->candidate = (struct reel_candidate){0};
    if (placement->new_stretch &&
        !begin_stretch(recording, placement->take_candidate ? &candidate.numbers : numbers,
                       placement))
        return false;
    if (!append_gap(recording, placement))
        return false;
    if (placement->take_candidate) {
        recording->fragments++;
        if (recording->rejected > 0)
            recording->rejected--;
        if (!append_fragment(recording, &candidate.numbers, true))
            return false;
    }
    return append_fragment(recording, numbers, placement->new_stretch);
}

/* Append what of a divided fragment lies past the end. */
static bool append_past(struct reel_recording *recording, const struct reel_numbers *numbers,
                        const struct reel_placement *placement, uint32_t offset_frames)
{
    struct reel_numbers past = *numbers;
    struct reel_run run = {.kind = REEL_RUN_STORED, .frames = numbers->frames - offset_frames};

    past.frame += offset_frames;
    past.has_seq =
        numbers->has_seq && (!recording->has_next_seq || numbers->seq >= recording->next_seq);
    run.seqs = past.has_seq;
    if (placement->new_stretch && !begin_stretch(recording, &past, placement))
        return false;
    return append_run(recording, &run);
}

/* Write into the gaps of the stretches that the fragment lies in. */
static bool fill_gaps(struct reel_recording *recording, const struct reel_numbers *numbers,
                      const struct reel_placement *placement)
{
    struct reel_stretch *stretch = &recording->stretches[placement->stretch];
    uint32_t epoch = stretch->epoch;

    if (!numbers->has_frame || !stretch->has_frame)
        return reel_runs_fill(stretch, (int64_t)(placement->at_frame - stretch->start_frames),
                              numbers);
    for (size_t i = placement->stretch; i < recording->stretches_count; i++) {
        stretch = &recording->stretches[i];
        if (stretch->epoch != epoch)
            break;
        if (stretch->has_frame &&
            !reel_runs_fill(stretch, (int64_t)numbers->frame - (int64_t)stretch->first_frame,
                            numbers))
            return false;
    }
    return true;
}

static bool rewrite(struct reel_recording *recording, const struct reel_numbers *numbers,
                    const struct reel_placement *placement)
{
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;
    uint64_t hole_frames = 0;
    uint32_t past_from = numbers->frames;

    while (reel_place_next_segment(recording, numbers, placement, &cursor, &segment)) {
        if (segment.at_frame >= recording->frames)
            past_from = segment.offset_frames;
        else if (!segment.stored)
            hole_frames += segment.frames;
    }
    if (hole_frames > 0) {
        recording->rewrites++;
        recording->gap_frames -= hole_frames;
        if (!fill_gaps(recording, numbers, placement))
            return false;
    }
    if (past_from < numbers->frames && !append_past(recording, numbers, placement, past_from))
        return false;
    reel_bounds_trim_runs(recording);
    return true;
}

static void refuse(struct reel_recording *recording, const struct reel_numbers *numbers,
                   const struct reel_placement *placement, uint64_t quarantine_id)
{
    recording->rejected++;
    if (placement->becomes_candidate)
        recording->candidate = (struct reel_candidate){
            .kind =
                placement->row == REEL_PLACE_JUMP ? REEL_CANDIDATE_JUMP : REEL_CANDIDATE_CONFLICT,
            .numbers = *numbers,
            .quarantine_id = quarantine_id,
        };
}

bool reel_place_apply(struct reel_recording *recording, const struct reel_numbers *numbers,
                      const struct reel_placement *placement, uint64_t quarantine_id)
{
    if (reel_place_refuses(placement)) {
        refuse(recording, numbers, placement, quarantine_id);
        return true;
    }
    if (placement->row == REEL_PLACE_STORED) {
        recording->duplicates++;
        return true;
    }
    recording->fragments++;
    recording->sha256[0] = '\0';
    if (reel_place_appends(placement))
        return append(recording, numbers, placement);
    return rewrite(recording, numbers, placement);
}
