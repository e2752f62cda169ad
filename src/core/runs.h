/* Runs: the run list of one stretch, looked up and changed. Pure.
 *
 * Offsets are frames from the stretch's start. Every change keeps the list short (neighbours that
 * need not be told apart are one run), the sums of the stretch right, and runs_dirty_from low
 * enough. A function that returns bool is false if memory ran out; the list is unusable then. */
#ifndef REEL_CORE_RUNS_H
#define REEL_CORE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recording.h"

/* Where something lies: a run, and what stands before it in its stretch. */
struct reel_run_position {
    size_t run;
    uint64_t run_frames;
    uint64_t run_seqs;
};

/* Whether the run is a noted gap of either kind. */
bool reel_run_is_gap(const struct reel_run *run);

/* Find the run that holds the frame at `offset_frames`, or the sequence number `seq` (of a stretch
 * that has them). Searched from the end, where most of what comes late belongs. False if it lies
 * outside the stretch. */
bool reel_runs_find_frame(const struct reel_stretch *stretch, uint64_t offset_frames,
                          struct reel_run_position *out);
bool reel_runs_find_seq(const struct reel_stretch *stretch, uint64_t seq,
                        struct reel_run_position *out);

/* The one size that all stored fragments of the stretch have, if they are REEL_INFER_FRAGMENTS_MIN
 * or more; empty ones are not looked at. 0 where there is no such size. */
uint32_t reel_runs_uniform_frames(const struct reel_stretch *stretch);

/* The size of the latest stored fragment whose size is known; 0 if there is none. */
uint32_t reel_runs_last_frames(const struct reel_stretch *stretch);

/* Append to the stretch. */
bool reel_runs_append(struct reel_stretch *stretch, const struct reel_run *run);

/* Turn what is gap in the `numbers->frames` frames (at least 1) from `offset_frames` on into stored
 * audio; what is stored stays. The range may reach past either end of the stretch
 * (`offset_frames` is signed for that). In a stretch with seq, a gap that is filled in part gives
 * the number of the fragment to what is filled, lower ones to what is left before it, higher ones
 * to what is left behind; a fragment without a number takes the gap's only with its last frame. */
bool reel_runs_fill(struct reel_stretch *stretch, int64_t offset_frames,
                    const struct reel_numbers *numbers);

/* Take at least `excess` runs from the list, oldest first, if merging allows it: neighbours that
 * are both stored, or with `gaps_too` any, which makes them FORGOTTEN. Returns how many went. */
size_t reel_runs_coarsen(struct reel_stretch *stretch, size_t excess, bool gaps_too);

#endif
