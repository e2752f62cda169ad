/* Store, the commit: what a batch wrote becomes durable, in an order in which nothing on disk ever
 * claims what is not there yet:
 *
 *   headers -> sync of the files -> catalog -> what was removed loses its name, uploads take theirs
 *   -> sidecars
 *
 * Sidecars wait for the catalog, so that one that says more than the catalog always means a catalog
 * that has lost something (see store/recover.h). */
#include "store/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A growing file's header is this much behind at most, its sidecar that much. */
#define HEADER_INTERVAL_US        INT64_C(5000000)
#define SIDECAR_INTERVAL_US       INT64_C(60000000)
#define LARGE_SIDECAR_INTERVAL_US INT64_C(10000000)

static const int64_t lag_most_us[LAG_KINDS] = {
    [LAG_HEADER] = HEADER_INTERVAL_US,
    [LAG_SIDECAR] = SIDECAR_INTERVAL_US,
};

static bool is_complete(const struct reel_entry *entry)
{
    return entry->recording.state == REEL_STATE_COMPLETE;
}

static bool since(int64_t then_us, int64_t interval_us, int64_t now_us)
{
    return now_us - then_us >= interval_us || now_us < then_us;
}

static void note_lag(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind,
                     int64_t now_us)
{
    struct lag *lag = &entry->lags[kind];

    if (lag->lagging)
        return;
    lag->lagging = true;
    lag->since_us = now_us;
    DL_APPEND2(store->lagging[kind], entry, lags[kind].prev, lags[kind].next);
}

void reel_store_catch_up(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind)
{
    if (entry->lags[kind].lagging)
        DL_DELETE2(store->lagging[kind], entry, lags[kind].prev, lags[kind].next);
    entry->lags[kind].lagging = false;
}

/* How long the one that lags behind for longest may go on; 0: no longer. */
static int64_t due_in_us(const struct reel_store *store, enum lag_kind kind, int64_t now_us)
{
    const struct reel_entry *entry = store->lagging[kind];

    if (!entry)
        return INT64_MAX;
    if (since(entry->lags[kind].since_us, lag_most_us[kind], now_us))
        return 0;
    return entry->lags[kind].since_us + lag_most_us[kind] - now_us;
}

int64_t reel_store_due_in_us(const struct reel_store *store, int64_t now_us)
{
    int64_t header_us = due_in_us(store, LAG_HEADER, now_us);
    int64_t sidecar_us = due_in_us(store, LAG_SIDECAR, now_us);

    if (store->uploads->leaving)
        return 0;
    return header_us < sidecar_us ? header_us : sidecar_us;
}

static enum reel_code write_header(struct reel_store *store, struct reel_entry *entry,
                                   struct reel_error *err_out)
{
    struct reel_wav *wav;

