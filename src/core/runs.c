/* Runs: the run list of one stretch, looked up and changed. */
#include "core/runs.h"

#include <string.h>

bool reel_run_is_gap(const struct reel_run *run)
{
    return run->kind == REEL_RUN_GAP || run->kind == REEL_RUN_GAP_INFERRED;
}

bool reel_runs_find_frame(const struct reel_stretch *stretch, uint64_t offset_frames,
                          struct reel_run_position *out)
{
    uint64_t frames = stretch->frames;
    uint64_t seqs = stretch->seqs;

    if (offset_frames >= frames)
        return false;
    for (size_t i = stretch->runs_count; i > 0; i--) {
        frames -= stretch->runs[i - 1].frames;
        seqs -= stretch->runs[i - 1].seqs;
        if (offset_frames >= frames) {
            *out = (struct reel_run_position){i - 1, frames, seqs};
            return true;
        }
    }
    return false;
}

bool reel_runs_find_seq(const struct reel_stretch *stretch, uint64_t seq,
                        struct reel_run_position *out)
{
    uint64_t frames = stretch->frames;
    uint64_t seqs = stretch->seqs;

    if (!stretch->has_seq || seq < stretch->first_seq || seq - stretch->first_seq >= seqs)
        return false;
    for (size_t i = stretch->runs_count; i > 0; i--) {
        frames -= stretch->runs[i - 1].frames;
        seqs -= stretch->runs[i - 1].seqs;
        if (seq - stretch->first_seq >= seqs) {
            *out = (struct reel_run_position){i - 1, frames, seqs};
            return true;
        }
    }
    return false;
}

uint32_t reel_runs_uniform_frames(const struct reel_stretch *stretch)
{
    uint32_t frames = 0;
    uint64_t fragments = 0;

    for (size_t i = 0; i < stretch->runs_count; i++) {
        const struct reel_run *run = &stretch->runs[i];

        if (reel_run_is_gap(run) || run->frames == 0)
            continue;
        if (run->fragment_frames == 0 || (frames > 0 && run->fragment_frames != frames))
            return 0;
        frames = run->fragment_frames;
        fragments += run->seqs;
    }
    return fragments >= REEL_INFER_FRAGMENTS_MIN ? frames : 0;
}

uint32_t reel_runs_last_frames(const struct reel_stretch *stretch)
{
    for (size_t i = stretch->runs_count; i > 0; i--) {
        const struct reel_run *run = &stretch->runs[i - 1];

        if (run->kind == REEL_RUN_STORED && run->fragment_frames > 0)
            return run->fragment_frames;
    }
    return 0;
}

static void mark_dirty(struct reel_stretch *stretch, size_t from)
{
    if (stretch->runs_dirty_from > from)
        stretch->runs_dirty_from = from;
}

/* Whether two neighbours need not be told apart. */
static bool mergeable(const struct reel_stretch *stretch, const struct reel_run *a,
                      const struct reel_run *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case REEL_RUN_STORED:
        return stretch->has_frame || !stretch->has_seq ||
               (a->fragment_frames == b->fragment_frames && (a->frames == 0) == (b->frames == 0));
    case REEL_RUN_GAP_INFERRED:
        return a->fragment_frames == b->fragment_frames;
    case REEL_RUN_GAP:
    case REEL_RUN_FORGOTTEN:
        return true;
    }
    return false;
}

static void merge(struct reel_run *into, const struct reel_run *run)
{
    if (into->kind != run->kind)
        into->kind = REEL_RUN_FORGOTTEN;
    if (into->fragment_frames != run->fragment_frames)
        into->fragment_frames = 0;
    into->frames += run->frames;
    into->seqs += run->seqs;
}

bool reel_runs_append(struct reel_stretch *stretch, const struct reel_run *run)
{
    struct reel_run *last =
        stretch->runs_count > 0 ? &stretch->runs[stretch->runs_count - 1] : NULL;

    if (last && mergeable(stretch, last, run)) {
        merge(last, run);
        mark_dirty(stretch, stretch->runs_count - 1);
    } else {
        struct reel_run *added = reel_stretch_add_run(stretch);

        if (!added)
            return false;
        *added = *run;
    }
    stretch->frames += run->frames;
    stretch->seqs += run->seqs;
    return true;
}

/* Make two runs of the gap at `index`: the first of `frames` and `seqs`, the second what remains.
 * The dirty mark is left to merge_neighbours. */
