/* What a device's recordings take, against the files themselves: whatever the batch has changed,
 * committed or not. */
#include "store/scene.h"

/* Headers lag behind, and a pad byte comes with them: what the frames take. */
static void assert_usage(struct scene *scene, const char *device, uint64_t recordings,
                         uint64_t frames)
{
    struct reel_usage usage;

    assert_int_equal(reel_store_usage(scene->store, device, &usage, NULL), REEL_OK);
    assert_int_equal(usage.recordings, recordings);
    assert_int_equal(usage.bytes,
                     recordings * REEL_WAV_DATA_OFFSET + frames * reel_format_frame_bytes(&mono16));
}

static void reopen(struct scene *scene, struct reel_entry *entry)
{
    reel_entry_recording(entry)->state = REEL_STATE_RECORDING;
    reel_entry_recording(entry)->end_reason = REEL_END_NONE;
    reel_store_touch(scene->store, entry, 0);
}

static void a_device_without_recordings_takes_nothing(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    scene_commit(scene);
    assert_usage(scene, "nobody", 0, 0);
}

static void what_grows_is_counted_before_its_batch_is_committed(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *a = scene_create(scene, "mic1", "a", &mono16);
    struct reel_entry *b = scene_create(scene, "mic1", "b", &mono16);

    publish_seq(scene, scene_create(scene, "mic12", "a", &mono16), 0);
    assert_usage(scene, "mic1", 2, 0);
    publish_seq(scene, a, 0);
    publish_seq(scene, b, 0);
    publish_seq(scene, b, 1);
    assert_usage(scene, "mic1", 2, 3 * FRAGMENT_FRAMES);
    scene_commit(scene);
    assert_usage(scene, "mic1", 2, 3 * FRAGMENT_FRAMES);
    assert_usage(scene, "mic12", 1, FRAGMENT_FRAMES);
}

static void one_that_completes_and_goes_on_is_counted_once(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "a", &mono16);

    publish_seq(scene, entry, 0);
    complete(scene, entry);
    assert_usage(scene, "mic1", 1, FRAGMENT_FRAMES);
    scene_commit(scene);
    assert_usage(scene, "mic1", 1, FRAGMENT_FRAMES);
    entry = scene_get(scene, "mic1", "a");
    assert_usage(scene, "mic1", 1, FRAGMENT_FRAMES);
    reopen(scene, entry);
    publish_seq(scene, entry, 1);
    assert_usage(scene, "mic1", 1, 2 * FRAGMENT_FRAMES);
    complete(scene, entry);
    publish_seq(scene, scene_create(scene, "mic1", "b", &mono16), 0);
    assert_usage(scene, "mic1", 2, 3 * FRAGMENT_FRAMES);
    scene_commit(scene);
    assert_usage(scene, "mic1", 2, 3 * FRAGMENT_FRAMES);
    scene_restart(scene);
    assert_usage(scene, "mic1", 2, 3 * FRAGMENT_FRAMES);
}

/* A batch that is under way when one that was complete grows, is touched and committed as open. */
static void one_that_was_reopened_by_a_batch_before_is_counted_once(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "a", &mono16);

    publish_seq(scene, entry, 0);
    complete(scene, entry);
    scene_commit(scene);
    entry = scene_get(scene, "mic1", "a");
    reopen(scene, entry);
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    assert_usage(scene, "mic1", 1, 2 * FRAGMENT_FRAMES);
    publish_seq(scene, entry, 2);
    assert_usage(scene, "mic1", 1, 3 * FRAGMENT_FRAMES);
    scene_restart(scene);
    assert_usage(scene, "mic1", 1, 2 * FRAGMENT_FRAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_without_recordings_takes_nothing),
        TEST(what_grows_is_counted_before_its_batch_is_committed),
        TEST(one_that_completes_and_goes_on_is_counted_once),
        TEST(one_that_was_reopened_by_a_batch_before_is_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
