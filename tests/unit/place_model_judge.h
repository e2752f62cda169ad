/* The model's answer for one fragment: the rows of the table. */
#ifndef TESTS_UNIT_PLACE_MODEL_JUDGE_H
#define TESTS_UNIT_PLACE_MODEL_JUDGE_H

#include "unit/place_model.h"

static struct verdict model_append(const struct model *model, enum reel_place_row row,
                                   const struct reel_numbers *numbers, bool new_stretch,
                                   enum reel_stretch_reason reason)
{
    struct verdict verdict = {.rows = ROW(row), .at = model->cells_count, .reason = reason};

    verdict.new_stretch = new_stretch || !model_goes_on(model, numbers);
    if (reason == REEL_STRETCH_NUMBERS && model->stretch < 0)
        verdict.reason = REEL_STRETCH_FIRST;
    return verdict;
}

static struct verdict model_only(enum reel_place_row row)
{
    return (struct verdict){.rows = ROW(row)};
}

static struct verdict model_conflict(const struct model *model, const struct sent *sent)
{
    const struct reel_numbers *numbers = &sent->numbers;
    bool zero = numbers->has_seq ? numbers->seq == 0 : numbers->frame == 0;
    struct verdict verdict = model_only(REEL_PLACE_CONFLICT);
    bool second = model->candidate_kind == REEL_CANDIDATE_CONFLICT &&
                  model_follows(&model->candidate.numbers, numbers);

    if (zero || second) {
        verdict = model_append(model, REEL_PLACE_RESTARTED, numbers, true, REEL_STRETCH_RESTART);
        verdict.take = second;
        if (second)
            verdict.at += model->candidate.numbers.frames;
    }
    return verdict;
}

/* A row, or the conflict's: open which. */
static struct verdict model_or_conflict(const struct model *model, const struct sent *sent,
                                        struct verdict verdict)
{
    verdict.rows |= model_conflict(model, sent).rows;
    return verdict;
}

static struct verdict model_gap(const struct model *model, const struct reel_numbers *numbers,
                                uint64_t frames, uint64_t seqs, bool inferred)
{
    struct verdict verdict =
        model_append(model, REEL_PLACE_GAP, numbers, false, REEL_STRETCH_NUMBERS);

    verdict.fill = frames;
    verdict.gap_seqs = seqs;
    verdict.inferred = inferred;
    verdict.at += frames;
    return verdict;
}

/* So many numbers ahead, at an unknown length: far, near, or open where the last size counts and
 * may no longer be known. */
static struct verdict model_unknown_length(const struct model *model,
                                           const struct reel_numbers *numbers, uint64_t seqs,
                                           struct verdict near)
{
    uint64_t own = numbers->frames > 0 ? numbers->frames : 1;
    uint64_t known = model->sized > 0 && model->size > own ? model->size : own;
    bool exact = model->stretch < 0 || (model->stretch_seq && !model->stretch_frame);

    if (seqs > MODEL_LIMIT || seqs * own > MODEL_LIMIT)
        return model_only(REEL_PLACE_JUMP);
    if (exact && seqs * known > MODEL_LIMIT)
        return model_only(REEL_PLACE_JUMP);
    if (!exact && seqs * MODEL_DATA > MODEL_LIMIT)
        near.rows |= ROW(REEL_PLACE_JUMP);
    return near;
}

static struct verdict model_ahead_by_seq(const struct model *model, const struct sent *sent,
                                         uint64_t seqs)
{
    const struct reel_numbers *numbers = &sent->numbers;
    bool sized = !numbers->has_frame && model->stretch_seq && model->one_size &&
                 model->sized >= REEL_INFER_FRAGMENTS_MIN;
    struct verdict unknown =
        model_append(model, REEL_PLACE_UNKNOWN, numbers, true, REEL_STRETCH_UNKNOWN);
    uint64_t fill = seqs > MODEL_LIMIT ? MODEL_LIMIT + 1 : seqs * model->size;
    struct verdict gap;

    unknown = model_unknown_length(model, numbers, seqs, unknown);
    if (!sized)
        return unknown;
    gap = model_may_fill(model, fill) ? model_gap(model, numbers, fill, seqs, true)
                                      : model_only(REEL_PLACE_JUMP);
    if (model->stretch_frame)
        gap.rows |= unknown.rows;
    return gap;
}