static bool split(struct reel_stretch *stretch, size_t index, uint64_t frames, uint64_t seqs)
{
    struct reel_run *run;

    if (!reel_stretch_add_run(stretch))
        return false;
    run = &stretch->runs[index];
    memmove(run + 1, run, (stretch->runs_count - 1 - index) * sizeof *run);
    run[0].frames = frames;
    run[0].seqs = seqs;
    run[1].frames -= frames;
    run[1].seqs -= seqs;
    return true;
}

/* How many of the `seqs` numbers from `first` on are below `end`. */
static uint64_t seqs_below(uint64_t first, uint64_t seqs, uint64_t end)
{
    if (end <= first)
        return 0;
    return end - first < seqs ? end - first : seqs;
}

/* Merge neighbours from `from` on, in one pass. */
static void merge_neighbours(struct reel_stretch *stretch, size_t from)
{
    size_t kept = from;

    for (size_t i = from + 1; i < stretch->runs_count; i++) {
        if (mergeable(stretch, &stretch->runs[kept], &stretch->runs[i]))
            merge(&stretch->runs[kept], &stretch->runs[i]);
        else
            stretch->runs[++kept] = stretch->runs[i];
    }
    stretch->runs_count = kept + 1;
    mark_dirty(stretch, from);
}

static void store(const struct reel_stretch *stretch, struct reel_run *run, uint32_t frames)
{
    bool whole = run->frames == frames && (run->seqs == 1 || !stretch->has_seq);

    run->kind = REEL_RUN_STORED;
    run->fragment_frames = whole ? frames : 0;
}

/* Cut the gap that holds frame `from` there, so that a run begins at it. */
static bool cut_start(struct reel_stretch *stretch, uint64_t from,
                      const struct reel_numbers *numbers, struct reel_run_position *at)
{
    struct reel_run *run = &stretch->runs[at->run];
    uint64_t left_frames = from - at->run_frames;
    uint64_t left_seqs = run->seqs;

    if (!reel_run_is_gap(run) || left_frames == 0)
        return true;
    if (numbers->has_seq)
        left_seqs = seqs_below(stretch->first_seq + at->run_seqs, run->seqs, numbers->seq);
    if (!split(stretch, at->run, left_frames, left_seqs))
        return false;
    at->run++;
    at->run_frames += left_frames;
    at->run_seqs += left_seqs;
    return true;
}

bool reel_runs_fill(struct reel_stretch *stretch, int64_t offset_frames,
                    const struct reel_numbers *numbers)
{
    int64_t end = offset_frames + (int64_t)numbers->frames;
    uint64_t from = offset_frames > 0 ? (uint64_t)offset_frames : 0;
    uint64_t to = end > 0 ? (uint64_t)end : 0;
    struct reel_run_position at;
    size_t first;

    if (to <= from || !reel_runs_find_frame(stretch, from, &at))
        return true;
    if (!cut_start(stretch, from, numbers, &at))
        return false;
    first = at.run > 0 ? at.run - 1 : 0;
    for (; at.run < stretch->runs_count && at.run_frames < to; at.run++) {
        struct reel_run *run = &stretch->runs[at.run];

        if (reel_run_is_gap(run)) {
            uint64_t first_seq = stretch->first_seq + at.run_seqs;
            uint64_t seq_end = numbers->has_seq ? numbers->seq + 1 : 0;

            if (at.run_frames + run->frames > to &&
                !split(stretch, at.run, to - at.run_frames,
                       seqs_below(first_seq, run->seqs, seq_end)))
                return false;
            run = &stretch->runs[at.run];
            store(stretch, run, numbers->frames);
        }
        at.run_frames += run->frames;
        at.run_seqs += run->seqs;
    }
    merge_neighbours(stretch, first);
    return true;
}

size_t reel_runs_coarsen(struct reel_stretch *stretch, size_t excess, bool gaps_too)
{
    size_t gone = 0;
    size_t kept = 0;

    for (size_t i = 1; i < stretch->runs_count; i++) {
        struct reel_run *into = &stretch->runs[kept];
        const struct reel_run *run = &stretch->runs[i];
        bool stored = into->kind == REEL_RUN_STORED && run->kind == REEL_RUN_STORED;

        if (gone < excess && (stored || gaps_too)) {
            merge(into, run);
            gone++;
        } else {
            stretch->runs[++kept] = *run;
        }
    }
    if (gone > 0) {
        stretch->runs_count = kept + 1;
        mark_dirty(stretch, 0);
    }
    return gone;
}
