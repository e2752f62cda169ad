/* Store, open and close: everything that must be true before the first fragment. */
#include "store/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "store/recover.h"

enum { DESCRIPTORS_MAX = 8192, DESCRIPTORS_MIN = 16 };

/* Half of what the process may have. */
static size_t descriptors_max(void)
{
    struct rlimit limit;
    size_t half;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_MIN;
    half = limit.rlim_cur / 2 < DESCRIPTORS_MAX ? (size_t)limit.rlim_cur / 2 : DESCRIPTORS_MAX;
    return half > DESCRIPTORS_MIN ? half : DESCRIPTORS_MIN;
}

static enum reel_code hold_open(struct reel_recording *recording, void *user,
                                struct reel_error *err_out)
{
    struct reel_entry *entry;
    enum reel_code code = reel_store_hold(user, recording, &entry, err_out);

    if (code != REEL_OK)
        reel_recording_finish(recording);
    else
        reel_store_shed(user);
    return code;
}

/* Recover, then a checkpoint, so that no row is believed that this process has not itself made
 * durable. */
static enum reel_code recover(struct reel_home *home, const struct reel_store_config *config,
                              int64_t now_us, struct reel_store_report *report,
                              struct reel_error *err_out)
{
    enum reel_code code = reel_recover(home, config, now_us, report, err_out);

    if (code == REEL_OK)
        code = reel_home_complete(home, err_out);
    if (code == REEL_OK)
        code = reel_catalog_counts(home->catalog, &report->recordings, &report->open, err_out);
    return code;
}

static enum reel_code open_parts(struct reel_store *store, const struct reel_store_config *config,
                                 bool discard, int64_t now_us, struct reel_store_report *report,
                                 struct reel_error *err_out)
{
    enum reel_code code = reel_home_open(config, discard, now_us, &store->home, err_out);

    if (code == REEL_OK)
        code = recover(&store->home, config, now_us, report, err_out);
    if (code == REEL_OK)
        code = reel_quarantine_open(config->dir, store->home.catalog, config->quarantine_max_bytes,
                                    &store->sync, &store->quarantine, err_out);
    if (code == REEL_OK)
        code = reel_wav_files_create(config->dir, descriptors_max(), &store->sync, &store->files,
                                     err_out);
    if (code == REEL_OK)
        code = reel_sidecars_create(config->dir, &store->sync, &store->sidecars, err_out);
    if (code == REEL_OK)
        code = reel_uploads_open(config->dir, store->home.catalog, store->home.recordings_fd,
                                 config->log, &store->uploads, err_out);
    if (code == REEL_OK)
        code = reel_catalog_deliveries(store->home.catalog, &store->deliveries,
                                       &store->deliveries_count, err_out);
    store->deliveries_capacity = store->deliveries_count;
    if (code == REEL_OK)
        code = reel_catalog_each(store->home.catalog, true, hold_open, store, err_out);
    return code;
}

/* Open once; `discard` puts the catalog aside and builds it anew. */
static enum reel_code open_once(const struct reel_store_config *config, bool discard,
                                int64_t now_us, struct reel_store **store_out,
                                struct reel_store_report *report_out, struct reel_error *err_out)
{
    struct reel_store *store = calloc(1, sizeof *store);
    struct reel_store_report report = {0};
    enum reel_code code;

    if (!store)
        return reel_error_errno(err_out, ENOMEM, "store");
    store->home = (struct reel_home){.dir_fd = -1, .recordings_fd = -1, .lock_fd = -1};
    store->log = config->log;
    reel_sync_init(&store->sync, config->sync_way, config->clock);
    store->held_max_bytes = config->held_max_bytes;
    code = open_parts(store, config, discard, now_us, &report, err_out);
    if (code != REEL_OK) {
        reel_store_close(store);
        return code;
    }
    *store_out = store;
    if (report_out)
        *report_out = report;
    return REEL_OK;
}

enum reel_code reel_store_open(const struct reel_store_config *config, int64_t now_us,
                               struct reel_store **store_out, struct reel_store_report *report_out,
                               struct reel_error *err_out)
{
    struct reel_error error;
    enum reel_code code = open_once(config, false, now_us, store_out, report_out, &error);

    if (code == REEL_E_INTERNAL) { /* damaged where opening it did not look yet */
        reel_log_write(config->log, REEL_LOG_ERROR, "store: %s", error.message);
        code = open_once(config, true, now_us, store_out, report_out, &error);
    }
    if (code != REEL_OK && err_out)
        *err_out = error;
    return code;
}

void reel_store_close(struct reel_store *store)
{
    struct reel_entry *entry;
    struct reel_entry *after;

    if (!store)
        return;
    HASH_ITER (hh, store->entries, entry, after)
        reel_store_let_go(store, entry);
    reel_store_forget_hashes(store);
    reel_store_forget_removals(store);
    free(store->deliveries);
    reel_uploads_close(store->uploads);
    reel_sidecars_destroy(&store->sidecars);
    reel_wav_files_destroy(&store->files);
    reel_quarantine_close(store->quarantine);
    reel_home_close(&store->home);
    free(store);
}

enum reel_code reel_store_reindex(const struct reel_store_config *config, int64_t now_us,
                                  struct reel_store_report *report_out, struct reel_error *err_out)
{
    struct reel_store_report report = {0};
    struct reel_home home;
    enum reel_code code = reel_home_open(config, true, now_us, &home, err_out);

    if (code != REEL_OK)
        return code;
    code = recover(&home, config, now_us, &report, err_out);
    reel_home_close(&home);
    if (code == REEL_OK && report_out)
        *report_out = report;
    return code;
}

void reel_store_set_quarantine(struct reel_store *store, uint64_t max_bytes)
{
    reel_quarantine_limit(store->quarantine, max_bytes);
}