    if (reel_store_wav(store, entry, &wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (reel_wav_frames(wav) != entry->recording.frames)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "%s: %" PRIu64 " frames, and %" PRIu64 " in the file", entry->key,
                              entry->recording.frames, reel_wav_frames(wav));
    if (reel_wav_header(wav, &entry->recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    entry->header_frames = entry->recording.frames;
    reel_store_catch_up(store, entry, LAG_HEADER);
    return REEL_OK;
}

/* Of those that complete, and of those that have lagged behind for long enough. A recording that
 * has just completed, or of which other things are said now, gets one in any case: its file is then
 * younger than its old sidecar, by which a recovery knows that. */
static enum reel_code write_headers(struct reel_store *store, int64_t now_us,
                                    struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;

    DL_FOREACH2(store->touched, entry, touched_next)
    {
        if (is_complete(entry) && (entry->unsealed || entry->noted))
            code = write_header(store, entry, err_out);
        if (code != REEL_OK)
            return code;
    }
    while (code == REEL_OK && due_in_us(store, LAG_HEADER, now_us) == 0)
        code = write_header(store, store->lagging[LAG_HEADER], err_out);
    return code;
}

/* Whether the sidecar says less than the recording, and how old it may become so. */
static bool sidecar_lags(const struct reel_entry *entry, int64_t *age_most_us_out)
{
    bool prompt = entry->sidecar_mark.plain_growth || is_complete(entry);

    *age_most_us_out = 0;
    if (!entry->has_sidecar)
        return true;
    if (reel_sidecar_mark(&entry->recording).digest != entry->sidecar_mark.digest) {
        *age_most_us_out = prompt ? 0 : LARGE_SIDECAR_INTERVAL_US;
        return true;
    }
    *age_most_us_out = SIDECAR_INTERVAL_US;
    return entry->recording.frames != entry->sidecar_frames;
}

static enum reel_code write_sidecar(struct reel_store *store, struct reel_entry *entry,
                                    int64_t now_us, struct reel_error *err_out)
{
    if (reel_sidecars_write(store->sidecars, &entry->recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    entry->sidecar_mark = reel_sidecar_mark(&entry->recording);
    entry->sidecar_frames = entry->recording.frames;
    entry->sidecar_us = now_us;
    entry->has_sidecar = true;
    entry->noted = false;
    reel_store_catch_up(store, entry, LAG_SIDECAR);
    return REEL_OK;
}

/* Of one that is not about to change: it may have been shed. */
static enum reel_code write_sidecar_at_rest(struct reel_store *store, struct reel_entry *entry,
                                            int64_t now_us, struct reel_error *err_out)
{
    enum reel_code code = reel_store_unshed(store, entry, err_out);

    if (code == REEL_OK)
        code = write_sidecar(store, entry, now_us, err_out);
    if (code == REEL_OK)
        reel_store_shed(store);
    return code;
}

/* Of those touched that want one now, and of the others that have lagged behind for long enough. */
static enum reel_code write_sidecars(struct reel_store *store, int64_t now_us,
                                     struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;
    int64_t age_most_us;

    DL_FOREACH2(store->touched, entry, touched_next)
    {
        if (!sidecar_lags(entry, &age_most_us))
            continue;
        if (!since(entry->sidecar_us, age_most_us, now_us))
            note_lag(store, entry, LAG_SIDECAR, now_us);
        else if (write_sidecar(store, entry, now_us, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    while (code == REEL_OK && due_in_us(store, LAG_SIDECAR, now_us) == 0)
        code = write_sidecar_at_rest(store, store->lagging[LAG_SIDECAR], now_us, err_out);
    return code == REEL_OK ? reel_sidecars_flush(store->sidecars, err_out) : code;
}

static enum reel_code sync_files(struct reel_store *store, struct reel_error *err_out)
{
    uint64_t synced = 0;

    if (reel_wav_files_sync(store->files, &synced, err_out) != REEL_OK)
        return REEL_E_STALLED;
    store->synced_files += synced;
    if (reel_uploads_sync(store->uploads, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_quarantine_sync(store->quarantine, err_out);
}

static enum reel_code commit_catalog(struct reel_store *store,
                                     const struct reel_delivery *deliveries, size_t count,
                                     int64_t now_us, struct reel_error *err_out)
{
    struct reel_catalog *catalog = store->home.catalog;
    struct reel_entry *entry;
    enum reel_code code = reel_store_begin(store, err_out);

    if (code != REEL_OK)
        return code;
    DL_FOREACH2(store->touched, entry, touched_next)
    {
        code = reel_catalog_save(catalog, &entry->recording, err_out);
        if (code != REEL_OK)
            return code;
    }
    code = reel_uploads_save(store->uploads, catalog, err_out);
    if (code == REEL_OK)
        code = reel_catalog_add_deliveries(catalog, deliveries, count, err_out);
    if (code == REEL_OK)
        code = reel_store_expire_tombstones(store, now_us, err_out);
    if (code == REEL_OK)
        code = reel_catalog_commit(catalog, err_out);
    if (code == REEL_OK)
        store->in_transaction = false;
    return code;
}

/* Room for `all`; it grows to what the largest batches need, and stays. */
static enum reel_code make_delivery_room(struct reel_store *store, size_t all,
                                         struct reel_error *err_out)
{
    size_t capacity = all > 2 * store->deliveries_capacity ? all : 2 * store->deliveries_capacity;
    struct reel_delivery *grown;

    if (all <= store->deliveries_capacity)
        return REEL_OK;
    grown = reallocarray(store->deliveries, capacity, sizeof *grown);
    if (!grown)
        return reel_error_errno(err_out, ENOMEM, "deliveries");
    store->deliveries = grown;
    store->deliveries_capacity = capacity;
    return REEL_OK;
}

/* Put them behind those of the batches before, and let the oldest go. */
static enum reel_code keep_deliveries(struct reel_store *store,
                                      const struct reel_delivery *deliveries, size_t count,
                                      struct reel_error *err_out)
{
    size_t all = store->deliveries_count + count;
    size_t excess = all > REEL_DELIVERIES_MAX ? all - REEL_DELIVERIES_MAX : 0;
    struct reel_delivery *kept;

    if (make_delivery_room(store, all, err_out) != REEL_OK)
        return REEL_E_STALLED;
    kept = store->deliveries;
    if (count > 0)
        memcpy(kept + store->deliveries_count, deliveries, count * sizeof *kept);
    if (excess > 0)
        memmove(kept, kept + excess, (all - excess) * sizeof *kept);
    store->deliveries_count = all - excess;
    return REEL_OK;
}

/* The batch is over: nothing is touched, and what is complete goes. */
static void end_batch(struct reel_store *store, int64_t now_us)
{
    struct reel_entry *entry;
    struct reel_entry *after;

    DL_FOREACH_SAFE2(store->touched, entry, after, touched_next)
    {
        DL_DELETE2(store->touched, entry, touched_prev, touched_next);
        entry->touched = false;
        reel_store_note_saved(entry);
        reel_store_weigh(store, entry);
        if (entry->header_frames != entry->recording.frames)
            note_lag(store, entry, LAG_HEADER, now_us);
        if (is_complete(entry) == (entry->list == LIST_OPEN))
            reel_store_enlist(store, entry);
        if (is_complete(entry) && (entry->unsealed || entry->installed))
            reel_store_want_hash(store, &entry->recording);
    }
    DL_FOREACH_SAFE (store->resting, entry, after)
        reel_store_let_go(store, entry);
    reel_store_shed(store);
}

/* Whether there is anything to be made durable but what was due. */
static bool has_batch(const struct reel_store *store, size_t deliveries_count)
{
    return store->touched || store->in_transaction || deliveries_count > 0 ||
           store->uploads->leaving;
}

/* What makes the batch durable. */
static enum reel_code commit_batch(struct reel_store *store, const struct reel_delivery *deliveries,
                                   size_t deliveries_count, int64_t now_us,
                                   struct reel_error *err_out)
{
    enum reel_code code = write_headers(store, now_us, err_out);
    int64_t began_us = reel_sync_now_us(&store->sync);

    if (code == REEL_OK)
        code = sync_files(store, err_out);
    if (code == REEL_OK && has_batch(store, deliveries_count))
        code = commit_catalog(store, deliveries, deliveries_count, now_us, err_out);
    store->sync_us = reel_sync_now_us(&store->sync) - began_us;
    return code;
}

/* What follows from it. A failure here does not undo the batch; the next one meets it. */
static void follow_up(struct reel_store *store, const struct reel_delivery *deliveries,
                      size_t deliveries_count, int64_t now_us)
{
    struct reel_error error;
    enum reel_code code;

    reel_uploads_committed(store->uploads);
    code = reel_store_unname_removed(store, &error);
    if (code == REEL_OK)
        code = reel_uploads_install(store->uploads, &error);
    if (code == REEL_OK)
        code = write_sidecars(store, now_us, &error);
    if (code == REEL_OK)
        code = reel_quarantine_committed(store->quarantine, &error);
    if (code == REEL_OK)
        code = keep_deliveries(store, deliveries, deliveries_count, &error);
    if (reel_store_outcome(store, code) != REEL_OK) {
        store->failure = error;
        reel_log_write(store->log, REEL_LOG_ERROR, "store: after a commit: %s", error.message);
    }
    store->commits++;
    end_batch(store, now_us);
}

enum reel_code reel_store_commit(struct reel_store *store, const struct reel_delivery *deliveries,
                                 size_t deliveries_count, int64_t now_us,
                                 struct reel_error *err_out)
{
    enum reel_code code = reel_store_usable(store, err_out);

    if (code != REEL_OK)
        return code;
    store->sync_us = 0;
    if (!has_batch(store, deliveries_count) && reel_store_due_in_us(store, now_us) > 0) {
        end_batch(store, now_us);
        return REEL_OK;
    }
    code = commit_batch(store, deliveries, deliveries_count, now_us, err_out);
    if (code == REEL_OK)
        follow_up(store, deliveries, deliveries_count, now_us);
    return reel_store_outcome(store, code);
}

static enum reel_code settle_headers(struct reel_store *store, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;

    DL_FOREACH (store->open, entry) {
        if (code == REEL_OK && entry->header_frames != entry->recording.frames)
            code = write_header(store, entry, err_out);
    }
    return code == REEL_OK ? sync_files(store, err_out) : code;
}

static enum reel_code settle_sidecars(struct reel_store *store, int64_t now_us,
                                      struct reel_error *err_out)
{
    struct reel_entry *entry;

    DL_FOREACH (store->open, entry) {
        enum reel_code code = write_sidecar_at_rest(store, entry, now_us, err_out);

        if (code != REEL_OK)
            return code;
    }
    return reel_sidecars_flush(store->sidecars, err_out);
}

enum reel_code reel_store_settle(struct reel_store *store, int64_t now_us,
                                 struct reel_error *err_out)
{
    enum reel_code code = reel_store_usable(store, err_out);

    if (code == REEL_OK)
        code = settle_headers(store, err_out);
    if (code == REEL_OK)
        code = settle_sidecars(store, now_us, err_out);
    if (code == REEL_OK)
        code = reel_catalog_checkpoint(store->home.catalog, err_out);
    return reel_store_outcome(store, code);
}
