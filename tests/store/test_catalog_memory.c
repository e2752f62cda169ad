/* Memory that runs out in the catalog: each allocation fails once, SQLite's too, and fails with all
 * after it. A commit that was called good is there afterwards; after one that was not, what is
 * there is what was before or after it. Nothing leaks (the sanitizers see to that). */
#include "unit/memory.h"

#include "store/fixture.h"

#include "store/catalog.h"

static const char *folder;
static unsigned good, bad; /* outcomes with an allocation that failed */

static enum reel_code open_catalog(enum reel_catalog_mode mode, struct reel_catalog **catalog_out)
{
    char path[PATH_BYTES];
    struct reel_error err;

    return reel_catalog_open(path_in(folder, "catalog.db", path), mode, catalog_out, &err);
}

/* What the catalog holds of the recording, read by a fresh connection. */
static enum reel_code load(struct reel_recording *out)
{
    struct reel_catalog *reader = NULL;
    struct reel_error err;
    enum reel_code code;

    assert_int_equal(open_catalog(REEL_CATALOG_READ, &reader), REEL_OK);
    code = reel_catalog_load(reader, "mic1", "s1", out, &err);
    assert_true(code == REEL_OK || code == REEL_E_NOT_FOUND);
    reel_catalog_close(reader);
    return code;
}

static void note_outcome(enum reel_code code)
{
    assert_true(code == REEL_OK || memory_failed);
    if (code != REEL_OK)
        assert_true(code == REEL_E_STALLED || code == REEL_E_INTERNAL);
    good += memory_failed && code == REEL_OK;
    bad += memory_failed && code != REEL_OK;
}

static enum reel_code store(struct reel_catalog *catalog, struct reel_recording *recording)
{
    const struct reel_delivery delivery = {0};
    struct reel_error err;
    enum reel_code code = reel_catalog_begin(catalog, &err);

    if (code == REEL_OK)
        code = reel_catalog_save(catalog, recording, &err);
    if (code == REEL_OK)
        code = reel_catalog_add_deliveries(catalog, &delivery, 1, &err);
    if (code == REEL_OK)
        code = reel_catalog_commit(catalog, &err);
    else
        reel_catalog_rollback(catalog);
    return code;
}

/* One more state of the recording: its summary and one more stretch. */
static void change(struct reel_recording *recording)
{
    static struct chance chance = {7};
    uint64_t frames = recording->frames;

    chance_summary(&chance, recording);
    if (recording->stretches_count < 5)
        chance_stretch(&chance, recording);
    recording->frames = frames + 1; /* tells one state from the next */
}

/* Open, change, commit, each with the failure somewhere in it. */
static void save_once(const void *argument)
{
    long left = memory_left;
    struct reel_catalog *catalog = NULL;
    struct reel_recording before, after;
    enum reel_code code, had;

    (void)argument;
    memory_end();
    had = load(&before);
    if (had == REEL_OK)
        assert_int_equal(load(&after), REEL_OK);
    else
        chance_recording(&(struct chance){3}, "mic1", "s1", &after);
    change(&after);
    assert_int_equal(open_catalog(REEL_CATALOG_WRITE, &catalog), REEL_OK);
    memory_begin(left, memory_stays_out);
    code = store(catalog, &after);
    memory_end();
    note_outcome(code);
    reel_catalog_close(catalog);

    struct reel_recording now;
    enum reel_code has = load(&now);
    bool committed = has == REEL_OK && (had != REEL_OK || now.frames != before.frames);

    if (code == REEL_OK)
        assert_true(committed);
    if (committed) {
        after.rowid = now.rowid;
        assert_same_recording(&now, &after);
    } else if (had == REEL_OK) {
        assert_int_equal(has, REEL_OK);
        assert_same_recording(&now, &before);
    }
    if (has == REEL_OK)
        reel_recording_finish(&now);
    if (had == REEL_OK)
        reel_recording_finish(&before);
    reel_recording_finish(&after);
}

