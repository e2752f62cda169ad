/* Recover: go through everything that was found, name by name. */
#include "store/recover_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/recovered.h"

/* Rows are committed in portions, each after a sync of the files that it speaks of. */
enum { PORTION_ROWS = 10000 };

static enum reel_code commit(struct recovery *recovery, struct reel_error *err_out)
{
    if (recovery->syncfs && syncfs(recovery->home->recordings_fd) != 0)
        return reel_error_errno(err_out, errno, "sync recordings");
    if (reel_sidecars_flush(recovery->sidecars, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_catalog_commit(recovery->home->catalog, err_out);
}

/* Move a file of that name to recovered/. */
static enum reel_code take(struct recovery *recovery, const struct found *found, const char *suffix,
                           const char *why, struct reel_error *err_out)
{
    char from[2 * REEL_NAME_BYTES + 32];
    enum reel_code code;

    snprintf(from, sizeof from, "recordings/%s%s", found->key, suffix);
    code = reel_recovered_take(recovery->home->dir_fd, from, found->key, suffix, why,
                               recovery->now_us, err_out);
    if (code != REEL_OK)
        return code == REEL_E_NOT_FOUND ? REEL_OK : code;
    recovery->report.recovered++;
    reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                         REEL_LOG_OF(found->device, found->session),
                         "store: %s%s goes to recovered/: %s", found->key, suffix, why);
    return REEL_OK;
}

static enum reel_code save(struct recovery *recovery, struct reel_recording *recording,
                           struct reel_error *err_out)
{
    if (reel_sidecars_write(recovery->sidecars, recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_catalog_save(recovery->home->catalog, recording, err_out);
}

/* Make a row from what is there. */
static enum reel_code index_file(struct recovery *recovery, const struct found *found,
                                 struct reel_error *err_out)
{
    struct reel_recording recording;
    struct reel_error why;
    enum index_source source;
    bool changed;
    enum reel_code code;

    code = reel_recover_index(recovery, found, &recording, &source, &why);
    if (code == REEL_E_BAD_REQUEST) {
        code = take(recovery, found, ".wav", why.message, err_out);
        return code == REEL_OK ? take(recovery, found, ".json", why.message, err_out) : code;
    }
    if (code != REEL_OK) {
        if (err_out)
            *err_out = why;
        return code;
    }
    code = reel_recover_file(recovery, &recording, true, &changed, err_out);
    if (code == REEL_OK)
        code = source == INDEX_SIDECAR && !changed
                   ? reel_catalog_save(recovery->home->catalog, &recording, err_out)
                   : save(recovery, &recording, err_out);
    if (code == REEL_OK && !recovery->home->rebuild) {
        recovery->report.recovered++;
        reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                             REEL_LOG_OF(found->device, found->session),
                             "store: %s was not in the catalog: indexed from its %s", found->key,
                             source == INDEX_FILE ? "file alone" : "sidecar");
    }
    reel_recording_finish(&recording);
    return code;
}

static enum reel_code take_stray(struct recovery *recovery, const struct found *found,
                                 struct reel_error *err_out)
{
    enum reel_code code;
    bool second;

