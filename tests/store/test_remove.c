/* Removal: row, tombstone and files, and what recovery and verification make of what a killed
 * process leaves of it. */
#include "store/verify_told.h"

#define DAY_US INT64_C(86400000000)

static void remove_now(struct scene *scene, const char *session)
{
    struct reel_entry *entry = scene_get(scene, "mic1", session);

    assert_ok(reel_store_remove(scene->store, entry, scene->now_us, err));
    scene_commit(scene);
}

static bool is_buried(struct scene *scene, const char *session)
{
    struct reel_tombstone tombstone;
    enum reel_code code = reel_store_tombstone(scene->store, "mic1", session, &tombstone, NULL);

    assert_true(code == REEL_OK || code == REEL_E_NOT_FOUND);
    if (code == REEL_OK)
        reel_tombstone_finish(&tombstone);
    return code == REEL_OK;
}

static bool has_file(struct scene *scene, const char *name)
{
    return path_exists(scene_path(scene, "recordings/mic1/%s", name));
}

/* Names in the folder, the hidden ones too. */
static unsigned files(struct scene *scene)
{
    DIR *stream = opendir(scene_path(scene, "recordings/mic1"));
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

static void a_complete_recording_goes_with_its_files(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    uint64_t id = reel_entry_recording(entry)->id;
    uint64_t file_bytes = path_bytes(scene_path(scene, "recordings/mic1/s1.wav"));
    struct reel_tombstone tombstone;
    struct reel_removed removed;
    struct reel_discard discard;

    complete(scene, entry);
    scene_commit(scene);
    remove_now(scene, "s1");
    assert_false(scene_has(scene, "mic1", "s1"));
    assert_false(has_file(scene, "s1.wav"));
    assert_false(has_file(scene, "s1.json"));
    assert_ok(reel_store_tombstone(scene->store, "mic1", "s1", &tombstone, err));
    assert_int_equal(tombstone.boots_count, 1);
    assert_int_equal(tombstone.boots[0].next_seq, 3);
    assert_int_equal(tombstone.boots[0].next_frame, 3 * FRAGMENT_FRAMES);
    reel_tombstone_finish(&tombstone);
    assert_true(reel_store_next_removed(scene->store, &removed));
    assert_int_equal(removed.id, id);
    assert_int_equal(removed.file_bytes, file_bytes);
    assert_int_equal(files(scene), 1); /* which waits to be unlinked */
    reel_removed_discard(&removed, &discard);
    assert_ok(reel_discard(scene->dir, &discard, err));
    assert_int_equal(files(scene), 0);
    assert_ok(reel_discard(scene->dir, &discard, err)); /* gone is gone */
    assert_false(reel_store_next_removed(scene->store, &removed));
}

static void an_open_recording_goes_and_its_name_is_free(void **state)
{
    struct scene *scene = *state;
    uint64_t id = reel_entry_recording(record(scene, 3))->id;
    struct reel_recording recording;
    struct reel_store_stats stats;
    int64_t heard_us;

    remove_now(scene, "s1");
    reel_store_stats(scene->store, &stats);
    assert_int_equal(stats.open_recordings, 0);
    assert_int_equal(stats.held_bytes, 0);
    assert_null(reel_store_oldest(scene->store, &heard_us));
    assert_int_equal(reel_store_due_in_us(scene->store, scene->now_us), INT64_MAX);
    record(scene, 2);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_not_equal(recording.id, id);
    reel_recording_finish(&recording);
    assert_fragments(scene, 2);
    scene_restart(scene);
    assert_int_equal(scene->report.recovered, 0);
    assert_fragments(scene, 2);
    assert_well(scene);
}

static void without_a_commit_it_stays(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    assert_ok(reel_store_remove(scene->store, scene_get(scene, "mic1", "s1"), scene->now_us, err));
    assert_false(scene_has(scene, "mic1", "s1"));
    scene_restart(scene);
    assert_fragments(scene, 2);
    assert_false(is_buried(scene, "s1"));
    assert_well(scene);
}

static void in_a_batch_that_touched_it_it_is_refused(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 1);

    publish_seq(scene, entry, 1);
    assert_int_equal(reel_store_remove(scene->store, entry, scene->now_us, NULL), REEL_E_INTERNAL);
    scene_restart(scene);
    assert_fragments(scene, 1);
}

static void what_waits_to_be_unlinked_goes_at_the_next_start(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    remove_now(scene, "s1");
    assert_int_equal(files(scene), 1);
    assert_well(scene);
    scene_restart(scene);
    assert_int_equal(files(scene), 0);
    assert_int_equal(scene->report.recovered, 0);
}

/* The files of a recording that is removed next are kept aside, and put back as if the process had
 * been killed before they went. */
