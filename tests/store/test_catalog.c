/* The catalog: what is saved is loaded again, field by field, after any sequence of changes. */
#include "store/fixture.h"

#include <sys/wait.h>
#include <unistd.h>

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

    for (unsigned i = 0; i < 100; i++) {
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
        change_runs(chance,
                    &recording->stretches[chance_below(chance, recording->stretches_count)]);
    if (recording->stretches_count > 4)
        drop_last_stretch(recording);
    recording->frames += 160;
}

static void test_changes(void **state)
{
    struct reel_catalog *writer = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_catalog *reader = open_in(*state, REEL_CATALOG_READ);
    struct chance chance = {2};

    for (unsigned i = 0; i < 6; i++) {
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        snprintf(session, sizeof session, "s%u", i);
        chance_recording(&chance, "mic1", session, &recording);
        for (unsigned step = 0; step < 50; step++) {
            save(writer, &recording);
            assert_loads(reader, &recording);
            change(&chance, &recording);
        }
        reel_recording_finish(&recording);
    }
    reel_catalog_close(reader);
    reel_catalog_close(writer);
}

static void add(struct reel_catalog *catalog, const char *device, const char *session,
                enum reel_state state, const char *sha256, uint64_t *rowid_out)
{
    struct reel_format format = {16000, 1, 2, REEL_PCM};
    struct reel_recording recording;
    struct chance chance = {9};

    reel_recording_init(&recording, device, session, &format, 0);
    chance_stretch(&chance, &recording);
    recording.state = state;
    snprintf(recording.sha256, sizeof recording.sha256, "%s", sha256);
    save(catalog, &recording);
    if (rowid_out)
        *rowid_out = recording.rowid;
    reel_recording_finish(&recording);
}

/* Names in the order of their bytes, a shorter one first. */
static const char *const ordered[][2] = {{"A", "z"},   {"a", "1"},   {"a", "10"},  {"a", "2"},
                                         {"a-b", "1"}, {"a.b", "Z"}, {"a.b", "_"}, {"b", "1"}};
enum { ORDERED = 8 };

struct walk {
    struct reel_catalog *catalog;
    size_t seen;
    size_t step; /* 2 where every second one is open */
    size_t stop_at;
    bool complete; /* seal each while walking */
};

static enum reel_code see(struct reel_recording *recording, void *user, struct reel_error *err_out)
{
    struct walk *walk = user;
    size_t at = walk->seen * walk->step;
    enum reel_code code = REEL_OK;

    assert_true(at < ORDERED);
    assert_string_equal(recording->device, ordered[at][0]);
    assert_string_equal(recording->session, ordered[at][1]);
    assert_int_equal(recording->stretches_count, 1);
    assert_true(recording->stretches[0].runs_count > 0);
    if (walk->complete) {
        reel_recording_complete(recording, REEL_END_IDLE, 5);
        code = reel_catalog_save(walk->catalog, recording, err_out);
    }
    reel_recording_finish(recording);
    walk->seen++;
    if (walk->seen == walk->stop_at)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, NULL, "enough");
    return code;
}

static void test_each(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct walk all = {.catalog = catalog, .step = 1}, stopped = {.step = 1, .stop_at = 3};
    struct walk open = {.catalog = catalog, .step = 2, .complete = true}, again = {.step = 1};
    struct reel_error error;

    for (size_t i = ORDERED; i-- > 0;)
        add(catalog, ordered[i][0], ordered[i][1],
            i % 2 == 0 ? REEL_STATE_RECORDING : REEL_STATE_COMPLETE, "", NULL);
    assert_ok(reel_catalog_each(catalog, false, see, &all, err));
    assert_int_equal(all.seen, ORDERED);
    assert_int_equal(reel_catalog_each(catalog, false, see, &stopped, &error), REEL_E_TOO_LARGE);
    assert_int_equal(stopped.seen, 3);
    assert_string_equal(error.message, "enough");
    assert_ok(reel_catalog_begin(catalog, err));
    assert_ok(reel_catalog_each(catalog, true, see, &open, err));
    assert_int_equal(open.seen, ORDERED / 2);
    assert_ok(reel_catalog_each(catalog, true, see, &again, err));
    assert_int_equal(again.seen, 0);
    assert_ok(reel_catalog_commit(catalog, err));
    reel_catalog_close(catalog);
}

