/* A recording that goes through the catalog between any two fragments is placed into as one that
 * stays in memory: the answer is the same after a restart. */
#include "store/fixture.h"

#include "core/place.h"
#include "store/catalog.h"

static const struct reel_format format = {100, 1, 2, REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = 100, .max_gap_bytes = 1 << 20};

/* What the recorder would send next, were it one that repeats, skips, restarts and forgets. */
struct recorder {
    unsigned boot;
    uint64_t seq;
    uint64_t frame;
    bool has_seq;
    bool has_frame;
    uint32_t frames;
};

static void next_numbers(struct chance *chance, struct recorder *recorder, struct reel_numbers *out)
{
    uint64_t back = chance_below(chance, 20), skip = 0;

    if (chance_below(chance, 6) == 0)
        skip = chance_below(chance, 30);
    if (chance_below(chance, 60) == 0)
        skip = 1000000;
    if (chance_below(chance, 25) == 0)
        *recorder = (struct recorder){.boot = recorder->boot + 1,
                                      .has_seq = chance_bool(chance),
                                      .has_frame = chance_bool(chance),
                                      .frames = 10};
    if (chance_below(chance, 20) == 0)
        recorder->seq = recorder->frame = 0; /* restarted under its old name */
    if (chance_below(chance, 10) == 0)
        recorder->frames = 1 + (uint32_t)chance_below(chance, 20);
    recorder->seq += skip;
    recorder->frame += skip * 10;
    *out = (struct reel_numbers){.has_seq = recorder->has_seq,
                                 .has_frame = recorder->has_frame,
                                 .seq = recorder->seq,
                                 .frame = recorder->frame,
                                 .frames = recorder->frames};
    snprintf(out->boot.text, sizeof out->boot.text, "%u", recorder->boot);
    if (chance_below(chance, 4) == 0 && recorder->seq >= back && recorder->frame >= 10 * back) {
        out->seq -= back; /* a repeat, or what belongs into a gap */
        out->frame -= 10 * back;
        return;
    }
    recorder->seq++;
    recorder->frame += recorder->frames;
}

static void assert_same_placement(const struct reel_placement *a, const struct reel_placement *b)
{
    assert_int_equal(a->row, b->row);
    assert_int_equal(a->compare, b->compare);
    assert_int_equal(a->take_candidate, b->take_candidate);
    assert_int_equal(a->becomes_candidate, b->becomes_candidate);
    assert_int_equal(a->inferred, b->inferred);
    assert_int_equal(a->new_stretch, b->new_stretch);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->fill_frames, b->fill_frames);
    assert_int_equal(a->gap_seqs, b->gap_seqs);
    assert_int_equal(a->skipped_frames, b->skipped_frames);
    assert_int_equal(a->at_frame, b->at_frame);
    assert_int_equal(a->stretch, b->stretch);
}

/* Place one fragment and carry it out, comparing or not finding the same. */
static void place(struct reel_recording *recording, const struct reel_numbers *numbers,
                  bool differs, uint64_t quarantine_id, struct reel_placement *out)
{
    *out = (struct reel_placement){0};
    reel_place(recording, numbers, &limits, out);
    if (out->compare && differs)
        reel_place_conflict(recording, numbers, out);
    assert_true(reel_place_apply(recording, numbers, out, quarantine_id));
}

static void through_catalog(struct reel_catalog *catalog, struct reel_recording *recording)
{
    char session[REEL_NAME_BYTES];

    strcpy(session, recording->session);
    assert_ok(reel_catalog_save(catalog, recording, err));
    reel_recording_finish(recording);
    assert_ok(reel_catalog_load(catalog, "mic1", session, recording, err));
}

/* Both go on from an earlier recording, which the recorder's first fragments went to. */
static void go_on(struct chance *chance, struct recorder *recorder, struct reel_recording *a,
                  struct reel_recording *b)
{
    struct reel_numbers next;

