/* The parts of a long session: which one is found, in the batch that made it and after a restart.
 */
#include "store/scene.h"

static struct reel_numbers numbers_of(const char *boot, int64_t seq, int64_t frame)
{
    struct reel_numbers numbers = {.has_seq = seq >= 0, .has_frame = frame >= 0};

    snprintf(numbers.boot.text, sizeof numbers.boot.text, "%s", boot);
    numbers.seq = seq >= 0 ? (uint64_t)seq : 0;
    numbers.frame = frame >= 0 ? (uint64_t)frame : 0;
    return numbers;
}

static void add_stretch(struct reel_recording *recording, const char *boot, int64_t seq,
                        int64_t frame)
{
    const struct reel_numbers numbers = numbers_of(boot, seq, frame);
    struct reel_stretch *stretch = reel_recording_add_stretch(recording);
    struct reel_run *run;

    assert_non_null(stretch);
    stretch->boot = numbers.boot;
    stretch->has_seq = numbers.has_seq;
    stretch->has_frame = numbers.has_frame;
    stretch->first_seq = numbers.seq;
    stretch->first_frame = numbers.frame;
    run = reel_stretch_add_run(stretch);
    assert_non_null(run);
    run->seqs = numbers.has_seq;
}

/* Session s1 in three parts: boot a from 0, from 100, and, with boot b, from 200. */
static void make_parts(struct scene *scene)
{
    static const char *const names[] = {"s1", "s1-2", "s1-3"};
    struct reel_recording *before = NULL;

    for (unsigned i = 0; i < 3; i++) {
        struct reel_entry *entry = scene_create(scene, "mic1", names[i], &mono16);
        struct reel_recording *recording = reel_entry_recording(entry);

        if (before)
            reel_recording_go_on(recording, before, "s1", i + 1);
        add_stretch(recording, "a", (int64_t)i * 100, (int64_t)i * 1000);
        if (i == 2)
            add_stretch(recording, "b", 0, -1);
        assert_int_equal(reel_store_stage(scene->store, entry, NULL), REEL_OK);
        before = recording;
    }
}

/* The part that is found, "" if none is. */
static const char *found(struct scene *scene, uint64_t below, const struct reel_numbers *numbers)
{
    const struct reel_part_question question = {"mic1", "s1", below, numbers};
    struct reel_entry *entry;
    enum reel_code code = reel_store_part(scene->store, &question, &entry, NULL);

    if (code == REEL_OK)
        return reel_entry_recording(entry)->session;
    assert_int_equal(code, REEL_E_NOT_FOUND);
    return "";
}

static const char *found_by(struct scene *scene, const char *boot, int64_t seq, int64_t frame)
{
    const struct reel_numbers numbers = numbers_of(boot, seq, frame);

    return found(scene, UINT64_MAX, &numbers);
}

static void check_parts(struct scene *scene)
{
    const struct reel_numbers boot_a = numbers_of("a", -1, -1);

    assert_string_equal(found(scene, UINT64_MAX, NULL), "s1-3");
    assert_string_equal(found(scene, 3, NULL), "s1-2");
    assert_string_equal(found(scene, 2, NULL), "s1");
    assert_string_equal(found(scene, 1, NULL), "");
    assert_string_equal(found(scene, 3, &boot_a), "s1-2");
    assert_string_equal(found_by(scene, "b", -1, -1), "s1-3");
    assert_string_equal(found_by(scene, "c", -1, -1), "");
    assert_string_equal(found_by(scene, "a", 99, -1), "s1");
    assert_string_equal(found_by(scene, "a", 100, -1), "s1-2");
    assert_string_equal(found_by(scene, "a", 5, 2000), "s1-3"); /* `frame` decides */
    assert_string_equal(found_by(scene, "a", 200, 999), "s1");
    assert_string_equal(found_by(scene, "b", -1, 5), "s1-3"); /* which b does not count in */
}

static void test_the_latest_that_fits(void **state)
{
    make_parts(*state);
    check_parts(*state);
    scene_commit(*state);
    check_parts(*state);
    scene_restart(*state);
    check_parts(*state);
}

/* What is staged is no more durable than the rest of its batch. */
static void test_staged_is_not_committed(void **state)
{
    struct scene *scene = *state;

    make_parts(scene);
    scene_restart(scene);
    assert_string_equal(found(scene, UINT64_MAX, NULL), "");
    assert_false(scene_has(scene, "mic1", "s1"));
}

static void test_other_sessions_have_none_of_them(void **state)
{
    const struct reel_part_question others[] = {
        {"mic1", "s2", UINT64_MAX, NULL},
        {"mic2", "s1", UINT64_MAX, NULL},
        {"mic1", "s1-2", UINT64_MAX, NULL},
    };
    struct scene *scene = *state;
    struct reel_entry *entry;

    make_parts(scene);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(reel_store_part(scene->store, &others[i], &entry, NULL), REEL_E_NOT_FOUND);
}

/* Whoever goes on with a session has its name, number and tags; it is whole again after --reindex.
 */
static void test_parts_come_back_from_sidecars(void **state)
{
    struct scene *scene = *state;
    struct reel_recording *recording;

    make_parts(scene);
    scene_commit(scene);
    scene_crash(scene);
    assert_int_equal(reel_store_reindex(&scene->config, scene->now_us, NULL, NULL), REEL_OK);
    scene_open(scene);
    check_parts(scene);
    recording = reel_entry_recording(scene_get(scene, "mic1", "s1-2"));
    assert_string_equal(recording->part_of, "s1");
    assert_int_equal(recording->part, 2);
    assert_true(recording->continued);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_latest_that_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_staged_is_not_committed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_sessions_have_none_of_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_come_back_from_sidecars, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
