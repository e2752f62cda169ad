/* The recorder's ring, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reel/ring.h"

enum { SLOTS = 40, STORAGE = 900, SEQS = 100, SECOND = 1000000 };

/* What a test sees of the ring from outside. */
struct outside {
    uint64_t sent[SEQS];
    size_t sent_count;
    size_t takes; /* as many more sendings are possible */
    uint64_t ended[SEQS];
    enum reel_ring_end ends[SEQS];
    size_t ended_count;
};

static bool on_send(void *user, const struct reel_ring_slot *slot)
{
    struct outside *outside = user;

    if (outside->takes == 0)
        return false;
    outside->takes--;
    outside->sent[outside->sent_count++ % SEQS] = slot->seq;
    return true;
}

static void on_forgotten(void *user, const struct reel_ring_slot *slot, enum reel_ring_end end)
{
    struct outside *outside = user;

    outside->ended[outside->ended_count] = slot->seq;
    outside->ends[outside->ended_count++] = end;
}

struct scene {
    struct reel_ring_slot slots[SLOTS];
    uint8_t storage[STORAGE];
    struct outside outside;
    struct reel_ring ring;
};

/* A connected ring with fragments 0 to `count` - 1 of 10 bytes and 5 frames. */
static void scene_init(struct scene *scene, size_t count)
{
    const struct reel_ring_config config = {
        .slots = scene->slots,
        .slots_count = SLOTS,
        .storage = scene->storage,
        .storage_bytes = STORAGE,
        .window_fragments = 4,
        .retry_least_us = 2 * SECOND,
        .retry_most_us = 10 * SECOND,
        .user = &scene->outside,
        .send = on_send,
        .forgotten = on_forgotten,
    };

    memset(&scene->outside, 0, sizeof scene->outside);
    scene->outside.takes = SIZE_MAX;
    reel_ring_init(&scene->ring, &config);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(reel_ring_push(&scene->ring, i, 5, "0123456789", 10), REEL_RING_PUSHED);
    reel_ring_connected(&scene->ring, 0);
}

static struct reel_recorder_ack good(uint64_t seq)
{
    return (struct reel_recorder_ack){.ok = true, .has_seq = true, .seq = seq};
}

static struct reel_recorder_ack refusal(const char *code, uint64_t seq)
{
    struct reel_recorder_ack ack = {.has_seq = true, .seq = seq};

    strcpy(ack.code, code);
    return ack;
}

static void assert_sent(const struct scene *scene, const uint64_t *expected, size_t count)
{
    assert_int_equal(scene->outside.sent_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(scene->outside.sent[i], expected[i]);
}

/* A sink that has heard of 1 of a new boot takes 0 no more. */
static void the_first_of_a_boot_goes_alone(void **state)
{
    struct scene scene;
    struct reel_recorder_ack ack = good(0);
    struct reel_recorder_ack busy = refusal("busy", 0);

    (void)state;
    scene_init(&scene, 8);
    scene.ring.config.first_alone = true;
    assert_int_equal(reel_ring_run(&scene.ring, 0), 1);
    assert_int_equal(reel_ring_run(&scene.ring, 1), 0);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 1), 2 * SECOND);
    reel_ring_disconnected(&scene.ring, 2);
    reel_ring_connected(&scene.ring, 3);
    assert_int_equal(reel_ring_run(&scene.ring, 3), 1);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &busy, 4), REEL_RING_BUSY);
    assert_int_equal(reel_ring_run(&scene.ring, 4 + 2 * SECOND), 1);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 5 + 2 * SECOND), REEL_RING_PROGRESS);
    assert_int_equal(reel_ring_run(&scene.ring, 6 + 2 * SECOND), 4);
    assert_sent(&scene, (uint64_t[]){0, 0, 0, 1, 2, 3, 4}, 7);
}

