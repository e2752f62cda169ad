/* Recovery of what a catalog has lost, and of catalogs that are not the store's. */
#include "store/scene.h"

#define WAV     "recordings/mic1/s1.wav"
#define SIDECAR "recordings/mic1/s1.json"

/* ---- rows that are not there ---- */

static void put_sidecar_aside(struct scene *scene)
{
    assert_int_equal(unlink(scene_path(scene, SIDECAR)), 0);
}

/* Run SQL over the closed store's catalog, as an administrator could. */
static void run_sql(struct scene *scene, const char *sql)
{
    char command[2 * PATH_BYTES];

    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"import sqlite3; c = sqlite3.connect('%s'); c.execute('PRAGMA "
             "foreign_keys=ON'); c.execute('%s'); c.commit()\"",
             scene_path(scene, "catalog.db"), sql);
    assert_int_equal(system(command), 0);
}

static void a_file_with_its_sidecar_is_indexed(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before;
    struct reel_recording after;

    record(scene, 3);
    complete(scene, scene_get(scene, "mic1", "s1"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    scene_open(scene);
    assert_int_equal(scene->report.recovered, 1);
    scene_load(scene, "mic1", "s1", &after);
    after.rowid = before.rowid;
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    assert_fragments(scene, 3);
}

static void a_long_file_alone_is_indexed_without_numbers(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording after;
    uint64_t id;

    publish_plain(scene, entry, 77, SCENE_BATCH_BYTES);
    complete(scene, entry);
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &after);
    id = after.id;
    reel_recording_finish(&after);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    put_sidecar_aside(scene);
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_true(after.id == id);
    assert_int_equal(after.started_us, SCENE_NOW_US);
    assert_int_equal(after.frames, 3 * FRAGMENT_FRAMES + SCENE_BATCH_BYTES);
    assert_int_equal(after.state, REEL_STATE_COMPLETE);
    assert_int_equal(after.stretches_count, 1);
    assert_false(after.stretches[0].has_seq);
    assert_true(path_exists(scene_path(scene, SIDECAR)));
    reel_recording_finish(&after);
    assert_fragments(scene, 3);
}

static void a_short_file_alone_goes_to_recovered(void **state)
{
    struct scene *scene = *state;

    record(scene, 3);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    put_sidecar_aside(scene);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 0);
    assert_int_equal(path_bytes(recovered_path(scene, "mic1", ".wav")),
                     reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
}

static void strays_are_put_aside_and_strangers_left_alone(void **state)
{
    struct scene *scene = *state;
    char junk[REEL_WAV_DATA_OFFSET + SCENE_BATCH_BYTES] = "no wav";

    record(scene, 1);
    scene_crash(scene);
    path_write_at(scene_path(scene, "recordings/mic1/a.wav"), 0, junk, sizeof junk);
    path_write_at(scene_path(scene, "recordings/mic1/b.json"), 0, "{}", 2);
    path_write_at(scene_path(scene, "recordings/mic1/.s1.json.tmp"), 0, "{", 1);
    path_write_at(scene_path(scene, "recordings/mic1/empty.wav"), 0, junk, 10);
    path_write_at(scene_path(scene, "recordings/mic1/notes.txt"), 0, "x", 1);
    path_write_at(scene_path(scene, "recordings/README"), 0, "x", 1);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.recovered, 2);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 1);
    assert_int_equal(recovered(scene, "mic1", ".json"), 1);
    assert_false(path_exists(scene_path(scene, "recordings/mic1/.s1.json.tmp")));
    assert_false(path_exists(scene_path(scene, "recordings/mic1/empty.wav")));
    assert_true(path_exists(scene_path(scene, "recordings/mic1/notes.txt")));
    assert_true(path_exists(scene_path(scene, "recordings/README")));
    scene_restart(scene);
    assert_int_equal(scene->report.recovered, 0);
}

/* A device's folder on another disk that is not there must not pass for an empty one. */
static void a_folder_may_be_a_link_but_not_a_dead_one(void **state)
{
    struct scene *scene = *state;
    struct reel_store *store = NULL;

    record(scene, 2);
    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "recordings/mic1"), scene_path(scene, "disk")), 0);
    assert_int_equal(symlink("../disk", scene_path(scene, "recordings/mic1")), 0);
    scene_open(scene);
    assert_fragments(scene, 2);
    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "disk"), scene_path(scene, "away")), 0);
    assert_int_equal(reel_store_open(&scene->config, scene->now_us, &store, NULL, NULL),
                     REEL_E_STALLED);
    assert_int_equal(rename(scene_path(scene, "away"), scene_path(scene, "disk")), 0);
    scene_open(scene);
    assert_fragments(scene, 2);
}

