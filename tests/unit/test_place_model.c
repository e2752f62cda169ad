/* Placement against a naive model (place_history.h), over random histories: recorders that lose,
 * repeat, reorder, cut, reboot, jump, restart under their old name, and some that send nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/place_history.h"

enum { HISTORIES = 500, STEPS = 160 };

static void one_history(int history, unsigned rows_seen[])
{
    history_begin((uint64_t)history);
    for (int step = 0; step < STEPS; step++)
        history_step(history, step, rows_seen);
    history_finish();
}

static void test_random_histories(void **state)
{
    unsigned rows_seen[REEL_PLACE_LATE + 1] = {0};

    (void)state;
    for (int history = 0; history < HISTORIES; history++)
        one_history(history, rows_seen);
    for (int row = 0; row <= REEL_PLACE_LATE; row++) /* else the histories try too little */
        assert_in_range(rows_seen[row], 100, HISTORIES * STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
