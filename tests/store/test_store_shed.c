/* What open recordings take together is bounded: those heard least recently are left to the
 * catalog, and are found there as they were. */
#include "store/scene.h"

enum { RECORDINGS = 150, STRETCHES = 3, AT_ONCE = 50 }; /* 150 times 16 KB of tags */

static uint64_t held_bytes(const struct scene *scene)
{
    struct reel_store_stats stats;

    reel_store_stats(scene->store, &stats);
    return stats.held_bytes;
}

static const char *session_of(int number)
{
    static char session[16];

    snprintf(session, sizeof session, "s%d", number);
    return session;
}

static void merge_tags(struct reel_entry *entry, int number)
{
    json_t *tags = json_object();

    for (int i = 0; i < (int)REEL_TAGS_MAX; i++) {
        char name[REEL_TAG_NAME_BYTES], value[REEL_TAG_VALUE_BYTES + 1];

        snprintf(name, sizeof name, "%063d", i);
        snprintf(value, sizeof value, "%0256d", number);
        json_object_set_new(tags, name, json_string(value));
    }
    reel_recording_merge_tags(reel_entry_recording(entry), tags);
    json_decref(tags);
}

/* A recorder that starts anew with each fragment of one frame. */
static void begin(struct scene *scene, int number)
{
    struct reel_entry *entry = scene_create(scene, "mic1", session_of(number), &mono16);

    for (uint64_t boot = 0; boot < STRETCHES; boot++) {
        struct reel_numbers numbers = {.has_seq = true, .frames = 1, .boot = {.is_uint = true}};

        snprintf(numbers.boot.text, sizeof numbers.boot.text, "%d", (int)boot);
        publish(scene, entry, &numbers, boot);
    }
    merge_tags(entry, number);
    reel_store_touch(scene->store, entry, scene->now_us);
}

/* Fifty to a commit, after which what is held is bounded. */
static void commit_after(struct scene *scene, int number)
{
    if (number % AT_ONCE != AT_ONCE - 1)
        return;
    scene_commit(scene);
    assert_in_range(held_bytes(scene), 0, SCENE_HELD_BYTES);
}

static void begin_all(struct scene *scene)
{
    for (int i = 0; i < RECORDINGS; i++) {
        begin(scene, i);
        commit_after(scene, i);
    }
}

static void assert_whole(struct scene *scene, int number, uint64_t stretches)
{
    struct reel_recording *recording =
        reel_entry_recording(scene_get(scene, "mic1", session_of(number)));

    assert_int_equal(recording->stretches_count, stretches);
    assert_int_equal(recording->stretches[stretches - 1].runs_count, 1);
    assert_int_equal(recording->frames, stretches);
    assert_int_equal(json_object_size(recording->tags), REEL_TAGS_MAX);
    assert_int_equal(
        atoi(json_string_value(json_object_iter_value(json_object_iter(recording->tags)))), number);
}

static void what_is_held_is_bounded_and_nothing_of_it_is_lost(void **state)
{
    struct scene *scene = *state;

    begin_all(scene);
    for (int i = 0; i < RECORDINGS; i++) {
        struct reel_numbers next = {.has_seq = true, .frames = 1, .boot = {"new", false}};

        assert_whole(scene, i, STRETCHES);
        publish(scene, scene_get(scene, "mic1", session_of(i)), &next, 1);
        commit_after(scene, i);
    }
    scene_restart(scene);
    assert_in_range(held_bytes(scene), 0, SCENE_HELD_BYTES);
    for (int i = 0; i < RECORDINGS; i++)
        assert_whole(scene, i, STRETCHES + 1);
    assert_true(reel_store_crowded(scene->store) == (held_bytes(scene) > 2 * SCENE_HELD_BYTES));
}

static void the_order_of_silence_stays(void **state)
{
    struct scene *scene = *state;
    int64_t heard_us;

    begin_all(scene);
    for (int i = 0; i < RECORDINGS; i++) {
        const struct reel_recording *head =
            reel_entry_recording(reel_store_oldest(scene->store, &heard_us));
        struct reel_entry *entry;

        assert_string_equal(head->session, session_of(i));
        entry = scene_get(scene, head->device, head->session);
        assert_whole(scene, i, STRETCHES);
        complete(scene, entry);
        commit_after(scene, i);
    }
    assert_null(reel_store_oldest(scene->store, &heard_us));
}

static void sidecars_of_an_orderly_end_are_whole(void **state)
{
    struct scene *scene = *state;
    struct reel_error error = {0};

    begin_all(scene);
    assert_int_equal(reel_store_settle(scene->store, scene->now_us, &error), REEL_OK);
    assert_in_range(held_bytes(scene), 0, SCENE_HELD_BYTES);
    scene_crash(scene);
    assert_int_equal(reel_store_reindex(&scene->config, scene->now_us, NULL, &error), REEL_OK);
    scene_open(scene);
    for (int i = 0; i < RECORDINGS; i++)
        assert_whole(scene, i, STRETCHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_held_is_bounded_and_nothing_of_it_is_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_order_of_silence_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sidecars_of_an_orderly_end_are_whole, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
