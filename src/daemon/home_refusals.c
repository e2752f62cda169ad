/* Home refusals: a bit for each id that MQTT has. */
#include "daemon/home_refusals.h"

#include <string.h>

enum { IN_VAIN_MOST = 3 };
#define HOLD_US INT64_C(600000000)

static uint8_t bit_of(int id)
{
    return (uint8_t)(1u << (id % 8));
}

void reel_home_refusals_note(struct reel_home_refusals *refusals, int id)
{
    uint8_t *byte = &refusals->waiting[(uint16_t)id / 8];

    if (id == 0 || *byte & bit_of(id))
        return;
    *byte |= bit_of(id);
    refusals->count++;
}

bool reel_home_refusals_take(struct reel_home_refusals *refusals, int id, bool refused)
{
    uint8_t *byte = &refusals->waiting[(uint16_t)id / 8];

    if (!(*byte & bit_of(id)))
        return false;
    *byte &= (uint8_t)~bit_of(id);
    refusals->count--;
    refusals->refused = refusals->refused || refused;
    return true;
}

void reel_home_refusals_whole(struct reel_home_refusals *refusals)
{
    if (refusals->count == 0 && !refusals->refused)
        refusals->in_vain = 0;
}

bool reel_home_refusals_connected(struct reel_home_refusals *refusals, int64_t monotonic_us)
{
    if ((refusals->count > 0 || refusals->refused) && ++refusals->in_vain >= IN_VAIN_MOST)
        refusals->held_us = monotonic_us + HOLD_US;
    memset(refusals->waiting, 0, sizeof refusals->waiting);
    refusals->count = 0;
    refusals->refused = false;
    return refusals->held_us > monotonic_us;
}
