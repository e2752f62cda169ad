/* Place: the protocol's table, row by row. */
#include "core/place.h"

#include <string.h>

#include "core/runs.h"

/* Where the recording stands, as far as the fragment's numbers can be compared with it. */
struct site {
    const struct reel_recording *recording;
    const struct reel_numbers *numbers;
    const struct reel_stretch *last; /* of the recording; NULL if it has none */
    struct reel_epoch epoch;         /* of the fragment's boot */
    bool newest;                     /* that is the recording's newest epoch */
    bool by_seq;                     /* fragment and epoch both count in seq */
    bool by_frame;                   /* fragment and epoch both count in frames */
    uint64_t next_seq;
    uint64_t next_frame;
    uint64_t limit_frames;
};

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t limit_frames(const struct reel_recording *recording,
                             const struct reel_place_limits *limits)
{
    uint64_t by_time = multiply(limits->max_gap_s, recording->format.rate);
    uint64_t by_size = limits->max_gap_bytes / reel_format_frame_bytes(&recording->format);

    return by_time < by_size ? by_time : by_size;
}

static struct site survey(const struct reel_recording *recording,
                          const struct reel_numbers *numbers,
                          const struct reel_place_limits *limits)
{
    struct site site = {
        .recording = recording,
        .numbers = numbers,
        .epoch = reel_recording_epoch(recording, &numbers->boot),
        .limit_frames = limit_frames(recording, limits),
    };

    if (recording->stretches_count == 0) { /* as if it stood at 0 */
        site.newest = true;
        site.by_seq = numbers->has_seq;
        site.by_frame = numbers->has_frame;
        return site;
    }
    site.last = &recording->stretches[recording->stretches_count - 1];
    site.newest = site.epoch.end == recording->stretches_count;
    site.by_seq = numbers->has_seq && reel_epoch_next_seq(recording, site.epoch, &site.next_seq);
    site.by_frame =
        numbers->has_frame && reel_epoch_next_frame(recording, site.epoch, &site.next_frame);
    return site;
}

static bool follows_on(const struct reel_numbers *before, const struct reel_numbers *numbers)
{
    return before->has_seq == numbers->has_seq && before->has_frame == numbers->has_frame &&
           (before->has_seq || before->frames > 0) &&
           strcmp(before->boot.text, numbers->boot.text) == 0 &&
           (!before->has_seq || before->seq + 1 == numbers->seq) &&
           (!before->has_frame || before->frame + before->frames == numbers->frame);
}

static bool confirms_jump(const struct site *site)
{
    const struct reel_candidate *candidate = &site->recording->candidate;

    return site->newest && candidate->kind == REEL_CANDIDATE_JUMP &&
           (site->numbers->has_seq || site->numbers->has_frame) &&
           follows_on(&candidate->numbers, site->numbers) &&
           (!site->by_seq || candidate->numbers.seq >= site->next_seq) &&
           (!site->by_frame || candidate->numbers.frame >= site->next_frame);
}

static bool may_fill(const struct site *site, uint64_t frames)
{
    uint64_t audio = reel_recording_audio_frames(site->recording);

    return frames <= site->limit_frames &&
           site->recording->gap_frames + frames <= audio + site->limit_frames;
}

/* How long `seqs` fragments of unknown size are at least thought to be. */
static uint64_t estimate_frames(const struct site *site, uint64_t seqs)
{
    uint64_t frames = site->last ? reel_runs_last_frames(site->last) : 0;

    if (frames < site->numbers->frames)
        frames = site->numbers->frames;
    return multiply(seqs, frames > 0 ? frames : 1);
}

/* Whether the recording's last stretch has the fragment's kinds of number, so that the next one
 * is appended to it. */
static bool goes_on(const struct site *site)
{
    return site->last && site->last->has_seq == site->numbers->has_seq &&
           site->last->has_frame == site->numbers->has_frame;
}

static void answer_append(const struct site *site, enum reel_place_row row, bool new_stretch,
                          enum reel_stretch_reason reason, struct reel_placement *out)
{
    out->row = row;
    out->new_stretch = new_stretch || !goes_on(site);
    out->reason = reason;
    if (!site->last && reason == REEL_STRETCH_NUMBERS)
        out->reason = REEL_STRETCH_FIRST;
    out->at_frame = site->recording->frames;
}

static void answer_gap(const struct site *site, uint64_t frames, uint64_t seqs, bool inferred,
                       struct reel_placement *out)
{
    answer_append(site, REEL_PLACE_GAP, false, REEL_STRETCH_NUMBERS, out);
    out->inferred = inferred;
    out->fill_frames = frames;
    out->gap_seqs = seqs;
    out->at_frame += frames;
}

