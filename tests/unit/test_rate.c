/* Who began how many recordings and sent how many messages, and which refusals become events:
 * tables that strangers fill, with a bound and where memory runs out. */
#include "unit/memory.h"

#include <stdio.h>

#include "core/allowance.h"
#include "core/rate.h"
#include "core/reject_limit.h"

enum { DEVICES_KEPT = 16384, PAIRS_KEPT = 1024, SECOND_US = 1000000 };

static void name_of(unsigned number, char out[REEL_NAME_BYTES])
{
    snprintf(out, REEL_NAME_BYTES, "d%u", number);
}

/* ---- recordings begun ---- */

static void a_device_has_its_share_of_each_minute(void **state)
{
    struct reel_rate *rate = reel_rate_create(2);

    (void)state;
    assert_true(reel_rate_take(rate, "a", 0));
    assert_true(reel_rate_take(rate, "a", 59 * SECOND_US));
    assert_false(reel_rate_take(rate, "a", 59 * SECOND_US));
    assert_true(reel_rate_take(rate, "b", 59 * SECOND_US));
    assert_true(reel_rate_take(rate, "a", 60 * SECOND_US));
    reel_rate_destroy(&rate);
}

/* The oldest is forgotten, which may then begin a few more; nobody is refused for it. */
static void a_million_devices_leave_so_many_in_memory(void **state)
{
    struct reel_rate *rate = reel_rate_create(1);
    char device[REEL_NAME_BYTES];

    (void)state;
    assert_true(reel_rate_take(rate, "oldest", 0));
    for (unsigned i = 1; i < DEVICES_KEPT; i++) {
        name_of(i, device);
        assert_true(reel_rate_take(rate, device, 0));
    }
    assert_false(reel_rate_take(rate, "oldest", 0));
    for (unsigned i = DEVICES_KEPT; i < 1000000; i++) {
        name_of(i, device);
        assert_true(reel_rate_take(rate, device, 0));
    }
    assert_true(reel_rate_take(rate, "oldest", 0));
    assert_false(reel_rate_take(rate, device, 0));
    reel_rate_destroy(&rate);
}

static void begin_one(const void *argument)
{
    struct reel_rate *rate = reel_rate_create(1);
    bool first = rate && reel_rate_take(rate, argument, 0);

    memory_end();
    if (rate) {
        assert_true(first);
        reel_rate_destroy(&rate);
    }
}

/* Nobody is told that it began too many because of it. */
static void without_memory_nobody_is_refused(void **state)
{
    (void)state;
    memory_fails_each(begin_one, "a");
}

/* ---- messages a second ---- */

enum { AUDIO_20_MS = 20000 };

static unsigned taken(struct reel_allowance *allowance, unsigned messages, uint64_t audio_us,
                      int64_t now_us)
{
    unsigned count = 0;

    for (unsigned i = 0; i < messages; i++)
        count += reel_allowance_take(allowance, "a", 50, audio_us, now_us);
    return count;
}

static void a_device_may_send_so_many_a_second_and_ten_seconds_at_once(void **state)
{
    struct reel_allowance *allowance = reel_allowance_create();

    (void)state;
    assert_int_equal(taken(allowance, 2000, 0, 0), 500);
    assert_int_equal(taken(allowance, 2000, 0, SECOND_US), 50);
    assert_true(reel_allowance_take(allowance, "b", 50, 0, SECOND_US));
    for (unsigned i = 1; i <= 500; i++)
        assert_int_equal(taken(allowance, 1, 0, SECOND_US + i * 20000), 1);
    assert_int_equal(taken(allowance, 1, 0, SECOND_US + 501 * 20000 - 1), 0);
    assert_int_equal(taken(allowance, 2000, 0, 60 * SECOND_US), 500);
    reel_allowance_destroy(&allowance);
}

/* An hour that the broker kept comes at once: 20 ms a fragment are 50 a second. */
static void audio_that_comes_late_is_no_flood(void **state)
{
    struct reel_allowance *allowance = reel_allowance_create();

    (void)state;
    assert_int_equal(taken(allowance, 180000, AUDIO_20_MS, 0), 180000);
    assert_int_equal(taken(allowance, 180000, UINT64_MAX, 0), 180000);
    assert_int_equal(taken(allowance, 10000, AUDIO_20_MS / 2, 0), 1000);
    reel_allowance_destroy(&allowance);
}

static void without_a_bound_nothing_is_counted(void **state)
{
    struct reel_allowance *allowance = reel_allowance_create();

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        assert_true(reel_allowance_take(allowance, "a", 0, 0, 0));
    assert_int_equal(taken(allowance, 2000, 0, 0), 500);
    reel_allowance_destroy(&allowance);
}

