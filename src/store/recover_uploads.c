/* Recover, uploads: what was being installed is, before anything else looks at the recordings; what
 * came of the others is kept; what no row knows is removed, or where the catalog is new, and
 * nothing can be known, put aside. */
#include "store/recover_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/recovered.h"
#include "store/upload_files.h"
#include "store/upload_tries.h"

struct pass {
    struct recovery *recovery;
    int fd; /* uploads/ */
    struct reel_upload *list;
};

static bool collect(struct reel_upload *upload, void *user)
{
    struct pass *pass = user;
    struct reel_upload *held = malloc(sizeof *held);

    if (!held)
        return false;
    *held = *upload;
    DL_APPEND(pass->list, held);
    return true;
}

/* Whether the file of the recording's name is the upload's already. */
static bool stands(struct recovery *recovery, const struct reel_upload *upload)
{
    uint8_t head[REEL_WAV_DATA_OFFSET];
    char name[2 * REEL_NAME_BYTES + 8];
    struct reel_wav_info info;
    bool own;
    int fd;

    snprintf(name, sizeof name, "%s/%s.wav", upload->device, upload->session);
    fd =
        openat(recovery->home->recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    own = reel_disk_read(fd, head, sizeof head, 0, name, NULL) == REEL_OK &&
          reel_wav_parse(head, sizeof head, &info) && info.id == upload->id;
    close(fd);
    return own;
}

/* The sidecar of the recording that it replaced may still be there. */
static enum reel_code write_sidecar(struct recovery *recovery, const struct reel_upload *upload,
                                    struct reel_error *err_out)
{
    struct reel_recording recording;
    enum reel_code code = reel_catalog_load(recovery->home->catalog, upload->device,
                                            upload->session, &recording, err_out);

    if (code != REEL_OK)
        return code == REEL_E_NOT_FOUND ? REEL_OK : code;
    if (recording.id == upload->id)
        code = reel_sidecars_write(recovery->sidecars, &recording, err_out);
    reel_recording_finish(&recording);
    return code;
}

/* The row goes back: what was made is gone, and is made once more. */
static enum reel_code begin_anew(struct recovery *recovery, struct reel_upload *upload,
                                 struct reel_error *err_out)
{
    struct reel_catalog *catalog = recovery->home->catalog;
    struct reel_recording recording;
    enum reel_code code;

    reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                         REEL_LOG_OF(upload->device, upload->session),
                         "store: what was made of the upload to %s/%s is gone: it is made anew",
                         upload->device, upload->session);
    code = reel_catalog_load(catalog, upload->device, upload->session, &recording, err_out);
    if (code == REEL_OK) {
        if (recording.id == upload->id)
            code = reel_catalog_remove(catalog, recording.rowid, err_out);
        reel_recording_finish(&recording);
    }
    if (code != REEL_OK && code != REEL_E_NOT_FOUND)
        return code;
    upload->state = REEL_UPLOAD_WHOLE;
    return reel_catalog_upload_save(catalog, upload, err_out);
}

/* Without a single folder the disk of the recordings may be missing: nothing is changed then. */
static enum reel_code has_recordings(struct recovery *recovery, bool *any_out,
                                     struct reel_error *err_out)
{
    struct folders folders;
    enum reel_code code = reel_recover_folders(recovery, &folders, err_out);

    if (code != REEL_OK)
        return code;
    *any_out = folders.any;
    free(folders.items);
    return REEL_OK;
}

static enum reel_code look_for_it(struct recovery *recovery, struct reel_upload *upload,
                                  struct reel_error *err_out)
{
    bool any;
    enum reel_code code = has_recordings(recovery, &any, err_out);

    if (code != REEL_OK || !any)
        return code;
    return begin_anew(recovery, upload, err_out);
}

static enum reel_code finish(struct recovery *recovery, struct reel_upload *upload,
                             struct reel_error *err_out)
{
    struct reel_error error;
    enum reel_code code = reel_upload_rename(recovery->home->recordings_fd, upload->device,
                                             upload->session, upload->id, NULL, &error);

    if (code == REEL_E_NOT_FOUND && !stands(recovery, upload))
        return look_for_it(recovery, upload, err_out);
    if (code != REEL_OK && code != REEL_E_NOT_FOUND) {
        if (err_out)
            *err_out = error;
        return code;
    }
    if (code == REEL_OK) {
        recovery->report.recovered++;
        reel_log_write_about(
            recovery->log, REEL_LOG_NOTICE, REEL_LOG_OF(upload->device, upload->session),
            "store: %s/%s takes the file uploaded for it", upload->device, upload->session);
    }
    code = write_sidecar(recovery, upload, err_out);
    if (code == REEL_OK)
        code = reel_catalog_upload_remove(recovery->home->catalog, upload->rowid, err_out);
    upload->gone = true;
    return code;
}

