/* A recording saved and loaded as a store does it: only what the dirty marks name is written, and
 * only what a catalog keeps is read back. */
#ifndef TESTS_UNIT_PLACE_SAVED_H
#define TESTS_UNIT_PLACE_SAVED_H

#include <stdlib.h>
#include <string.h>

#include "core/recording.h"

struct saved_runs {
    struct reel_run *rows;
    size_t count;
};

/* `summary` holds what stands in the recording itself; its pointers are not used. */
struct saved {
    struct reel_recording summary;
    struct reel_stretch *heads;
    struct saved_runs *runs;
    size_t count;
};

static void saved_cut(struct saved *saved, size_t count)
{
    for (size_t i = count; i < saved->count; i++)
        free(saved->runs[i].rows);
    if (count < saved->count)
        saved->count = count;
}

static void saved_finish(struct saved *saved)
{
    saved_cut(saved, 0);
    free(saved->heads);
    free(saved->runs);
    *saved = (struct saved){0};
}

static void save_runs(struct saved_runs *saved, struct reel_stretch *stretch)
{
    size_t from = stretch->runs_dirty_from;

    if (from >= stretch->runs_count)
        return;
    assert_true(from <= saved->count);
    saved->rows = reallocarray(saved->rows, stretch->runs_count, sizeof *saved->rows);
    assert_non_null(saved->rows);
    memcpy(&saved->rows[from], &stretch->runs[from],
           (stretch->runs_count - from) * sizeof *saved->rows);
    saved->count = stretch->runs_count;
    stretch->runs_dirty_from = stretch->runs_count;
}

static void save(struct saved *saved, struct reel_recording *recording)
{
    size_t count = recording->stretches_count;
    size_t from = recording->stretches_dirty_from;

    saved->summary = *recording;
    if (from < count) {
        assert_true(from <= saved->count);
        saved_cut(saved, count);
        saved->heads = reallocarray(saved->heads, count, sizeof *saved->heads);
        saved->runs = reallocarray(saved->runs, count, sizeof *saved->runs);
        assert_true(saved->heads && saved->runs);
        memcpy(&saved->heads[from], &recording->stretches[from],
               (count - from) * sizeof *saved->heads);
        for (size_t i = saved->count; i < count; i++)
            saved->runs[i] = (struct saved_runs){0};
        saved->count = count;
    }
    recording->stretches_dirty_from = count;
    for (size_t i = 0; i < count; i++)
        save_runs(&saved->runs[i], &recording->stretches[i]);
}

static void load_stretch(const struct reel_stretch *head, const struct saved_runs *runs,
                         struct reel_stretch *stretch)
{
    stretch->epoch = head->epoch;
    stretch->reason = head->reason;
    stretch->boot = head->boot;
    stretch->has_seq = head->has_seq;
    stretch->has_frame = head->has_frame;
    stretch->first_seq = head->first_seq;
    stretch->first_frame = head->first_frame;
    stretch->start_frames = head->start_frames;
    for (size_t i = 0; i < runs->count; i++) {
        struct reel_run *run = reel_stretch_add_run(stretch);

        assert_non_null(run);
        *run = runs->rows[i];
        stretch->frames += run->frames;
        stretch->seqs += run->seqs;
    }
    stretch->runs_dirty_from = stretch->runs_count;
}

/* Replace the recording by what was saved. */
static void load(const struct saved *saved, struct reel_recording *recording)
{
    struct reel_recording loaded = saved->summary;

    loaded.tags = NULL;
    loaded.stretches = NULL;
    loaded.stretches_count = 0;
    loaded.stretches_capacity = 0;
    for (size_t i = 0; i < saved->count; i++) {
        struct reel_stretch *stretch = reel_recording_add_stretch(&loaded);

        assert_non_null(stretch);
        load_stretch(&saved->heads[i], &saved->runs[i], stretch);
    }
    loaded.stretches_dirty_from = loaded.stretches_count;
    reel_recording_finish(recording);
    *recording = loaded;
}

static void assert_stretches_equal(const struct reel_stretch *a, const struct reel_stretch *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->reason, b->reason);
    assert_string_equal(a->boot.text, b->boot.text);
    assert_true(a->has_seq == b->has_seq && a->has_frame == b->has_frame);
    assert_int_equal(a->first_seq, b->first_seq);
    assert_int_equal(a->first_frame, b->first_frame);
    assert_int_equal(a->start_frames, b->start_frames);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->seqs, b->seqs);
    assert_int_equal(a->runs_count, b->runs_count);
    for (size_t i = 0; i < a->runs_count; i++) {
        assert_int_equal(a->runs[i].kind, b->runs[i].kind);
        assert_int_equal(a->runs[i].frames, b->runs[i].frames);
        assert_int_equal(a->runs[i].seqs, b->runs[i].seqs);
        assert_int_equal(a->runs[i].fragment_frames, b->runs[i].fragment_frames);
    }
}

/* Save, load, and go on with what was loaded, after a look whether anything was forgotten. */
static void save_and_load(struct saved *saved, struct reel_recording *recording)
{
    struct reel_recording loaded = {0};

    save(saved, recording);
    load(saved, &loaded);
    assert_int_equal(loaded.stretches_count, recording->stretches_count);
    for (size_t i = 0; i < loaded.stretches_count; i++)
        assert_stretches_equal(&loaded.stretches[i], &recording->stretches[i]);
    loaded.tags = recording->tags;
    recording->tags = NULL;
    reel_recording_finish(recording);
    *recording = loaded;
}

#endif