/* A jump is confirmed by the one behind it; what is refused for good is the caller's to drop. */
static void the_first_that_is_refused_is_an_answer(void **state)
{
    const char *codes[] = {"jump", "late"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        struct reel_recorder_ack ack = refusal(codes[i], 0);

        scene_init(&scene, 8);
        scene.ring.config.first_alone = true;
        assert_int_equal(reel_ring_run(&scene.ring, 0), 1);
        reel_ring_acknowledge(&scene.ring, &ack, 1);
        assert_true(reel_ring_run(&scene.ring, 2) >= 3);
    }
}

static void the_window_sets_the_pace(void **state)
{
    struct scene scene;
    struct reel_recorder_ack ack = good(1);

    (void)state;
    scene_init(&scene, 8);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 7), 7);
    assert_int_equal(reel_ring_run(&scene.ring, 0), 4);
    assert_int_equal(reel_ring_run(&scene.ring, 1), 0);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 1), 2 * SECOND);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 2), REEL_RING_PROGRESS);
    assert_int_equal(scene.ring.durable_frames, 10);
    assert_int_equal(reel_ring_run(&scene.ring, 3), 2);
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 3, 4, 5}, 6);
    assert_int_equal(scene.ring.resent, 0);
    assert_int_equal(scene.outside.ended_count, 2);
}

static void the_window_counts_bytes_too_but_lets_one_through(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, 4);
    scene.ring.config.window_bytes = 25;
    assert_int_equal(reel_ring_run(&scene.ring, 0), 2);
    scene_init(&scene, 4);
    scene.ring.config.window_bytes = 5;
    assert_int_equal(reel_ring_run(&scene.ring, 0), 1);
}

static void a_queue_that_is_full_is_tried_again(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, 3);
    scene.outside.takes = 1;
    assert_int_equal(reel_ring_run(&scene.ring, 0), 1);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 1), 1);
    scene.outside.takes = 9;
    assert_int_equal(reel_ring_run(&scene.ring, 1), 2);
    assert_sent(&scene, (uint64_t[]){0, 1, 2}, 3);
}

static void what_is_missing_is_sent_again_but_not_at_once(void **state)
{
    struct scene scene;
    struct reel_recorder_range missing = {1, 1}, lost = {2, 2};
    struct reel_recorder_ack ack = good(3);

    (void)state;
    ack.missing = (struct reel_recorder_ranges){&missing, 1, 1};
    ack.lost = (struct reel_recorder_ranges){&lost, 1, 1};
    scene_init(&scene, 4);
    reel_ring_run(&scene.ring, 0);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, SECOND), REEL_RING_PROGRESS);
    assert_int_equal(scene.ring.fragments, 1);
    assert_int_equal(scene.ring.lost, 1);
    assert_int_equal(scene.outside.ends[1], REEL_RING_LOST);
    assert_int_equal(reel_ring_run(&scene.ring, SECOND), 0);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 2 * SECOND), REEL_RING_NOTHING);
    assert_int_equal(reel_ring_run(&scene.ring, 2 * SECOND), 1);
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 3, 1}, 5);
    assert_int_equal(scene.ring.resent, 1);
}

static void silence_is_met_with_the_oldest_alone_and_longer_waits(void **state)
{
    static const int64_t at_s[] = {2, 6, 14, 24, 34}; /* 2, 4, 8, 10 and 10 s after the last */
    struct scene scene;
    struct reel_recorder_ack ack = good(0);

    (void)state;
    scene_init(&scene, 6);
    reel_ring_run(&scene.ring, 0);
    for (size_t i = 0; i < sizeof at_s / sizeof *at_s; i++) {
        assert_int_equal(reel_ring_wake_us(&scene.ring, 0), at_s[i] * SECOND);
        assert_int_equal(reel_ring_run(&scene.ring, at_s[i] * SECOND - 1), 0);
        assert_int_equal(reel_ring_run(&scene.ring, at_s[i] * SECOND), 1);
    }
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 3, 0, 0, 0, 0, 0}, 9);
    /* It was behind the others, and it alone is stored: they got lost. */
    reel_ring_acknowledge(&scene.ring, &ack, 35 * SECOND);
    assert_int_equal(reel_ring_run(&scene.ring, 35 * SECOND), 4);
    assert_int_equal(scene.outside.sent[9], 1);
    assert_int_equal(scene.outside.sent[12], 4);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 35 * SECOND), 37 * SECOND);
}