    if (!found->has_wav)
        return found->has_sidecar
                   ? take(recovery, found, ".json", "a sidecar without its file", err_out)
                   : REEL_OK;
    code = reel_recover_is_second(recovery, found, &second, err_out);
    if (code != REEL_OK || second)
        return code;
    if (found->has_sidecar || recovery->home->rebuild ||
        found->file_bytes >= REEL_WAV_DATA_OFFSET + recovery->batch_max_bytes)
        return index_file(recovery, found, err_out);
    if (found->file_bytes > REEL_WAV_DATA_OFFSET)
        return take(recovery, found, ".wav", "a file without a row and a sidecar, of one batch",
                    err_out);
    return reel_recover_unlink(recovery, found, ".wav", err_out);
}

/* A row whose file is not there, or is another's. */
static enum reel_code drop_row(struct recovery *recovery, const struct found *found,
                               const struct reel_recording *recording, struct reel_error *err_out)
{
    char from[2 * REEL_NAME_BYTES + 32];
    char why[96];

    reel_log_write_about(recovery->log, REEL_LOG_ERROR, REEL_LOG_OF(found->device, found->session),
                         "store: the file of %s, %" PRIu64 " frames, is gone: its row goes too",
                         found->key, recording->frames);
    snprintf(from, sizeof from, "recordings/%s.wav", found->key);
    snprintf(why, sizeof why, "the file of a recording of %" PRIu64 " frames is gone",
             recording->frames);
    if (reel_recovered_lost(recovery->home->dir_fd, from, why, recovery->now_us, err_out) !=
            REEL_OK ||
        take(recovery, found, ".json", "a sidecar without its file", err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_catalog_remove(recovery->home->catalog, recording->rowid, err_out);
}

enum sidecar_verdict { SIDECAR_AHEAD, SIDECAR_STANDS, SIDECAR_STALE };

/* Compare a sidecar with its row. */
static enum sidecar_verdict judge_sidecar(const struct reel_recording *sidecar,
                                          const struct reel_recording *row)
{
    if (sidecar->id != row->id)
        return SIDECAR_STALE;
    if (sidecar->frames > row->frames || sidecar->rewrites > row->rewrites ||
        (sidecar->frames == row->frames && sidecar->rewrites == row->rewrites &&
         sidecar->state == REEL_STATE_COMPLETE && row->state == REEL_STATE_RECORDING))
        return SIDECAR_AHEAD;
    return reel_sidecar_mark(sidecar).digest == reel_sidecar_mark(row).digest ? SIDECAR_STANDS
                                                                              : SIDECAR_STALE;
}

static enum reel_code read_sidecar(struct recovery *recovery, const struct reel_recording *row,
                                   enum sidecar_verdict *verdict_out, struct reel_error *err_out)
{
    struct reel_recording sidecar;
    bool plain_growth;
    enum reel_code code;

    *verdict_out = SIDECAR_STALE;
    code = reel_sidecars_read(recovery->sidecars, row->device, row->session, &sidecar,
                              &plain_growth, err_out);
    if (code != REEL_OK)
        return code == REEL_E_STALLED ? code : REEL_OK;
    *verdict_out = judge_sidecar(&sidecar, row);
    reel_recording_finish(&sidecar);
    return REEL_OK;
}

/* Put what sidecar and file say in the place of the row. */
static enum reel_code adopt_sidecar(struct recovery *recovery, const struct found *found,
                                    struct reel_recording *recording, struct reel_error *err_out)
{
    struct reel_recording indexed;
    enum index_source source;
    enum reel_code code;

    code = reel_recover_index(recovery, found, &indexed, &source, err_out);
    if (code != REEL_OK)
        return code == REEL_E_STALLED ? code : REEL_OK;
    if (source == INDEX_FILE) { /* the file is another recording's */
        reel_recording_finish(&indexed);
        return REEL_OK;
    }
    indexed.rowid = recording->rowid;
    indexed.candidate = recording->candidate;
    reel_recording_finish(recording);
    *recording = indexed;
    recovery->report.recovered++;
    reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                         REEL_LOG_OF(found->device, found->session),
                         "store: the catalog is behind for %s: taken from its sidecar", found->key);
    return REEL_OK;
}

/* A complete one's sidecar that is older than its file is written anew once the file is well, so
 * that the next start need not look again. */
static bool is_outdated(const struct found *found)
{
    return found->row == ROW_COMPLETE && found->sidecar_us < found->file_us;
}

static enum reel_code mend(struct recovery *recovery, const struct found *found,
                           struct reel_recording *recording, struct reel_error *err_out)
{
    enum sidecar_verdict sidecar;
    bool changed = false;
    enum reel_code code = read_sidecar(recovery, recording, &sidecar, err_out);

    if (code == REEL_OK && sidecar == SIDECAR_AHEAD)
        code = adopt_sidecar(recovery, found, recording, err_out);
    if (code == REEL_OK)
        code = reel_recover_file(recovery, recording, false, &changed, err_out);
    if (code == REEL_E_NOT_FOUND) {
        code = take(recovery, found, ".wav", "it is another recording's file", err_out);
        return code == REEL_OK ? drop_row(recovery, found, recording, err_out) : code;
    }
    if (code != REEL_OK)
        return code;
    if (changed || sidecar == SIDECAR_AHEAD)
        return save(recovery, recording, err_out);
    return sidecar == SIDECAR_STANDS && !is_outdated(found)
               ? REEL_OK
               : reel_sidecars_write(recovery->sidecars, recording, err_out);
}

/* Put aside what is no file where one must be made. */
static enum reel_code clear_way(struct recovery *recovery, const struct found *found,
                                struct reel_error *err_out)
{
    static const char why[] = "it is no file, and has the name of one";
    enum reel_code code = REEL_OK;

    if (found->wav_blocked)
        code = take(recovery, found, ".wav", why, err_out);
    if (code == REEL_OK && found->sidecar_blocked)
        code = take(recovery, found, ".json", why, err_out);
    return code;
}

/* What there is to do under one name. */
static enum reel_code settle(struct recovery *recovery, struct found *found,
                             struct reel_error *err_out)
{
    struct reel_recording recording;
    enum reel_code code;

    code = clear_way(recovery, found, err_out);
    if (code != REEL_OK)
        return code;
    if (found->row == ROW_NONE) {
        if (!recovery->home->rebuild) /* a new catalog remembers no deletion */
            code = reel_recover_deletion(recovery, found, err_out);
        return code == REEL_OK ? take_stray(recovery, found, err_out) : code;
    }
    code = reel_catalog_load(recovery->home->catalog, found->device, found->session, &recording,
                             err_out);
    if (code != REEL_OK)
        return code;
    code = found->has_wav ? mend(recovery, found, &recording, err_out)
                          : drop_row(recovery, found, &recording, err_out);
    reel_recording_finish(&recording);
    return code;
}

/* Complete, and its sidecar was written after its header. */
static bool is_well(const struct found *found)
{
    return found->row == ROW_COMPLETE && found->fits && found->has_sidecar && !is_outdated(found);
}

enum reel_code reel_recover_tell(const struct recovery *recovery, uint64_t done, uint64_t total,
                                 struct reel_error *err_out)
{
    if (!recovery->progress || recovery->progress(recovery->progress_user, done, total))
        return REEL_OK;
    return reel_error_errno(err_out, ECANCELED, "opening the store");
}

static enum reel_code settle_each(struct recovery *recovery, struct found *all,
                                  struct reel_error *err_out)
{
    struct reel_catalog *catalog = recovery->home->catalog;
    enum reel_code code = REEL_OK;
    struct ahead *ahead = recovery->home->rebuild ? reel_recover_ahead_start(recovery, all) : NULL;
    uint64_t looked_at = 0;
    uint64_t settled = 0;
    struct found *found;
    struct found *after;

    HASH_ITER (hh, all, found, after) {
        if (code != REEL_OK)
            break;
        reel_recover_ahead_step(ahead);
        code = reel_recover_tell(recovery, ++looked_at, HASH_COUNT(all), err_out);
        if (code != REEL_OK || is_well(found))
            continue;
        code = settle(recovery, found, err_out);
        if (code == REEL_OK && ++settled % PORTION_ROWS == 0) {
            code = commit(recovery, err_out);
            if (code == REEL_OK)
                code = reel_catalog_begin(catalog, err_out);
        }
    }
    reel_recover_ahead_stop(ahead);
    return code;
}

static enum reel_code settle_all(struct recovery *recovery, struct found *all,
                                 struct reel_error *err_out)
{
    struct reel_catalog *catalog = recovery->home->catalog;
    bool rebuild = recovery->home->rebuild;
    enum reel_code code = reel_catalog_begin(catalog, err_out);

    if (code == REEL_OK && rebuild)
        code = reel_catalog_bulk_begin(catalog, err_out);
    if (code == REEL_OK)
        code = settle_each(recovery, all, err_out);
    if (code == REEL_OK && rebuild)
        code = reel_catalog_bulk_end(catalog, err_out);
    if (code == REEL_OK)
        code = commit(recovery, err_out);
    if (code != REEL_OK)
        reel_catalog_rollback(catalog);
    return code;
}

/* A process that was killed may have given names that it never synced, and rows are to rest on
 * them. Where syncfs counts, the one of the first commit reaches them. */
static enum reel_code sync_names(struct recovery *recovery, struct found *all,
                                 struct reel_error *err_out)
{
    int root_fd = recovery->home->recordings_fd;
    const char *device = "";
    struct found *found;
    struct found *after;

    if (recovery->syncfs)
        return REEL_OK;
    HASH_ITER (hh, all, found, after) {
        if ((!found->has_wav && !found->has_sidecar) || strcmp(device, found->device) == 0)
            continue;
        device = found->device;
        if (reel_recover_tell(recovery, HASH_COUNT(all), 0, err_out) != REEL_OK ||
            reel_disk_sync_folder(root_fd, device, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return reel_disk_sync_folder(root_fd, ".", err_out);
}

enum reel_code reel_recover(struct reel_home *home, const struct reel_store_config *config,
                            int64_t now_us, struct reel_store_report *report_out,
                            struct reel_error *err_out)
{
    struct recovery recovery = {
        .home = home,
        .log = config->log,
        .batch_max_bytes = config->batch_max_bytes,
        .now_us = now_us,
        .progress = config->progress,
        .progress_user = config->progress_user,
    };
    struct reel_sync sync;
    struct found *all = NULL;
    enum reel_code code;

    reel_sync_init(&sync, config->sync_way, NULL);
    recovery.syncfs =
        reel_sync_whole_allowed(&sync) && reel_disk_syncfs_counts(home->recordings_fd);
    code = reel_sidecars_create(home->dir, &sync, &recovery.sidecars, err_out);
    if (code != REEL_OK)
        return code;
    code = reel_recover_uploads(&recovery, err_out);
    if (code == REEL_OK)
        code = reel_recover_tree(&recovery, &all, err_out);
    if (code == REEL_OK)
        code = sync_names(&recovery, all, err_out);
    if (code == REEL_OK)
        code = settle_all(&recovery, all, err_out);
    reel_recover_tree_free(&all);
    reel_sidecars_destroy(&recovery.sidecars);
    if (code == REEL_OK) {
        report_out->repaired = recovery.report.repaired;
        report_out->recovered = recovery.report.recovered;
    }
    return code;
}
