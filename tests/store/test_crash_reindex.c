/* A crash at every call that changes the disk while the catalog is built anew: at the end every
 * recording is there, those too of which only the file is left. */
#include "store/faults.h"

static const char *const sessions[] = {"a", "b", "c"};
enum { SESSIONS = sizeof sessions / sizeof *sessions };

/* Three recordings; the catalog is gone, and of the second and third the sidecars too. */
static void lose_the_catalog(struct scene *scene)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct reel_entry *entry = scene_create(scene, "mic1", sessions[i], &mono16);

        publish_seq(scene, entry, 0);
        publish_seq(scene, entry, 1);
    }
    scene_commit(scene);
    scene_crash(scene);
    for (unsigned i = 1; i < SESSIONS; i++)
        assert_int_equal(unlink(scene_path(scene, "recordings/mic1/%s.json", sessions[i])), 0);
    unlink(scene_path(scene, "catalog.db-wal"));
    unlink(scene_path(scene, "catalog.db-shm"));
    assert_int_equal(unlink(scene_path(scene, "catalog.db")), 0);
}

/* Whether that call was made at all. */
static bool crash_at(uint64_t last)
{
    struct reel_store *store = NULL;
    struct scene *scene;
    void *state;
    bool called;

    set_up(&state);
    scene = state;
    lose_the_catalog(scene);
    calls.count = 0;
    calls.last = last;
    if (reel_store_open(&scene->config, scene->now_us, &store, NULL, NULL) == REEL_OK)
        reel_store_close(store);
    called = calls.count >= last;
    calls.last = 0;
    scene_open(scene);
    assert_int_equal(scene->report.recordings, SESSIONS);
    for (unsigned i = 0; i < SESSIONS; i++) {
        uint64_t frames;
        uint8_t *audio = scene_audio(scene, "mic1", sessions[i], &frames);

        assert_int_equal(frames, 2 * FRAGMENT_FRAMES);
        assert_fragment(audio, &mono16, 0, 0);
        assert_fragment(audio, &mono16, 1, 1);
        free(audio);
    }
    forget_all();
    tear_down(&state);
    return called;
}

static void a_catalog_cut_short_is_built_again(void **state)
{
    uint64_t last = 1;

    (void)state;
    while (crash_at(last))
        last++;
    assert_true(last > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalog_cut_short_is_built_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
