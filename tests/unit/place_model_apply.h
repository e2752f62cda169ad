/* What a row changes in the model. */
#ifndef TESTS_UNIT_PLACE_MODEL_APPLY_H
#define TESTS_UNIT_PLACE_MODEL_APPLY_H

#include "unit/place_model.h"

static void model_begin_stretch(struct model *model, const struct reel_numbers *numbers,
                                const struct verdict *verdict)
{
    struct model_epoch *state = &model->epochs[model->epochs_count - 1];
    uint64_t expected = state->has_seq ? state->next_seq : 0;
    uint64_t first = numbers->seq - verdict->gap_seqs;

    if (state->continued && numbers->has_seq && !state->has_seq)
        expected = state->first_seq = first;
    if (state->continued && numbers->has_frame && !state->has_frame)
        state->first_frame = numbers->frame - verdict->fill;
    model->stretch++;
    model->stretch_seq = numbers->has_seq;
    model->stretch_frame = numbers->has_frame;
    model->sized = 0;
    model->size = 0;
    model->one_size = true;
    if (numbers->has_seq && first > expected)
        model->lost[model->lost_count++] =
            (struct skipped){model->epochs_count - 1, expected, first};
}

static void model_push(struct model *model, const struct reel_numbers *numbers, bool silence,
                       uint8_t value, uint64_t frame)
{
    assert_true(model->cells_count < MODEL_CELLS);
    model->cells[model->cells_count++] = (struct cell){
        .silence = silence,
        .value = silence ? 0 : value,
        .epoch = model->epochs_count - 1,
        .stretch = model->stretch,
        .has_frame = numbers->has_frame,
        .frame = frame,
        .gap = model->gaps_count - 1,
    };
}

static void model_push_gap(struct model *model, const struct reel_numbers *numbers,
                           const struct verdict *verdict)
{
    size_t at = model->cells_count;

    if (verdict->fill == 0)
        return;
    model->gap_sizes[model->gaps_count++] =
        verdict->inferred ? (uint32_t)(verdict->fill / verdict->gap_seqs) : 0;
    for (uint64_t i = 0; i < verdict->fill; i++)
        model_push(model, numbers, true, 0, numbers->frame - verdict->fill + i);
    for (uint64_t i = 0; i < verdict->gap_seqs; i++)
        model->owed[model->owed_count++] = (struct entry){
            .epoch = model->epochs_count - 1,
            .seq = numbers->seq - verdict->gap_seqs + i,
            .at = at,
        };
    model->gap_frames += verdict->fill;
}

static void model_look_for_mud(struct model_epoch *state, const struct sent *sent)
{
    const struct reel_numbers *numbers = &sent->numbers;
    bool numbered = numbers->has_seq || numbers->has_frame;
    bool counted = state->has_seq || state->has_frame;
    bool other_kinds = numbers->has_seq != state->has_seq || numbers->has_frame != state->has_frame;

    if (sent->run != state->run || (numbered && counted && other_kinds))
        state->muddled = true;
}

/* Frames of a fragment from `from` on, at the end; with `whole` it is remembered by its number. */
static void model_push_fragment(struct model *model, const struct sent *sent, uint32_t from,
                                bool has_seq)
{
    const struct reel_numbers *numbers = &sent->numbers;
    struct model_epoch *state = &model->epochs[model->epochs_count - 1];

    model_look_for_mud(state, sent);
    if (has_seq) {
        model->stored[model->stored_count++] = (struct entry){
            .epoch = model->epochs_count - 1,
            .stretch = model->stretch,
            .seq = numbers->seq,
            .at = model->cells_count,
            .frames = numbers->frames - from,
        };
        state->has_seq = true;
        state->next_seq = numbers->seq + 1;
    }
    for (uint32_t i = from; i < numbers->frames; i++)
        model_push(model, numbers, false, sent->data[i], numbers->frame + i);
    if (numbers->has_frame) {
        state->has_frame = true;
        if (numbers->frame + numbers->frames > state->next_frame)
            state->next_frame = numbers->frame + numbers->frames;
    }
    if (numbers->frames > from) {
        model->one_size =
            model->one_size && (model->sized == 0 || model->size == numbers->frames - from);
        model->sized++;
        model->size = numbers->frames - from;
    }
}

/* A part of a gap, cells [from, to), is written: who is still owed, and by which cell. */
static void model_settle(struct model *model, size_t part, size_t from, size_t to, bool behind,
                         const struct reel_numbers *numbers)
{
    size_t kept = 0;

    for (size_t i = 0; i < model->owed_count; i++) {
        struct entry owed = model->owed[i];
        bool stays = true;

        if (owed.at == part) {
            bool left = numbers->has_seq ? owed.seq < numbers->seq : from > part;
            bool right = numbers->has_seq ? owed.seq > numbers->seq : from == part;

            stays = (left && from > part) || (right && behind);
            if (stays && !(left && from > part))
                owed.at = to;
        }
        if (stays)
            model->owed[kept++] = owed;
    }
    model->owed_count = kept;
}

/* Where in the file the fragment's frame `i` stands; MODEL_CELLS if it lies past the end. */
static size_t model_place_of(struct model *model, const struct sent *sent, int epoch, size_t at,
                             uint32_t i)
{
    const struct reel_numbers *numbers = &sent->numbers;
    struct cell *cell;

    if (!numbers->has_frame || !model->epochs[epoch].has_frame)
        return at + i;
    cell = model_cell(model, epoch, numbers->frame + i);
    return cell ? (size_t)(cell - model->cells) : MODEL_CELLS;
}

