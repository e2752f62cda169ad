/* A tombstone: what it keeps of a recording's boots, and which fragments it takes for repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/place.h"
#include "core/tombstone.h"

static const struct reel_format format = {
    .rate = 8000, .channels = 1, .sample_bytes = 1, .encoding = REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = 3600, .max_gap_bytes = 1 << 28};

static struct reel_recording recording;
static struct reel_tombstone tombstone;

static int setup(void **state)
{
    (void)state;
    reel_recording_init(&recording, "mic", "s", &format, 0);
    recording.id = 77;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reel_recording_finish(&recording);
    reel_tombstone_finish(&tombstone);
    return 0;
}

static struct reel_numbers numbers(const char *boot, uint64_t seq, uint64_t frame, uint32_t frames)
{
    struct reel_numbers out = {
        .has_seq = true, .has_frame = true, .seq = seq, .frame = frame, .frames = frames};

    snprintf(out.boot.text, sizeof out.boot.text, "%s", boot);
    return out;
}

static void send(struct reel_numbers what)
{
    struct reel_placement placement;

    reel_place(&recording, &what, &limits, &placement);
    assert_true(reel_place_stores(&placement));
    assert_true(reel_place_apply(&recording, &what, &placement, 0));
}

static void bury(void)
{
    assert_true(reel_tombstone_make(&recording, 5, &tombstone));
}

static bool covers(struct reel_numbers what)
{
    return reel_tombstone_covers(&tombstone, &what);
}

static void what_was_stored_is_a_repeat(void **state)
{
    (void)state;
    for (uint64_t seq = 0; seq < 10; seq++)
        send(numbers("", seq, seq * 100, 100));
    bury();
    assert_int_equal(tombstone.id, 77);
    assert_int_equal(tombstone.deleted_us, 5);
    assert_string_equal(tombstone.device, "mic");
    assert_string_equal(tombstone.session, "s");
    assert_true(covers(numbers("", 0, 0, 100)));
    assert_true(covers(numbers("", 9, 900, 100)));
    assert_false(covers(numbers("", 10, 1000, 100)));
    assert_false(covers(numbers("", 9, 950, 100))); /* half of it is new */
}

/* Without audio its number alone is looked at. */
static void an_end_without_audio(void **state)
{
    (void)state;
    send(numbers("", 0, 0, 100));
    bury();
    assert_true(covers(numbers("", 0, 99, 0)));
    assert_false(covers(numbers("", 1, 100, 0)));
}

static void each_boot_has_its_own_numbers(void **state)
{
    (void)state;
    send(numbers("a", 0, 0, 100));
    send(numbers("a", 1, 100, 100));
    send(numbers("b", 0, 0, 50));
    bury();
    assert_int_equal(tombstone.boots_count, 2);
    assert_string_equal(tombstone.boots[0].boot.text, "b");
    assert_true(covers(numbers("a", 1, 100, 100)));
    assert_false(covers(numbers("b", 1, 50, 50)));
    assert_false(covers(numbers("c", 0, 0, 50)));
}

static void one_kind_of_number_is_enough(void **state)
{
    struct reel_numbers by_seq = {.has_seq = true, .frames = 100};
    struct reel_numbers by_frame = {.has_frame = true, .frames = 100};
    struct reel_numbers plain = {.frames = 100};

    (void)state;
    send(by_seq);
    bury();
    assert_true(covers(by_seq));
    assert_true(covers(numbers("", 0, 700, 100))); /* it never counted frames */
    assert_false(covers(by_frame));
    assert_false(covers(plain));
}

/* What begins as the deleted one did is a repeat; what does not, a restart. */
static void another_beginning_is_a_restart(void **state)
{
    uint8_t audio[300];
    uint64_t from_frame;
    uint32_t frames;

    (void)state;
    for (size_t i = 0; i < sizeof audio; i++)
        audio[i] = (uint8_t)(i * i);
    send(numbers("", 0, 0, 300));
    send(numbers("", 1, 300, 300));
    bury();
    struct reel_numbers first = numbers("", 0, 0, 300), second = numbers("", 1, 300, 300);

    assert_true(reel_tombstone_restarts(&tombstone, &first, audio, 1)); /* nothing is known of it */
    assert_true(reel_tombstone_find_first(&recording, &first.boot, &from_frame, &frames));
    assert_int_equal(from_frame, 0);
    assert_int_equal(frames, REEL_TOMBSTONE_FIRST_FRAMES);
    reel_tombstone_set_first(&tombstone.boots[0], audio, frames, 1);
    assert_false(reel_tombstone_restarts(&tombstone, &first, audio, 1));
    assert_false(
        reel_tombstone_restarts(&tombstone, &second, audio + 1, 1)); /* it is not the first */
    assert_true(reel_tombstone_restarts(&tombstone, &first, audio + 1, 1));
    first.frames = 20; /* too short to tell */
    assert_true(reel_tombstone_restarts(&tombstone, &first, audio, 1));
}

static void an_empty_recording_covers_nothing(void **state)
{
    (void)state;
    bury();
    assert_int_equal(tombstone.boots_count, 0);
    assert_false(covers(numbers("", 0, 0, 100)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_stored_is_a_repeat, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_without_audio, setup, teardown),
        cmocka_unit_test_setup_teardown(each_boot_has_its_own_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(another_beginning_is_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(one_kind_of_number_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_recording_covers_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
