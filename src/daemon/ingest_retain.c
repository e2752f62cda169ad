/* Ingest, retention: what is too old or too much goes, what ended longest ago first. A sweep takes
 * a slice between two batches, as deletions do; recordings under way and kept ones it never takes.
 *
 * The disk is looked at once a second, or after each batch while there is little to spare, and room
 * is made as soon as it is short. All else is gone
 * through every ten seconds, and soon after a recording has completed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ingest_internal.h"
#include "io/loop.h"

#define SECOND_US     INT64_C(1000000)
#define PASS_US       (10 * SECOND_US)
#define SOON_US       SECOND_US
#define LOOK_US       SECOND_US
#define LOOK_UNMET_US (10 * SECOND_US)
#define NOWHERE_BEFORE                                                                             \
    (struct reel_removable_place)                                                                  \
    {                                                                                              \
        INT64_MIN, 0                                                                               \
    }

/* A slice ends with the first of these; a batch that is open while room is short is closed for it
 * within so long. */
enum { SLICE_RECORDINGS = 64, SLICE_DEVICES = 256, SLICE_US = 20000, HURRY_US = 50000 };

/* What is to be removed in one slice. */
struct victims {
    size_t count;
    struct {
        char device[REEL_NAME_BYTES];
        char session[REEL_NAME_BYTES];
        const char *reason;
    } items[SLICE_RECORDINGS];
};

static void add(struct victims *victims, const struct reel_removable *what, const char *reason)
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
                   struct reel_removable out[SLICE_RECORDINGS], size_t capacity)
{
    struct reel_error error;
    size_t count = 0;

    if (reel_store_removable(ingest->store, device, after, out, capacity, &count, &error))
        reel_ingest_fail(ingest, &error);
    return count;
}

/* ---- room on the disk ---- */

/* What waits to be unlinked is as good as free. */
static void look_at_disk(struct reel_ingest *ingest, int64_t now_us)
{
    struct reel_sweep *sweep = &ingest->sweep;
    uint64_t wanted = ingest->links.config->retention_min_free_bytes;
    struct reel_error error;
    uint64_t free_bytes;

    if (wanted == 0 || now_us < sweep->next_look_us)
        return;
    sweep->next_look_us = now_us + LOOK_US;
    if (reel_store_free_bytes(ingest->store, &free_bytes, &error)) {
        reel_log_write(ingest->links.log, REEL_LOG_WARNING, "%s", error.message);
        return;
    }
    free_bytes += reel_counted(&ingest->links.counters->unlinking_bytes);
    sweep->lacking_bytes = less(wanted, free_bytes);
    sweep->spare_bytes = less(free_bytes, wanted);
    sweep->at = NOWHERE_BEFORE;
    if (sweep->lacking_bytes == 0)
        sweep->unmet_free[0] = '\0';
}

/* More than once a second where what was written since may have used up what was to spare. */
void reel_ingest_retain_wrote(struct reel_ingest *ingest, uint64_t bytes)
{
    struct reel_sweep *sweep = &ingest->sweep;

    sweep->spare_bytes = less(sweep->spare_bytes, bytes);
    if (bytes > 0 && sweep->spare_bytes == 0 && sweep->unmet_free[0] == '\0')
        sweep->next_look_us = 0;
}

