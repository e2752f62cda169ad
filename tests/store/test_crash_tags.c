/* A crash while the tags of a complete recording change: the old ones or the new ones, and the
 * sidecar says the same as the catalog. */
#include "store/faults.h"

#include <time.h>

#include "core/tags.h"

static json_t *tags_of_sidecar(const struct scene *scene)
{
    json_t *document = json_load_file(scene_path(scene, "recordings/mic1/s1.json"), 0, NULL);
    json_t *tags = json_incref(json_object_get(document, "tags"));

    assert_non_null(document);
    json_decref(document);
    return tags;
}

/* Longer than the clock of a file's times takes from one to the next. */
static void wait_a_tick(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Killed at that call of the commit. Returns whether the call was made at all. */
static bool tag_with_a_crash(uint64_t last)
{
    json_t *wanted = json_pack("{s:s}", "site", "roof");
    struct reel_recording found;
    struct reel_entry *entry;
    struct scene *scene;
    json_t *in_sidecar;
    void *state;
    bool called;

    set_up(&state);
    scene = state;
    entry = record(scene, 2);
    complete(scene, entry);
    scene_commit(scene);
    wait_a_tick();
    entry = scene_get(scene, "mic1", "s1");
    reel_entry_recording(entry)->tags = json_incref(wanted);
    reel_store_touch_said(scene->store, entry);
    calls.count = 0;
    calls.last = last;
    (void)reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL);
    called = calls.count >= last;
    scene_crash(scene);
    calls.last = 0;
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &found);
    in_sidecar = tags_of_sidecar(scene);
    assert_true(reel_tags_equal(found.tags, NULL) || reel_tags_equal(found.tags, wanted));
    assert_true(reel_tags_equal(found.tags, in_sidecar));
    json_decref(in_sidecar);
    json_decref(wanted);
    reel_recording_finish(&found);
    tear_down(&state);
    return called;
}

static void catalog_and_sidecar_agree_wherever_it_was_cut_short(void **state)
{
    (void)state;
    for (uint64_t last = 1; tag_with_a_crash(last); last++)
        ;
    forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalog_and_sidecar_agree_wherever_it_was_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
