/* Rate: a counter and a minute for each device, oldest minute first; those whose minute is over are
 * forgotten, and where there are too many the oldest. A device that is forgotten early may begin a
 * few more: a bound on memory must not refuse what an honest device begins. */
#include "core/rate.h"

#include <stdlib.h>

#include "core/devices.h"

enum { MINUTE_US = 60 * 1000000 };

struct share {
    int64_t since_us;
    uint64_t taken;
};

struct reel_rate {
    uint64_t per_minute;
    struct reel_devices *shares;
};

struct reel_rate *reel_rate_create(uint64_t per_minute)
{
    struct reel_rate *rate = calloc(1, sizeof *rate);

    if (!rate)
        return NULL;
    rate->per_minute = per_minute;
    rate->shares = reel_devices_create(sizeof(struct share));
    if (!rate->shares)
        reel_rate_destroy(&rate);
    return rate;
}

void reel_rate_destroy(struct reel_rate **rate)
{
    if (!*rate)
        return;
    reel_devices_destroy(&(*rate)->shares);
    free(*rate);
    *rate = NULL;
}

void reel_rate_set(struct reel_rate *rate, uint64_t per_minute)
{
    rate->per_minute = per_minute;
}

static void forget_over(struct reel_rate *rate, int64_t now_us)
{
    struct share *share;

    while ((share = reel_devices_first(rate->shares)) != NULL &&
           now_us - share->since_us >= MINUTE_US)
        reel_devices_forget(rate->shares, share);
}

bool reel_rate_take(struct reel_rate *rate, const char *device, int64_t now_us)
{
    struct share *share;

    forget_over(rate, now_us);
    share = reel_devices_find(rate->shares, device);
    if (!share) {
        share = reel_devices_add(rate->shares, device);
        if (!share)
            return true;
        share->since_us = now_us;
    }
    if (share->taken >= rate->per_minute)
        return false;
    share->taken++;
    return true;
}
