/* Bounds: what a recording forgets to stay within REEL_RUNS_MAX and REEL_STRETCHES_MAX. */
#include "core/bounds.h"

#include <stdlib.h>
#include <string.h>

#include "core/runs.h"

static size_t runs_total(const struct reel_recording *recording)
{
    size_t total = 0;

    for (size_t i = 0; i < recording->stretches_count; i++)
        total += recording->stretches[i].runs_count;
    return total;
}

void reel_bounds_trim_runs(struct reel_recording *recording)
{
    size_t total = runs_total(recording);
    size_t excess = total > REEL_RUNS_MAX ? total - REEL_RUNS_MAX / 4 * 3 : 0;

    for (int gaps_too = 0; gaps_too < 2; gaps_too++) {
        for (size_t i = 0; i < recording->stretches_count && excess > 0; i++)
            excess -= reel_runs_coarsen(&recording->stretches[i], excess, gaps_too);
    }
}

/* One head for the first `count` stretches. */
static struct reel_stretch fold_heads(const struct reel_recording *recording, size_t count)
{
    const struct reel_stretch *youngest = &recording->stretches[count - 1];
    struct reel_stretch folded = {
        .epoch = youngest->epoch,
        .reason = recording->stretches[0].reason,
        .boot = youngest->boot,
    };

    for (size_t i = 0; i < count; i++) {
        const struct reel_stretch *stretch = &recording->stretches[i];

        folded.frames += stretch->frames;
        if (stretch->epoch != folded.epoch || !stretch->has_seq)
            continue;
        if (!folded.has_seq)
            folded.first_seq = stretch->first_seq;
        folded.has_seq = true;
        folded.seqs = stretch->first_seq + stretch->seqs - folded.first_seq;
    }
    return folded;
}

bool reel_bounds_make_room(struct reel_recording *recording)
{
    const size_t count = REEL_STRETCHES_MAX / 2;
    struct reel_stretch folded;
    struct reel_run *run;

    if (recording->stretches_count < REEL_STRETCHES_MAX)
        return true;
    folded = fold_heads(recording, count);
    run = reel_stretch_add_run(&folded);
    if (!run)
        return false;
    *run = (struct reel_run){
        .kind = REEL_RUN_FORGOTTEN,
        .frames = folded.frames,
        .seqs = folded.seqs,
    };
    for (size_t i = 0; i < count; i++)
        free(recording->stretches[i].runs);
    recording->stretches[0] = folded;
    memmove(&recording->stretches[1], &recording->stretches[count],
            (recording->stretches_count - count) * sizeof folded);
    recording->stretches_count -= count - 1;
    recording->stretches_dirty_from = 0;
    for (size_t i = 0; i < recording->stretches_count; i++)
        recording->stretches[i].runs_dirty_from = 0;
    return true;
}
