/* Uploads: those that the store holds, from its opening on, and their share of each commit. */
#include "store/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "store/disk.h"
#include "store/upload_files.h"
#include "store/upload_tries.h"

static bool hold(struct reel_upload *upload, void *user)
{
    struct reel_uploads *uploads = user;
    struct reel_upload *held = malloc(sizeof *held);

    if (!held)
        return false;
    *held = *upload;
    DL_APPEND(uploads->list, held);
    return true;
}

enum reel_code reel_uploads_open(const char *dir, struct reel_catalog *catalog, int recordings_fd,
                                 const struct reel_log *log, struct reel_uploads **uploads_out,
                                 struct reel_error *err_out)
{
    struct reel_uploads *uploads = calloc(1, sizeof *uploads);
    enum reel_code code;

    if (!uploads)
        return reel_error_errno(err_out, ENOMEM, "uploads");
    uploads->fd = -1;
    uploads->recordings_fd = recordings_fd;
    uploads->log = log;
    code = reel_disk_open_folder(dir, "uploads", &uploads->fd, err_out);
    if (code == REEL_OK)
        code = reel_catalog_uploads(catalog, hold, uploads, err_out);
    if (code != REEL_OK) {
        reel_uploads_close(uploads);
        return code;
    }
    *uploads_out = uploads;
    return REEL_OK;
}

static void let_go(struct reel_uploads *uploads, struct reel_upload *upload)
{
    DL_DELETE(uploads->list, upload);
    if (upload->fd >= 0)
        close(upload->fd); /* what was not synced was not committed */
    reel_upload_finish(upload);
    free(upload);
}

void reel_uploads_close(struct reel_uploads *uploads)
{
    if (!uploads)
        return;
    while (uploads->list)
        let_go(uploads, uploads->list);
    for (size_t i = 0; i < uploads->discards_count; i++)
        reel_discard_leave(&uploads->discards[i]);
    free(uploads->discards);
    if (uploads->fd >= 0)
        close(uploads->fd);
    free(uploads);
}

enum reel_code reel_uploads_descriptor(struct reel_uploads *uploads, struct reel_upload *upload,
                                       int more_flags, struct reel_error *err_out)
{
    char name[REEL_UPLOAD_PART_BYTES];

    if (upload->fd >= 0)
        return REEL_OK;
    reel_upload_part_name(upload->id, name);
    upload->fd = openat(uploads->fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | more_flags, 0640);
    if (upload->fd < 0)
        return reel_error_errno(err_out, errno, "open uploads/%s", name);
    upload->new_file |= more_flags != 0;
    return REEL_OK;
}

/* A close of what is synced says nothing more. */
enum reel_code reel_uploads_sync(struct reel_uploads *uploads, struct reel_error *err_out)
{
    struct reel_upload *upload;
    bool new_names = false;

    DL_FOREACH (uploads->list, upload) {
        if (upload->fd < 0)
            continue;
        if (fdatasync(upload->fd) != 0)
            return reel_error_errno(err_out, errno, "sync an upload");
        close(upload->fd);
        upload->fd = -1;
        new_names |= upload->new_file;
        upload->new_file = false;
    }
    if (new_names && fsync(uploads->fd) != 0)
        return reel_error_errno(err_out, errno, "sync the folder uploads");
    return REEL_OK;
}

/* Removed first: a name that one gives up may be another's in the same batch. */
enum reel_code reel_uploads_save(struct reel_uploads *uploads, struct reel_catalog *catalog,
                                 struct reel_error *err_out)
{
    struct reel_upload *upload;
    enum reel_code code = REEL_OK;

    DL_FOREACH (uploads->list, upload) {
        if (code == REEL_OK && upload->gone && upload->rowid != 0)
            code = reel_catalog_upload_remove(catalog, upload->rowid, err_out);
        if (upload->gone)
            upload->rowid = 0;
    }
    DL_FOREACH (uploads->list, upload) {
        if (code == REEL_OK && !upload->gone && upload->dirty)
            code = reel_catalog_upload_save(catalog, upload, err_out);
        upload->dirty = false;
    }
    uploads->leaving = false;
    return code;
}

/* The count of its tries too: it is removed after each, but not by a disk that fails then. */
static void discard_files(struct reel_uploads *uploads, const struct reel_upload *upload)
{
    char name[REEL_UPLOAD_MADE_BYTES];

    reel_upload_part_name(upload->id, name);
    reel_uploads_discard(uploads, -1, "uploads", name);
    if (upload->state == REEL_UPLOAD_RECEIVING)
        return;
    reel_upload_tries_name(upload->id, name);
    reel_uploads_discard(uploads, -1, "uploads", name);
    if (upload->state == REEL_UPLOAD_INSTALLING)
        return;
    reel_upload_made_name(upload->device, upload->id, name);
    reel_uploads_discard(uploads, -1, "recordings", name);
}

void reel_uploads_committed(struct reel_uploads *uploads)
{
    struct reel_upload *upload;
    struct reel_upload *after;

    DL_FOREACH_SAFE (uploads->list, upload, after) {
        if (!upload->gone || upload->rowid != 0)
            continue;
        discard_files(uploads, upload);
        let_go(uploads, upload);
    }
}

enum reel_code reel_uploads_install(struct reel_uploads *uploads, struct reel_error *err_out)
{
    struct reel_upload *upload;

    DL_FOREACH (uploads->list, upload) {
        enum reel_code code;
        int old_fd;

        if (upload->gone || upload->state != REEL_UPLOAD_INSTALLING)
            continue;
        code = reel_upload_rename(uploads->recordings_fd, upload->device, upload->session,
                                  upload->id, &old_fd, err_out);
        if (code != REEL_OK)
            return REEL_E_STALLED;
        if (old_fd >= 0)
            reel_uploads_discard(uploads, old_fd, NULL, NULL);
        upload->gone = true;
        uploads->leaving = true;
    }
    return REEL_OK;
}

/* Without memory the file stays until the next start, or is closed right here. */
void reel_uploads_discard(struct reel_uploads *uploads, int fd, const char *folder,
                          const char *name)
{
    size_t capacity = uploads->discards_capacity > 0 ? 2 * uploads->discards_capacity : 16;
    struct reel_discard *discards = uploads->discards;

    if (uploads->discards_count == uploads->discards_capacity) {
        discards = reallocarray(discards, capacity, sizeof *discards);
        if (!discards) {
            if (fd >= 0)
                close(fd);
            return;
        }
        uploads->discards = discards;
        uploads->discards_capacity = capacity;
    }
    discards[uploads->discards_count].fd = fd;
    discards[uploads->discards_count].path[0] = '\0';
    if (name)
        snprintf(discards[uploads->discards_count].path, sizeof discards->path, "%s/%s", folder,
                 name);
    uploads->discards_count++;
}
