/* Recover, lost audio: the runs from some frame on become gaps. */
#include "store/recover_internal.h"

#include <errno.h>

/* How much of a run stays: whole fragments, where a number leads to a place. */
static uint64_t frames_kept(const struct reel_run *run, uint64_t frames_left)
{
    if (run->seqs == 0 || run->fragment_frames == 0)
        return frames_left;
    return frames_left - frames_left % run->fragment_frames;
}

/* Cut the run in two: its first `frames` stay, the rest is a new run behind it. Where sizes differ
 * nobody knows which numbers stay: all go with the rest, and are worth sending again. */
static bool split_run(struct reel_stretch *stretch, size_t at, uint64_t frames)
{
    struct reel_run *run = reel_stretch_add_run(stretch);
    struct reel_run *runs = stretch->runs;

    if (!run)
        return false;
    for (size_t i = stretch->runs_count - 1; i > at; i--)
        runs[i] = runs[i - 1];
    runs[at].frames = frames;
    runs[at + 1].frames -= frames;
    runs[at].seqs = runs[at].fragment_frames > 0 ? frames / runs[at].fragment_frames : 0;
    runs[at + 1].seqs -= runs[at].seqs;
    return true;
}

static bool is_gap(const struct reel_run *run)
{
    return run->kind == REEL_RUN_GAP || run->kind == REEL_RUN_GAP_INFERRED;
}

static void make_gap(struct reel_recording *recording, struct reel_run *run)
{
    run->kind = REEL_RUN_GAP;
    recording->gap_frames += run->frames;
}

/* What of the stretch stands at `from_frame` or behind it. */
static bool lose_in_stretch(struct reel_recording *recording, struct reel_stretch *stretch,
                            uint64_t from_frame, uint64_t *lost_from)
{
    uint64_t at_frame = stretch->start_frames;

    for (size_t i = 0; i < stretch->runs_count; i++) {
        uint64_t end_frame = at_frame + stretch->runs[i].frames;

        if (end_frame > from_frame && end_frame > at_frame && !is_gap(&stretch->runs[i])) {
            uint64_t left = from_frame > at_frame ? from_frame - at_frame : 0;
            uint64_t kept = frames_kept(&stretch->runs[i], left);

            if (kept > 0 && !split_run(stretch, i, kept))
                return false;
            if (kept > 0) {
                at_frame += kept;
                i++;
            }
            if (at_frame < *lost_from)
                *lost_from = at_frame;
            make_gap(recording, &stretch->runs[i]);
        }
        at_frame = end_frame;
    }
    stretch->runs_dirty_from = 0;
    return true;
}

/* FORGOTTEN runs hold silence that gap_frames counts already: it cannot exceed the whole. */
static void bound_gap_frames(struct reel_recording *recording)
{
    if (recording->gap_frames > recording->frames)
        recording->gap_frames = recording->frames;
}

enum reel_code reel_recover_lose(struct reel_recording *recording, uint64_t from_frame,
                                 uint64_t *lost_from_out, struct reel_error *err_out)
{
    uint64_t lost_from = from_frame;

    for (size_t i = 0; i < recording->stretches_count; i++) {
        struct reel_stretch *stretch = &recording->stretches[i];

        if (stretch->start_frames + stretch->frames > from_frame &&
            !lose_in_stretch(recording, stretch, from_frame, &lost_from))
            return reel_error_errno(err_out, ENOMEM, "recovery");
    }
    bound_gap_frames(recording);
    recording->stretches_dirty_from = 0;
    recording->rewrites++;
    recording->sha256[0] = '\0';
    *lost_from_out = lost_from;
    return REEL_OK;
}