static void open_once(const void *argument)
{
    struct reel_catalog *catalog = NULL;
    enum reel_code code = open_catalog(REEL_CATALOG_WRITE, &catalog);
    struct reel_recording recording;
    struct reel_error err;

    (void)argument;
    if (code == REEL_OK)
        code = reel_catalog_checkpoint(catalog, &err);
    if (code == REEL_OK)
        code = reel_catalog_load(catalog, "mic1", "s1", &recording, &err);
    memory_end();
    note_outcome(code);
    if (code == REEL_OK) {
        assert_true(recording.rowid > 0 && recording.stretches_count > 0);
        reel_recording_finish(&recording);
    }
    reel_catalog_close(catalog);
}

/* However the reading went, what comes next begins anew: a rollback that had no memory is made up
 * for. */
static void load_then_begin(const void *argument)
{
    struct reel_catalog *catalog = (struct reel_catalog *)(uintptr_t)argument;
    struct reel_recording recording;
    struct reel_error err;
    enum reel_code code = reel_catalog_load(catalog, "mic1", "s1", &recording, &err);

    memory_end();
    note_outcome(code);
    if (code == REEL_OK)
        reel_recording_finish(&recording);
    assert_int_equal(reel_catalog_begin(catalog, &err), REEL_OK);
    reel_catalog_rollback(catalog);
}

static bool count_row(const struct reel_recording *recording, void *user)
{
    assert_string_equal(recording->device, "mic1");
    ++*(unsigned *)user;
    return true;
}

static void list_once(const void *argument)
{
    struct reel_list_plan plan = {.limit = 10, .sort = REEL_SORT_NAME};
    struct reel_list_end end;
    struct reel_error err;
    unsigned rows = 0;
    enum reel_code code = reel_catalog_list((struct reel_catalog *)(uintptr_t)argument, &plan, NULL,
                                            count_row, &rows, &end, &err);

    memory_end();
    note_outcome(code);
    if (code == REEL_OK)
        assert_int_equal(rows, 1);
}

static void a_commit_called_good_is_there(void **state)
{
    folder = *state;
    good = bad = 0;
    struct reel_catalog *catalog = NULL;

    assert_int_equal(open_catalog(REEL_CATALOG_WRITE, &catalog), REEL_OK);
    reel_catalog_close(catalog);
    assert_in_range(memory_fails_each(save_once, NULL), 20, MEMORY_FAILURES_MAX);
    assert_true(bad > 20);
}

/* A writing catalog with one recording. */
static struct reel_catalog *catalog_of_one(void **state)
{
    struct reel_catalog *catalog = NULL;
    struct reel_recording recording;

    folder = *state;
    assert_int_equal(open_catalog(REEL_CATALOG_WRITE, &catalog), REEL_OK);
    chance_recording(&(struct chance){3}, "mic1", "s1", &recording);
    assert_int_equal(store(catalog, &recording), REEL_OK);
    reel_recording_finish(&recording);
    return catalog;
}

static void a_rollback_without_memory_is_made_up_for(void **state)
{
    struct reel_catalog *catalog = catalog_of_one(state);

    memory_fails_each(load_then_begin, catalog);
    reel_catalog_close(catalog);
}

static void a_catalog_opens_or_says_why_not(void **state)
{
    struct reel_catalog *catalog = catalog_of_one(state);

    reel_catalog_close(catalog);
    good = bad = 0;
    assert_in_range(memory_fails_each(open_once, NULL), 100, MEMORY_FAILURES_MAX);
    assert_true(bad > 100);

    assert_int_equal(open_catalog(REEL_CATALOG_READ, &catalog), REEL_OK);
    memory_fails_each(list_once, catalog);
    reel_catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_called_good_is_there, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_rollback_without_memory_is_made_up_for, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_catalog_opens_or_says_why_not, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