static struct verdict model_owed(struct model *model, const struct sent *sent,
                                 const struct entry *owed)
{
    struct verdict verdict = model_only(REEL_PLACE_HOLE);
    uint32_t size = model->gap_sizes[model->cells[owed->at].gap];
    uint64_t lowest = owed->seq, together = 0;
    size_t length = 1;

    while (model_same_silence(model, owed->at, owed->at + length))
        length++;
    for (size_t i = 0; i < model->owed_count; i++) {
        if (model->owed[i].at != owed->at)
            continue;
        together++;
        if (model->owed[i].seq < lowest)
            lowest = model->owed[i].seq;
    }
    verdict.at = owed->at + (owed->seq - lowest) * size;
    if (size > 0 ? sent->numbers.frames != size : together != 1 || length != sent->numbers.frames)
        return model_only(REEL_PLACE_LATE);
    return verdict;
}

static bool model_stretch_counts_frames(const struct model *model, int stretch)
{
    for (size_t i = 0; i < model->cells_count; i++) {
        if (model->cells[i].stretch == stretch && model->cells[i].has_frame)
            return true;
    }
    return false;
}

static struct verdict model_behind_by_seq(struct model *model, const struct sent *sent, int epoch,
                                          const struct model_epoch *state)
{
    const struct reel_numbers *numbers = &sent->numbers;
    struct entry *stored = model_entry(model->stored, model->stored_count, epoch, numbers->seq);
    struct entry *owed = model_entry(model->owed, model->owed_count, epoch, numbers->seq);
    struct verdict verdict = model_only(REEL_PLACE_STORED);

    if (state->continued && numbers->seq < state->first_seq)
        return model_only(REEL_PLACE_EARLIER);
    if (model_is_lost(model, epoch, numbers->seq))
        return model_only(REEL_PLACE_LATE);
    if (owed)
        return model_owed(model, sent, owed);
    if (numbers->frames == 0)
        return verdict;
    if (!stored) { /* taken by a fragment without a number */
        verdict.at = MODEL_ANYWHERE;
        return model_or_conflict(model, sent, verdict);
    }
    if (stored->frames != numbers->frames)
        return model_conflict(model, sent);
    verdict.at = stored->at;
    for (uint32_t i = 0; i < numbers->frames; i++) {
        if (model->cells[stored->at + i].value != sent->data[i])
            return model_conflict(model, sent);
    }
    return model_stretch_counts_frames(model, stored->stretch)
               ? model_or_conflict(model, sent, verdict)
               : verdict;
}

/* The row by the cells alone; LATE if one is neither there nor past the end. */
static struct verdict model_by_cells(struct model *model, const struct sent *sent, int epoch,
                                     bool *past_out)
{
    const struct reel_numbers *numbers = &sent->numbers;
    struct model_epoch *state = &model->epochs[epoch];
    struct cell *first = model_cell(model, epoch, numbers->frame);
    bool stored = false, hole = false, differs = false;
    struct verdict verdict = {0};

    *past_out = false;
    for (uint32_t i = 0; i < numbers->frames; i++) {
        struct cell *cell = model_cell(model, epoch, numbers->frame + i);

        if (!cell && (epoch != model->epochs_count - 1 || numbers->frame + i < state->next_frame))
            return model_only(REEL_PLACE_LATE);
        *past_out = *past_out || !cell;
        stored = stored || (cell && !cell->silence);
        hole = hole || (cell && cell->silence);
        differs = differs || (cell && !cell->silence && cell->value != sent->data[i]);
    }
    if (differs)
        return model_conflict(model, sent);
    verdict.rows = ROW(*past_out || (stored && hole) ? REEL_PLACE_DIVIDED
                       : hole                        ? REEL_PLACE_HOLE
                                                     : REEL_PLACE_STORED);
    verdict.at = (uint64_t)(first - model->cells);
    verdict.new_stretch = *past_out && !model_goes_on(model, numbers);
    verdict.reason = REEL_STRETCH_NUMBERS;
    return verdict;
}

