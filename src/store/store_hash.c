/* Store, the sums: which complete recordings have no sha256 yet, each given out once.
 *
 * A walk over the catalog by rowid finds those that were complete before; one that completes
 * behind the walk is put into a list. */
#include "store/store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/wav_header.h"

void reel_store_want_hash(struct reel_store *store, const struct reel_recording *recording)
{
    struct hash_wait *wait;

    if (recording->sha256[0] != '\0')
        return;
    if (recording->rowid > store->hash_rowid) {
        store->hash_walked = false;
        return;
    }
    /* Without memory it waits for the next start. */
    wait = calloc(1, sizeof *wait);
    if (!wait)
        return;
    memcpy(wait->device, recording->device, sizeof wait->device);
    memcpy(wait->session, recording->session, sizeof wait->session);
    DL_APPEND(store->hash_waiting, wait);
}

void reel_store_forget_hashes(struct reel_store *store)
{
    struct hash_wait *wait;
    struct hash_wait *after;

    DL_FOREACH_SAFE (store->hash_waiting, wait, after) {
        DL_DELETE(store->hash_waiting, wait);
        free(wait);
    }
}

static void fill_job(const struct reel_recording *recording, struct reel_hash_job *job)
{
    memset(job, 0, sizeof *job);
    job->id = recording->id;
    job->frames = recording->frames;
    job->file_bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    job->rewrites = recording->rewrites;
    memcpy(job->device, recording->device, sizeof job->device);
    memcpy(job->session, recording->session, sizeof job->session);
}

static bool wants_hash(const struct reel_recording *recording)
{
    return recording->state == REEL_STATE_COMPLETE && recording->sha256[0] == '\0';
}

/* What the batch makes of it, where it is about it: its row may stand there already, its file is
 * not what it will be. Else NULL. */
static const struct reel_entry *in_batch(const struct reel_store *store, const char *device,
                                         const char *session)
{
    const struct reel_entry *entry = reel_store_held(store, device, session);

    return entry && entry->touched ? entry : NULL;
}

static bool next_waiting(struct reel_store *store, struct reel_hash_job *job_out)
{
    struct hash_wait *wait;
    struct hash_wait *after;

    DL_FOREACH_SAFE (store->hash_waiting, wait, after) {
        struct reel_recording recording;
        bool wanted = false;

        if (in_batch(store, wait->device, wait->session))
            continue;
        if (reel_catalog_load(store->home.catalog, wait->device, wait->session, &recording, NULL) ==
            REEL_OK) {
            wanted = wants_hash(&recording);
            if (wanted)
                fill_job(&recording, job_out);
            reel_recording_finish(&recording);
        }
        DL_DELETE(store->hash_waiting, wait);
        free(wait);
        if (wanted)
            return true;
    }
    return false;
}

static bool next_walked(struct reel_store *store, struct reel_hash_job *job_out)
{
    const struct reel_entry *entry;
    struct reel_recording recording;
    bool found = false;

    while (!found && !store->hash_walked) {
        if (reel_catalog_next_unhashed(store->home.catalog, store->hash_rowid, &recording, NULL) !=
            REEL_OK) {
            store->hash_walked = true;
            return false;
        }
        entry = in_batch(store, recording.device, recording.session);
        found = !entry;
        store->hash_rowid = recording.rowid;
        if (found)
            fill_job(&recording, job_out);
        else if (!entry->unsealed) /* else the end of the batch wants it */
            reel_store_want_hash(store, &recording);
        reel_recording_finish(&recording);
    }
    return found;
}

bool reel_store_next_hash(struct reel_store *store, struct reel_hash_job *job_out)
{
    return next_waiting(store, job_out) || next_walked(store, job_out);
}

enum reel_code reel_store_hashed(struct reel_store *store, const struct reel_hash_job *job,
                                 struct reel_error *err_out)
{
    struct reel_recording *recording;
    struct reel_entry *entry;
    enum reel_code code = reel_store_get(store, job->device, job->session, &entry, err_out);

    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (code != REEL_OK)
        return code;
    recording = reel_entry_recording(entry);
    if (recording->id != job->id || recording->frames != job->frames ||
        recording->rewrites != job->rewrites || !wants_hash(recording))
        return REEL_OK;
    memcpy(recording->sha256, job->sha256, sizeof recording->sha256);
    reel_store_touch(store, entry, entry->heard_us);
    return REEL_OK;
}
