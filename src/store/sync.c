/* Sync: the choice between the two ways. */
#include "store/sync.h"

enum { SINGLE_FIRST_US = 250, WHOLE_FIRST_US = 1000, TRY_AFTER = 16, LEISURE = 8 };

void reel_sync_init(struct reel_sync *sync, enum reel_sync_way way, int64_t (*clock)(void))
{
    *sync = (struct reel_sync){
        .way = way,
        .clock = clock,
        .single_us = SINGLE_FIRST_US,
        .whole_us = WHOLE_FIRST_US,
        .ended_us = clock ? clock() : 0,
    };
}

bool reel_sync_whole_allowed(const struct reel_sync *sync)
{
    return sync->way != REEL_SYNC_FILES;
}

static bool whole_is_cheaper(const struct reel_sync *sync, size_t items)
{
    return sync->whole_us < (double)items * sync->single_us;
}

bool reel_sync_whole(const struct reel_sync *sync, size_t items)
{
    bool cheaper = whole_is_cheaper(sync, items);
    double other_us = cheaper ? (double)items * sync->single_us : sync->whole_us;

    if (sync->way != REEL_SYNC_AUTO)
        return sync->way == REEL_SYNC_FILE_SYSTEM;
    if (items <= 1)
        return false;
    return cheaper != (sync->spent_us >= TRY_AFTER * other_us);
}

bool reel_sync_at_leisure(const struct reel_sync *sync, size_t items)
{
    return sync->way == REEL_SYNC_AUTO && sync->clock &&
           (double)(sync->clock() - sync->ended_us) >= LEISURE * (double)items * sync->single_us;
}

void reel_sync_took(struct reel_sync *sync, bool whole, size_t items, int64_t took_us)
{
    bool was_cheaper = whole == whole_is_cheaper(sync, items);
    double us = took_us > 0 ? (double)took_us : 1;

    if (items == 0 || !sync->clock)
        return;
    sync->ended_us = sync->clock();
    if (whole)
        sync->whole_us = (sync->whole_us + us) / 2;
    else
        sync->single_us = (sync->single_us + us / (double)items) / 2;
    if (whole != whole_is_cheaper(sync, items))
        sync->spent_us = 0; /* so it is the dearer one, and has just been tried */
    else
        sync->spent_us = (was_cheaper ? sync->spent_us : 0) + us;
}

int64_t reel_sync_now_us(const struct reel_sync *sync)
{
    return sync->clock ? sync->clock() : 0;
}
