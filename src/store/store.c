/* Store: the entries that it holds, and what can be done to one. */
#include "store/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "store/id.h"

enum { KEY_BYTES = 2 * REEL_NAME_BYTES };

static size_t key_of(const char *device, const char *session, char out[KEY_BYTES])
{
    return (size_t)snprintf(out, KEY_BYTES, "%s/%s", device, session);
}

enum reel_code reel_store_usable(const struct reel_store *store, struct reel_error *err_out)
{
    if (!store->failed)
        return REEL_OK;
    if (store->failure.code == REEL_OK)
        return reel_error_set(err_out, REEL_E_STALLED, NULL,
                              "the store has failed and must be opened anew");
    if (err_out)
        *err_out = store->failure;
    return store->failure.code;
}

enum reel_code reel_store_outcome(struct reel_store *store, enum reel_code code)
{
    if (code != REEL_OK && code != REEL_E_NOT_FOUND)
        store->failed = true;
    return code;
}

enum reel_code reel_store_begin(struct reel_store *store, struct reel_error *err_out)
{
    enum reel_code code;

    if (store->in_transaction)
        return REEL_OK;
    code = reel_catalog_begin(store->home.catalog, err_out);
    store->in_transaction = code == REEL_OK;
    return code;
}

static void unlist(struct reel_store *store, struct reel_entry *entry)
{
    if (entry->list == LIST_OPEN) {
        DL_DELETE(store->open, entry);
        store->open_count--;
    } else if (entry->list == LIST_RESTING) {
        DL_DELETE(store->resting, entry);
    }
    entry->list = LIST_NONE;
}

void reel_store_enlist(struct reel_store *store, struct reel_entry *entry)
{
    unlist(store, entry);
    if (entry->recording.state == REEL_STATE_RECORDING) {
        DL_APPEND(store->open, entry);
        store->open_count++;
        entry->list = LIST_OPEN;
    } else {
        DL_APPEND(store->resting, entry);
        entry->list = LIST_RESTING;
    }
}

enum reel_code reel_store_hold(struct reel_store *store, struct reel_recording *recording,
                               struct reel_entry **entry_out, struct reel_error *err_out)
{
    char key[KEY_BYTES];
    size_t key_bytes = key_of(recording->device, recording->session, key);
    struct reel_entry *entry = calloc(1, sizeof *entry + key_bytes + 1);

    if (!entry)
        return reel_error_errno(err_out, ENOMEM, "hold %s", key);
    memcpy(entry->key, key, key_bytes + 1);
    HASH_ADD_KEYPTR(hh, store->entries, entry->key, key_bytes, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return reel_error_errno(err_out, ENOMEM, "hold %s", key);
    }
    entry->recording = *recording;
    entry->unsealed = recording->state == REEL_STATE_RECORDING;
    entry->has_sidecar = recording->rowid != 0;
    entry->header_frames = recording->frames;
    entry->sidecar_frames = recording->frames;
    entry->sidecar_mark = reel_sidecar_mark(recording);
    if (recording->rowid != 0)
        reel_store_note_saved(entry);
    reel_store_weigh(store, entry);
    reel_store_enlist(store, entry);
    *entry_out = entry;
    return REEL_OK;
}

void reel_store_let_go(struct reel_store *store, struct reel_entry *entry)
{
    HASH_DEL(store->entries, entry);
    unlist(store, entry);
    if (entry->touched)
        DL_DELETE2(store->touched, entry, touched_prev, touched_next);
    for (enum lag_kind kind = 0; kind < LAG_KINDS; kind++)
        reel_store_catch_up(store, entry, kind);
    store->held_bytes -= entry->held_bytes;
    reel_wav_close(&entry->wav);
    reel_recording_finish(&entry->recording);
    free(entry);
}

struct reel_entry *reel_store_held(const struct reel_store *store, const char *device,
                                   const char *session)
{
    struct reel_entry *entry;
    char key[KEY_BYTES];
    size_t key_bytes = key_of(device, session, key);

    HASH_FIND(hh, store->entries, key, key_bytes, entry);
    return entry;
}

enum reel_code reel_store_get(struct reel_store *store, const char *device, const char *session,
                              struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_entry *entry = reel_store_held(store, device, session);
    struct reel_recording recording;
    enum reel_code code;

    if (entry) {
        code = reel_store_unshed(store, entry, err_out);
        if (code == REEL_OK)
            *entry_out = entry;
        return code;
    }
    code = reel_catalog_load(store->home.catalog, device, session, &recording, err_out);
    if (code != REEL_OK)
        return code;
    code = reel_store_hold(store, &recording, entry_out, err_out);
    if (code != REEL_OK)
        reel_recording_finish(&recording);
    return code;
}

enum reel_code reel_store_create(struct reel_store *store, const char *device, const char *session,
                                 const struct reel_format *format, int64_t now_us,
                                 struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    struct reel_wav *wav = NULL;
    enum reel_code code;

    reel_recording_init(&recording, device, session, format, now_us);
    code = reel_id_make(&recording.id, err_out);
    if (code == REEL_OK)
        code = reel_wav_create(store->files, &recording, &wav, err_out);
    if (code == REEL_E_CONFLICT) /* opening the store anew puts the stranger aside */
        code =
            reel_error_set(err_out, REEL_E_STALLED, NULL, "%s/%s.wav has no row", device, session);
    if (code == REEL_OK)
        code = reel_store_hold(store, &recording, entry_out, err_out);
    if (code != REEL_OK) {
        reel_wav_close(&wav);
        reel_recording_finish(&recording);
        return code == REEL_E_NOT_ALLOWED ? code : reel_store_outcome(store, code);
    }
    (*entry_out)->wav = wav;
    reel_store_touch(store, *entry_out, 0);
    return REEL_OK;
}

