/* The catalog: what is saved is loaded again, field by field, after any sequence of changes. */
#include "store/fixture.h"

#include "store/catalog.h"

static struct reel_catalog *open_in(const char *folder, enum reel_catalog_mode mode)
{
    struct reel_catalog *catalog = NULL;
    char path[PATH_BYTES];

    assert_ok(reel_catalog_open(path_in(folder, "catalog.db", path), mode, &catalog, err));
    return catalog;
}

static void save(struct reel_catalog *catalog, struct reel_recording *recording)
{
    assert_ok(reel_catalog_begin(catalog, err));
    assert_ok(reel_catalog_save(catalog, recording, err));
    assert_ok(reel_catalog_commit(catalog, err));
}

static void assert_clean(const struct reel_recording *recording)
{
    assert_int_equal(recording->stretches_dirty_from, recording->stretches_count);
    for (size_t i = 0; i < recording->stretches_count; i++)
        assert_int_equal(recording->stretches[i].runs_dirty_from,
                         recording->stretches[i].runs_count);
}

/* The row, read through another connection, is as the struct. */
static void assert_loads(struct reel_catalog *reader, const struct reel_recording *expected)
{
    struct reel_recording loaded;

    assert_ok(reel_catalog_load(reader, expected->device, expected->session, &loaded, err));
    assert_same_recording(&loaded, expected);
    assert_clean(&loaded);
    reel_recording_finish(&loaded);
}

static void test_round_trip(void **state)
{
    struct reel_catalog *writer = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_catalog *reader = open_in(*state, REEL_CATALOG_READ);
    struct chance chance = {1};

    for (unsigned i = 0; i < 300; i++) {
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        snprintf(session, sizeof session, "s%u", i);
        chance_recording(&chance, "mic1", session, &recording);
        save(writer, &recording);
        assert_true(recording.rowid > 0);
        assert_clean(&recording);
        assert_loads(reader, &recording);
        reel_recording_finish(&recording);
    }
    reel_catalog_close(reader);
    reel_catalog_close(writer);
}

/* Change the run list as core does: append, alter one, cut short, each with its mark. */
static void change_runs(struct chance *chance, struct reel_stretch *stretch)
{
    size_t at;

    switch (stretch->runs_count < 2 ? 0 : chance_below(chance, 3)) {
    case 0:
        chance_run(chance, stretch);
        return;
    case 1:
        at = chance_below(chance, stretch->runs_count);
        stretch->runs[at].frames += 160;
        stretch->frames += 160;
        break;
    default: /* two become one */
        at = stretch->runs_count - 2;
        stretch->runs[at].frames += stretch->runs[at + 1].frames;
        stretch->runs[at].seqs += stretch->runs[at + 1].seqs;
        stretch->runs_count--;
        break;
    }
    if (stretch->runs_dirty_from > at)
        stretch->runs_dirty_from = at;
}

static void drop_last_stretch(struct reel_recording *recording)
{
    struct reel_stretch *last = &recording->stretches[--recording->stretches_count];

    free(last->runs);
    memset(last, 0, sizeof *last);
    recording->stretches[0].reason = REEL_STRETCH_UNKNOWN;
    recording->stretches_dirty_from = 0;
}

static void change(struct chance *chance, struct reel_recording *recording)
{
    if (chance_bool(chance))
        chance_summary(chance, recording);
    if (chance_below(chance, 4) == 0)
        chance_stretch(chance, recording);
    if (recording->stretches_count > 0)
        change_runs(chance, &recording->stretches[chance_below(chance,
                                                               recording->stretches_count)]);
    if (recording->stretches_count > 4)
        drop_last_stretch(recording);
    recording->frames += 160;
}

static void test_changes(void **state)
{
    struct reel_catalog *writer = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_catalog *reader = open_in(*state, REEL_CATALOG_READ);
    struct chance chance = {2};

    for (unsigned i = 0; i < 10; i++) {
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        snprintf(session, sizeof session, "s%u", i);
        chance_recording(&chance, "mic1", session, &recording);
        for (unsigned step = 0; step < 60; step++) {
            save(writer, &recording);
            assert_loads(reader, &recording);
            change(&chance, &recording);
        }
        reel_recording_finish(&recording);
    }
    reel_catalog_close(reader);
    reel_catalog_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_changes, make_folder, remove_folder),
    };

    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
