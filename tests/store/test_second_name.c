/* Recordings that can be reached under a second name: by a link to a device's folder, by hard links
 * to the files, or as copies. They stay what they are, under their own. */
#include "store/scene.h"

/* mic1/s1, complete, and mic1/s2, open; ended in order. */
static void record_two(struct scene *scene)
{
    struct reel_entry *entry = record(scene, 2);

    complete(scene, entry);
    publish_seq(scene, scene_create(scene, "mic1", "s2", &mono16), 0);
    scene_commit(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    scene_crash(scene);
}

static const char *const files[] = {"s1.wav", "s1.json", "s2.wav", "s2.json"};

/* `device` gets the same files, which stay in mic1 too. */
static void give_again(struct scene *scene, const char *device, bool copies)
{
    assert_int_equal(mkdir(scene_path(scene, "recordings/%s", device), 0755), 0);
    for (size_t i = 0; i < 4; i++) {
        const char *from = scene_path(scene, "recordings/mic1/%s", files[i]);
        const char *to = scene_path(scene, "recordings/%s/%s", device, files[i]);

        if (copies)
            path_copy(from, to);
        else
            assert_int_equal(link(from, to), 0);
    }
}

static void give_link(struct scene *scene, const char *device)
{
    assert_int_equal(symlink("mic1", scene_path(scene, "recordings/%s", device)), 0);
}

static void assert_there(struct scene *scene, const char *device)
{
    for (size_t i = 0; i < 4; i++)
        assert_true(path_exists(scene_path(scene, "recordings/%s/%s", device, files[i])));
}

/* Twice: what the first start writes anew, a header say, the second would stumble over. */
static void assert_as_they_were(struct scene *scene)
{
    for (unsigned i = 0; i < 2; i++) {
        scene_open(scene);
        assert_int_equal(scene->report.recordings, 2);
        assert_int_equal(scene->report.recovered, 0);
        assert_false(path_exists(scene_path(scene, "recovered/mic1")));
        assert_fragments(scene, 2);
        assert_true(scene_has(scene, "mic1", "s2"));
        assert_there(scene, "mic1");
        scene_crash(scene);
    }
    scene_open(scene);
}

/* Whichever of the names is found first. */
static void a_folder_with_a_second_name_is_gone_through_once(void **state)
{
    struct scene *scene = *state;

    record_two(scene);
    give_link(scene, "kitchen");
    give_link(scene, "aaa");
    give_link(scene, "zzz");
    assert_as_they_were(scene);
}

static void files_with_a_second_name_are_left_alone(void **state)
{
    struct scene *scene = *state;

    record_two(scene);
    give_again(scene, "mic1-backup", false);
    assert_int_equal(link(scene_path(scene, "recordings/mic1/s1.wav"),
                          scene_path(scene, "recordings/mic1/again.wav")),
                     0);
    assert_as_they_were(scene);
    assert_there(scene, "mic1-backup");
    assert_true(path_exists(scene_path(scene, "recordings/mic1/again.wav")));
}

static void copies_of_what_the_catalog_knows_are_left_alone(void **state)
{
    struct scene *scene = *state;

    record_two(scene);
    give_again(scene, "mic1-backup", true);
    assert_as_they_were(scene);
    assert_there(scene, "mic1-backup");
}

/* Their own names count, with no catalog to say so. */
static void a_catalog_built_anew_has_each_file_once(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before;
    struct reel_recording after;

    record_two(scene);
    scene_load(scene, "mic1", "s1", &before);
    give_link(scene, "aaa");
    give_again(scene, "backup", false);
    give_again(scene, "zzz", false);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    assert_as_they_were(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_true(before.id == after.id);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
}

/* Nothing is recorded over them either; the store goes on. */
static void a_recording_with_that_name_is_refused(void **state)
{
    static const char *const devices[] = {"kitchen", "backup"};
    struct scene *scene = *state;

    record_two(scene);
    give_link(scene, "kitchen");
    give_again(scene, "backup", false);
    scene_open(scene);
    for (size_t i = 0; i < 2; i++) {
        struct reel_error error = {0};
        struct reel_entry *entry;

        assert_int_equal(reel_store_create(scene->store, devices[i], "s1", &mono16, scene->now_us,
                                           &entry, &error),
                         REEL_E_NOT_ALLOWED);
        assert_string_equal(error.field, "device");
        assert_non_null(strstr(error.message, "mic1/s1"));
    }
    publish_seq(scene, scene_get(scene, "mic1", "s2"), 1);
    scene_commit(scene);
    assert_fragments(scene, 2);
}

/* What was recorded under either name stays. Within one batch they cannot have the same file. */
static void both_names_may_have_recordings(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry;

    record_two(scene);
    give_link(scene, "kitchen");
    scene_open(scene);
    publish_seq(scene, scene_create(scene, "kitchen", "s9", &mono16), 0);
    assert_int_equal(
        reel_store_create(scene->store, "mic1", "s9", &mono16, scene->now_us, &entry, NULL),
        REEL_E_NOT_ALLOWED);
    scene_commit(scene);
    for (unsigned i = 0; i < 2; i++) {
        scene_restart(scene);
        assert_int_equal(scene->report.recordings, 3);
        assert_int_equal(scene->report.recovered, 0);
        assert_true(scene_has(scene, "kitchen", "s9"));
        assert_fragments(scene, 2);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_folder_with_a_second_name_is_gone_through_once),
        TEST(files_with_a_second_name_are_left_alone),
        TEST(copies_of_what_the_catalog_knows_are_left_alone),
        TEST(a_catalog_built_anew_has_each_file_once),
        TEST(a_recording_with_that_name_is_refused),
        TEST(both_names_may_have_recordings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
