/* Store, the commit: what a batch wrote becomes durable, in an order in which nothing on disk ever
 * claims what is not there yet:
 *
 *   headers -> sync of the files -> catalog -> what was removed loses its name, uploads take theirs
 *   -> sidecars
 *
 * Sidecars wait for the catalog, so that one that says more than the catalog always means a catalog
 * that has lost something (see store/recover.h). */
#include "store/store_internal.h"

#include <utlist.h>

int64_t reel_store_due_in_us(const struct reel_store *store, int64_t now_us)
{
    int64_t header_us = reel_store_lag_due_in_us(store, LAG_HEADER, now_us);
    int64_t sidecar_us = reel_store_lag_due_in_us(store, LAG_SIDECAR, now_us);

    if (store->uploads->leaving)
        return 0;
    return header_us < sidecar_us ? header_us : sidecar_us;
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
            reel_store_note_lag(store, entry, LAG_HEADER, now_us);
        if (reel_entry_is_complete(entry) == (entry->list == LIST_OPEN))
            reel_store_enlist(store, entry);
        if (reel_entry_is_complete(entry) && (entry->unsealed || entry->installed))
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
    enum reel_code code = reel_store_write_headers(store, now_us, err_out);
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
        code = reel_store_write_sidecars(store, now_us, &error);
    if (code == REEL_OK)
        code = reel_quarantine_committed(store->quarantine, &error);
    if (code == REEL_OK)
        code = reel_store_keep_deliveries(store, deliveries, deliveries_count, &error);
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

enum reel_code reel_store_settle(struct reel_store *store, int64_t now_us,
                                 struct reel_error *err_out)
{
    enum reel_code code = reel_store_usable(store, err_out);

    if (code == REEL_OK)
        code = reel_store_settle_headers(store, err_out);
    if (code == REEL_OK)
        code = sync_files(store, err_out);
    if (code == REEL_OK)
        code = reel_store_settle_sidecars(store, now_us, err_out);
    if (code == REEL_OK)
        code = reel_catalog_checkpoint(store->home.catalog, err_out);
    return reel_store_outcome(store, code);
}
