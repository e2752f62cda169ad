/* Rate: a counter and a minute for each device; those whose minute is over are forgotten. */
#include "daemon/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/limits.h"

enum { MINUTE_US = 60 * 1000000, SWEEP_COUNT = 1024 };

struct share {
    char device[REEL_NAME_BYTES];
    int64_t since_us;
    uint64_t taken;
    UT_hash_handle hh;
};

struct reel_rate {
    uint64_t per_minute;
    struct share *shares;
};

struct reel_rate *reel_rate_create(uint64_t per_minute)
{
    struct reel_rate *rate = calloc(1, sizeof *rate);

    if (rate)
        rate->per_minute = per_minute;
    return rate;
}

/* Forget the shares whose minute is over; with INT64_MAX, all. */
static void sweep(struct reel_rate *rate, int64_t now_us)
{
    struct share *share;
    struct share *next;

    HASH_ITER (hh, rate->shares, share, next) {
        if (now_us == INT64_MAX || now_us - share->since_us >= MINUTE_US) {
            HASH_DEL(rate->shares, share);
            free(share);
        }
    }
}

void reel_rate_destroy(struct reel_rate **rate)
{
    if (!*rate)
        return;
    sweep(*rate, INT64_MAX);
    free(*rate);
    *rate = NULL;
}

bool reel_rate_take(struct reel_rate *rate, const char *device, int64_t now_us)
{
    struct share *share = NULL;

    HASH_FIND_STR(rate->shares, device, share);
    if (!share) {
        if (HASH_COUNT(rate->shares) % SWEEP_COUNT == SWEEP_COUNT - 1)
            sweep(rate, now_us);
        share = calloc(1, sizeof *share);
        if (!share)
            return false;
        snprintf(share->device, sizeof share->device, "%s", device);
        share->since_us = now_us;
        HASH_ADD_STR(rate->shares, device, share);
    }
    if (now_us - share->since_us >= MINUTE_US) {
        share->since_us = now_us;
        share->taken = 0;
    }
    if (share->taken >= rate->per_minute)
        return false;
    share->taken++;
    return true;
}