struct files {
    size_t seen;
    size_t open;
    size_t stop_at;
};

static bool see_file(const struct reel_catalog_file *file, void *user)
{
    struct files *files = user;
    bool known = false;

    for (size_t i = 0; i < ORDERED; i++) {
        if (strcmp(file->device, ordered[i][0]) != 0 || strcmp(file->session, ordered[i][1]) != 0)
            continue;
        known = true;
        assert_int_equal(file->open, i % 2 == 0);
    }
    assert_true(known);
    files->open += file->open;
    files->seen++;
    return files->seen != files->stop_at;
}

static void test_each_file(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct files all = {0}, stopped = {.stop_at = 3};

    for (size_t i = ORDERED; i-- > 0;)
        add(catalog, ordered[i][0], ordered[i][1],
            i % 2 == 0 ? REEL_STATE_RECORDING : REEL_STATE_COMPLETE, "", NULL);
    assert_ok(reel_catalog_each_file(catalog, see_file, &all, err));
    assert_int_equal(all.seen, ORDERED);
    assert_int_equal(all.open, (ORDERED + 1) / 2);
    assert_ok(reel_catalog_each_file(catalog, see_file, &stopped, err));
    assert_int_equal(stopped.seen, 3);
    reel_catalog_close(catalog);
}

static void test_counts(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    uint64_t all, open;

    assert_ok(reel_catalog_counts(catalog, &all, &open, err));
    assert_int_equal(all, 0);
    assert_int_equal(open, 0);
    add(catalog, "a", "1", REEL_STATE_RECORDING, "", NULL);
    add(catalog, "a", "2", REEL_STATE_RECORDING, "", NULL);
    add(catalog, "a", "3", REEL_STATE_COMPLETE, "", NULL);
    assert_ok(reel_catalog_counts(catalog, &all, &open, err));
    assert_int_equal(all, 3);
    assert_int_equal(open, 2);
    reel_catalog_close(catalog);
}