static struct verdict model_behind_by_frame(struct model *model, const struct sent *sent, int epoch,
                                            const struct model_epoch *state)
{
    const struct reel_numbers *numbers = &sent->numbers;
    struct cell *first = model_cell(model, epoch, numbers->frame);
    struct verdict verdict;
    bool past;

    if (state->continued && numbers->frame < state->first_frame)
        return model_only(REEL_PLACE_EARLIER);
    if (!first)
        return model_only(REEL_PLACE_LATE);
    if (numbers->frames == 0)
        return model_only(first->silence ? REEL_PLACE_HOLE : REEL_PLACE_STORED);
    verdict = model_by_cells(model, sent, epoch, &past);
    if (verdict.rows == ROW(REEL_PLACE_LATE) || verdict.rows == ROW(REEL_PLACE_STORED) ||
        !numbers->has_seq || !state->has_seq)
        return verdict;
    if (numbers->seq > state->next_seq)
        return model_conflict(model, sent);
    if (sent->run != state->run || state->muddled)
        return model_or_conflict(model, sent, verdict);
    return verdict;
}

static struct verdict model_by_frame(struct model *model, const struct sent *sent, int epoch,
                                     const struct model_epoch *state)
{
    const struct reel_numbers *numbers = &sent->numbers;
    bool newest = epoch == model->epochs_count - 1;
    bool by_seq = numbers->has_seq && state->has_seq;
    uint64_t frames = numbers->frame - state->next_frame;
    uint64_t seqs = by_seq ? numbers->seq - state->next_seq : 0;

    if (numbers->frame < state->next_frame) {
        if (numbers->frames == 0 && by_seq && newest && seqs == 0 && model_goes_on(model, numbers))
            return model_append(model, REEL_PLACE_APPEND, numbers, false, REEL_STRETCH_NUMBERS);
        return model_behind_by_frame(model, sent, epoch, state);
    }
    if (!newest)
        return model_only(REEL_PLACE_LATE);
    if (by_seq && numbers->seq < state->next_seq) {
        return numbers->frames == 0 && frames == 0 ? model_only(REEL_PLACE_STORED)
                                                   : model_conflict(model, sent);
    }
    if (frames > 0 && (seqs > MODEL_LIMIT || !model_may_fill(model, frames)))
        return model_only(REEL_PLACE_JUMP);
    if (frames > 0)
        return model_gap(model, numbers, frames, seqs, false);
    if (seqs == 0)
        return model_append(model, REEL_PLACE_APPEND, numbers, false, REEL_STRETCH_NUMBERS);
    return model_unknown_length(
        model, numbers, seqs,
        model_append(model, REEL_PLACE_APPEND, numbers, true, REEL_STRETCH_NUMBERS));
}

static struct verdict model_unnumbered(const struct model *model, const struct sent *sent)
{
    const struct reel_numbers *numbers = &sent->numbers;
    int epoch = model_newest_of(model, &numbers->boot);
    struct verdict verdict =
        model_append(model, REEL_PLACE_APPEND, numbers, false, REEL_STRETCH_NUMBERS);

    if (numbers->frames == 0) {
        verdict.new_stretch = false;
        return verdict;
    }
    if (model->epochs_count == 0 || numbers->boot.text[0] == '\0' ||
        epoch == model->epochs_count - 1)
        return verdict;
    return epoch >= 0 ? model_only(REEL_PLACE_LATE)
                      : model_append(model, REEL_PLACE_BOOT, numbers, true, REEL_STRETCH_BOOT);
}

static bool model_confirms(const struct model *model, const struct reel_numbers *numbers,
                           const struct model_epoch *state)
{
    const struct reel_numbers *before = &model->candidate.numbers;

    return model->candidate_kind == REEL_CANDIDATE_JUMP && model_follows(before, numbers) &&
           !(numbers->has_seq && state->has_seq && before->seq < state->next_seq) &&
           !(numbers->has_frame && state->has_frame && before->frame < state->next_frame);
}