/* A row whose file is not there, or is not all that the row says. */
static enum reel_code check_part(struct pass *pass, struct reel_upload *upload,
                                 struct reel_error *err_out)
{
    char name[REEL_UPLOAD_PART_BYTES];
    struct stat status;
    bool there;

    reel_upload_part_name(upload->id, name);
    there = fstatat(pass->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there && errno != ENOENT)
        return reel_error_errno(err_out, errno, "look at uploads/%s", name);
    if (there && S_ISREG(status.st_mode) &&
        (upload->state == REEL_UPLOAD_RECEIVING || (uint64_t)status.st_size == upload->size_bytes))
        return REEL_OK;
    reel_log_write_about(pass->recovery->log, REEL_LOG_ERROR,
                         REEL_LOG_OF(upload->device, upload->session),
                         "store: the file of the upload to %s/%s, %" PRIu64 " bytes, is gone",
                         upload->device, upload->session, upload->size_bytes);
    upload->gone = true;
    return reel_catalog_upload_remove(pass->recovery->home->catalog, upload->rowid, err_out);
}

static enum reel_code settle_rows(struct pass *pass, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_upload *upload;

    DL_FOREACH (pass->list, upload) {
        if (upload->state == REEL_UPLOAD_INSTALLING)
            code = finish(pass->recovery, upload, err_out);
        if (code == REEL_OK && !upload->gone)
            code = check_part(pass, upload, err_out);
        if (code != REEL_OK)
            return code;
    }
    return reel_sidecars_flush(pass->recovery->sidecars, err_out);
}

static bool has_row(const struct pass *pass, const char *name)
{
    const struct reel_upload *upload;
    uint64_t id;

    if (!reel_upload_parse_part(name, &id) && !reel_upload_parse_tries(name, &id))
        return false;
    DL_FOREACH (pass->list, upload) {
        if (upload->id == id && !upload->gone)
            return true;
    }
    return false;
}

static enum reel_code keep_or_remove(void *user, int fd, const char *folder, const char *name,
                                     struct reel_error *err_out)
{
    static const char why[] = "an upload under way, and the catalog is new";
    struct pass *pass = user;
    char from[NAME_MAX + 16];
    char stem[NAME_MAX + 16];
    enum reel_code code;
    uint64_t id;

    (void)folder;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || has_row(pass, name))
        return REEL_OK;
    if (!pass->recovery->home->rebuild || reel_upload_parse_tries(name, &id))
        return unlinkat(fd, name, 0) == 0 || errno == EISDIR
                   ? REEL_OK
                   : reel_error_errno(err_out, errno, "remove uploads/%s", name);
    snprintf(from, sizeof from, "uploads/%s", name);
    snprintf(stem, sizeof stem, "upload-%.*s", (int)strcspn(name, "."), name);
    reel_log_write(pass->recovery->log, REEL_LOG_WARNING, "store: %s goes to recovered/: %s", from,
                   why);
    pass->recovery->report.recovered++;
    code = reel_recovered_take(pass->recovery->home->dir_fd, from, stem, ".part", why,
                               pass->recovery->now_us, err_out);
    return code == REEL_E_NOT_FOUND ? REEL_OK : code;
}

/* After the rows are committed: what they do not know any more goes. */
static enum reel_code settle_files(struct pass *pass, struct reel_error *err_out)
{
    int fd = openat(pass->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open uploads");
    return reel_recover_each_name(fd, "uploads", keep_or_remove, pass, err_out);
}

static enum reel_code settle(struct pass *pass, struct reel_error *err_out)
{
    struct reel_catalog *catalog = pass->recovery->home->catalog;
    enum reel_code code = reel_catalog_uploads(catalog, collect, pass, err_out);

    if (code == REEL_OK)
        code = reel_catalog_begin(catalog, err_out);
    if (code != REEL_OK)
        return code;
    code = settle_rows(pass, err_out);
    if (code == REEL_OK)
        code = reel_catalog_commit(catalog, err_out);
    if (code != REEL_OK) {
        reel_catalog_rollback(catalog);
        return code;
    }
    return settle_files(pass, err_out);
}

enum reel_code reel_recover_uploads(struct recovery *recovery, struct reel_error *err_out)
{
    struct pass pass = {.recovery = recovery};
    enum reel_code code =
        reel_disk_folder(recovery->home->dir_fd, "uploads", &pass.fd, NULL, err_out);
    struct reel_upload *upload;
    struct reel_upload *after;

    if (code != REEL_OK)
        return code;
    code = settle(&pass, err_out);
    DL_FOREACH_SAFE (pass.list, upload, after) {
        reel_upload_finish(upload);
        free(upload);
    }
    close(pass.fd);
    return code;
}