/* The one that was heard longest ago is forgotten, and has all of its time again. */
static void a_million_devices_that_send_leave_so_many_in_memory(void **state)
{
    struct reel_allowance *allowance = reel_allowance_create();
    char device[REEL_NAME_BYTES];

    (void)state;
    assert_int_equal(taken(allowance, 500, 0, 0), 500);
    for (unsigned i = 0; i < 1000000; i++) {
        name_of(i, device);
        assert_true(reel_allowance_take(allowance, device, 50, 0, 0));
        if (i % (DEVICES_KEPT / 2) == 0)
            assert_int_equal(taken(allowance, 1, 0, 0), 0);
    }
    assert_int_equal(taken(allowance, 1, 0, 0), 0);
    for (unsigned i = 0; i < DEVICES_KEPT; i++) {
        name_of(i, device);
        reel_allowance_take(allowance, device, 50, 0, 0);
    }
    assert_int_equal(taken(allowance, 1, 0, 0), 1);
    reel_allowance_destroy(&allowance);
}

static void send_one(const void *argument)
{
    struct reel_allowance *allowance = reel_allowance_create();
    bool first = allowance && reel_allowance_take(allowance, argument, 1, 0, 0);

    memory_end();
    if (allowance) {
        assert_true(first);
        reel_allowance_destroy(&allowance);
    }
}

static void without_memory_nothing_is_a_flood(void **state)
{
    (void)state;
    memory_fails_each(send_one, "a");
}

/* ---- refusals that become events ---- */

static void refuse(struct reel_reject_limit *limit, const char *device, enum reel_code code)
{
    struct reel_rejection what = {.error = {.code = code}};

    snprintf(what.device, sizeof what.device, "%s", device);
    reel_reject_limit_note(limit, &what);
}

static void a_device_is_told_of_once_a_second(void **state)
{
    struct reel_reject_limit *limit = reel_reject_limit_create();
    struct reel_rejection what;

    (void)state;
    assert_int_equal(reel_reject_limit_next_us(limit), INT64_MAX);
    refuse(limit, "a", REEL_E_BUSY);
    assert_true(reel_reject_limit_due(limit, 0, &what));
    assert_int_equal(what.count, 1);
    refuse(limit, "a", REEL_E_BUSY);
    refuse(limit, "a", REEL_E_BUSY);
    assert_int_equal(reel_reject_limit_next_us(limit), SECOND_US);
    assert_false(reel_reject_limit_due(limit, SECOND_US - 1, &what));
    assert_true(reel_reject_limit_due(limit, SECOND_US, &what));
    assert_int_equal(what.count, 2);
    assert_false(reel_reject_limit_due(limit, 9 * SECOND_US, &what));
    reel_reject_limit_destroy(&limit);
}

/* All that are over share one place, so that there are never more events than that at once. */
static void a_million_devices_make_so_many_events(void **state)
{
    struct reel_reject_limit *limit = reel_reject_limit_create();
    struct reel_rejection what;
    char device[REEL_NAME_BYTES];
    uint64_t refused = 0;
    unsigned events = 0;

    (void)state;
    for (unsigned i = 0; i < 1000000; i++) {
        name_of(i, device);
        refuse(limit, device, REEL_E_BUSY);
    }
    while (reel_reject_limit_due(limit, 0, &what)) {
        refused += what.count;
        events++;
    }
    assert_int_equal(events, PAIRS_KEPT + 1);
    assert_int_equal(refused, 1000000);
    reel_reject_limit_destroy(&limit);
}

static void refuse_one(const void *argument)
{
    struct reel_reject_limit *limit = reel_reject_limit_create();
    struct reel_rejection what;

    if (limit)
        refuse(limit, argument, REEL_E_BUSY);
    memory_end();
    if (!limit)
        return;
    assert_true(reel_reject_limit_due(limit, 0, &what) == !memory_failed);
    reel_reject_limit_destroy(&limit);
}

static void without_memory_an_event_is_missed(void **state)
{
    (void)state;
    memory_fails_each(refuse_one, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_has_its_share_of_each_minute),
        cmocka_unit_test(a_million_devices_leave_so_many_in_memory),
        cmocka_unit_test(without_memory_nobody_is_refused),
        cmocka_unit_test(a_device_may_send_so_many_a_second_and_ten_seconds_at_once),
        cmocka_unit_test(audio_that_comes_late_is_no_flood),
        cmocka_unit_test(without_a_bound_nothing_is_counted),
        cmocka_unit_test(a_million_devices_that_send_leave_so_many_in_memory),
        cmocka_unit_test(without_memory_nothing_is_a_flood),
        cmocka_unit_test(a_device_is_told_of_once_a_second),
        cmocka_unit_test(a_million_devices_make_so_many_events),
        cmocka_unit_test(without_memory_an_event_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
