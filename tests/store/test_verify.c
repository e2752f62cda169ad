/* Verification: nothing to say of a store that is well, also beside a sink that writes. */
#include "store/verify_told.h"

static void a_store_that_is_well(void **state)
{
    struct scene *scene = *state;
    struct told told = {0};

    assert_well(scene);
    verify(scene, true, &told);
    assert_int_equal(told.settled, 0);
    assert_int_equal(told.report.recordings, 4);
    assert_int_equal(told.report.open, 1);
    assert_int_equal(told.report.unhashed, 1);
    assert_int_equal(told.report.payloads, 2);
    assert_int_equal(told.report.put_aside, 0);
    assert_int_equal(told.report.hashed_bytes,
                     path_bytes(wav(scene, "mic1/done")) + path_bytes(wav(scene, "mic1/empty")));
    scene_restart(scene);
    assert_well(scene);
    scene_crash(scene); /* without a sink */
    assert_well(scene);
    scene_open(scene);
}

static void what_is_no_difference(void **state)
{
    struct scene *scene = *state;

    path_append(wav(scene, "mic2/open"), "not committed yet", 17);
    path_write_at(scene_path(scene, "recordings/mic1/notes.txt"), 0, "mine", 4);
    path_write_at(scene_path(scene, "recordings/mic1/.done.json.tmp"), 0, "{", 1);
    path_write_at(scene_path(scene, "recordings/readme"), 0, "mine", 4);
    path_write_at(scene_path(scene, "quarantine/notes.txt"), 0, "mine", 4);
    assert_well(scene);
}

static void an_empty_store(void **state)
{
    struct told told = {0};

    assert_well(*state);
    verify(*state, true, &told);
    assert_int_equal(told.report.recordings, 0);
}

static void no_store(void **state)
{
    struct scene *scene = *state;
    const struct reel_verify_watch watch = {.differs = on_differs, .put_aside = on_put_aside};
    struct reel_verify_report report;
    struct reel_error error;

    assert_int_equal(reel_verify_store(scene_path(scene, "none"), &watch, &report, &error),
                     REEL_E_STALLED);
    assert_int_equal(reel_verify_store(scene_path(scene, "quarantine"), &watch, &report, NULL),
                     REEL_E_STALLED);
}

static void what_was_put_aside_is_listed(void **state)
{
    struct scene *scene = *state;
    uint8_t *surplus = noise(&mono16, 1, SCENE_BATCH_BYTES);
    struct told told = {0};

    path_append(wav(scene, "mic2/open"), surplus, SCENE_BATCH_BYTES + 2);
    free(surplus);
    scene_restart(scene);
    verify(scene, false, &told);
    assert_int_equal(told.count, 0);
    assert_int_equal(told.put_aside, 1);
    assert_int_equal(told.report.put_aside, 1);
    assert_int_equal(strncmp(told.put_aside_file, "recovered/mic2/open-", 20), 0);
    assert_true(path_exists(scene_path(scene, "%s", told.put_aside_file)));
    assert_string_equal(told.put_aside_why, "frames past the end that the catalog knows");
}

/* What a start has put in order is told of until recovered/ is cleared. */
static void what_was_gone_at_the_start_is_listed(void **state)
{
    struct scene *scene = *state;
    struct told told = {0};

    scene_crash(scene);
    assert_int_equal(unlink(wav(scene, "mic1/done")), 0);
    assert_int_equal(unlink(scene_path(scene, "recordings/mic1/done.json")), 0);
    scene_open(scene);
    verify(scene, false, &told);
    assert_int_equal(told.count, 0);
    assert_int_equal(told.put_aside, 0);
    assert_int_equal(told.report.lost, 1);
    assert_int_equal(told.lost, 1);
    assert_string_equal(told.lost_file, "recordings/mic1/done.wav");
    assert_non_null(strstr(told.lost_why, "is gone"));
}

static void what_a_start_marked_as_missing_is_listed(void **state)
{
    struct scene *scene = *state;
    struct told told = {0};

    scene_crash(scene);
    assert_int_equal(truncate(wav(scene, "mic1/done"), 512 + 2), 0);
    scene_open(scene);
    verify(scene, false, &told);
    assert_int_equal(told.lost, 1);
    assert_string_equal(told.lost_file, "recordings/mic1/done.wav");
    assert_non_null(strstr(told.lost_why, "marked as missing"));
}

/* One that leads nowhere, in the place of a sidecar; the folder in the file's is no file. */
static void a_link_that_was_put_aside_is_listed(void **state)
{
    struct scene *scene = *state;
    struct told told = {0};

    assert_int_equal(unlink(wav(scene, "mic2/open")), 0);
    assert_int_equal(mkdir(wav(scene, "mic2/open"), 0755), 0);
    assert_int_equal(unlink(scene_path(scene, "recordings/mic2/open.json")), 0);
    assert_int_equal(symlink("nowhere", scene_path(scene, "recordings/mic2/open.json")), 0);
    scene_restart(scene);
    verify(scene, false, &told);
    assert_int_equal(told.put_aside, 1);
    assert_int_equal(told.report.put_aside, 1);
    assert_int_equal(strncmp(told.put_aside_file, "recovered/mic2/open-", 20), 0);
    assert_non_null(strstr(told.put_aside_file, ".json"));
}

static void put_back(struct scene *scene)
{
    assert_int_equal(rename(scene_path(scene, "away"), wav(scene, "mic1/done")), 0);
}

static void what_is_well_at_the_second_look_is_not_told(void **state)
{
    struct scene *scene = *state;
    struct told told = {.on_settle = put_back};

    assert_int_equal(rename(wav(scene, "mic1/done"), scene_path(scene, "away")), 0);
    verify(scene, true, &told);
    assert_int_equal(told.settled, 1);
    assert_int_equal(told.count, 0);
}

/* The file is longer than the row said when it was read. */
static void grow(struct scene *scene)
{
    publish_seq(scene, scene_get(scene, "mic2", "new"), 0);
    scene_commit(scene);
}

static void a_recording_that_changes_is_looked_at_anew(void **state)
{
    struct scene *scene = *state;
    struct told told = {.on_progress = grow};

    make_sums(scene);
    assert_int_equal(unlink(wav(scene, "mic1/done")), 0);
    assert_int_equal(unlink(wav(scene, "mic1/empty")), 0);
    verify(scene, false, &told);
    assert_true(told.progressed > 0);
    assert_int_equal(told.count, 2);
    assert_string_equal(told.items[0].where, "mic1/done");
    assert_string_equal(told.items[1].where, "mic1/empty");
}

int main(void)
{
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up_full, tear_down)
    const struct CMUnitTest tests[] = {
        EMPTY(an_empty_store),
        EMPTY(no_store),
        TEST(a_store_that_is_well),
        TEST(what_is_no_difference),
        TEST(what_was_put_aside_is_listed),
        TEST(what_was_gone_at_the_start_is_listed),
        TEST(what_a_start_marked_as_missing_is_listed),
        TEST(a_link_that_was_put_aside_is_listed),
        TEST(what_is_well_at_the_second_look_is_not_told),
        TEST(a_recording_that_changes_is_looked_at_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
