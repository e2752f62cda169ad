/* Ingest, retention: what is too old or too much goes, what ended longest ago first. A sweep takes
 * a slice between two batches, as deletions do; recordings under way and kept ones it never takes.
 *
 * The disk is looked at once a second, or after each batch while there is little to spare, and room
 * is made as soon as it is short. All else is gone through every ten seconds, and soon after a
 * recording has completed. */
#include <stdio.h>
#include <string.h>

#include "daemon/ingest_changes.h"
#include "daemon/ingest_retain.h"
#include "io/loop.h"

#define SECOND_US INT64_C(1000000)
#define PASS_US   (10 * SECOND_US)
#define SOON_US   SECOND_US
#define LOOK_US   SECOND_US

/* A slice takes no longer than this; a batch that is open while room is short is closed for it
 * within so long. */
enum { SLICE_US = 20000, HURRY_US = 50000 };

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
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
    sweep->at = reel_removable_first();
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

    sweep->phase = REEL_SWEEP_REST;
    sweep->next_pass_us = 0;
    sweep->next_look_us = 0;
    sweep->lacking_bytes = 0;
    sweep->spare_bytes = 0;
    sweep->unmet_pass[0] = '\0';
    sweep->unmet_free[0] = '\0';
    sweep->ages_differ = overrides_set(config, "retention.max_age_s");
    sweep->by_device = sweep->ages_differ || overrides_set(config, "retention.max_bytes");
    sweep->by_age = sweep->ages_differ || base->max_age_s > 0;
    sweep->by_pass = sweep->by_device || base->max_bytes > 0 || base->max_age_s > 0;
}

/* ---- the clock ---- */

/* What ended last is the latest time that the sink knows of: a clock far ahead of it may be wrong.
 */
static bool know_clock(struct reel_ingest *ingest)
{
    struct reel_sweep *sweep = &ingest->sweep;
    struct reel_error error;
    int64_t ended_us;

    if (sweep->clock_known)
        return true;
    if (reel_store_latest_end(ingest->store, &ended_us, &error)) {
        reel_ingest_fail(ingest, &error);
        return false;
    }
    reel_clock_watch_init(&sweep->clock, ended_us, reel_elapsed_us());
    sweep->clock_known = true;
    return true;
}

static void look_at_clock(struct reel_ingest *ingest)
{
    struct reel_sweep *sweep = &ingest->sweep;

    if (!sweep->by_age || !know_clock(ingest))
        return;
    sweep->wall_us = reel_wall_us();
    if (!reel_clock_watch_believes(&sweep->clock, sweep->wall_us, reel_elapsed_us()))
        snprintf(sweep->unmet_pass, sizeof sweep->unmet_pass,
                 "retention.max_age_s waits: the clock went ahead by more than a day, and is "
                 "believed when it has stayed so for a day");
}

/* ---- the slice ---- */

/* False: there was no time for all of them, or the batch failed. */
static bool remove_victims(struct reel_ingest *ingest, const struct reel_victims *victims)
{
    int64_t until_us = reel_monotonic_us() + SLICE_US;
    size_t i;

    if (victims->count == 0)
        return true;
    if (!reel_ingest_begin_removing(ingest))
        return false;
    for (i = 0; i < victims->count && (i == 0 || reel_monotonic_us() < until_us); i++) {
        struct reel_entry *entry;
        struct reel_error error;
        enum reel_code code = reel_ingest_get(ingest, victims->items[i].device,
                                              victims->items[i].session, &entry, &error);

        if (code == REEL_OK)
            code = reel_ingest_remove(ingest, entry, victims->items[i].reason);
        if (code != REEL_OK && code != REEL_E_NOT_FOUND)
            return false;
    }
    reel_ingest_commit(ingest);
    return i == victims->count;
}

/* One slice. Those that there was no time for are found again by the next. */
static void take_slice(struct reel_ingest *ingest)
{
    struct reel_sweep *sweep = &ingest->sweep;
    const struct reel_sweep before = *sweep;
    struct reel_victims victims = {0};

    reel_ingest_choose(ingest, &victims);
    if (ingest->failed || remove_victims(ingest, &victims))
        return;
    sweep->phase = before.phase;
    memcpy(sweep->device, before.device, sizeof sweep->device);
    sweep->next_look_us = 0;
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
        look_at_clock(ingest);
        if (!ingest->failed)
            take_slice(ingest);
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