/* Write into what is silent. Returns how many frames of the fragment lie in the file. */
static uint32_t model_fill(struct model *model, const struct sent *sent, int epoch, size_t at)
{
    const struct reel_numbers *numbers = &sent->numbers;
    uint64_t gap_frames = model->gap_frames;
    uint32_t i = 0;

    while (i < numbers->frames) {
        size_t from = model_place_of(model, sent, epoch, at, i), to = from, part;

        if (from == MODEL_CELLS)
            break;
        while (i < numbers->frames && model_same_silence(model, from, to) &&
               model_place_of(model, sent, epoch, at, i) == to)
            to++, i++;
        if (to == from) {
            i++;
            continue;
        }
        part = model_part_start(model, from);
        model_settle(model, part, from, to, model_same_silence(model, from, to), numbers);
        for (size_t k = from; k < to; k++) {
            model->cells[k].silence = false;
            model->cells[k].value = sent->data[i - (to - k)];
        }
        model->gap_frames -= to - from;
        if (model->cells[from].stretch == model->stretch) {
            model->sized++;
            model->one_size = model->one_size && numbers->frames == model->size;
        }
    }
    model->rewrites += model->gap_frames < gap_frames;
    return i;
}

static void model_rewrite(struct model *model, const struct sent *sent,
                          const struct verdict *verdict)
{
    int epoch = model_newest_of(model, &sent->numbers.boot);
    struct model_epoch *state = &model->epochs[epoch];
    uint32_t inside = model_fill(model, sent, epoch, (size_t)verdict->at);
    struct reel_numbers past = sent->numbers;

    model->fragments++;
    model_look_for_mud(state, sent);
    if (sent->numbers.has_seq && verdict->rows == ROW(REEL_PLACE_HOLE) &&
        !model_entry(model->stored, model->stored_count, epoch, sent->numbers.seq))
        model->stored[model->stored_count++] = (struct entry){
            .epoch = epoch,
            .stretch = model->cells[verdict->at].stretch,
            .seq = sent->numbers.seq,
            .at = (uint32_t)verdict->at,
            .frames = sent->numbers.frames,
        };
    if (inside == sent->numbers.frames)
        return;
    past.has_seq = past.has_seq && (!state->has_seq || past.seq >= state->next_seq);
    if (verdict->new_stretch)
        model_begin_stretch(model, &past, verdict);
    model_push_fragment(model, sent, inside, past.has_seq);
}

static void model_begin_epoch(struct model *model, const struct sent *sent, bool restarts)
{
    const struct reel_numbers *numbers = &sent->numbers;
    bool bare = !numbers->has_seq && !numbers->has_frame && numbers->boot.text[0] == '\0';
    bool continued = model->epochs_count == 0 && model->begin.continued && !restarts &&
                     (bare || strcmp(model->begin.boot.text, numbers->boot.text) == 0);

    assert_true(model->epochs_count < MODEL_EPOCHS);
    model->epochs[model->epochs_count++] = (struct model_epoch){
        .boot = continued ? model->begin.boot : numbers->boot,
        .run = sent->run,
        .continued = continued,
    };
}

static void model_extend(struct model *model, const struct sent *sent, enum reel_place_row row,
                         const struct verdict *verdict)
{
    const struct sent candidate = model->candidate;
    bool restarts = row == REEL_PLACE_BOOT || row == REEL_PLACE_RESTARTED;

    model->fragments++;
    if (restarts || verdict->take)
        model->candidate_kind = REEL_CANDIDATE_NONE;
    if (verdict->new_stretch && (restarts || model->epochs_count == 0))
        model_begin_epoch(model, sent, restarts);
    if (verdict->new_stretch)
        model_begin_stretch(model, verdict->take ? &candidate.numbers : &sent->numbers, verdict);
    if (model->epochs_count == 0)
        return;
    model_push_gap(model, &sent->numbers, verdict);
    if (verdict->take) {
        model->fragments++;
        model->rejected--;
        model_push_fragment(model, &candidate, 0, candidate.numbers.has_seq);
    }
    model_push_fragment(model, sent, 0, sent->numbers.has_seq);
}

/* Carry out the row that was taken of those allowed. */
static void model_apply(struct model *model, const struct sent *sent, enum reel_place_row row,
                        const struct verdict *verdict)
{
    switch (row) {
    case REEL_PLACE_JUMP:
    case REEL_PLACE_CONFLICT:
        model->candidate = *sent;
        model->candidate_kind =
            row == REEL_PLACE_JUMP ? REEL_CANDIDATE_JUMP : REEL_CANDIDATE_CONFLICT;
        model->rejected++;
        break;
    case REEL_PLACE_LATE:
        if (sent->numbers.frames > 0 &&
            ((sent->numbers.has_seq && sent->numbers.seq == 0) ||
             (!sent->numbers.has_seq && sent->numbers.has_frame && sent->numbers.frame == 0))) {
            model->candidate = *sent;
            model->candidate_kind = REEL_CANDIDATE_CONFLICT;
        }
        model->rejected++;
        break;
    case REEL_PLACE_STORED:
        model->duplicates++;
        break;
    case REEL_PLACE_HOLE:
    case REEL_PLACE_DIVIDED:
        model_rewrite(model, sent, verdict);
        break;
    default:
        model_extend(model, sent, row, verdict);
    }
}

#endif
