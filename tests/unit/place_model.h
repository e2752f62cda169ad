/* The protocol's table "Where a fragment goes", written down a second time, slow and plain: one
 * cell for each frame of the file, one entry for each fragment and each number that is owed. It
 * shares no code with src/core. What core/place.h leaves to the run list (whether a number that
 * contradicts its frame, or a size in a stretch that counts in frames, is still known) the model
 * leaves open: then it allows more than one row and follows the one that was taken. */
#ifndef TESTS_UNIT_PLACE_MODEL_H
#define TESTS_UNIT_PLACE_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/place.h"

enum { MODEL_CELLS = 8192, MODEL_ENTRIES = 2048, MODEL_EPOCHS = 128, MODEL_DATA = 16 };
enum { MODEL_LIMIT = 60 }; /* frames of the greatest gap */

/* A fragment as a recorder sends it. `run` names the run of the recorder whose plan it keeps to;
 * -1 for one that keeps to none. */
struct sent {
    struct reel_numbers numbers;
    uint8_t data[MODEL_DATA];
    int run;
};

struct cell {
    bool silence;
    uint8_t value;
    int epoch;
    int stretch;
    bool has_frame;
    uint64_t frame;
    int gap; /* of silence: cells of one gap have one number */
};

/* A number of an epoch: stored (frames at a place), or owed by the gap whose part begins at `at`.
 */
struct entry {
    int epoch;
    int stretch;
    uint64_t seq;
    size_t at;
    uint32_t frames;
};

struct skipped {
    int epoch;
    uint64_t first;
    uint64_t end;
};

struct model_epoch {
    struct reel_boot boot;
    int run;      /* the recorder's run that it holds */
    bool muddled; /* took something that kept to no plan, or other kinds of number: from then on
                     numbers that keep to the plan may contradict what is stored */
    bool has_seq, has_frame;
    uint64_t next_seq, next_frame;
    bool continued; /* goes on from an earlier recording's numbers; these are below: */
    uint64_t first_seq, first_frame;
};

struct model {
    struct cell cells[MODEL_CELLS];
    size_t cells_count;
    struct entry stored[MODEL_ENTRIES];
    size_t stored_count;
    struct entry owed[MODEL_ENTRIES];
    size_t owed_count;
    struct skipped lost[MODEL_ENTRIES];
    size_t lost_count;
    struct model_epoch epochs[MODEL_EPOCHS];
    int epochs_count;
    struct model_epoch begin; /* what the first is placed against, if it is that boot's */
    int stretch;              /* the last one's number, -1 before the first; and what it holds: */
    bool stretch_seq, stretch_frame;
    unsigned sized; /* fragments with audio */
    uint32_t size;  /* of the last of them */
    bool one_size;
    int gaps_count;
    uint32_t gap_sizes[MODEL_ENTRIES]; /* of an inferred gap; else 0 */
    enum reel_candidate_kind candidate_kind;
    struct sent candidate;
    uint64_t gap_frames, fragments, duplicates, rejected, rewrites;
};

#define ROW(row)       (1u << (row))
#define MODEL_ANYWHERE UINT64_MAX

struct verdict {
    unsigned rows; /* the rows allowed */
    uint64_t fill, gap_seqs, at;
    bool inferred, new_stretch, take;
    enum reel_stretch_reason reason;
};

static int model_newest_of(const struct model *model, const struct reel_boot *boot)
{
    for (int e = model->epochs_count - 1; e >= 0; e--) {
        if (strcmp(model->epochs[e].boot.text, boot->text) == 0)
            return e;
    }
    return -1;
}

static struct cell *model_cell(struct model *model, int epoch, uint64_t frame)
{
    for (size_t i = model->cells_count; i > 0; i--) {
        struct cell *cell = &model->cells[i - 1];

        if (cell->epoch == epoch && cell->has_frame && cell->frame == frame)
            return cell;
    }
    return NULL;
}

static struct entry *model_entry(struct entry *entries, size_t count, int epoch, uint64_t seq)
{
    for (size_t i = count; i > 0; i--) {
        if (entries[i - 1].epoch == epoch && entries[i - 1].seq == seq)
            return &entries[i - 1];
    }
    return NULL;
}

static bool model_is_lost(const struct model *model, int epoch, uint64_t seq)
{
    for (size_t i = 0; i < model->lost_count; i++) {
        if (model->lost[i].epoch == epoch && seq >= model->lost[i].first &&
            seq < model->lost[i].end)
            return true;
    }
    return false;
}

static bool model_same_silence(const struct model *model, size_t a, size_t b)
{
    return a < model->cells_count && b < model->cells_count && model->cells[a].silence &&
           model->cells[b].silence && model->cells[a].gap == model->cells[b].gap;
}

static size_t model_part_start(const struct model *model, size_t at)
{
    while (at > 0 && model_same_silence(model, at - 1, at))
        at--;
    return at;
}

static bool model_follows(const struct reel_numbers *a, const struct reel_numbers *b)
{
    return a->has_seq == b->has_seq && a->has_frame == b->has_frame &&
           strcmp(a->boot.text, b->boot.text) == 0 && (a->has_seq || a->has_frame) &&
           (!a->has_seq || b->seq == a->seq + 1) &&
           (!a->has_frame || b->frame == a->frame + a->frames) && (a->has_seq || a->frames > 0);
}

static bool model_goes_on(const struct model *model, const struct reel_numbers *numbers)
{
    return model->stretch >= 0 && model->stretch_seq == numbers->has_seq &&
           model->stretch_frame == numbers->has_frame;
}

static bool model_may_fill(const struct model *model, uint64_t frames)
{
    uint64_t audio = model->cells_count - model->gap_frames;

    return frames <= MODEL_LIMIT && model->gap_frames + frames <= audio + MODEL_LIMIT;
}

#endif
