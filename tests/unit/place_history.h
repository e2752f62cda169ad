/* One history of a recording beside its naive model (place_model.h): a sink, as ingest is one, and
 * what must be the same after each fragment: the row, the positions, the bytes of the file, the
 * counts, and what is said to be missing and lost. Now and then the recording is saved and loaded,
 * and goes on. */
#ifndef TESTS_UNIT_PLACE_HISTORY_H
#define TESTS_UNIT_PLACE_HISTORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/place_model.h"
#include "unit/place_model_apply.h"
#include "unit/place_model_judge.h"
#include "unit/place_plan.h"
#include "unit/place_saved.h"

static const struct reel_format format = {
    .rate = 10, .channels = 1, .sample_bytes = 1, .encoding = REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = MODEL_LIMIT / 10,
                                                .max_gap_bytes = 1 << 20};

/* The sink: a recording, its file, its quarantine of one. */
static struct reel_recording recording;
static uint8_t file[MODEL_CELLS];
static size_t file_frames;
static struct sent quarantined;
static struct saved saved;

static struct model model;
static struct plans plans;

/* --- the sink, as ingest does it --- */

static struct reel_placement sink_place(const struct sent *sent)
{
    struct reel_placement placement;
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;

    reel_place(&recording, &sent->numbers, &limits, &placement);
    while (placement.compare &&
           reel_place_next_segment(&recording, &sent->numbers, &placement, &cursor, &segment)) {
        if (segment.stored &&
            memcmp(&file[segment.at_frame], &sent->data[segment.offset_frames], segment.frames))
            reel_place_conflict(&recording, &sent->numbers, &placement);
    }
    return placement;
}

static void sink_write(uint64_t at, const uint8_t *data, size_t frames)
{
    assert_true(at <= file_frames && at + frames <= MODEL_CELLS);
    memcpy(&file[at], data, frames);
    if (at + frames > file_frames)
        file_frames = (size_t)at + frames;
}

static void sink_store(const struct sent *sent, const struct reel_placement *placement)
{
    const uint8_t silence = 0;
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;

    for (uint64_t i = 0; i < placement->fill_frames; i++)
        sink_write(file_frames, &silence, 1);
    if (placement->take_candidate)
        sink_write(file_frames, quarantined.data, quarantined.numbers.frames);
    while (reel_place_next_segment(&recording, &sent->numbers, placement, &cursor, &segment)) {
        if (!segment.stored)
            sink_write(segment.at_frame, &sent->data[segment.offset_frames], segment.frames);
    }
}

static void sink_take(const struct sent *sent, const struct reel_placement *placement)
{
    if (reel_place_stores(placement))
        sink_store(sent, placement);
    if (placement->becomes_candidate)
        quarantined = *sent;
    assert_true(reel_place_apply(&recording, &sent->numbers, placement, 1));
}

/* --- what must be the same --- */

static void check_placement(const struct reel_placement *placement, const struct verdict *verdict,
                            const struct sent *sent)
{
    assert_int_equal(placement->take_candidate, verdict->take);
    assert_int_equal(placement->fill_frames, verdict->fill);
    assert_int_equal(placement->gap_seqs, verdict->gap_seqs);
    assert_int_equal(placement->inferred, verdict->inferred);
    assert_int_equal(placement->new_stretch, verdict->new_stretch);
    if (verdict->new_stretch)
        assert_int_equal(placement->reason, verdict->reason);
    if (!reel_place_refuses(placement) && sent->numbers.frames > 0 && verdict->at != MODEL_ANYWHERE)
        assert_int_equal(placement->at_frame, verdict->at);
}

static void check_file(void)
{
    uint64_t silent = 0;

    assert_int_equal(recording.frames, model.cells_count);
    assert_int_equal(file_frames, model.cells_count);
    for (size_t i = 0; i < model.cells_count; i++) {
        silent += model.cells[i].silence;
        assert_int_equal(file[i], model.cells[i].value);
    }
    assert_int_equal(recording.gap_frames, silent);
    assert_int_equal(recording.fragments, model.fragments);
    assert_int_equal(recording.duplicates, model.duplicates);
    assert_int_equal(recording.rejected, model.rejected);
    assert_int_equal(recording.rewrites, model.rewrites);
}

static void check_gaps(void)
{
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;
    size_t at = 0;

    while (reel_recording_next_gap(&recording, &cursor, &gap)) {
        for (; at < gap.from_frame; at++)
            assert_false(model.cells[at].silence);
        for (; at < gap.from_frame + gap.frames; at++)
            assert_true(model.cells[at].silence);
    }
    for (; at < model.cells_count; at++)
        assert_false(model.cells[at].silence);
}

static void check_missing(int epoch, struct reel_epoch list)
{
    struct reel_range_cursor seqs = {.epoch = list}, frames = {.epoch = list};
    struct reel_range range;
    size_t owed = 0, silent = 0;

    while (reel_epoch_next_missing(&recording, &seqs, &range)) {
        for (uint64_t seq = range.first; seq < range.end; seq++, owed++)
            assert_non_null(model_entry(model.owed, model.owed_count, epoch, seq));
    }
    for (size_t i = 0; i < model.owed_count; i++)
        owed -= model.owed[i].epoch == epoch;
    assert_int_equal(owed, 0);
    while (reel_epoch_next_missing_frames(&recording, &frames, &range)) {
        for (uint64_t frame = range.first; frame < range.end; frame++, silent++) {
            const struct cell *cell = model_cell(&model, epoch, frame);

            assert_true(cell && cell->silence);
        }
    }
    for (size_t i = 0; i < model.cells_count; i++)
        silent -=
            model.cells[i].epoch == epoch && model.cells[i].silence && model.cells[i].has_frame;
    assert_int_equal(silent, 0);
}

