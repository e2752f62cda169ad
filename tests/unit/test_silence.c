/* Who is told to be silent, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/silence.h"

#define SECOND_US INT64_C(1000000)
#define NOW_US    (INT64_C(1700000000) * SECOND_US)

static const struct reel_silence_now now = {NOW_US, 3600 * SECOND_US, NOW_US - 3600 * SECOND_US};

/* Heard `ago_s` seconds ago, watched after 60. */
static struct reel_silence_of heard(int64_t ago_s)
{
    return (struct reel_silence_of){
        .after_s = 60, .has_heard = true, .heard_us = NOW_US - ago_s * SECOND_US};
}

static void one_that_is_heard_is_no_news(void **state)
{
    struct reel_silence_of device = heard(59);

    (void)state;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device = heard(-5); /* by a clock that was put back a little */
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
}

static void one_that_is_not_is_told_once(void **state)
{
    struct reel_silence_of device = heard(60);

    (void)state;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_BEGINS);
    device.told = true;
    device.told_heard_us = device.heard_us;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
}

static void one_that_is_heard_again_is_back(void **state)
{
    struct reel_silence_of device = heard(1);

    (void)state;
    device.told = true;
    device.told_heard_us = device.heard_us - SECOND_US;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_ENDS);
    /* Its last recording was deleted, others are left. */
    device.told_heard_us = device.heard_us + SECOND_US;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device.told_heard_us = NOW_US + 1;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_ENDS);
}

/* What it left says nothing: the sink has listened long enough. */
static void one_heard_by_a_clock_that_was_ahead_falls_silent(void **state)
{
    struct reel_silence_of device = heard(-100000);
    struct reel_silence_now right = now;

    (void)state;
    right.listening_us = 60 * SECOND_US - 1;
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_NONE);
    right.listening_us++;
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_BEGINS);
}

/* It stood on an open recording when the sink began. */
static void a_store_written_by_a_clock_that_was_ahead_silences_nobody(void **state)
{
    struct reel_silence_of device = heard(61);
    struct reel_silence_now right = now;

    (void)state;
    right.before_us = NOW_US + 100000 * SECOND_US;
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_BEGINS);
    device = heard(3660); /* before the sink listened */
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_NONE);
    device = heard(-100000);
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_BEGINS);
    device = heard(-90000);
    assert_int_equal(reel_silence_judge(&device, &right), REEL_SILENCE_NONE);
}

/* A power cut without a clock that goes on. */
static void a_clock_that_is_behind_brings_nobody_back(void **state)
{
    struct reel_silence_of device = heard(-100000);

    (void)state;
    device.told = true;
    device.told_heard_us = device.heard_us;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device.heard_us = NOW_US - 1;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_ENDS);
}

static void nobody_is_silent_who_could_not_be_heard(void **state)
{
    struct reel_silence_of device = heard(70);
    struct reel_silence_now begun = now;

    (void)state;
    begun.before_us = NOW_US - 65 * SECOND_US;
    begun.listening_us = 60 * SECOND_US - 1;
    assert_int_equal(reel_silence_judge(&device, &begun), REEL_SILENCE_NONE);
    begun.listening_us++;
    assert_int_equal(reel_silence_judge(&device, &begun), REEL_SILENCE_BEGINS);
}

/* A store of many old devices, and the setting is new. */
static void who_was_silent_before_the_sink_began_is_no_news(void **state)
{
    struct reel_silence_of device = heard(3660);

    (void)state;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device = heard(3659);
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_BEGINS);
}

static void in_a_store_that_was_empty_all_are_news(void **state)
{
    const struct reel_silence_now first = {NOW_US, 3600 * SECOND_US, INT64_MIN};
    struct reel_silence_of device = heard(3000);

    (void)state;
    assert_int_equal(reel_silence_judge(&device, &first), REEL_SILENCE_BEGINS);
}

static void one_that_is_not_watched_is_forgotten(void **state)
{
    struct reel_silence_of device = heard(100);

    (void)state;
    device.after_s = 0;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device.told = true;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_DROP);
    device = heard(100);
    device.has_heard = false;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_NONE);
    device.told = true;
    assert_int_equal(reel_silence_judge(&device, &now), REEL_SILENCE_DROP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_heard_is_no_news),
        cmocka_unit_test(one_that_is_not_is_told_once),
        cmocka_unit_test(one_that_is_heard_again_is_back),
        cmocka_unit_test(one_heard_by_a_clock_that_was_ahead_falls_silent),
        cmocka_unit_test(a_store_written_by_a_clock_that_was_ahead_silences_nobody),
        cmocka_unit_test(a_clock_that_is_behind_brings_nobody_back),
        cmocka_unit_test(nobody_is_silent_who_could_not_be_heard),
        cmocka_unit_test(who_was_silent_before_the_sink_began_is_no_news),
        cmocka_unit_test(in_a_store_that_was_empty_all_are_news),
        cmocka_unit_test(one_that_is_not_watched_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