static const char sum[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static uint64_t next_unhashed(struct reel_catalog *catalog, uint64_t after_rowid)
{
    struct reel_recording recording;
    uint64_t rowid;

    assert_ok(reel_catalog_next_unhashed(catalog, after_rowid, &recording, err));
    rowid = recording.rowid;
    assert_int_equal(recording.stretches_count, 1);
    reel_recording_finish(&recording);
    return rowid;
}

static void test_next_unhashed(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_recording recording;
    uint64_t first, second;
    struct reel_error error;

    add(catalog, "z", "growing", REEL_STATE_RECORDING, "", NULL);
    add(catalog, "z", "1", REEL_STATE_COMPLETE, "", &first);
    add(catalog, "m", "made", REEL_STATE_COMPLETE, sum, NULL);
    add(catalog, "a", "2", REEL_STATE_COMPLETE, "", &second);
    assert_int_equal(next_unhashed(catalog, 0), first);
    assert_int_equal(next_unhashed(catalog, first), second);
    assert_int_equal(reel_catalog_next_unhashed(catalog, second, &recording, &error),
                     REEL_E_NOT_FOUND);
    assert_ok(reel_catalog_load(catalog, "z", "1", &recording, err));
    strcpy(recording.sha256, sum);
    save(catalog, &recording);
    reel_recording_finish(&recording);
    assert_int_equal(next_unhashed(catalog, 0), second);
    reel_catalog_close(catalog);
}

static void test_remove(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_recording recording;
    struct reel_error error;
    uint64_t rowid, all, open;

    add(catalog, "a", "1", REEL_STATE_COMPLETE, sum, &rowid);
    add(catalog, "a", "2", REEL_STATE_COMPLETE, sum, NULL);
    assert_ok(reel_catalog_begin(catalog, err));
    assert_ok(reel_catalog_remove(catalog, rowid, err));
    assert_ok(reel_catalog_commit(catalog, err));
    assert_int_equal(reel_catalog_load(catalog, "a", "1", &recording, &error), REEL_E_NOT_FOUND);
    assert_ok(reel_catalog_counts(catalog, &all, &open, err));
    assert_int_equal(all, 1);

    /* One of that name, on the same row, does not inherit stretches or runs. */
    chance_recording(&(struct chance){6}, "a", "1", &recording);
    save(catalog, &recording);
    assert_loads(catalog, &recording);
    reel_recording_finish(&recording);
    reel_catalog_close(catalog);
}

/* What was loaded and is saved as a new one is written whole, whatever its marks say. */
static void test_save_under_another_name(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_recording recording;

    add(catalog, "a", "1", REEL_STATE_COMPLETE, "", NULL);
    assert_ok(reel_catalog_load(catalog, "a", "1", &recording, err));
    strcpy(recording.session, "2");
    recording.rowid = 0;
    save(catalog, &recording);
    assert_loads(catalog, &recording);
    assert_int_equal(recording.stretches_count, 1);
    reel_recording_finish(&recording);
    reel_catalog_close(catalog);
}

/* A stretch without a run takes the place of one that had some. */
static void test_empty_stretch_replaces(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_recording recording;

    add(catalog, "a", "1", REEL_STATE_COMPLETE, "", NULL);
    assert_ok(reel_catalog_load(catalog, "a", "1", &recording, err));
    assert_true(recording.stretches[0].runs_count > 0);
    drop_last_stretch(&recording);
    assert_non_null(reel_recording_add_stretch(&recording));
    save(catalog, &recording);
    assert_loads(catalog, &recording);
    reel_recording_finish(&recording);
    reel_catalog_close(catalog);
}

/* A second recording of a name, and a row that is gone, contradict what the caller believes. */
static void test_contradictions(void **state)
{
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_format format = {16000, 1, 2, REEL_PCM};
    struct reel_recording recording;
    struct reel_error error;
    uint64_t rowid;

    add(catalog, "a", "1", REEL_STATE_RECORDING, "", &rowid);
    reel_recording_init(&recording, "a", "1", &format, 0);
    assert_int_equal(reel_catalog_save(catalog, &recording, &error), REEL_E_INTERNAL);
    assert_non_null(strstr(error.message, "UNIQUE")); /* SQLite's own words */
    assert_int_equal(recording.rowid, 0);
    recording.rowid = rowid + 1;
    assert_int_equal(reel_catalog_save(catalog, &recording, &error), REEL_E_INTERNAL);
    reel_recording_finish(&recording);
    reel_catalog_close(catalog);
}

static void assert_deliveries(struct reel_catalog *catalog, const struct reel_delivery *expected,
                              size_t count)
{
    struct reel_delivery *deliveries = NULL;
    size_t found = SIZE_MAX;

    assert_ok(reel_catalog_deliveries(catalog, &deliveries, &found, err));
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(deliveries[i].packet_id, expected[i].packet_id);
        assert_int_equal(deliveries[i].hash, expected[i].hash);
        assert_int_equal(deliveries[i].refused, expected[i].refused);
    }
    free(deliveries);
}

static void test_deliveries(void **state)
{
    static const struct reel_delivery batch[] = {{1, 0, false},
                                                 {65535, UINT64_MAX, true},
                                                 {258, 0x0102030405060708, false},
                                                 {1, 1ull << 63, true}};
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);

    assert_deliveries(catalog, NULL, 0);
    assert_ok(reel_catalog_add_deliveries(catalog, batch, 3, err));
    assert_deliveries(catalog, batch, 3);
    assert_ok(reel_catalog_add_deliveries(catalog, batch + 3, 1, err));
    reel_catalog_close(catalog);
    catalog = open_in(*state, REEL_CATALOG_WRITE);
    assert_deliveries(catalog, batch, 4);
    assert_ok(reel_catalog_add_deliveries(catalog, NULL, 0, err));
    assert_deliveries(catalog, batch, 4);
    assert_ok(reel_catalog_forget_deliveries(catalog, err));
    assert_deliveries(catalog, NULL, 0);
    reel_catalog_close(catalog);
}