static void check_lost(int epoch, struct reel_epoch list)
{
    struct reel_range_cursor cursor = {.epoch = list};
    struct reel_range range;

    for (size_t i = 0; i < model.lost_count; i++) {
        if (model.lost[i].epoch != epoch)
            continue;
        assert_true(reel_epoch_next_lost(&recording, &cursor, &range));
        assert_int_equal(range.first, model.lost[i].first);
        assert_int_equal(range.end, model.lost[i].end);
    }
    assert_false(reel_epoch_next_lost(&recording, &cursor, &range));
}

static void check_epoch(const struct reel_boot *boot)
{
    int epoch = model_newest_of(&model, boot);
    struct reel_epoch list = reel_recording_epoch(&recording, boot);
    const struct model_epoch *state = &model.epochs[epoch >= 0 ? epoch : 0];
    uint64_t next = 0;

    assert_int_equal(list.first == list.end, epoch < 0);
    if (epoch < 0)
        return;
    assert_int_equal(reel_epoch_next_seq(&recording, list, &next), state->has_seq);
    assert_true(!state->has_seq || next == state->next_seq);
    assert_int_equal(reel_epoch_next_frame(&recording, list, &next), state->has_frame);
    assert_true(!state->has_frame || next == state->next_frame);
    check_missing(epoch, list);
    check_lost(epoch, list);
    if (epoch != model.epochs_count - 1)
        return;
    assert_string_equal(recording.boot.text, state->boot.text);
    assert_int_equal(recording.has_next_seq, state->has_seq);
    assert_true(!state->has_seq || recording.next_seq == state->next_seq);
}

/* --- histories --- */

static void print_step(int history, int step, const struct sent *sent, enum reel_place_row row,
                       unsigned rows)
{
    const struct reel_numbers *numbers = &sent->numbers;

    print_error(
        "history %d step %d: boot '%s' seq %lld frame %lld frames %u run %d: row %d of %x\n",
        history, step, numbers->boot.text, numbers->has_seq ? (long long)numbers->seq : -1LL,
        numbers->has_frame ? (long long)numbers->frame : -1LL, numbers->frames, sent->run, (int)row,
        rows);
}

static void history_step(int history, int step, unsigned rows_seen[])
{
    struct sent sent = plans_next(&plans);
    struct verdict verdict = model_judge(&model, &sent);
    struct reel_placement placement = sink_place(&sent);

    if (!(verdict.rows & ROW(placement.row)) || getenv("PLACE_MODEL_TRACE"))
        print_step(history, step, &sent, placement.row, verdict.rows);
    assert_true(verdict.rows & ROW(placement.row));
    rows_seen[placement.row]++;
    if (placement.row == REEL_PLACE_EARLIER && plans_chance(&plans, 50))
        return; /* that recording has taken it */
    if (placement.row == REEL_PLACE_EARLIER) {
        reel_place_late(&recording, &sent.numbers, &placement);
        verdict = model_judge_late(&model, &sent);
        assert_int_equal(verdict.rows, ROW(placement.row));
    }
    verdict = model_if(&model, &sent, verdict, placement.row);
    check_placement(&placement, &verdict, &sent);
    sink_take(&sent, &placement);
    model_apply(&model, &sent, placement.row, &verdict);
    check_file();
    check_gaps();
    check_epoch(&sent.numbers.boot);
    if (plans_chance(&plans, 10))
        save_and_load(&saved, &recording);
}

/* Every third is an earlier recording's, which has taken the first run's fragments up to here. */
static void history_go_on(uint64_t seed)
{
    struct reel_numbers next;
    int taken = 5 + (int)plans_drawn(&plans, 30);

    if (seed % 3 != 0)
        return;
    plans_advance(&plans, taken);
    next = plans_fragment(&plans, 0, plans.runs[0].next).numbers;
    next.has_seq = plans.runs[0].has_seq;
    next.has_frame = plans.runs[0].has_frame;
    next.seq = (uint64_t)taken;
    next.frame = plans.runs[0].starts[taken];
    reel_recording_begin_at(&recording, &next);
    model.begin = (struct model_epoch){
        .boot = next.boot,
        .continued = next.has_seq || next.has_frame,
        .has_seq = next.has_seq,
        .has_frame = next.has_frame,
        .next_seq = next.seq,
        .next_frame = next.frame,
        .first_seq = next.seq,
        .first_frame = next.frame,
    };
}

static void history_begin(uint64_t seed)
{
    memset(&model, 0, sizeof model);
    model.stretch = -1;
    file_frames = 0;
    reel_recording_init(&recording, "mic", "s", &format, 0);
    plans_init(&plans, seed);
    history_go_on(seed);
}

static void history_finish(void)
{
    reel_recording_finish(&recording);
    saved_finish(&saved);
}

#endif
