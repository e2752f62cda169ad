/* Place: a fragment that begins behind what is expected next: stored, in a gap, divided, late. */
#include "core/place_internal.h"

#include "core/runs.h"

/* A number that stands in the stretch at `index`, at `at`. */
static void place_at_seq(const struct reel_site *site, size_t index,
                         const struct reel_run_position *at, struct reel_placement *out)
{
    const struct reel_stretch *stretch = &site->recording->stretches[index];
    const struct reel_run *run = &stretch->runs[at->run];
    uint64_t nth = site->numbers->seq - stretch->first_seq - at->run_seqs;
    uint32_t frames = site->numbers->frames;
    bool gap = reel_run_is_gap(run);
    bool fits = gap && run->kind == REEL_RUN_GAP ? run->seqs == 1 && run->frames == frames
                                                 : run->fragment_frames == frames && frames > 0;

    out->stretch = index;
    out->at_frame = stretch->start_frames + at->run_frames + nth * frames;
    out->compare = !gap && fits;
    if (gap)
        out->row = fits ? REEL_PLACE_HOLE : REEL_PLACE_LATE;
    else if (fits || frames == 0)
        out->row = REEL_PLACE_STORED;
    else
        reel_place_conflict(site->recording, site->numbers, out);
}

/* Below all that this recording knows of the numbers: an earlier one's, or lost. */
static enum reel_place_row row_below(const struct reel_site *site, bool in_frames)
{
    const struct reel_recording *recording = site->recording;

    if (!site->last)
        return recording->continued ? REEL_PLACE_EARLIER : REEL_PLACE_LATE;
    if (!reel_epoch_is_continued(recording, site->epoch))
        return REEL_PLACE_LATE;
    for (size_t i = site->epoch.first; i < site->epoch.end; i++) {
        const struct reel_stretch *stretch = &recording->stretches[i];

        if (in_frames && stretch->has_frame)
            return site->numbers->frame < stretch->first_frame ? REEL_PLACE_EARLIER
                                                               : REEL_PLACE_LATE;
        if (!in_frames && stretch->has_seq)
            return site->numbers->seq < stretch->first_seq ? REEL_PLACE_EARLIER : REEL_PLACE_LATE;
    }
    return REEL_PLACE_LATE;
}

void reel_place_behind_seq(const struct reel_site *site, struct reel_placement *out)
{
    out->row = row_below(site, false);
    for (size_t i = site->epoch.end; i > site->epoch.first; i--) {
        struct reel_run_position at;

        if (reel_runs_find_seq(&site->recording->stretches[i - 1], site->numbers->seq, &at)) {
            place_at_seq(site, i - 1, &at, out);
            return;
        }
    }
}

/* The stretch of the epoch that holds frame number `frame`; epoch.end if none does. */
static size_t stretch_of_frame(const struct reel_site *site, uint64_t frame)
{
    for (size_t i = site->epoch.end; i > site->epoch.first; i--) {
        const struct reel_stretch *stretch = &site->recording->stretches[i - 1];

        if (stretch->has_frame && frame >= stretch->first_frame &&
            frame - stretch->first_frame < stretch->frames)
            return i - 1;
    }
    return site->epoch.end;
}

/* The least and greatest number that a fragment with that frame may have. Where the run does not
 * tell one fragment from the next, those beside it count too: one may come in pieces. What was
 * skipped before a stretch may belong to a gap that it begins with. False, outputs untouched, if
 * nothing is known. */
static bool seqs_at_frame(const struct reel_site *site, uint64_t frame, uint64_t *low_out,
                          uint64_t *high_out)
{
    size_t index = stretch_of_frame(site, frame);
    const struct reel_stretch *stretch;
    const struct reel_run *run;
    struct reel_run_position at;
    uint64_t first;

    if (index == site->epoch.end)
        return false;
    stretch = &site->recording->stretches[index];
    if (!stretch->has_seq || !reel_runs_find_frame(stretch, frame - stretch->first_frame, &at))
        return false;
    run = &stretch->runs[at.run];
    first = stretch->first_seq + at.run_seqs;
    if (run->kind == REEL_RUN_STORED && run->fragment_frames > 0) {
        first += (frame - stretch->first_frame - at.run_frames) / run->fragment_frames;
        *low_out = first;
        *high_out = first;
    } else {
        *low_out = first > 0 && at.run > 0 ? first - 1 : 0;
        *high_out = first + run->seqs;
    }
    return true;
}

/* Whether the sequence number can belong to the frames that the fragment covers. Asked where it
 * brings new audio only: of what is stored, the bytes tell. */
static bool seq_fits(const struct reel_site *site)
{
    const struct reel_numbers *numbers = site->numbers;
    uint64_t low = 0;
    uint64_t high = site->next_seq;
    uint64_t unused;

    if (!site->by_seq)
        return true;
    seqs_at_frame(site, numbers->frame, &low, &unused);
    seqs_at_frame(site, numbers->frame + numbers->frames - 1, &unused, &high);
    return numbers->seq >= low && numbers->seq <= high;
}

/* What the fragment's parts make of it: stored, in a gap, past the end. */
static void place_parts(const struct reel_site *site, struct reel_placement *out)
{
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;
    bool stored = false;
    bool hole = false;
    bool past = false;

    out->row = REEL_PLACE_DIVIDED;
    while (reel_place_next_segment(site->recording, site->numbers, out, &cursor, &segment)) {
        stored = stored || segment.stored;
        past = past || segment.at_frame >= site->recording->frames;
        hole = hole || (!segment.stored && segment.at_frame < site->recording->frames);
    }
    if (cursor.offset_frames < site->numbers->frames) {
        out->row = REEL_PLACE_LATE;
    } else if ((hole || past) && !seq_fits(site)) {
        reel_place_conflict(site->recording, site->numbers, out);
    } else {
        out->compare = stored;
        out->new_stretch = past && !reel_site_goes_on(site);
        out->reason = REEL_STRETCH_NUMBERS;
        if (!past)
            out->row = !stored ? REEL_PLACE_HOLE : !hole ? REEL_PLACE_STORED : out->row;
    }
}

void reel_place_behind_frame(const struct reel_site *site, struct reel_placement *out)
{
    size_t index = stretch_of_frame(site, site->numbers->frame);
    const struct reel_stretch *stretch;
    struct reel_run_position at;
    uint64_t offset;

    out->row = row_below(site, true);
    if (index == site->epoch.end)
        return;
    stretch = &site->recording->stretches[index];
    offset = site->numbers->frame - stretch->first_frame;
    out->stretch = index;
    out->at_frame = stretch->start_frames + offset;
    if (site->numbers->frames > 0)
        place_parts(site, out);
    else if (reel_runs_find_frame(stretch, offset, &at))
        out->row = reel_run_is_gap(&stretch->runs[at.run]) ? REEL_PLACE_HOLE : REEL_PLACE_STORED;
}
