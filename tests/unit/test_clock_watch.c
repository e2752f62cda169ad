/* Whether the wall clock is believed: one that is ahead waits for a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock_watch.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)
#define YEAR_US   (365 * DAY_US)
#define NOW_US    (56 * YEAR_US)

static void a_clock_that_goes_on_is_believed(void **state)
{
    struct reel_clock_watch watch;

    (void)state;
    reel_clock_watch_init(&watch, NOW_US, 0);
    for (int64_t passed_us = 0; passed_us < YEAR_US; passed_us += DAY_US / 3)
        assert_true(reel_clock_watch_believes(&watch, NOW_US + DAY_US + passed_us, passed_us));
    /* nobody looked for a year */
    assert_true(reel_clock_watch_believes(&watch, NOW_US + 2 * YEAR_US, 2 * YEAR_US));
}

static void any_is_believed_where_nothing_is_known(void **state)
{
    struct reel_clock_watch watch;

    (void)state;
    reel_clock_watch_init(&watch, INT64_MIN, 0);
    assert_true(reel_clock_watch_believes(&watch, NOW_US, 0));
    assert_false(reel_clock_watch_believes(&watch, NOW_US + 2 * DAY_US, SECOND_US));
}

static void one_that_is_ahead_at_the_start_waits_for_a_day(void **state)
{
    struct reel_clock_watch watch;
    int64_t wall_us = NOW_US + 73 * YEAR_US;

    (void)state;
    reel_clock_watch_init(&watch, NOW_US, 0);
    assert_false(reel_clock_watch_believes(&watch, wall_us, 0));
    assert_false(reel_clock_watch_believes(&watch, wall_us + DAY_US / 2, DAY_US / 2));
    assert_false(reel_clock_watch_believes(&watch, wall_us + DAY_US - 1, DAY_US - 1));
    assert_true(reel_clock_watch_believes(&watch, wall_us + DAY_US, DAY_US));
    assert_true(reel_clock_watch_believes(&watch, wall_us + DAY_US + 1, DAY_US + 1));
}

static void one_that_goes_back_is_believed_and_may_be_doubted_anew(void **state)
{
    struct reel_clock_watch watch;

    (void)state;
    reel_clock_watch_init(&watch, NOW_US, 0);
    assert_false(reel_clock_watch_believes(&watch, NOW_US + YEAR_US, 0));
    assert_true(reel_clock_watch_believes(&watch, NOW_US + SECOND_US, SECOND_US));
    assert_true(reel_clock_watch_believes(&watch, 0, 2 * SECOND_US));
    assert_true(reel_clock_watch_believes(&watch, NOW_US, 3 * SECOND_US));
    assert_false(reel_clock_watch_believes(&watch, NOW_US + YEAR_US, DAY_US / 2));
    assert_false(reel_clock_watch_believes(&watch, NOW_US + YEAR_US, DAY_US));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_goes_on_is_believed),
        cmocka_unit_test(any_is_believed_where_nothing_is_known),
        cmocka_unit_test(one_that_is_ahead_at_the_start_waits_for_a_day),
        cmocka_unit_test(one_that_goes_back_is_believed_and_may_be_doubted_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
