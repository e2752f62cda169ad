/* Fuzz: the recording machine beside the naive model. The input chooses what recorders send: a byte
 * for the seed of their plans, then a byte for a choice. */
#include "fuzz/fuzz.h"
#include "unit/place_history.h"

enum { STEPS_MAX = 160 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    unsigned rows_seen[REEL_PLACE_LATE + 1] = {0};
    struct input input = {data, bytes};
    uint8_t seed = input_byte(&input);

    plans.choices = input.at;
    plans.choices_count = input.left;
    history_begin(seed);
    for (int step = 0; step < STEPS_MAX && plans.choices_count > 0; step++)
        history_step(seed, step, rows_seen);
    history_finish();
    return 0;
}
