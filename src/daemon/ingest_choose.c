/* Ingest, retention: which recordings go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ingest_retain.h"
#include "io/loop.h"

#define SECOND_US     INT64_C(1000000)
#define LOOK_UNMET_US (10 * SECOND_US)

enum { SLICE_DEVICES = 256 };

static void add(struct reel_victims *victims, const struct reel_removable *what, const char *reason)
{
    size_t at = victims->count++;

    memcpy(victims->items[at].device, what->device, REEL_NAME_BYTES);
    memcpy(victims->items[at].session, what->session, REEL_NAME_BYTES);
    victims->items[at].reason = reason;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

/* A page of what may go; a failure fails the batch, and the page is empty. */
static size_t page(struct reel_ingest *ingest, const char *device,
                   const struct reel_removable_place *after,
                   struct reel_removable out[REEL_VICTIMS_MAX], size_t capacity)
{
    struct reel_error error;
    size_t count = 0;

    if (reel_store_removable(ingest->store, device, after, out, capacity, &count, &error))
        reel_ingest_fail(ingest, &error);
    return count;
}

/* Room on the disk. */
static void choose_for_room(struct reel_ingest *ingest, struct reel_victims *victims)
{
    struct reel_sweep *sweep = &ingest->sweep;
    struct reel_removable found[REEL_VICTIMS_MAX];
    size_t count = page(ingest, NULL, &sweep->at, found, REEL_VICTIMS_MAX);

    if (count == 0) {
        snprintf(sweep->unmet_free, sizeof sweep->unmet_free,
                 "retention.min_free_bytes cannot be met: %" PRIu64
                 " bytes are lacking, and what there is is kept or being recorded",
                 sweep->lacking_bytes);
        sweep->lacking_bytes = 0;
        sweep->next_look_us = reel_monotonic_us() + LOOK_UNMET_US;
        return;
    }
    for (size_t i = 0; i < count && sweep->lacking_bytes > 0; i++) {
        sweep->at = found[i].at;
        if (!reel_store_shares_disk(ingest->store, found[i].device))
            continue;
        add(victims, &found[i], "retention.min_free_bytes");
        sweep->lacking_bytes = less(sweep->lacking_bytes, found[i].file_bytes);
    }
}

/* Not by a clock that is doubted, and not what ended by one that was not set. */
static bool is_old(const struct reel_ingest *ingest, const struct reel_removable *what,
                   uint64_t max_age_s)
{
    return max_age_s > 0 && !ingest->sweep.clock.doubted &&
           what->at.ended_us >= REEL_CLOCK_SET_US &&
           ingest->sweep.wall_us - what->at.ended_us > (int64_t)max_age_s * SECOND_US;
}

static void cannot_be_met(struct reel_sweep *sweep, const char *device, uint64_t recordings)
{
    if (sweep->unmet_pass[0] == '\0')
        snprintf(sweep->unmet_pass, sizeof sweep->unmet_pass,
                 "retention.max_bytes%s%s cannot be met: %" PRIu64 " recordings are kept",
                 device[0] ? " of " : "", device, recordings);
}

/* All devices together. */
static void choose_of_all(struct reel_ingest *ingest, struct reel_victims *victims)
{
    uint64_t max_bytes = ingest->links.config->base.retention.max_bytes;
    const struct reel_removable_place first = reel_removable_first();
    struct reel_removable found[REEL_VICTIMS_MAX];
    struct reel_usage usage;
    struct reel_error error;
    char device[REEL_NAME_BYTES];
    uint64_t excess;
    size_t count;

    ingest->sweep.phase = REEL_SWEEP_AGE;
    if (max_bytes == 0)
        return;
    if (reel_store_usage_behind(ingest->store, NULL, device, &usage, &error)) {
        reel_ingest_fail(ingest, &error);
        return;
    }
    excess = less(usage.bytes, max_bytes);
    if (excess == 0)
        return;
    count = page(ingest, NULL, &first, found, REEL_VICTIMS_MAX);
    for (size_t i = 0; i < count && excess > 0; i++) {
        add(victims, &found[i], "retention.max_bytes");
        excess = less(excess, found[i].file_bytes);
    }
    if (excess > 0 && count == REEL_VICTIMS_MAX)
        ingest->sweep.phase = REEL_SWEEP_ALL;
    else if (excess > 0)
        cannot_be_met(&ingest->sweep, "", usage.recordings - count);
}