static void set_aside(struct scene *scene)
{
    path_copy(scene_path(scene, "recordings/mic1/s1.wav"), scene_path(scene, "aside.wav"));
    path_copy(scene_path(scene, "recordings/mic1/s1.json"), scene_path(scene, "aside.json"));
}

static void put_back(struct scene *scene, const char *suffix)
{
    path_copy(scene_path(scene, "aside%s", suffix),
              scene_path(scene, "recordings/mic1/s1%s", suffix));
}

static void what_a_kill_left_is_removed_and_no_difference(void **state)
{
    static const char *const left[][2] = {{".wav", ".json"}, {".wav", NULL}, {".json", NULL}};

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        struct scene *scene;

        set_up(state);
        scene = *state;
        record(scene, 200);
        set_aside(scene);
        remove_now(scene, "s1");
        scene_crash(scene);
        for (size_t j = 0; j < 2 && left[i][j]; j++)
            put_back(scene, left[i][j]);
        assert_well(scene);
        scene_open(scene);
        assert_int_equal(scene->report.recovered, 0);
        assert_int_equal(files(scene), 0);
        assert_false(scene_has(scene, "mic1", "s1"));
        tear_down(state);
    }
}

/* Only the id tells: what another recording left under that name is none of it. */
static void another_file_of_that_name_is_told_of_and_kept(void **state)
{
    struct scene *scene = *state;

    record(scene, 200);
    set_aside(scene);
    remove_now(scene, "s1");
    record(scene, 2);
    remove_now(scene, "s1"); /* its id is the tombstone's now */
    scene_crash(scene);
    put_back(scene, ".wav");
    put_back(scene, ".json");
    assert_differs(scene, "mic1/s1", REEL_DIFFERS_NO_ROW);
    scene_open(scene);
    assert_int_equal(scene->report.recovered, 1);
    assert_fragments(scene, 200);
}

static void a_second_removal_goes_on_with_the_boots_of_the_first(void **state)
{
    struct reel_numbers numbers = {.has_seq = true, .frames = FRAGMENT_FRAMES};
    struct scene *scene = *state;
    struct reel_tombstone tombstone;

    strcpy(numbers.boot.text, "one");
    publish(scene, scene_create(scene, "mic1", "s1", &mono16), &numbers, 1);
    scene_commit(scene);
    remove_now(scene, "s1");
    strcpy(numbers.boot.text, "two");
    publish(scene, scene_create(scene, "mic1", "s1", &mono16), &numbers, 1);
    scene_commit(scene);
    remove_now(scene, "s1");
    assert_ok(reel_store_tombstone(scene->store, "mic1", "s1", &tombstone, err));
    assert_int_equal(tombstone.boots_count, 2);
    assert_true(reel_tombstone_covers(&tombstone, &numbers));
    strcpy(numbers.boot.text, "one");
    assert_true(reel_tombstone_covers(&tombstone, &numbers));
    reel_tombstone_finish(&tombstone);
}

static void remove_another(struct scene *scene)
{
    publish_plain(scene, scene_create(scene, "mic1", "other", &mono16), 1, 10);
    scene_commit(scene);
    remove_now(scene, "other");
}

static void a_tombstone_stands_for_a_day(void **state)
{
    struct scene *scene = *state;

    record(scene, 1);
    remove_now(scene, "s1");
    scene->now_us += DAY_US - 60000000;
    remove_another(scene);
    assert_true(is_buried(scene, "s1"));
    scene->now_us += 120000000;
    remove_another(scene);
    assert_false(is_buried(scene, "s1"));
    assert_true(is_buried(scene, "other"));
}

static void one_of_a_clock_that_was_wrong_does_not_stand_for_ever(void **state)
{
    struct scene *scene = *state;

    record(scene, 1);
    scene->now_us += 365 * DAY_US;
    remove_now(scene, "s1");
    scene->now_us -= 365 * DAY_US;
    remove_another(scene);
    assert_false(is_buried(scene, "s1"));
}

static void a_name_without_a_tombstone(void **state)
{
    assert_false(is_buried(*state, "s1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_complete_recording_goes_with_its_files, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_open_recording_goes_and_its_name_is_free, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_commit_it_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_batch_that_touched_it_it_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_waits_to_be_unlinked_goes_at_the_next_start, set_up,
                                        tear_down),
        cmocka_unit_test(what_a_kill_left_is_removed_and_no_difference),
        cmocka_unit_test_setup_teardown(another_file_of_that_name_is_told_of_and_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_second_removal_goes_on_with_the_boots_of_the_first,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tombstone_stands_for_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_of_a_clock_that_was_wrong_does_not_stand_for_ever,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_without_a_tombstone, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
