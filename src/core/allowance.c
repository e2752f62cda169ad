/* Allowance: for each device the time that it has in hand. A message costs its share of a second,
 * less the time that its audio lasts. Those heard longest ago come first; once they have all of
 * their time again they are forgotten. */
#include "core/allowance.h"

#include <stdlib.h>

#include "core/devices.h"

enum { NS_PER_US = 1000, US_PER_S = 1000000 };
#define NS_PER_S ((uint64_t)NS_PER_US * US_PER_S)
#define MOST_NS  (REEL_ALLOWANCE_BURST_S * NS_PER_S)

struct share {
    uint64_t in_hand_ns;
    int64_t heard_us;
};

struct reel_allowance {
    struct reel_devices *shares;
};

struct reel_allowance *reel_allowance_create(void)
{
    struct reel_allowance *allowance = calloc(1, sizeof *allowance);

    if (!allowance)
        return NULL;
    allowance->shares = reel_devices_create(sizeof(struct share));
    if (!allowance->shares)
        reel_allowance_destroy(&allowance);
    return allowance;
}

void reel_allowance_destroy(struct reel_allowance **allowance)
{
    if (!*allowance)
        return;
    reel_devices_destroy(&(*allowance)->shares);
    free(*allowance);
    *allowance = NULL;
}

static bool is_rested(const struct share *share, int64_t now_us)
{
    return now_us - share->heard_us >= (int64_t)REEL_ALLOWANCE_BURST_S * US_PER_S;
}

static struct share *find(struct reel_allowance *allowance, const char *device, int64_t now_us)
{
    struct reel_devices *shares = allowance->shares;
    struct share *share;

    while ((share = reel_devices_first(shares)) != NULL && is_rested(share, now_us))
        reel_devices_forget(shares, share);
    share = reel_devices_find(shares, device);
    if (share) {
        reel_devices_put_last(shares, share);
        return share;
    }
    share = reel_devices_add(shares, device);
    if (share)
        *share = (struct share){.in_hand_ns = MOST_NS, .heard_us = now_us};
    return share;
}

bool reel_allowance_take(struct reel_allowance *allowance, const char *device, uint64_t per_s,
                         uint64_t audio_us, int64_t now_us)
{
    uint64_t cost_ns = per_s ? NS_PER_S / per_s : 0;
    uint64_t paid_ns = audio_us < US_PER_S ? audio_us * NS_PER_US : NS_PER_S;
    struct share *share = per_s ? find(allowance, device, now_us) : NULL;

    if (!share)
        return true;
    share->in_hand_ns += (uint64_t)(now_us - share->heard_us) * NS_PER_US;
    if (share->in_hand_ns > MOST_NS)
        share->in_hand_ns = MOST_NS;
    share->heard_us = now_us;
    cost_ns = cost_ns > paid_ns ? cost_ns - paid_ns : 0;
    if (share->in_hand_ns < cost_ns)
        return false;
    share->in_hand_ns -= cost_ns;
    return true;
}
