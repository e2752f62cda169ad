/* Rate: a counter and a minute for each device, oldest minute first; those whose minute is over are
 * forgotten, and where there are too many the oldest. A device that is forgotten early may begin a
 * few more: a bound on memory must not refuse what an honest device begins. */
#include "core/rate.h"

#include <stdio.h>
#include <stdlib.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/limits.h"

enum { MINUTE_US = 60 * 1000000, SHARES_MAX = 16384 };

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

static bool is_over(const struct share *share, int64_t now_us)
{
    return now_us - share->since_us >= MINUTE_US;
}

static void forget(struct reel_rate *rate, struct share *share)
{
    HASH_DEL(rate->shares, share);
    free(share);
}

/* The table keeps the order in which shares were added. */
static void forget_over(struct reel_rate *rate, int64_t now_us)
{
    while (rate->shares && is_over(rate->shares, now_us))
        forget(rate, rate->shares);
}

static struct share *add(struct reel_rate *rate, const char *device, int64_t now_us)
{
    struct share *share = calloc(1, sizeof *share);

    if (!share)
        return NULL;
    if (HASH_COUNT(rate->shares) >= SHARES_MAX)
        forget(rate, rate->shares);
    snprintf(share->device, sizeof share->device, "%s", device);
    share->since_us = now_us;
    HASH_ADD_STR(rate->shares, device, share);
    if (!share->hh.tbl) {
        free(share);
        return NULL;
    }
    return share;
}

void reel_rate_destroy(struct reel_rate **rate)
{
    if (!*rate)
        return;
    while ((*rate)->shares)
        forget(*rate, (*rate)->shares);
    free(*rate);
    *rate = NULL;
}

bool reel_rate_take(struct reel_rate *rate, const char *device, int64_t now_us)
{
    struct share *share = NULL;

    forget_over(rate, now_us);
    HASH_FIND_STR(rate->shares, device, share);
    if (!share)
        share = add(rate, device, now_us);
    if (!share)
        return true;
    if (share->taken >= rate->per_minute)
        return false;
    share->taken++;
    return true;
}