static void a_sink_that_was_only_slow_is_sent_nothing_twice(void **state)
{
    struct scene scene;
    struct reel_recorder_ack ack = good(2);

    (void)state;
    scene_init(&scene, 6);
    reel_ring_run(&scene.ring, 0);
    reel_ring_run(&scene.ring, 2 * SECOND);
    reel_ring_acknowledge(&scene.ring, &ack, 3 * SECOND);
    reel_ring_run(&scene.ring, 3 * SECOND);
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 3, 0, 4, 5}, 7);
}

static void a_reconnection_sends_everything_again_in_order(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, 3);
    reel_ring_run(&scene.ring, 0);
    assert_int_equal(reel_ring_disconnected(&scene.ring, SECOND), 3 * SECOND);
    assert_int_equal(reel_ring_run(&scene.ring, 2 * SECOND), 0);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 2 * SECOND), INT64_MAX);
    assert_int_equal(reel_ring_disconnected(&scene.ring, 3 * SECOND), 7 * SECOND);
    reel_ring_connected(&scene.ring, 7 * SECOND);
    assert_int_equal(reel_ring_run(&scene.ring, 7 * SECOND), 3);
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 0, 1, 2}, 6);
}

static void a_busy_sink_gets_one_fragment_at_a_time(void **state)
{
    struct scene scene;
    struct reel_recorder_ack busy = refusal("busy", 0), ack = good(0);

    (void)state;
    scene_init(&scene, 6);
    reel_ring_run(&scene.ring, 0);
    for (uint64_t seq = 0; seq < 4; seq++) {
        busy.seq = seq;
        assert_int_equal(reel_ring_acknowledge(&scene.ring, &busy, SECOND), REEL_RING_BUSY);
    }
    assert_int_equal(reel_ring_run(&scene.ring, 3 * SECOND - 1), 0);
    assert_int_equal(reel_ring_run(&scene.ring, 3 * SECOND), 1);
    busy.seq = 0;
    reel_ring_acknowledge(&scene.ring, &busy, 4 * SECOND);
    assert_int_equal(reel_ring_wake_us(&scene.ring, 4 * SECOND), 8 * SECOND);
    assert_int_equal(reel_ring_run(&scene.ring, 8 * SECOND), 1);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 9 * SECOND), REEL_RING_PROGRESS);
    assert_int_equal(reel_ring_run(&scene.ring, 9 * SECOND), 4);
    assert_sent(&scene, (uint64_t[]){0, 1, 2, 3, 0, 0, 1, 2, 3, 4}, 10);
}

static void a_jump_is_confirmed_by_the_next(void **state)
{
    struct scene scene;
    struct reel_recorder_ack jump = refusal("jump", 0);

    (void)state;
    scene_init(&scene, 2);
    scene.ring.config.window_fragments = 1;
    reel_ring_run(&scene.ring, 0);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &jump, 1), REEL_RING_BUSY);
    assert_int_equal(reel_ring_run(&scene.ring, 2), 1);
    assert_sent(&scene, (uint64_t[]){0, 1}, 2);
}

static void a_refusal_for_good_is_left_to_the_caller(void **state)
{
    struct scene scene;
    struct reel_recorder_ack ack = refusal("conflict", 1);

    (void)state;
    scene_init(&scene, 3);
    reel_ring_run(&scene.ring, 0);
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 1), REEL_RING_REFUSED);
    assert_int_equal(scene.ring.fragments, 3);
    assert_true(reel_ring_drop(&scene.ring, 1));
    assert_false(reel_ring_drop(&scene.ring, 1));
    assert_int_equal(scene.ring.fragments, 2);
    assert_int_equal(scene.ring.dropped, 1);
    assert_int_equal(scene.ring.under_way, 2);
}

