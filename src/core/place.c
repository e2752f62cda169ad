/* Place: the protocol's table, row by row. What lies behind is in place_behind.c. */
#include "core/place.h"

#include <string.h>

#include "core/place_internal.h"
#include "core/runs.h"

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

    uint64_t limit = by_time < by_size ? by_time : by_size;

    return limit < REEL_NUMBER_MAX ? limit : REEL_NUMBER_MAX;
}

/* Stand at 0, or where a continued recording begins; with another boot it begins anew. */
static void survey_empty(struct reel_site *site)
{
    const struct reel_numbers *numbers = site->numbers;
    const struct reel_numbers *begin = &site->recording->begin;
    bool goes_on = site->recording->continued && (begin->has_seq || begin->has_frame) &&
                   strcmp(begin->boot.text, numbers->boot.text) == 0;

    site->newest = true;
    site->by_seq = numbers->has_seq && (!goes_on || begin->has_seq);
    site->by_frame = numbers->has_frame && (!goes_on || begin->has_frame);
    site->next_seq = goes_on && begin->has_seq ? begin->seq : 0;
    site->next_frame = goes_on && begin->has_frame ? begin->frame : 0;
}

static struct reel_site survey(const struct reel_recording *recording,
                               const struct reel_numbers *numbers,
                               const struct reel_place_limits *limits)
{
    struct reel_site site = {
        .recording = recording,
        .numbers = numbers,
        .epoch = reel_recording_epoch(recording, &numbers->boot),
        .limit_frames = limit_frames(recording, limits),
    };

    if (recording->stretches_count == 0) {
        survey_empty(&site);
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

static bool confirms_jump(const struct reel_site *site)
{
    const struct reel_candidate *candidate = &site->recording->candidate;

    return site->newest && candidate->kind == REEL_CANDIDATE_JUMP &&
           (site->numbers->has_seq || site->numbers->has_frame) &&
           follows_on(&candidate->numbers, site->numbers) &&
           (!site->by_seq || candidate->numbers.seq >= site->next_seq) &&
           (!site->by_frame || candidate->numbers.frame >= site->next_frame);
}

static bool may_fill(const struct reel_site *site, uint64_t frames)
{
    uint64_t audio = reel_recording_audio_frames(site->recording);

    return frames <= site->limit_frames &&
           site->recording->gap_frames + frames <= audio + site->limit_frames;
}

/* How long `seqs` fragments of unknown size are at least thought to be. */
static uint64_t estimate_frames(const struct reel_site *site, uint64_t seqs)
{
    uint64_t frames = site->last ? reel_runs_last_frames(site->last) : 0;

    if (frames < site->numbers->frames)
        frames = site->numbers->frames;
    return multiply(seqs, frames > 0 ? frames : 1);
}

bool reel_site_goes_on(const struct reel_site *site)
{
    return site->last && site->last->has_seq == site->numbers->has_seq &&
           site->last->has_frame == site->numbers->has_frame;
}

static void answer_append(const struct reel_site *site, enum reel_place_row row, bool new_stretch,
                          enum reel_stretch_reason reason, struct reel_placement *out)
{
    out->row = row;
    out->new_stretch = new_stretch || !reel_site_goes_on(site);
    out->reason = reason;
    if (!site->last && reason == REEL_STRETCH_NUMBERS)
        out->reason = REEL_STRETCH_FIRST;
    out->at_frame = site->recording->frames;
}

static void answer_gap(const struct reel_site *site, uint64_t frames, uint64_t seqs, bool inferred,
                       struct reel_placement *out)
{
    answer_append(site, REEL_PLACE_GAP, false, REEL_STRETCH_NUMBERS, out);
    out->inferred = inferred;
    out->fill_frames = frames;
    out->gap_seqs = seqs;
    out->at_frame += frames;
}

static void answer_confirmed(const struct reel_site *site, struct reel_placement *out)
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

static void place_unnumbered(const struct reel_site *site, struct reel_placement *out)
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
static void place_unshared(const struct reel_site *site, struct reel_placement *out)
{
    uint64_t from_start =
        site->numbers->has_frame ? site->numbers->frame : estimate_frames(site, site->numbers->seq);

    if (!site->newest)
        out->row = REEL_PLACE_LATE;
    else if (from_start > site->limit_frames)
        answer_jump(out);
    else
        answer_append(site, REEL_PLACE_UNKNOWN, true, REEL_STRETCH_UNKNOWN, out);
}

static void place_ahead_by_seq(const struct reel_site *site, struct reel_placement *out)
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

static void place_by_seq(const struct reel_site *site, struct reel_placement *out)
{
    if (site->numbers->seq < site->next_seq)
        reel_place_behind_seq(site, out);
    else if (!site->newest)
        out->row = REEL_PLACE_LATE;
    else if (site->numbers->seq > site->next_seq)
        place_ahead_by_seq(site, out);
    else
        answer_append(site, REEL_PLACE_APPEND, false, REEL_STRETCH_NUMBERS, out);
}

static void place_ahead_by_frame(const struct reel_site *site, struct reel_placement *out)
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

static void place_by_frame(const struct reel_site *site, struct reel_placement *out)
{
    const struct reel_numbers *numbers = site->numbers;
    bool ahead = numbers->frame >= site->next_frame;
    bool empty_next = numbers->frames == 0 && site->by_seq && numbers->seq == site->next_seq &&
                      site->newest && reel_site_goes_on(site);

    if (!ahead && !empty_next)
        reel_place_behind_frame(site, out);
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

static void place_numbered(const struct reel_site *site, struct reel_placement *out)
{
    if (site->last && site->epoch.first == site->epoch.end)
        answer_append(site, REEL_PLACE_BOOT, true, REEL_STRETCH_BOOT, out);
    else if (site->by_frame)
        place_by_frame(site, out);
    else if (site->by_seq)
        place_by_seq(site, out);
    else
        place_unshared(site, out);
}

/* A number 0, or one that follows on from the candidate of a conflict: the recorder may have
 * restarted under its old name. */
static bool begins(const struct reel_numbers *numbers)
{
    return numbers->has_seq ? numbers->seq == 0 : numbers->has_frame && numbers->frame == 0;
}

static bool follows_conflict(const struct reel_recording *recording,
                             const struct reel_numbers *numbers)
{
    return recording->candidate.kind == REEL_CANDIDATE_CONFLICT &&
           follows_on(&recording->candidate.numbers, numbers);
}

/* Where a recording has lost its first numbers, a recorder that restarts finds no stored audio to
 * be in conflict with: its beginning is late, and what follows on from that confirms it. */
void reel_place_late(const struct reel_recording *recording, const struct reel_numbers *numbers,
                     struct reel_placement *out)
{
    *out = (struct reel_placement){.row = REEL_PLACE_LATE};
    if (!numbers->has_seq && !numbers->has_frame)
        return;
    if (follows_conflict(recording, numbers))
        reel_place_conflict(recording, numbers, out);
    else
        out->becomes_candidate = begins(numbers) && numbers->frames > 0;
}

void reel_place(const struct reel_recording *recording, const struct reel_numbers *numbers,
                const struct reel_place_limits *limits, struct reel_placement *out)
{
    struct reel_site site = survey(recording, numbers, limits);

    *out = (struct reel_placement){0};
    if (confirms_jump(&site)) {
        answer_confirmed(&site, out);
    } else if (!numbers->has_seq && !numbers->has_frame) {
        place_unnumbered(&site, out);
    } else {
        place_numbered(&site, out);
        if (out->row == REEL_PLACE_LATE)
            reel_place_late(recording, numbers, out);
    }
}

void reel_place_conflict(const struct reel_recording *recording, const struct reel_numbers *numbers,
                         struct reel_placement *out)
{
    const struct reel_candidate *candidate = &recording->candidate;
    bool second = follows_conflict(recording, numbers);

    *out = (struct reel_placement){.row = REEL_PLACE_CONFLICT, .becomes_candidate = true};
    if (second || begins(numbers)) {
        *out = (struct reel_placement){
            .row = REEL_PLACE_RESTARTED,
            .take_candidate = second,
            .new_stretch = true,
            .reason = REEL_STRETCH_RESTART,
            .at_frame = recording->frames + (second ? candidate->numbers.frames : 0),
        };
    }
}

uint32_t reel_place_past(const struct reel_recording *recording, const struct reel_numbers *numbers,
                         const struct reel_placement *placement)
{
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;

    while (reel_place_next_segment(recording, numbers, placement, &cursor, &segment)) {
        if (!segment.stored && segment.at_frame >= recording->frames)
            return segment.offset_frames;
    }
    return numbers->frames;
}

void reel_place_carry(const struct reel_recording *recording, struct reel_placement *placement)
{
    placement->at_frame -= recording->frames;
    if (!placement->new_stretch || placement->reason == REEL_STRETCH_NUMBERS)
        placement->reason = REEL_STRETCH_FIRST;
    placement->new_stretch = true;
}

bool reel_place_refuses(const struct reel_placement *placement)
{
    return placement->row == REEL_PLACE_JUMP || placement->row == REEL_PLACE_CONFLICT ||
           placement->row == REEL_PLACE_EARLIER || placement->row == REEL_PLACE_LATE;
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