    for (unsigned i = 0; i < 20; i++)
        next_numbers(chance, recorder, &next);
    reel_recording_begin_at(a, &next);
    reel_recording_begin_at(b, &next);
}

static void check_history(struct reel_catalog *catalog, struct chance *chance, unsigned number,
                          unsigned rows_seen[REEL_PLACE_LATE + 1])
{
    struct recorder recorder = {
        .has_seq = chance_bool(chance), .has_frame = chance_bool(chance), .frames = 10};
    struct reel_recording kept, loaded;
    char session[REEL_NAME_BYTES];

    snprintf(session, sizeof session, "s%u", number);
    reel_recording_init(&kept, "mic1", session, &format, 0);
    reel_recording_init(&loaded, "mic1", session, &format, 0);
    if (number % 4 == 0)
        go_on(chance, &recorder, &kept, &loaded);
    for (unsigned i = 0; i < 150; i++) {
        struct reel_placement in_kept, in_loaded;
        struct reel_numbers numbers;
        bool differs;

        next_numbers(chance, &recorder, &numbers);
        numbers.seq = numbers.has_seq ? numbers.seq : 0;
        numbers.frame = numbers.has_frame ? numbers.frame : 0;
        differs = chance_below(chance, 5) == 0;
        place(&kept, &numbers, differs, i + 1, &in_kept);
        place(&loaded, &numbers, differs, i + 1, &in_loaded);
        assert_same_placement(&in_kept, &in_loaded);
        rows_seen[in_kept.row]++;
        if (kept.stretches_count > 0 && chance_bool(chance)) {
            through_catalog(catalog, &loaded);
            kept.rowid = loaded.rowid;
        }
        assert_same_recording(&kept, &loaded);
    }
    reel_recording_finish(&kept);
    reel_recording_finish(&loaded);
}

static struct reel_catalog *open_in(const char *folder)
{
    struct reel_catalog *catalog = NULL;
    char path[PATH_BYTES];

    assert_ok(
        reel_catalog_open(path_in(folder, "catalog.db", path), REEL_CATALOG_WRITE, &catalog, err));
    return catalog;
}

static void test_histories(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct chance chance = {5};
    unsigned rows_seen[REEL_PLACE_LATE + 1] = {0};

    assert_ok(reel_catalog_begin(catalog, err));
    for (unsigned i = 0; i < 60; i++)
        check_history(catalog, &chance, i, rows_seen);
    assert_ok(reel_catalog_commit(catalog, err));
    for (unsigned row = 0; row <= REEL_PLACE_LATE; row++)
        if (rows_seen[row] < 10)
            fail_msg("row %u of the table came %u times", row, rows_seen[row]);
    reel_catalog_close(catalog);
}

/* More stretches than are kept: the older half becomes one while the rows are those of before. */
static void test_past_the_bound(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_recording kept, loaded;

    reel_recording_init(&kept, "mic1", "s1", &format, 0);
    assert_ok(reel_catalog_begin(catalog, err));
    for (unsigned i = 0; i < REEL_STRETCHES_MAX + 10; i++) {
        struct reel_numbers numbers = {.has_seq = true, .frames = 10};
        struct reel_placement placement;

        snprintf(numbers.boot.text, sizeof numbers.boot.text, "boot%u", i);
        place(&kept, &numbers, false, 0, &placement);
        if (i % 64 == 0)
            assert_ok(reel_catalog_save(catalog, &kept, err));
    }
    assert_true(kept.stretches_count < REEL_STRETCHES_MAX);
    assert_ok(reel_catalog_save(catalog, &kept, err));
    assert_ok(reel_catalog_load(catalog, "mic1", "s1", &loaded, err));
    assert_same_recording(&kept, &loaded);
    reel_recording_finish(&kept);
    reel_recording_finish(&loaded);
    assert_ok(reel_catalog_commit(catalog, err));
    reel_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_histories, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_past_the_bound, make_folder, remove_folder),
    };

    return cmocka_run_group_tests_name("catalog_place", tests, NULL, NULL);
}