static void what_is_of_another_boot_or_session_is_not_taken(void **state)
{
    struct scene scene;
    struct reel_recorder_ack ack = good(5);

    (void)state;
    scene_init(&scene, 3);
    scene.ring.config.session = "s1";
    scene.ring.config.boot = "17";
    reel_ring_run(&scene.ring, 0);
    strcpy(ack.session, "s1");
    strcpy(ack.boot, "18");
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 1), REEL_RING_OTHER);
    strcpy(ack.session, "s2");
    strcpy(ack.boot, "17");
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 1), REEL_RING_OTHER);
    assert_int_equal(scene.ring.fragments, 3);
    strcpy(ack.session, "s1");
    assert_int_equal(reel_ring_acknowledge(&scene.ring, &ack, 1), REEL_RING_PROGRESS);
    assert_int_equal(scene.ring.fragments, 0);
}

static void a_full_ring_refuses_or_drops_the_oldest(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, SLOTS);
    assert_int_equal(reel_ring_push(&scene.ring, SLOTS, 5, "x", 1), REEL_RING_FULL);
    assert_null(reel_ring_reserve(&scene.ring, 1));
    assert_true(reel_ring_drop_oldest(&scene.ring));
    assert_int_equal(scene.outside.ends[0], REEL_RING_DROPPED);
    assert_int_equal(reel_ring_push(&scene.ring, SLOTS, 5, "x", 1), REEL_RING_PUSHED);
    scene_init(&scene, 0);
    assert_false(reel_ring_drop_oldest(&scene.ring));
    assert_int_equal(reel_ring_push(&scene.ring, 3, 5, scene.storage, 0), REEL_RING_UNFIT);
    assert_int_equal(reel_ring_push(&scene.ring, 3, 5, scene.storage, STORAGE + 1),
                     REEL_RING_UNFIT);
    assert_int_equal(reel_ring_push(&scene.ring, 3, 5, scene.storage, STORAGE), REEL_RING_PUSHED);
    assert_int_equal(reel_ring_push(&scene.ring, 3, 5, "x", 1), REEL_RING_UNFIT);
    assert_int_equal(reel_ring_push(&scene.ring, 4, 5, "x", 1), REEL_RING_FULL);
}

static void memory_of_the_callers_is_kept_as_it_is(void **state)
{
    struct scene scene;
    static const char mine[] = "mine";

    (void)state;
    scene_init(&scene, 0);
    scene.ring.config.storage = NULL;
    scene.ring.config.storage_bytes = 0;
    assert_null(reel_ring_reserve(&scene.ring, 1));
    assert_int_equal(reel_ring_push(&scene.ring, 0, 5, mine, 4), REEL_RING_PUSHED);
    assert_ptr_equal(scene.slots[0].payload, mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_a_boot_goes_alone),
        cmocka_unit_test(the_first_that_is_refused_is_an_answer),
        cmocka_unit_test(the_window_sets_the_pace),
        cmocka_unit_test(the_window_counts_bytes_too_but_lets_one_through),
        cmocka_unit_test(a_queue_that_is_full_is_tried_again),
        cmocka_unit_test(what_is_missing_is_sent_again_but_not_at_once),
        cmocka_unit_test(silence_is_met_with_the_oldest_alone_and_longer_waits),
        cmocka_unit_test(a_sink_that_was_only_slow_is_sent_nothing_twice),
        cmocka_unit_test(a_reconnection_sends_everything_again_in_order),
        cmocka_unit_test(a_busy_sink_gets_one_fragment_at_a_time),
        cmocka_unit_test(a_jump_is_confirmed_by_the_next),
        cmocka_unit_test(a_refusal_for_good_is_left_to_the_caller),
        cmocka_unit_test(what_is_of_another_boot_or_session_is_not_taken),
        cmocka_unit_test(a_full_ring_refuses_or_drops_the_oldest),
        cmocka_unit_test(memory_of_the_callers_is_kept_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