struct reel_recording *reel_entry_recording(struct reel_entry *entry)
{
    return &entry->recording;
}

void reel_store_touch(struct reel_store *store, struct reel_entry *entry, int64_t heard_us)
{
    entry->heard_us = heard_us;
    if (!entry->touched) {
        entry->touched = true;
        DL_APPEND2(store->touched, entry, touched_prev, touched_next);
    }
    reel_store_enlist(store, entry);
}

void reel_store_touch_quietly(struct reel_store *store, struct reel_entry *entry)
{
    if (entry->touched)
        return;
    entry->touched = true;
    DL_APPEND2(store->touched, entry, touched_prev, touched_next);
}

void reel_store_touch_said(struct reel_store *store, struct reel_entry *entry)
{
    entry->noted = true;
    reel_store_touch_quietly(store, entry);
}

struct reel_entry *reel_store_oldest(struct reel_store *store, int64_t *heard_us_out)
{
    /* One whose state changed since it was touched stands in the wrong list. */
    while (store->open && store->open->recording.state != REEL_STATE_RECORDING)
        reel_store_enlist(store, store->open);
    if (store->open)
        *heard_us_out = store->open->heard_us;
    return store->open;
}

void reel_store_each_open(const struct reel_store *store,
                          void (*each)(void *user, const struct reel_recording *recording),
                          void *user)
{
    const struct reel_entry *entry;

    DL_FOREACH (store->open, entry) {
        if (entry->recording.state == REEL_STATE_RECORDING)
            each(user, &entry->recording);
    }
}

enum reel_code reel_store_wav(struct reel_store *store, struct reel_entry *entry,
                              struct reel_wav **wav_out, struct reel_error *err_out)
{
    if (!entry->wav &&
        reel_wav_open(store->files, &entry->recording, &entry->wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    *wav_out = entry->wav;
    return REEL_OK;
}

/* Its file, to write into. One that was sealed is first marked, so that recovery looks at it again
 * if this batch is never committed. */
static enum reel_code unseal(struct reel_store *store, struct reel_entry *entry,
                             struct reel_wav **wav_out, struct reel_error *err_out)
{
    if (!entry->unsealed &&
        reel_sidecars_outdate(store->sidecars, &entry->recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    entry->unsealed = true;
    return reel_store_wav(store, entry, wav_out, err_out);
}

enum reel_code reel_store_write(struct reel_store *store, struct reel_entry *entry,
                                uint64_t at_frame, const void *frames, uint64_t frames_count,
                                struct reel_error *err_out)
{
    struct reel_wav *wav;

    if (unseal(store, entry, &wav, err_out) != REEL_OK)
        return reel_store_outcome(store, REEL_E_STALLED);
    return reel_store_outcome(store, reel_wav_write(wav, at_frame, frames, frames_count, err_out));
}

enum reel_code reel_store_fill(struct reel_store *store, struct reel_entry *entry,
                               uint64_t at_frame, uint64_t frames_count, struct reel_error *err_out)
{
    struct reel_wav *wav;

    if (unseal(store, entry, &wav, err_out) != REEL_OK)
        return reel_store_outcome(store, REEL_E_STALLED);
    return reel_store_outcome(store, reel_wav_fill(wav, at_frame, frames_count, err_out));
}

enum reel_code reel_store_equal(struct reel_store *store, struct reel_entry *entry,
                                uint64_t at_frame, const void *frames, uint64_t frames_count,
                                bool *equal_out, struct reel_error *err_out)
{
    struct reel_wav *wav;

    if (reel_store_wav(store, entry, &wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_wav_equal(wav, at_frame, frames, frames_count, equal_out, err_out);
}

enum reel_code reel_store_quarantine(struct reel_store *store, const struct reel_reject *reject,
                                     const void *payload, uint64_t *quarantine_id_out,
                                     struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK)
        code = reel_quarantine_put(store->quarantine, reject, payload, quarantine_id_out, err_out);
    return reel_store_outcome(store, code);
}

enum reel_code reel_store_unquarantine(struct reel_store *store, uint64_t quarantine_id,
                                       struct reel_buffer *payload_out, struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK)
        code = reel_quarantine_take(store->quarantine, quarantine_id, payload_out, err_out);
    return reel_store_outcome(store, code);
}

void reel_store_stats(const struct reel_store *store, struct reel_store_stats *stats_out)
{
    stats_out->open_recordings = store->open_count;
    stats_out->held_recordings = HASH_COUNT(store->entries);
    stats_out->held_bytes = store->held_bytes;
    stats_out->commits = store->commits;
    stats_out->synced_files = store->synced_files;
    stats_out->sync_us = store->sync_us;
    reel_quarantine_totals(store->quarantine, &stats_out->quarantine_count,
                           &stats_out->quarantine_bytes);
}
