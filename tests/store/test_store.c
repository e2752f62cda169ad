/* The store's verbs, and what a crash leaves of a batch. */
#include "store/scene.h"

static void a_committed_batch_outlives_a_crash(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    uint64_t frames;
    uint8_t *audio;

    for (uint64_t seq = 0; seq < 5; seq++)
        publish_seq(scene, entry, seq);
    scene_commit(scene);
    scene_restart(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.open, 1);
    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_int_equal(frames, 5 * FRAGMENT_FRAMES);
    for (uint64_t seq = 0; seq < 5; seq++)
        assert_fragment(audio, &mono16, seq, seq);
    free(audio);
}

static void an_uncommitted_batch_is_gone_after_a_crash(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    uint64_t frames;

    publish_seq(scene, entry, 0);
    scene_commit(scene);
    publish_seq(scene, entry, 1);
    publish_seq(scene, entry, 2);
    scene_restart(scene);
    entry = scene_get(scene, "mic1", "s1");
    assert_int_equal(reel_entry_recording(entry)->frames, FRAGMENT_FRAMES);
    assert_int_equal(path_bytes(scene_path(scene, "recordings/mic1/s1.wav")),
                     reel_wav_file_bytes(&mono16, FRAGMENT_FRAMES));
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    free(scene_audio(scene, "mic1", "s1", &frames));
    assert_int_equal(frames, 2 * FRAGMENT_FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_committed_batch_outlives_a_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_uncommitted_batch_is_gone_after_a_crash, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
