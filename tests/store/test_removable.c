/* What retention asks the store: what may go, what ended longest ago first, and what devices take.
 */
#include "store/scene.h"

static const struct reel_removable_place first = {INT64_MIN, 0};

/* A recording of so many fragments, which ended at that second. */
static void add(struct scene *scene, const char *device, const char *session, uint64_t fragments,
                int64_t ended_s)
{
    struct reel_entry *entry = scene_create(scene, device, session, &mono16);

    for (uint64_t seq = 0; seq < fragments; seq++)
        publish_seq(scene, entry, seq);
    complete(scene, entry);
    reel_entry_recording(entry)->updated_us = ended_s * 1000000;
    scene_commit(scene);
}

static uint64_t file_bytes(uint64_t fragments)
{
    return reel_wav_file_bytes(&mono16, fragments * FRAGMENT_FRAMES);
}

/* That these sessions, in one string, are the page. */
static void assert_page(struct scene *scene, const char *device,
                        const struct reel_removable_place *after, size_t capacity,
                        const char *sessions)
{
    struct reel_removable found[8];
    char names[8 * REEL_NAME_BYTES] = "";
    size_t count;

    assert_ok(reel_store_removable(scene->store, device, after, found, capacity, &count, err));
    for (size_t i = 0; i < count; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", found[i].session);
    assert_string_equal(names, sessions);
}

static void keep(struct scene *scene, const char *device, const char *session)
{
    struct reel_entry *entry = scene_get(scene, device, session);

    reel_entry_recording(entry)->kept = true;
    reel_store_touch_said(scene->store, entry);
    scene_commit(scene);
}

static void what_ended_longest_ago_comes_first(void **state)
{
    struct scene *scene = *state;

    add(scene, "mic1", "c", 1, 30);
    add(scene, "mic2", "a", 1, 10);
    add(scene, "mic1", "b", 1, 20);
    add(scene, "mic1", "kept", 1, 5);
    keep(scene, "mic1", "kept");
    publish_seq(scene, scene_create(scene, "mic1", "growing", &mono16), 0);
    scene_commit(scene);
    assert_page(scene, NULL, &first, 8, "a b c ");
    assert_page(scene, "mic1", &first, 8, "b c ");
    assert_page(scene, "mic3", &first, 8, "");
}

static void pages_go_on_behind_a_place(void **state)
{
    struct scene *scene = *state;
    struct reel_removable found;
    size_t count;

    add(scene, "mic1", "a", 3, 10);
    add(scene, "mic1", "b", 1, 10); /* at the same time */
    add(scene, "mic1", "c", 1, 20);
    assert_page(scene, NULL, &first, 2, "a b ");
    assert_ok(reel_store_removable(scene->store, NULL, &first, &found, 1, &count, err));
    assert_int_equal(count, 1);
    assert_string_equal(found.device, "mic1");
    assert_int_equal(found.file_bytes, file_bytes(3));
    assert_int_equal(found.at.ended_us, 10000000);
    assert_page(scene, NULL, &found.at, 8, "b c ");
    assert_page(scene, "mic1", &found.at, 8, "b c ");
}

static void assert_usage(struct scene *scene, const char *after, const char *device,
                         uint64_t recordings, uint64_t bytes)
{
    struct reel_usage usage;
    char found[REEL_NAME_BYTES];

    assert_ok(reel_store_usage_behind(scene->store, after, found, &usage, err));
    assert_string_equal(found, device);
    assert_int_equal(usage.recordings, recordings);
    assert_int_equal(usage.bytes, bytes);
}

static void what_devices_take(void **state)
{
    struct scene *scene = *state;
    struct reel_usage usage;
    char device[REEL_NAME_BYTES];

    assert_usage(scene, NULL, "", 0, 0);
    add(scene, "mic1", "a", 1, 10);
    add(scene, "mic1", "b", 2, 20);
    add(scene, "mic2", "a", 3, 30);
    assert_usage(scene, NULL, "", 3, file_bytes(1) + file_bytes(2) + file_bytes(3));
    assert_usage(scene, "", "mic1", 2, file_bytes(1) + file_bytes(2));
    assert_usage(scene, "mic1", "mic2", 1, file_bytes(3));
    assert_int_equal(reel_store_usage_behind(scene->store, "mic2", device, &usage, NULL),
                     REEL_E_NOT_FOUND);
    assert_ok(reel_store_remove(scene->store, scene_get(scene, "mic2", "a"), scene->now_us, err));
    scene_commit(scene);
    assert_usage(scene, NULL, "", 2, file_bytes(1) + file_bytes(2));
}

static void whose_removal_makes_room(void **state)
{
    struct scene *scene = *state;
    uint64_t room_bytes;

    add(scene, "mic1", "a", 1, 10);
    assert_ok(reel_store_free_bytes(scene->store, &room_bytes, err));
    assert_true(room_bytes > 0);
    assert_true(reel_store_shares_disk(scene->store, "mic1"));
    assert_false(reel_store_shares_disk(scene->store, "none"));
    assert_int_equal(symlink("/proc", scene_path(scene, "recordings/far")), 0);
    assert_false(reel_store_shares_disk(scene->store, "far"));
    assert_int_equal(unlink(scene_path(scene, "recordings/far")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_ended_longest_ago_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_go_on_behind_a_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_devices_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whose_removal_makes_room, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