static void answer_confirmed(const struct site *site, struct reel_placement *out)
{
    const struct reel_numbers *candidate = &site->recording->candidate.numbers;

    answer_append(site, REEL_PLACE_CONFIRMED, true, REEL_STRETCH_JUMP, out);
    out->take_candidate = true;
    out->at_frame += candidate->frames;
    if (site->by_frame)
        out->skipped_frames = candidate->frame - site->next_frame;
}

static void answer_jump(struct reel_placement *out)
{
    out->row = REEL_PLACE_JUMP;
    out->becomes_candidate = true;
}

static void place_unnumbered(const struct site *site, struct reel_placement *out)
{
    const char *boot = site->numbers->boot.text;
    bool numbered = site->last && (site->last->has_seq || site->last->has_frame);

    if (site->numbers->frames == 0) { /* says only that it ended */
        out->row = REEL_PLACE_APPEND;
        out->at_frame = site->recording->frames;
    } else if (!site->last || boot[0] == '\0' || strcmp(site->last->boot.text, boot) == 0) {
        answer_append(site, REEL_PLACE_APPEND, numbered, REEL_STRETCH_NUMBERS, out);
    } else if (site->epoch.first == site->epoch.end) {
        answer_append(site, REEL_PLACE_BOOT, true, REEL_STRETCH_BOOT, out);
    } else {
        out->row = REEL_PLACE_LATE;
    }
}

/* No kind of number that the epoch has. */
static void place_unshared(const struct site *site, struct reel_placement *out)
{
    uint64_t from_start = site->numbers->has_frame ? site->numbers->frame
                                                   : estimate_frames(site, site->numbers->seq);

    if (!site->newest)
        out->row = REEL_PLACE_LATE;
    else if (from_start > site->limit_frames)
        answer_jump(out);
    else
        answer_append(site, REEL_PLACE_UNKNOWN, true, REEL_STRETCH_UNKNOWN, out);
}

static void place_ahead_by_seq(const struct site *site, struct reel_placement *out)
{
    uint64_t seqs = site->numbers->seq - site->next_seq;
    bool alone = !site->numbers->has_frame && site->last && site->last->has_seq;
    uint32_t size = alone ? reel_runs_uniform_frames(site->last) : 0;

    if (size > 0) {
        uint64_t frames = multiply(seqs, size);

        if (may_fill(site, frames))
            answer_gap(site, frames, seqs, true, out);
        else
            answer_jump(out);
    } else if (estimate_frames(site, seqs) > site->limit_frames) {
        answer_jump(out);
    } else {
        answer_append(site, REEL_PLACE_UNKNOWN, true, REEL_STRETCH_UNKNOWN, out);
    }
}

/* A number that stands in the stretch at `index`, at `at`. */
static void place_at_seq(const struct site *site, size_t index,
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

static void place_by_seq(const struct site *site, struct reel_placement *out)
{
    out->row = REEL_PLACE_LATE;
    if (site->numbers->seq >= site->next_seq) {
        if (site->newest && site->numbers->seq == site->next_seq)
            answer_append(site, REEL_PLACE_APPEND, false, REEL_STRETCH_NUMBERS, out);
        else if (site->newest)
            place_ahead_by_seq(site, out);
        return;
    }
    for (size_t i = site->epoch.end; i > site->epoch.first; i--) {
        struct reel_run_position at;

        if (reel_runs_find_seq(&site->recording->stretches[i - 1], site->numbers->seq, &at)) {
            place_at_seq(site, i - 1, &at, out);
            return;
        }
    }
}

static void place_ahead_by_frame(const struct site *site, struct reel_placement *out)
{
    uint64_t frames = site->numbers->frame - site->next_frame;
    uint64_t seqs = site->by_seq ? site->numbers->seq - site->next_seq : 0;
    bool far = frames > 0 ? seqs > site->limit_frames || !may_fill(site, frames)
                          : seqs > 0 && estimate_frames(site, seqs) > site->limit_frames;

    if (far)
        answer_jump(out);
    else if (frames > 0)
        answer_gap(site, frames, seqs, false, out);
    else
        answer_append(site, REEL_PLACE_APPEND, seqs > 0, REEL_STRETCH_NUMBERS, out);
}

/* The stretch of the epoch that holds frame number `frame`; epoch.end if none does. */
static size_t stretch_of_frame(const struct site *site, uint64_t frame)
{
    for (size_t i = site->epoch.end; i > site->epoch.first; i--) {
        const struct reel_stretch *stretch = &site->recording->stretches[i - 1];

        if (stretch->has_frame && frame >= stretch->first_frame &&
            frame - stretch->first_frame < stretch->frames)
            return i - 1;
    }
    return site->epoch.end;
}

/* The least and greatest number that a fragment with that frame may have. Where a run covers no
 * number, those beside it. False, outputs untouched, if nothing is known. */
static bool seqs_at_frame(const struct site *site, uint64_t frame, uint64_t *low_out,
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
        *low_out = run->seqs > 0 || first == 0 ? first : first - 1;
        *high_out = run->seqs > 0 ? first + run->seqs - 1 : first;
    }
    return true;
}

