/* What is known of a device when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/scene.h"

#define HOUR_US INT64_C(3600000000)

static bool take(const struct reel_device_figures *figures, void *user)
{
    *(struct reel_device_figures *)user = *figures;
    return false;
}

static int64_t heard_by(struct scene *scene, int64_t latest_us)
{
    struct reel_device_figures figures = {.recordings = 0};

    assert_ok(reel_store_devices(scene->store, "", latest_us, take, &figures, err));
    return reel_device_heard_us(&figures, latest_us);
}

static void hear(struct scene *scene, const char *session, int64_t now_us)
{
    struct reel_entry *entry;

    scene->now_us = now_us;
    entry = scene_has(scene, "mic1", session) ? scene_get(scene, "mic1", session)
                                              : scene_create(scene, "mic1", session, &mono16);
    publish_plain(scene, entry, 1, 10);
    scene_commit(scene);
}

/* Two grow, and a clock that was ahead has left its time on one. */
static void what_is_heard_is_heard_beside_what_is_dated_ahead(void **state)
{
    struct scene *scene = *state;
    int64_t now_us = scene->now_us;

    hear(scene, "ahead", now_us + HOUR_US);
    assert_int_equal(heard_by(scene, now_us), now_us + HOUR_US); /* nothing else is known */
    hear(scene, "older", now_us - HOUR_US);
    hear(scene, "now", now_us);
    assert_int_equal(heard_by(scene, now_us), now_us);
    assert_int_equal(heard_by(scene, now_us - 1), now_us - HOUR_US);
    assert_int_equal(heard_by(scene, INT64_MAX), now_us + HOUR_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_heard_is_heard_beside_what_is_dated_ahead, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