/* As where a disk is to be mounted. Nothing is given up; building the catalog anew is the way out.
 */
static void recordings_without_any_folder_are_not_given_up(void **state)
{
    struct scene *scene = *state;
    struct reel_store *store = NULL;
    struct reel_error error = {0};

    record(scene, 2);
    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "recordings"), scene_path(scene, "away")), 0);
    assert_int_equal(mkdir(scene_path(scene, "recordings"), 0755), 0);
    assert_int_equal(mkdir(scene_path(scene, "recordings/lost+found"), 0755), 0);
    path_write_at(scene_path(scene, "recordings/notes"), 0, "x", 1);
    assert_int_equal(reel_store_open(&scene->config, scene->now_us, &store, NULL, &error),
                     REEL_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "the catalog knows 1 recordings"));
    assert_non_null(strstr(error.message, "reeld --reindex"));
    assert_false(path_exists(scene_path(scene, "recovered")));
    assert_int_equal(rename(scene_path(scene, "recordings"), scene_path(scene, "under")), 0);
    assert_int_equal(rename(scene_path(scene, "away"), scene_path(scene, "recordings")), 0);
    scene_open(scene);
    assert_fragments(scene, 2);

    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "recordings"), scene_path(scene, "away")), 0);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 0);
}

/* ---- sidecars ---- */

static void a_missing_or_damaged_sidecar_is_written_anew(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 2);

    for (unsigned round = 0; round < 2; round++) {
        scene_crash(scene);
        put_sidecar_aside(scene);
        scene_open(scene);
        assert_true(path_exists(scene_path(scene, SIDECAR)));
        path_write_at(scene_path(scene, SIDECAR), 0, "xxxx", 4);
        scene_restart(scene);
        entry = scene_get(scene, "mic1", "s1");
        assert_fragments(scene, 2);
        complete(scene, entry); /* the second round: of a complete one */
        scene_commit(scene);
    }
}

/* The crash came between the commit and the sidecar, which still tells of an open recording. */
static void a_sidecar_older_than_its_file_is_looked_at(void **state)
{
    struct scene *scene = *state;
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct reel_entry *entry = record(scene, 2);
    size_t old_bytes;
    size_t new_bytes;
    uint8_t *old = path_read(scene_path(scene, SIDECAR), &old_bytes);
    uint8_t *new;

    complete(scene, entry);
    scene_commit(scene);
    scene_crash(scene);
    new = path_read(scene_path(scene, SIDECAR), &new_bytes);
    put_sidecar_aside(scene);
    path_write_at(scene_path(scene, SIDECAR), 0, old, old_bytes);
    assert_int_equal(utimensat(AT_FDCWD, scene_path(scene, SIDECAR), long_ago, 0), 0);
    free(old);
    scene_open(scene);
    old = path_read(scene_path(scene, SIDECAR), &old_bytes);
    assert_int_equal(old_bytes, new_bytes);
    assert_memory_equal(old, new, new_bytes);
    free(old);
    free(new);
}

/* ---- a catalog from yesterday, or of another store ---- */

static void copy_catalog(struct scene *scene, const char *from, const char *to)
{
    unlink(scene_path(scene, "%s-wal", to));
    unlink(scene_path(scene, "%s-shm", to));
    unlink(scene_path(scene, "%s", to));
    path_copy(scene_path(scene, "%s", from), scene_path(scene, "%s", to));
}