/* Where no device has an age of its own. */
static void choose_old(struct reel_ingest *ingest, struct reel_victims *victims)
{
    const struct reel_config *config = ingest->links.config;
    const struct reel_removable_place first = reel_removable_of_age();
    struct reel_removable found[REEL_VICTIMS_MAX];
    size_t count, old = 0;

    ingest->sweep.phase = ingest->sweep.by_device ? REEL_SWEEP_DEVICES : REEL_SWEEP_REST;
    ingest->sweep.device[0] = '\0';
    if (config->base.retention.max_age_s == 0 || ingest->sweep.ages_differ)
        return;
    count = page(ingest, NULL, &first, found, REEL_VICTIMS_MAX);
    while (old < count && is_old(ingest, &found[old], config->base.retention.max_age_s))
        add(victims, &found[old++], "retention.max_age_s");
    if (old == REEL_VICTIMS_MAX)
        ingest->sweep.phase = REEL_SWEEP_AGE;
}

/* Of one device. False: the slice is full, and there may be more of it. */
static bool choose_of_device(struct reel_ingest *ingest, const char *device,
                             const struct reel_usage *usage, struct reel_victims *victims)
{
    struct reel_removable_place first = reel_removable_first();
    size_t room = REEL_VICTIMS_MAX - victims->count;
    struct reel_removable found[REEL_VICTIMS_MAX];
    struct reel_retention retention;
    uint64_t excess;
    size_t count, chosen = 0;

    reel_config_retention(ingest->links.config, device, &retention);
    excess = retention.max_bytes ? less(usage->bytes, retention.max_bytes) : 0;
    if (excess == 0 && retention.max_age_s == 0)
        return true;
    if (excess == 0)
        first = reel_removable_of_age();
    count = page(ingest, device, &first, found, room);
    for (; chosen < count; chosen++) {
        bool old = is_old(ingest, &found[chosen], retention.max_age_s);

        if (!old && excess == 0)
            return true;
        add(victims, &found[chosen], old ? "retention.max_age_s" : "retention.max_bytes");
        excess = less(excess, found[chosen].file_bytes);
    }
    if (count == room)
        return false;
    if (excess > 0)
        cannot_be_met(&ingest->sweep, device, usage->recordings - count);
    return true;
}

static void choose_by_device(struct reel_ingest *ingest, struct reel_victims *victims)
{
    struct reel_sweep *sweep = &ingest->sweep;

    for (int i = 0; i < SLICE_DEVICES && !ingest->failed; i++) {
        struct reel_usage usage;
        struct reel_error error;
        char device[REEL_NAME_BYTES];
        enum reel_code code =
            reel_store_usage_behind(ingest->store, sweep->device, device, &usage, &error);

        if (code == REEL_E_NOT_FOUND)
            sweep->phase = REEL_SWEEP_REST;
        else if (code)
            reel_ingest_fail(ingest, &error);
        if (code || !choose_of_device(ingest, device, &usage, victims))
            return;
        memcpy(sweep->device, device, sizeof device);
    }
}

void reel_ingest_choose(struct reel_ingest *ingest, struct reel_victims *victims)
{
    if (ingest->sweep.lacking_bytes > 0)
        choose_for_room(ingest, victims);
    else if (ingest->sweep.phase == REEL_SWEEP_ALL)
        choose_of_all(ingest, victims);
    else if (ingest->sweep.phase == REEL_SWEEP_AGE)
        choose_old(ingest, victims);
    else
        choose_by_device(ingest, victims);
}
