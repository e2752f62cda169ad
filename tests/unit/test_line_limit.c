/* Of lines that repeat the first few pass, and what was left out is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/line_limit.h"

#define SECOND_US INT64_C(1000000)
#define WINDOW_US (REEL_LINES_WINDOW_S * SECOND_US)

static bool passes_about(struct reel_line_limit *limit, const char *device, const char *text,
                         int64_t now_us)
{
    const struct reel_repeating_line line = {device, "%s: refused", text, 5};

    return reel_line_limit_passes(limit, &line, now_us);
}

static bool passes(struct reel_line_limit *limit, const char *text, int64_t now_us)
{
    const struct reel_repeating_line line = {"", text, text, 4};

    return reel_line_limit_passes(limit, &line, now_us);
}

static int make(void **state)
{
    *state = reel_line_limit_create();
    return *state ? 0 : -1;
}

static int release(void **state)
{
    struct reel_line_limit *limit = *state;

    reel_line_limit_destroy(&limit);
    return 0;
}

static void the_first_few_pass_and_the_rest_is_counted(void **state)
{
    struct reel_left_out left_out;

    for (int i = 0; i < REEL_LINES_AT_ONCE; i++)
        assert_true(passes_about(*state, "mic", "one", i));
    assert_false(passes_about(*state, "mic", "two", SECOND_US));
    assert_false(passes_about(*state, "mic", "three", 2 * SECOND_US));
    assert_false(reel_line_limit_take(*state, WINDOW_US - 1, false, &left_out));
    assert_true(reel_line_limit_take(*state, WINDOW_US, false, &left_out));
    assert_int_equal(left_out.count, 2);
    assert_int_equal(left_out.priority, 5);
    assert_string_equal(left_out.device, "mic");
    assert_string_equal(left_out.text, "three");
    assert_false(reel_line_limit_take(*state, WINDOW_US, true, &left_out));
    assert_true(passes_about(*state, "mic", "four", WINDOW_US));
}

static void devices_and_kinds_do_not_share(void **state)
{
    for (int i = 0; i < REEL_LINES_AT_ONCE; i++) {
        assert_true(passes_about(*state, "a", "x", 0));
        assert_true(passes_about(*state, "b", "x", 0));
        assert_true(passes(*state, "the disk is full", 0));
        assert_true(passes(*state, "the broker is gone", 0));
    }
    assert_false(passes_about(*state, "a", "x", 0));
    assert_false(passes(*state, "the broker is gone", 0));
}

static void lines_that_differ_in_numbers_alone_are_of_one_kind(void **state)
{
    for (int i = 0; i < REEL_LINES_AT_ONCE; i++) {
        char text[64];

        snprintf(text, sizeof text, "%d acknowledgements were left out", 7 * i);
        assert_true(passes(*state, text, 0));
    }
    assert_false(passes(*state, "99 acknowledgements were left out", 0));
}

static void a_new_time_begins_with_the_first_line_after_it(void **state)
{
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < REEL_LINES_AT_ONCE; i++)
            assert_true(passes(*state, "x", turn * WINDOW_US));
    }
}

static void at_the_end_all_is_told(void **state)
{
    struct reel_left_out left_out;

    for (int i = 0; i <= REEL_LINES_AT_ONCE; i++)
        passes(*state, "x", 0);
    assert_false(reel_line_limit_take(*state, 0, false, &left_out));
    assert_true(reel_line_limit_take(*state, 0, true, &left_out));
    assert_int_equal(left_out.count, 1);
    assert_string_equal(left_out.device, "");
}

/* Strangers make up names: those beyond the bound are told together. */
static void many_devices_take_bounded_room(void **state)
{
    struct reel_left_out left_out;
    uint64_t passed = 0, left = 0;
    char device[32];

    for (int i = 0; i < 100000; i++) {
        snprintf(device, sizeof device, "mic%d", i);
        passed += passes_about(*state, device, "x", 0);
    }
    assert_int_equal(passed, 512 + REEL_LINES_AT_ONCE);
    while (reel_line_limit_take(*state, 0, true, &left_out))
        left += left_out.count;
    assert_int_equal(passed + left, 100000);
    /* Those whose time is over make room. */
    assert_true(passes_about(*state, "new", "x", WINDOW_US));
}

/* Whoever fills the places crowds out no error of the sink's own. */
static void errors_about_no_device_always_pass(void **state)
{
    char text[32];

    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676);
        passes(*state, text, 0);
    }
    assert_false(passes(*state, "a warning", 0));
    for (int i = 0; i < 2 * REEL_LINES_AT_ONCE; i++) {
        const struct reel_repeating_line error = {"", "the disk is full", "the disk is full", 3};
        const struct reel_repeating_line about = {"mic", "refused", "refused", 3};

        assert_true(reel_line_limit_passes(*state, &error, 0));
        if (i >= REEL_LINES_AT_ONCE)
            assert_false(reel_line_limit_passes(*state, &about, 0));
        else
            reel_line_limit_passes(*state, &about, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_few_pass_and_the_rest_is_counted, make, release),
        cmocka_unit_test_setup_teardown(devices_and_kinds_do_not_share, make, release),
        cmocka_unit_test_setup_teardown(lines_that_differ_in_numbers_alone_are_of_one_kind, make,
                                        release),
        cmocka_unit_test_setup_teardown(a_new_time_begins_with_the_first_line_after_it, make,
                                        release),
        cmocka_unit_test_setup_teardown(at_the_end_all_is_told, make, release),
        cmocka_unit_test_setup_teardown(many_devices_take_bounded_room, make, release),
        cmocka_unit_test_setup_teardown(errors_about_no_device_always_pass, make, release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