static void a_catalog_that_is_behind_is_brought_up_from_sidecars(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording before;
    struct reel_recording after;

    publish_seq(scene, scene_create(scene, "mic1", "old", &mono16), 0);
    scene_commit(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    copy_catalog(scene, "catalog.db", "yesterday");
    publish_seq(scene, entry, 3);
    publish_seq(scene, entry, 6);
    complete(scene, entry);
    publish_seq(scene, scene_create(scene, "mic1", "new", &mono16), 0);
    scene_commit(scene);
    complete(scene, scene_get(scene, "mic1", "old"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    scene_crash(scene);
    copy_catalog(scene, "yesterday", "catalog.db");

    scene_open(scene);
    assert_int_equal(scene->report.recordings, 3);
    assert_int_equal(scene->report.open, 1);
    scene_load(scene, "mic1", "s1", &after);
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 0);
}

/* The store's id file decides whose catalog it is. */
static void another_stores_catalog_is_put_aside(void **state)
{
    struct scene *scene = *state;
    void *other_state;
    struct scene *other;
    struct reel_recording before;
    struct reel_recording after;

    record(scene, 3);
    complete(scene, scene_get(scene, "mic1", "s1"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    set_up(&other_state);
    other = other_state;
    publish_seq(other, scene_create(other, "mic7", "theirs", &mono16), 0);
    scene_commit(other);
    assert_ok(reel_store_settle(other->store, other->now_us, err));
    scene_crash(scene);
    unlink(scene_path(scene, "catalog.db-wal"));
    unlink(scene_path(scene, "catalog.db-shm"));
    unlink(scene_path(scene, "catalog.db"));
    path_copy(scene_path(other, "catalog.db"), scene_path(scene, "catalog.db"));
    tear_down(&other_state);

    scene_open(scene);
    assert_int_equal(recovered(scene, "", ".db"), 1);
    assert_int_equal(scene->report.recordings, 1);
    scene_load(scene, "mic1", "s1", &after);
    after.rowid = before.rowid;
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    scene_restart(scene); /* the new one is this store's */
    assert_int_equal(recovered(scene, "", ".db"), 1);
}

static void a_damaged_catalog_is_built_anew(void **state)
{
    struct scene *scene = *state;
    char junk[8192];

    record(scene, 3);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    scene_crash(scene);
    memset(junk, 'x', sizeof junk);
    path_write_at(scene_path(scene, "catalog.db"), 0, junk, sizeof junk);
    scene_open(scene);
    assert_int_equal(recovered(scene, "", ".db"), 1);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.open, 1);
    assert_fragments(scene, 3);
}

/* Every page of it but the first, one after the other, and what is lost when it is cut off. */
static void a_catalog_damaged_further_in_is_built_anew(void **state)
{
    struct scene *scene = *state;
    uint64_t bytes;
    char junk[4096];

    memset(junk, 0xa5, sizeof junk);
    record(scene, 3);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    bytes = path_bytes(scene_path(scene, "catalog.db"));
    for (uint64_t at = sizeof junk; at < bytes; at += sizeof junk) {
        scene_crash(scene);
        path_write_at(scene_path(scene, "catalog.db"), at, junk, sizeof junk);
        scene->config.catalog_suspect = true;
        scene_open(scene);
        assert_int_equal(scene->report.recordings, 1);
        assert_fragments(scene, 3);
        scene->config.catalog_suspect = false;
        assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    }
    scene_crash(scene);
    assert_int_equal(truncate(scene_path(scene, "catalog.db"), (off_t)bytes / 2), 0);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_fragments(scene, 3);
}

static void quarantine_goes_aside_with_its_catalog(void **state)
{
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "t",
                                       .device = "",
                                       .session = "",
                                       .bytes = 3,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    uint64_t id;

    assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
    scene_commit(scene);
    scene_crash(scene);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    assert_true(path_bytes(recovered_path(scene, "", "quarantine-")) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_file_with_its_sidecar_is_indexed),
        TEST(a_long_file_alone_is_indexed_without_numbers),
        TEST(a_short_file_alone_goes_to_recovered),
        TEST(strays_are_put_aside_and_strangers_left_alone),
        TEST(a_folder_may_be_a_link_but_not_a_dead_one),
        TEST(recordings_without_any_folder_are_not_given_up),
        TEST(a_missing_or_damaged_sidecar_is_written_anew),
        TEST(a_sidecar_older_than_its_file_is_looked_at),
        TEST(a_catalog_that_is_behind_is_brought_up_from_sidecars),
        TEST(another_stores_catalog_is_put_aside),
        TEST(a_damaged_catalog_is_built_anew),
        TEST(a_catalog_damaged_further_in_is_built_anew),
        TEST(quarantine_goes_aside_with_its_catalog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
