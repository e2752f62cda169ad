/* Recording: walks over what it lacks, and the epochs they are told by. */
#include "core/recording.h"

#include <string.h>

#include "core/runs.h"

/* Step over one run; to the next stretch after the last. */
static void step(const struct reel_stretch *stretch, struct reel_gap_cursor *cursor)
{
    if (cursor->run >= stretch->runs_count) {
        *cursor = (struct reel_gap_cursor){.stretch = cursor->stretch + 1};
        return;
    }
    cursor->run_frames += stretch->runs[cursor->run].frames;
    cursor->run_seqs += stretch->runs[cursor->run].seqs;
    cursor->run++;
}

static void describe_gap(const struct reel_recording *recording,
                         const struct reel_gap_cursor *cursor, struct reel_gap *out)
{
    const struct reel_stretch *stretch = &recording->stretches[cursor->stretch];
    const struct reel_run *run = &stretch->runs[cursor->run];

    *out = (struct reel_gap){
        .from_frame = stretch->start_frames + cursor->run_frames,
        .frames = run->frames,
        .inferred = run->kind == REEL_RUN_GAP_INFERRED,
        .has_seq = stretch->has_seq,
        .first_seq = stretch->first_seq + cursor->run_seqs,
        .seqs = run->seqs,
        .has_number = stretch->has_frame,
        .number_frame = stretch->first_frame + cursor->run_frames,
        .stretch = cursor->stretch,
    };
}

/* The same, as far as the stretch before `end`. */
static bool next_gap_before(const struct reel_recording *recording, size_t end,
                            struct reel_gap_cursor *cursor, struct reel_gap *gap_out)
{
    while (cursor->stretch < end) {
        const struct reel_stretch *stretch = &recording->stretches[cursor->stretch];
        bool found =
            cursor->run < stretch->runs_count && reel_run_is_gap(&stretch->runs[cursor->run]);

        if (found)
            describe_gap(recording, cursor, gap_out);
        step(stretch, cursor);
        if (found)
            return true;
    }
    return false;
}

bool reel_recording_next_gap(const struct reel_recording *recording, struct reel_gap_cursor *cursor,
                             struct reel_gap *gap_out)
{
    return next_gap_before(recording, recording->stretches_count, cursor, gap_out);
}

/* Epochs ascend in the list, and each fragment asks for one. */
static size_t first_of_epoch(const struct reel_recording *recording, uint32_t epoch)
{
    size_t low = 0;
    size_t high = recording->stretches_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (recording->stretches[middle].epoch < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct reel_epoch reel_recording_epoch(const struct reel_recording *recording,
                                       const struct reel_boot *boot)
{
    struct reel_epoch epoch = {.end = recording->stretches_count};

    while (boot && epoch.end > 0 &&
           strcmp(recording->stretches[epoch.end - 1].boot.text, boot->text) != 0)
        epoch.end--;
    if (epoch.end > 0)
        epoch.first = first_of_epoch(recording, recording->stretches[epoch.end - 1].epoch);
    return epoch;
}

bool reel_epoch_is_continued(const struct reel_recording *recording, struct reel_epoch epoch)
{
    return recording->continued && epoch.first < epoch.end &&
           recording->stretches[epoch.first].epoch == 0;
}

/* Numbers only grow within an epoch, so the last stretch that has a kind has the greatest. */
bool reel_epoch_next_seq(const struct reel_recording *recording, struct reel_epoch epoch,
                         uint64_t *next_out)
{
    for (size_t i = epoch.end; i > epoch.first; i--) {
        const struct reel_stretch *stretch = &recording->stretches[i - 1];

        if (stretch->has_seq) {
            *next_out = stretch->first_seq + stretch->seqs;
            return true;
        }
    }
    return false;
}

bool reel_epoch_next_frame(const struct reel_recording *recording, struct reel_epoch epoch,
                           uint64_t *next_out)
{
    for (size_t i = epoch.end; i > epoch.first; i--) {
        const struct reel_stretch *stretch = &recording->stretches[i - 1];

        if (stretch->has_frame) {
            *next_out = stretch->first_frame + stretch->frames;
            return true;
        }
    }
    return false;
}

/* The next gap of the cursor's epoch. */
static bool next_gap_of_epoch(const struct reel_recording *recording,
                              struct reel_range_cursor *cursor, struct reel_gap *gap_out)
{
    struct reel_gap_cursor at = cursor->at;
    bool found;

    at.stretch += cursor->epoch.first;
    found = next_gap_before(recording, cursor->epoch.end, &at, gap_out);
    at.stretch -= cursor->epoch.first;
    cursor->at = at;
    return found;
}

bool reel_epoch_next_missing(const struct reel_recording *recording,
                             struct reel_range_cursor *cursor, struct reel_range *range_out)
{
    struct reel_gap gap;

    while (next_gap_of_epoch(recording, cursor, &gap)) {
        if (!gap.has_seq || gap.seqs == 0)
            continue;
        *range_out = (struct reel_range){gap.first_seq, gap.first_seq + gap.seqs};
        return true;
    }
    return false;
}

bool reel_epoch_next_missing_frames(const struct reel_recording *recording,
                                    struct reel_range_cursor *cursor, struct reel_range *range_out)
{
    struct reel_gap gap;

    while (next_gap_of_epoch(recording, cursor, &gap)) {
        if (!gap.has_number)
            continue;
        *range_out = (struct reel_range){gap.number_frame, gap.number_frame + gap.frames};
        return true;
    }
    return false;
}

/* Where the numbers of a stretch with seq are to go on from. */
static uint64_t expected_seq(const struct reel_recording *recording,
                             const struct reel_range_cursor *cursor,
                             const struct reel_stretch *stretch)
{
    if (cursor->next_seq == 0 && reel_epoch_is_continued(recording, cursor->epoch))
        return stretch->first_seq;
    return cursor->next_seq;
}

bool reel_epoch_next_lost(const struct reel_recording *recording, struct reel_range_cursor *cursor,
                          struct reel_range *range_out)
{
    while (cursor->epoch.first + cursor->at.stretch < cursor->epoch.end) {
        const struct reel_stretch *stretch =
            &recording->stretches[cursor->epoch.first + cursor->at.stretch];
        const struct reel_run *run =
            cursor->at.run < stretch->runs_count ? &stretch->runs[cursor->at.run] : NULL;
        uint64_t first = expected_seq(recording, cursor, stretch);
        uint64_t known = stretch->first_seq + cursor->at.run_seqs;
        uint64_t seqs = run ? run->seqs : 0;
        uint64_t lost_end = run && run->kind == REEL_RUN_FORGOTTEN ? known + seqs : known;

        if (stretch->has_seq && first < lost_end) {
            cursor->next_seq = lost_end;
            *range_out = (struct reel_range){first, lost_end};
            return true;
        }
        if (stretch->has_seq)
            cursor->next_seq = known + seqs;
        step(stretch, &cursor->at);
    }
    return false;
}
