/* Upload, its end: what was made of it becomes the recording of its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/store_internal.h"
#include "store/upload.h"
#include "store/upload_files.h"
#include "store/uploads.h"

static enum reel_code check_replaceable(const struct reel_recording *recording, bool overwrite,
                                        struct reel_error *err_out)
{
    static const char field[] = "session";

    if (recording->state == REEL_STATE_RECORDING)
        return reel_error_set(err_out, REEL_E_CONFLICT, field, "%s/%s is being recorded",
                              recording->device, recording->session);
    if (!overwrite)
        return reel_error_set(err_out, REEL_E_CONFLICT, field,
                              "there is a recording %s/%s, and overwrite was not asked for",
                              recording->device, recording->session);
    if (recording->kept)
        return reel_error_set(err_out, REEL_E_CONFLICT, field,
                              "%s/%s is kept, and is replaced only after keep: false",
                              recording->device, recording->session);
    return REEL_OK;
}

/* The recording that it would replace, `*entry_out` NULL if there is none. */
static enum reel_code find_replaced(struct reel_store *store, const char *device,
                                    const char *session, bool overwrite,
                                    struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_error error;
    enum reel_code code = reel_store_get(store, device, session, entry_out, &error);

    if (code == REEL_OK)
        return check_replaceable(&(*entry_out)->recording, overwrite, err_out);
    *entry_out = NULL;
    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (err_out)
        *err_out = error;
    return reel_store_outcome(store, code);
}

enum reel_code reel_store_upload_may_take(struct reel_store *store, const char *device,
                                          const char *session, bool overwrite,
                                          struct reel_error *err_out)
{
    struct reel_entry *entry;

    return find_replaced(store, device, session, overwrite, &entry, err_out);
}

/* Another recording's file under this name is not replaced, and what nobody knows is recovery's. */
static enum reel_code check_stranger(struct reel_store *store, const struct reel_upload *upload,
                                     struct reel_error *err_out)
{
    char name[2 * REEL_NAME_BYTES + 8];
    struct reel_wav_owner owner;

    snprintf(name, sizeof name, "%s/%s.wav", upload->device, upload->session);
    if (faccessat(store->home.recordings_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return REEL_OK;
    if (!reel_wav_find_owner(store->home.recordings_fd, name, &owner))
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "%s has no row", name);
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "device", "%s is the file of %s/%s", name,
                          owner.device, owner.session);
}

static enum reel_code check_made(struct reel_store *store, const struct reel_upload *upload,
                                 const struct reel_format *format, uint64_t frames,
                                 struct reel_error *err_out)
{
    char made[REEL_UPLOAD_MADE_BYTES];
    struct stat status;

    reel_upload_made_name(upload->device, upload->id, made);
    if (fstatat(store->home.recordings_fd, made, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode) && (uint64_t)status.st_size == reel_wav_file_bytes(format, frames))
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "%s is not what was made", made);
}

/* A complete recording without numbers, as one that is indexed from its file alone. */
static enum reel_code describe(const struct reel_upload *upload, const struct reel_format *format,
                               uint64_t frames, int64_t now_us, struct reel_recording *out,
                               struct reel_error *err_out)
{
    struct reel_stretch *stretch;
    struct reel_run *run;

    reel_recording_init(out, upload->device, upload->session, format, upload->begun_us);
    out->id = upload->id;
    out->tags = json_deep_copy(upload->tags);
    out->frames = frames;
    reel_recording_complete(out, REEL_END_UPLOAD, now_us);
    if (frames == 0 && (out->tags || !upload->tags))
        return REEL_OK;
    stretch = reel_recording_add_stretch(out);
    run = stretch ? reel_stretch_add_run(stretch) : NULL;
    if (!run || (upload->tags && !out->tags)) {
        reel_recording_finish(out);
        return reel_error_errno(err_out, ENOMEM, "upload");
    }
    stretch->reason = REEL_STRETCH_FIRST;
    stretch->frames = frames;
    run->kind = REEL_RUN_STORED;
    run->frames = frames;
    return REEL_OK;
}

/* Take the row of the replaced one away; its struct goes to the caller, its file is still there. */
static enum reel_code take_away(struct reel_store *store, struct reel_entry *entry,
                                struct reel_recording *removed_out, struct reel_error *err_out)
{
    enum reel_code code = reel_catalog_remove(store->home.catalog, entry->recording.rowid, err_out);

    if (code != REEL_OK)
        return code;
    *removed_out = entry->recording;
    memset(&entry->recording, 0, sizeof entry->recording);
    reel_store_let_go(store, entry);
    return REEL_OK;
}

static enum reel_code install(struct reel_store *store, struct reel_upload *upload,
                              struct reel_entry *replaced, struct reel_recording *recording,
                              struct reel_recording *removed_out, struct reel_entry **entry_out,
                              struct reel_error *err_out)
{
    enum reel_code code = reel_store_upload_touch(store, upload, err_out);

    if (code == REEL_OK && replaced)
        code = take_away(store, replaced, removed_out, err_out);
    if (code == REEL_OK)
        code = reel_store_hold(store, recording, entry_out, err_out);
    if (code != REEL_OK) {
        reel_recording_finish(recording);
        return reel_store_outcome(store, code);
    }
    (*entry_out)->installed = true;
    reel_store_touch(store, *entry_out, 0);
    upload->state = REEL_UPLOAD_INSTALLING;
    return REEL_OK;
}

enum reel_code reel_store_upload_install(struct reel_store *store, struct reel_upload *upload,
                                         const struct reel_format *format, uint64_t frames,
                                         int64_t now_us, struct reel_recording *removed_out,
                                         struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    struct reel_entry *replaced;
    enum reel_code code = check_made(store, upload, format, frames, err_out);

    if (code == REEL_OK)
        code = find_replaced(store, upload->device, upload->session, upload->overwrite, &replaced,
                             err_out);
    if (code == REEL_OK && !replaced)
        code = check_stranger(store, upload, err_out);
    if (code == REEL_OK)
        code = describe(upload, format, frames, now_us, &recording, err_out);
    if (code == REEL_E_STALLED)
        return reel_store_outcome(store, code);
    if (code != REEL_OK)
        return code;
    memset(removed_out, 0, sizeof *removed_out);
    return install(store, upload, replaced, &recording, removed_out, entry_out, err_out);
}
