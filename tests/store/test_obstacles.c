/* What stands where a device's folder, or a file in it, must be: that device's fragments are
 * refused, and nobody else is disturbed. */
#include "store/scene.h"

enum { NOBODY = 65534 };

static void assert_refused(struct scene *scene, const char *device, const char *why)
{
    struct reel_error error = {0};
    struct reel_entry *entry;

    assert_int_equal(
        reel_store_create(scene->store, device, "s1", &mono16, scene->now_us, &entry, &error),
        REEL_E_NOT_ALLOWED);
    assert_string_equal(error.field, "device");
    if (!strstr(error.message, why))
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
}

/* The store goes on, and so it does after a start. */
static void assert_refused_alone(struct scene *scene, const char *why)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_refused(scene, "bad", why);
        if (i == 0)
            scene_create(scene, "mic1", "s1", &mono16);
        publish_seq(scene, scene_get(scene, "mic1", "s1"), i);
        scene_commit(scene);
        scene_restart(scene);
    }
    assert_fragments(scene, 2);
}

static void a_link_that_leads_nowhere(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(symlink("../nowhere", scene_path(scene, "recordings/bad")), 0);
    assert_refused_alone(scene, "leads nowhere");
}

/* What is behind it is indexed once it is there. */
static void a_link_that_leads_nowhere_while_the_catalog_is_built_anew(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    publish_seq(scene, scene_create(scene, "bad", "s1", &mono16), 0);
    scene_commit(scene);
    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "recordings/bad"), scene_path(scene, "away")), 0);
    assert_int_equal(symlink("../disk", scene_path(scene, "recordings/bad")), 0);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_fragments(scene, 2);
    assert_refused(scene, "bad", "leads nowhere");
    assert_int_equal(rename(scene_path(scene, "away"), scene_path(scene, "disk")), 0);
    scene_restart(scene);
    assert_int_equal(scene->report.recordings, 2);
    assert_true(scene_has(scene, "bad", "s1"));
}

static void a_link_that_leads_to_itself(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(symlink("bad", scene_path(scene, "recordings/bad")), 0);
    assert_refused_alone(scene, "leads to itself");
}

/* At the next start it goes to recovered/, as what has the file's own name does. */
static void a_folder_with_the_temporary_name(void **state)
{
    static const char *const names[] = {".s1.wav.tmp", ".s1.json.tmp"};
    struct scene *scene = *state;

    assert_int_equal(mkdir(scene_path(scene, "recordings/bad"), 0755), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(mkdir(scene_path(scene, "recordings/bad/%s", names[i]), 0755), 0);
    assert_refused(scene, "bad", "name of the new file");
    record(scene, 2);
    scene_restart(scene);
    assert_int_equal(scene->report.recovered, 2);
    assert_fragments(scene, 2);
    publish_seq(scene, scene_create(scene, "bad", "s1", &mono16), 0);
    scene_commit(scene);
    assert_true(path_exists(scene_path(scene, "recordings/bad/s1.wav")));
    assert_true(path_exists(scene_path(scene, "recordings/bad/s1.json")));
}

/* As a user whom permissions bind: the superuser passes them all. */
static int set_up_bound(void **state)
{
    char command[PATH_BYTES + 32];
    struct scene *scene;

    set_up(state);
    scene = *state;
    if (geteuid() != 0)
        return 0;
    scene_crash(scene);
    snprintf(command, sizeof command, "chown -R %d %s", NOBODY, scene->dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    scene_open(scene);
    return 0;
}

static int tear_down_bound(void **state)
{
    struct scene *scene = *state;

    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    chmod(scene_path(scene, "recordings"), 0755);
    chmod(scene_path(scene, "recordings/bad"), 0755);
    return tear_down(state);
}

static void a_folder_that_may_not_be_written_to(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(mkdir(scene_path(scene, "recordings/bad"), 0555), 0);
    assert_refused_alone(scene, "not the sink's");
}

static void a_folder_that_may_not_be_read(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(mkdir(scene_path(scene, "recordings/bad"), 0), 0);
    assert_refused_alone(scene, "not the sink's");
}

/* Then it is no matter of one device. */
static void all_of_recordings_that_may_not_be_written_to(void **state)
{
    struct scene *scene = *state;
    struct reel_error error = {0};
    struct reel_entry *entry;

    assert_int_equal(mkdir(scene_path(scene, "recordings/bad"), 0555), 0);
    assert_int_equal(chmod(scene_path(scene, "recordings"), 0555), 0);
    assert_int_equal(
        reel_store_create(scene->store, "bad", "s1", &mono16, scene->now_us, &entry, &error),
        REEL_E_STALLED);
    assert_int_equal(error.errno_value, EACCES);
}

/* What the catalog knows may be there again in a moment: nothing is given up for it. */
static void a_folder_of_known_recordings_is_not_passed_over(void **state)
{
    struct scene *scene = *state;
    struct reel_store *store = NULL;

    record(scene, 2);
    scene_crash(scene);
    assert_int_equal(chmod(scene_path(scene, "recordings/mic1"), 0), 0);
    assert_int_equal(reel_store_open(&scene->config, scene->now_us, &store, NULL, NULL),
                     REEL_E_STALLED);
    assert_int_equal(chmod(scene_path(scene, "recordings/mic1"), 0755), 0);
    scene_open(scene);
    assert_fragments(scene, 2);
}

int main(void)
{
#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BOUND(name) cmocka_unit_test_setup_teardown(name, set_up_bound, tear_down_bound)
    const struct CMUnitTest tests[] = {
        TEST(a_link_that_leads_nowhere),
        TEST(a_link_that_leads_nowhere_while_the_catalog_is_built_anew),
        TEST(a_link_that_leads_to_itself),
        TEST(a_folder_with_the_temporary_name),
        BOUND(a_folder_that_may_not_be_written_to),
        BOUND(a_folder_that_may_not_be_read),
        BOUND(all_of_recordings_that_may_not_be_written_to),
        BOUND(a_folder_of_known_recordings_is_not_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