/* Whether the sequence number can belong to the frames that the fragment covers. */
static bool seq_fits(const struct site *site)
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
static void place_parts(const struct site *site, struct reel_placement *out)
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
    } else if (!seq_fits(site)) {
        reel_place_conflict(site->recording, site->numbers, out);
    } else {
        out->compare = stored;
        out->new_stretch = past && !goes_on(site);
        out->reason = REEL_STRETCH_NUMBERS;
        if (!past)
            out->row = !stored ? REEL_PLACE_HOLE : !hole ? REEL_PLACE_STORED : out->row;
    }
}

static void place_behind_by_frame(const struct site *site, struct reel_placement *out)
{
    size_t index = stretch_of_frame(site, site->numbers->frame);
    const struct reel_stretch *stretch;
    struct reel_run_position at;
    uint64_t offset;

    out->row = REEL_PLACE_LATE;
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

static void place_by_frame(const struct site *site, struct reel_placement *out)
{
    const struct reel_numbers *numbers = site->numbers;
    bool ahead = numbers->frame >= site->next_frame;
    bool empty_next = numbers->frames == 0 && site->by_seq && numbers->seq == site->next_seq;

    if (!ahead && !(empty_next && site->newest))
        place_behind_by_frame(site, out);
    else if (!site->newest)
        out->row = REEL_PLACE_LATE;
    else if (!ahead)
        answer_append(site, REEL_PLACE_APPEND, false, REEL_STRETCH_NUMBERS, out);
    else if (!site->by_seq || numbers->seq >= site->next_seq)
        place_ahead_by_frame(site, out);
    else if (numbers->frames == 0 && numbers->frame == site->next_frame)
        out->row = REEL_PLACE_STORED;
    else
        reel_place_conflict(site->recording, numbers, out);
}

void reel_place(const struct reel_recording *recording, const struct reel_numbers *numbers,
                const struct reel_place_limits *limits, struct reel_placement *out)
{
    struct site site = survey(recording, numbers, limits);

    *out = (struct reel_placement){0};
    if (confirms_jump(&site))
        answer_confirmed(&site, out);
    else if (!numbers->has_seq && !numbers->has_frame)
        place_unnumbered(&site, out);
    else if (site.last && site.epoch.first == site.epoch.end)
        answer_append(&site, REEL_PLACE_BOOT, true, REEL_STRETCH_BOOT, out);
    else if (site.by_frame)
        place_by_frame(&site, out);
    else if (site.by_seq)
        place_by_seq(&site, out);
    else
        place_unshared(&site, out);
}

void reel_place_conflict(const struct reel_recording *recording,
                         const struct reel_numbers *numbers, struct reel_placement *out)
{
    const struct reel_candidate *candidate = &recording->candidate;
    bool second = candidate->kind == REEL_CANDIDATE_CONFLICT &&
                  follows_on(&candidate->numbers, numbers);
    bool first = numbers->has_seq ? numbers->seq == 0 : numbers->has_frame && numbers->frame == 0;

    *out = (struct reel_placement){.row = REEL_PLACE_CONFLICT, .becomes_candidate = true};
    if (second || first) {
        *out = (struct reel_placement){
            .row = REEL_PLACE_RESTARTED,
            .take_candidate = second,
            .new_stretch = true,
            .reason = REEL_STRETCH_RESTART,
            .at_frame = recording->frames + (second ? candidate->numbers.frames : 0),
        };
    }
}

bool reel_place_refuses(const struct reel_placement *placement)
{
    return placement->row == REEL_PLACE_JUMP || placement->row == REEL_PLACE_CONFLICT ||
           placement->row == REEL_PLACE_LATE;
}

bool reel_place_stores(const struct reel_placement *placement)
{
    return !reel_place_refuses(placement) && placement->row != REEL_PLACE_STORED;
}

bool reel_place_appends(const struct reel_placement *placement)
{
    return reel_place_stores(placement) && placement->row != REEL_PLACE_HOLE &&
           placement->row != REEL_PLACE_DIVIDED;
}
