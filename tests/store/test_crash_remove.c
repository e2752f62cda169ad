/* A crash at every call that changes the disk while recordings are removed: each is whole, with its
 * row, or gone altogether, and the others are as they were. */
#include "store/faults.h"
#include "store/verify_told.h"

static const char *const sessions[] = {"complete", "open", "other"};
enum { SESSIONS = sizeof sessions / sizeof *sessions, OTHER = 2 };

static void record_all(struct scene *scene)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct reel_entry *entry = scene_create(scene, "mic1", sessions[i], &mono16);

        for (uint64_t seq = 0; seq < 4; seq++)
            publish_seq(scene, entry, seq);
        if (strcmp(sessions[i], "open") != 0)
            complete(scene, entry);
    }
    scene_commit(scene);
}

static bool remove_one(struct scene *scene, const char *session)
{
    struct reel_entry *entry;

    return reel_store_get(scene->store, "mic1", session, &entry, NULL) == REEL_OK &&
           reel_store_remove(scene->store, entry, scene->now_us, NULL) == REEL_OK;
}

/* As a sweep removes them: in slices, and what a slice removed is unlinked after it. Returns how
 * many were told to be gone. */
static unsigned remove_all(struct scene *scene)
{
    struct reel_removed removed;
    struct reel_discard discard;
    unsigned gone = 0;

    for (unsigned i = 0; i < OTHER; i++) {
        if (!remove_one(scene, sessions[i]) ||
            reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) != REEL_OK)
            return gone;
        gone++;
        while (reel_store_next_removed(scene->store, &removed)) {
            reel_removed_discard(&removed, &discard);
            if (reel_discard(scene->dir, &discard, NULL) != REEL_OK)
                return gone;
        }
    }
    return gone;
}

static void assert_whole(struct scene *scene, const char *session)
{
    uint64_t frames;
    uint8_t *audio = scene_audio(scene, "mic1", session, &frames);

    assert_int_equal(frames, 4 * FRAGMENT_FRAMES);
    for (uint64_t seq = 0; seq < 4; seq++)
        assert_fragment(audio, &mono16, seq, seq);
    free(audio);
    assert_true(path_exists(scene_path(scene, "recordings/mic1/%s.json", session)));
}

static unsigned files(struct scene *scene)
{
    DIR *stream = opendir(scene_path(scene, "recordings/mic1"));
    unsigned count = 0;

    assert_non_null(stream);
    while (readdir(stream))
        count++;
    closedir(stream);
    return count - 2;
}

static void check(struct scene *scene, unsigned gone)
{
    unsigned present = 0;

    for (unsigned i = 0; i < SESSIONS; i++) {
        if (!scene_has(scene, "mic1", sessions[i]))
            continue;
        assert_true(i >= gone);
        assert_whole(scene, sessions[i]);
        present++;
    }
    assert_whole(scene, sessions[OTHER]);
    assert_int_equal(files(scene), 2 * present);
    assert_int_equal(scene->report.recovered, 0);
    assert_false(path_exists(scene_path(scene, "recovered/index.jsonl")));
    assert_well(scene);
}

/* Whether that call was made at all. */
static bool crash_at(uint64_t last, uint64_t recovery_last)
{
    struct reel_store *store = NULL;
    struct scene *scene;
    unsigned gone;
    void *state;
    bool called;

    set_up(&state);
    scene = state;
    record_all(scene);
    calls.count = 0;
    calls.last = last;
    gone = remove_all(scene);
    called = calls.count >= last;
    scene_crash(scene);
    calls.count = 0;
    calls.last = recovery_last;
    if (reel_store_open(&scene->config, scene->now_us, &store, NULL, NULL) == REEL_OK)
        reel_store_close(store);
    calls.last = 0;
    scene_open(scene);
    check(scene, gone);
    forget_all();
    tear_down(&state);
    return called;
}

static void killed_at_any_call_it_is_whole_or_gone(void **state)
{
    uint64_t last = 1;

    (void)state;
    while (crash_at(last, 1 + last % 30))
        last++;
    assert_true(last > 10);
}

/* Where one call fails, the next batch fails too, and the store that is opened anew is the one that
 * is killed. */
static void a_call_that_fails_leaves_it_whole_or_gone(void **state)
{
    uint64_t last = 1;

    (void)state;
    calls.once = true;
    while (crash_at(last, 0))
        last++;
    calls.once = false;
    assert_true(last > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_call_it_is_whole_or_gone),
        cmocka_unit_test(a_call_that_fails_leaves_it_whole_or_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