static bool model_goes_on_from(const struct model *model, const struct reel_numbers *numbers)
{
    return model->epochs_count == 0 && model->begin.continued &&
           strcmp(model->begin.boot.text, numbers->boot.text) == 0;
}

/* Answer for one fragment, its bytes compared; restarts that begin among lost numbers aside. */
static struct verdict model_first_answer(struct model *model, const struct sent *sent)
{
    const struct reel_numbers *numbers = &sent->numbers;
    const struct model_epoch at_zero = {.has_seq = true, .has_frame = true};
    int epoch = model->epochs_count > 0 ? model_newest_of(model, &numbers->boot) : -1;
    const struct model_epoch *state = epoch >= 0                           ? &model->epochs[epoch]
                                      : model_goes_on_from(model, numbers) ? &model->begin
                                                                           : &at_zero;
    bool newest = epoch == model->epochs_count - 1;

    if (!numbers->has_seq && !numbers->has_frame)
        return model_unnumbered(model, sent);
    if (!newest && epoch < 0)
        return model_append(model, REEL_PLACE_BOOT, numbers, true, REEL_STRETCH_BOOT);
    if (newest && model_confirms(model, numbers, state)) {
        struct verdict verdict =
            model_append(model, REEL_PLACE_CONFIRMED, numbers, true, REEL_STRETCH_JUMP);

        verdict.take = true;
        verdict.at += model->candidate.numbers.frames;
        return verdict;
    }
    if (numbers->has_frame && state->has_frame)
        return model_by_frame(model, sent, epoch, state);
    if (!(numbers->has_seq && state->has_seq)) {
        struct verdict near =
            model_append(model, REEL_PLACE_UNKNOWN, numbers, true, REEL_STRETCH_UNKNOWN);

        if (!newest)
            return model_only(REEL_PLACE_LATE);
        if (numbers->has_frame)
            return numbers->frame > MODEL_LIMIT ? model_only(REEL_PLACE_JUMP) : near;
        return model_unknown_length(model, numbers, numbers->seq, near);
    }
    if (numbers->seq < state->next_seq)
        return model_behind_by_seq(model, sent, epoch, state);
    if (!newest)
        return model_only(REEL_PLACE_LATE);
    if (numbers->seq == state->next_seq)
        return model_append(model, REEL_PLACE_APPEND, numbers, false, REEL_STRETCH_NUMBERS);
    return model_ahead_by_seq(model, sent, numbers->seq - state->next_seq);
}

/* The answer for one that no earlier recording takes. */
static struct verdict model_judge_late(const struct model *model, const struct sent *sent)
{
    return model->candidate_kind == REEL_CANDIDATE_CONFLICT &&
                   model_follows(&model->candidate.numbers, &sent->numbers)
               ? model_conflict(model, sent)
               : model_only(REEL_PLACE_LATE);
}

/* Answer for one fragment. What would be late follows on from a candidate that may be a restart. */
static struct verdict model_judge(struct model *model, const struct sent *sent)
{
    struct verdict verdict = model_first_answer(model, sent);
    const struct reel_numbers *numbers = &sent->numbers;

    return verdict.rows == ROW(REEL_PLACE_LATE) && (numbers->has_seq || numbers->has_frame)
               ? model_judge_late(model, sent)
               : verdict;
}

/* The verdict as it is if `row` was taken of the rows that it allows. */
static struct verdict model_if(const struct model *model, const struct sent *sent,
                               struct verdict verdict, enum reel_place_row row)
{
    if (verdict.rows == ROW(row))
        return verdict;
    if (row == REEL_PLACE_CONFLICT || row == REEL_PLACE_RESTARTED)
        return model_conflict(model, sent);
    if (row == REEL_PLACE_JUMP)
        return model_only(row);
    if (row == REEL_PLACE_UNKNOWN)
        return model_append(model, row, &sent->numbers, true, REEL_STRETCH_UNKNOWN);
    verdict.rows = ROW(row);
    return verdict;
}

#endif