/* The oldest batches go: those before the last so many, and those after which enough came. */
static void test_old_deliveries_go(void **state)
{
    struct reel_delivery *many = calloc(REEL_DELIVERIES_MAX, sizeof *many);
    struct reel_catalog *catalog = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_delivery *found = NULL;
    size_t count;

    assert_non_null(many);
    for (unsigned i = 0; i < REEL_DELIVERY_BATCHES_MAX + 5; i++) {
        many[i].hash = i;
        assert_ok(reel_catalog_add_deliveries(catalog, &many[i], 1, err));
    }
    assert_deliveries(catalog, many + 5, REEL_DELIVERY_BATCHES_MAX);
    assert_ok(reel_catalog_add_deliveries(catalog, many, REEL_DELIVERIES_MAX, err));
    assert_deliveries(catalog, many, REEL_DELIVERIES_MAX);
    assert_ok(reel_catalog_add_deliveries(catalog, many, 1, err));
    assert_ok(reel_catalog_deliveries(catalog, &found, &count, err));
    assert_int_equal(count, REEL_DELIVERIES_MAX);
    assert_int_equal(found[0].hash, 1);
    assert_int_equal(found[count - 1].hash, 0);
    free(found);
    free(many);
    reel_catalog_close(catalog);
}

/* A reader sees what is committed, at once, and nothing else. */
static void test_reader_sees_commits_only(void **state)
{
    struct reel_catalog *writer = open_in(*state, REEL_CATALOG_WRITE);
    struct reel_catalog *reader = open_in(*state, REEL_CATALOG_READ);
    struct reel_recording recording, loaded;
    struct reel_error error;

    chance_recording(&(struct chance){8}, "mic1", "s1", &recording);
    assert_ok(reel_catalog_begin(writer, err));
    assert_ok(reel_catalog_save(writer, &recording, err));
    assert_int_equal(reel_catalog_load(reader, "mic1", "s1", &loaded, &error), REEL_E_NOT_FOUND);
    assert_loads(writer, &recording);
    assert_ok(reel_catalog_commit(writer, err));
    assert_loads(reader, &recording);
    reel_recording_finish(&recording);
    reel_catalog_close(reader);
    reel_catalog_close(writer);
}

/* Grow one recording commit by commit, its length always the sum of its stretches'. */
static void grow(const char *folder)
{
    struct reel_catalog *catalog = open_in(folder, REEL_CATALOG_WRITE);
    struct reel_format format = {16000, 1, 2, REEL_PCM};
    struct reel_recording recording;
    struct chance chance = {10};

    reel_recording_init(&recording, "mic1", "s1", &format, 0);
    for (unsigned i = 0; i < 150; i++) {
        chance_stretch(&chance, &recording);
        save(catalog, &recording);
    }
    _exit(0);
}

/* What is loaded is of one commit, though several statements read it. */
static void test_load_while_it_grows(void **state)
{
    struct reel_catalog *reader;
    size_t seen = 0;
    pid_t child;
    int status;

    reel_catalog_close(open_in(*state, REEL_CATALOG_WRITE));
    child = fork();
    if (child == 0)
        grow(*state);
    reader = open_in(*state, REEL_CATALOG_READ);
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct reel_recording recording;
        struct reel_error error;
        uint64_t frames = 0;

        if (reel_catalog_load(reader, "mic1", "s1", &recording, &error) != REEL_OK) {
            assert_int_equal(error.code, REEL_E_NOT_FOUND); /* not begun */
            continue;
        }
        for (size_t i = 0; i < recording.stretches_count; i++)
            frames += recording.stretches[i].frames;
        assert_int_equal(recording.frames, frames);
        assert_true(recording.stretches_count >= seen);
        seen = recording.stretches_count;
        reel_recording_finish(&recording);
    }
    assert_int_equal(status, 0);
    assert_true(seen > 0);
    reel_catalog_close(reader);
}

int main(void)
{
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FOLDER(test_round_trip),
        FOLDER(test_changes),
        FOLDER(test_each),
        FOLDER(test_each_file),
        FOLDER(test_counts),
        FOLDER(test_next_unhashed),
        FOLDER(test_remove),
        FOLDER(test_save_under_another_name),
        FOLDER(test_empty_stretch_replaces),
        FOLDER(test_contradictions),
        FOLDER(test_deliveries),
        FOLDER(test_old_deliveries_go),
        FOLDER(test_reader_sees_commits_only),
        FOLDER(test_load_while_it_grows),
    };

    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