static void choose_for_room(struct reel_ingest *ingest, struct victims *victims)
{
    struct reel_sweep *sweep = &ingest->sweep;
    struct reel_removable found[SLICE_RECORDINGS];
    size_t count = page(ingest, NULL, &sweep->at, found, SLICE_RECORDINGS);

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

/* ---- the pass ---- */

static bool overrides_set(const struct reel_config *config, const char *setting)
{
    for (size_t i = 0; i < config->overrides_count; i++) {
        if (reel_device_settings_has(&config->overrides[i].settings, setting))
            return true;
    }
    return false;
}

void reel_ingest_retain_init(struct reel_ingest *ingest)
{
    const struct reel_config *config = ingest->links.config;
    const struct reel_retention *base = &config->base.retention;
    struct reel_sweep *sweep = &ingest->sweep;

    sweep->ages_differ = overrides_set(config, "retention.max_age_s");
    sweep->by_device = sweep->ages_differ || overrides_set(config, "retention.max_bytes");
    sweep->by_pass = sweep->by_device || base->max_bytes > 0 || base->max_age_s > 0;
}

static bool is_old(const struct reel_removable *what, uint64_t max_age_s, int64_t wall_us)
{
    return max_age_s > 0 && wall_us - what->at.ended_us > (int64_t)max_age_s * SECOND_US;
}

static void cannot_be_met(struct reel_sweep *sweep, const char *device, uint64_t recordings)
{
    if (sweep->unmet_pass[0] == '\0')
        snprintf(sweep->unmet_pass, sizeof sweep->unmet_pass,
                 "retention.max_bytes%s%s cannot be met: %" PRIu64 " recordings are kept",
                 device[0] ? " of " : "", device, recordings);
}

/* All devices together. */
static void choose_of_all(struct reel_ingest *ingest, struct victims *victims)
{
    uint64_t max_bytes = ingest->links.config->base.retention.max_bytes;
    struct reel_removable found[SLICE_RECORDINGS];
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
    count = page(ingest, NULL, &NOWHERE_BEFORE, found, SLICE_RECORDINGS);
    for (size_t i = 0; i < count && excess > 0; i++) {
        add(victims, &found[i], "retention.max_bytes");
        excess = less(excess, found[i].file_bytes);
    }
    if (excess > 0 && count == SLICE_RECORDINGS)
        ingest->sweep.phase = REEL_SWEEP_ALL;
    else if (excess > 0)
        cannot_be_met(&ingest->sweep, "", usage.recordings - count);
}

/* Where no device has an age of its own. */
static void choose_old(struct reel_ingest *ingest, struct victims *victims)
{
    const struct reel_config *config = ingest->links.config;
    struct reel_removable found[SLICE_RECORDINGS];
    int64_t wall_us = reel_wall_us();
    size_t count, old = 0;

    ingest->sweep.phase = ingest->sweep.by_device ? REEL_SWEEP_DEVICES : REEL_SWEEP_REST;
    ingest->sweep.device[0] = '\0';
    if (config->base.retention.max_age_s == 0 || ingest->sweep.ages_differ)
        return;
    count = page(ingest, NULL, &NOWHERE_BEFORE, found, SLICE_RECORDINGS);
    while (old < count && is_old(&found[old], config->base.retention.max_age_s, wall_us))
        add(victims, &found[old++], "retention.max_age_s");
    if (old == SLICE_RECORDINGS)
        ingest->sweep.phase = REEL_SWEEP_AGE;
}

/* Of one device. False: the slice is full, and there may be more of it. */
static bool choose_of_device(struct reel_ingest *ingest, const char *device,
                             const struct reel_usage *usage, struct victims *victims)
{
    size_t room = SLICE_RECORDINGS - victims->count;
    struct reel_removable found[SLICE_RECORDINGS];
    struct reel_retention retention;
    int64_t wall_us = reel_wall_us();
    uint64_t excess;
    size_t count, chosen = 0;

    reel_config_retention(ingest->links.config, device, &retention);
    excess = retention.max_bytes ? less(usage->bytes, retention.max_bytes) : 0;
    if (excess == 0 && retention.max_age_s == 0)
        return true;
    count = page(ingest, device, &NOWHERE_BEFORE, found, room);
    for (; chosen < count; chosen++) {
        bool old = is_old(&found[chosen], retention.max_age_s, wall_us);

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

static void choose_by_device(struct reel_ingest *ingest, struct victims *victims)
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

/* ---- the slice ---- */

static void choose(struct reel_ingest *ingest, struct victims *victims)
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

/* Those that there is no time for are found again. */
static void remove_victims(struct reel_ingest *ingest, const struct victims *victims)
{
    int64_t until_us = reel_monotonic_us() + SLICE_US;

    if (victims->count == 0 || !reel_ingest_begin_removing(ingest))
        return;
    for (size_t i = 0; i < victims->count && (i == 0 || reel_monotonic_us() < until_us); i++) {
        struct reel_entry *entry;
        struct reel_error error;
        enum reel_code code = reel_ingest_get(ingest, victims->items[i].device,
                                              victims->items[i].session, &entry, &error);

        if (code == REEL_OK)
            code = reel_ingest_remove(ingest, entry, victims->items[i].reason);
        if (code != REEL_OK && code != REEL_E_NOT_FOUND)
            return;
    }
    reel_ingest_commit(ingest);
}

static void tell_unmet(struct reel_ingest *ingest)
{
    struct reel_sweep *sweep = &ingest->sweep;
    const char *unmet = sweep->unmet_free[0] ? sweep->unmet_free : sweep->unmet_pass;

    if (strcmp(sweep->unmet, unmet) == 0)
        return;
    snprintf(sweep->unmet, sizeof sweep->unmet, "%s", unmet);
    if (unmet[0])
        reel_log_write(ingest->links.log, REEL_LOG_WARNING, "%s", unmet);
    if (ingest->subscribed)
        reel_ingest_tell(ingest, "");
}

static bool is_busy(const struct reel_sweep *sweep)
{
    return sweep->lacking_bytes > 0 || sweep->phase != REEL_SWEEP_REST;
}

static void begin_pass(struct reel_ingest *ingest, int64_t now_us)
{
    struct reel_sweep *sweep = &ingest->sweep;

    if (!sweep->by_pass || sweep->phase != REEL_SWEEP_REST || now_us < sweep->next_pass_us)
        return;
    sweep->phase = REEL_SWEEP_ALL;
    sweep->unmet_pass[0] = '\0';
}

void reel_ingest_retain(struct reel_ingest *ingest)
{
    struct reel_sweep *sweep = &ingest->sweep;
    struct victims victims = {0};
    int64_t now_us = reel_monotonic_us();

    if (ingest->failed)
        return;
    look_at_disk(ingest, now_us);
    begin_pass(ingest, now_us);
    if (is_busy(sweep) && ingest->batch.open) {
        if (sweep->lacking_bytes > 0)
            reel_batch_hurry(&ingest->batch, ingest->batch.since_us + HURRY_US);
        return;
    }
    if (is_busy(sweep)) {
        sweep->next_pass_us = now_us + PASS_US;
        choose(ingest, &victims);
        if (!ingest->failed)
            remove_victims(ingest, &victims);
    }
    if (!is_busy(sweep))
        tell_unmet(ingest);
}

void reel_ingest_retain_soon(struct reel_ingest *ingest)
{
    int64_t soon_us = reel_monotonic_us() + SOON_US;

    if (soon_us < ingest->sweep.next_pass_us)
        ingest->sweep.next_pass_us = soon_us;
}

int64_t reel_ingest_retain_due_us(const struct reel_ingest *ingest)
{
    const struct reel_config *config = ingest->links.config;
    int64_t look_us = config->retention_min_free_bytes ? ingest->sweep.next_look_us : INT64_MAX;
    int64_t pass_us = ingest->sweep.by_pass ? ingest->sweep.next_pass_us : INT64_MAX;

    if (is_busy(&ingest->sweep))
        return ingest->batch.open ? look_us : 0;
    return look_us < pass_us ? look_us : pass_us;
}
