/* Quarantine, its start: files and rows brought to agree. */
#include "store/quarantine_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/disk.h"

/* Rows whose payload is gone, or not what was put there, lose it. */
static enum reel_code strip_missing(struct reel_quarantine *quarantine, struct reel_error *err_out)
{
    uint64_t id = 0, bytes;
    struct reel_error error;
    enum reel_code code;
    bool stands;

    while ((code = reel_catalog_reject_next_payload(quarantine->catalog, id, &id, &bytes,
                                                    &error)) == REEL_OK) {
        code = reel_payload_stands(quarantine->fd, id, bytes, &stands, err_out);
        if (code == REEL_OK && !stands)
            code = reel_catalog_reject_strip(quarantine->catalog, id, err_out);
        if (code != REEL_OK)
            return code;
    }
    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (err_out)
        *err_out = error;
    return code;
}

/* Remove the file unless a row says that it is a payload. */
static enum reel_code keep_or_remove(struct reel_quarantine *quarantine, const char *name,
                                     struct reel_error *err_out)
{
    struct reel_error error;
    bool has_payload = false;
    uint64_t id;
    enum reel_code code;

    if (!reel_payload_parse_name(name, &id))
        return REEL_OK;
    code = reel_catalog_reject_find(quarantine->catalog, id, NULL, &has_payload, &error);
    if (code == REEL_E_NOT_FOUND || (code == REEL_OK && !has_payload))
        return reel_payload_remove(quarantine->fd, id, err_out);
    if (code != REEL_OK && err_out)
        *err_out = error;
    return code;
}

static enum reel_code remove_unknown(struct reel_quarantine *quarantine, struct reel_error *err_out)
{
    int fd = openat(quarantine->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    enum reel_code code = REEL_OK;
    struct dirent *entry;

    if (!folder) {
        code = reel_error_errno(err_out, errno, "read the folder quarantine");
        if (fd >= 0)
            close(fd);
        return code;
    }
    while (errno = 0, code == REEL_OK && (entry = readdir(folder)))
        code = keep_or_remove(quarantine, entry->d_name, err_out);
    if (code == REEL_OK && errno != 0)
        code = reel_error_errno(err_out, errno, "read the folder quarantine");
    closedir(folder);
    return code;
}

/* Files and rows agree after this. */
static enum reel_code reconcile(struct reel_quarantine *quarantine, struct reel_error *err_out)
{
    enum reel_code code = reel_catalog_begin(quarantine->catalog, err_out);

    if (code != REEL_OK)
        return code;
    code = strip_missing(quarantine, err_out);
    if (code != REEL_OK) {
        reel_catalog_rollback(quarantine->catalog);
        return code;
    }
    code = reel_catalog_commit(quarantine->catalog, err_out);
    if (code == REEL_OK)
        code = remove_unknown(quarantine, err_out);
    return code;
}

enum reel_code reel_quarantine_open(const char *dir, struct reel_catalog *catalog,
                                    uint64_t max_bytes, const struct reel_sync *sync,
                                    struct reel_quarantine **quarantine_out,
                                    struct reel_error *err_out)
{
    struct reel_quarantine *quarantine = calloc(1, sizeof *quarantine);
    char *path = NULL;
    enum reel_code code;

    if (!quarantine || asprintf(&path, "%s/quarantine", dir) < 0) {
        free(quarantine);
        return reel_quarantine_no_memory(err_out);
    }
    quarantine->catalog = catalog;
    quarantine->max_bytes = max_bytes;
    quarantine->sync = sync;
    quarantine->fd = -1;
    code = reel_disk_folder(AT_FDCWD, path, &quarantine->fd, NULL, err_out);
    free(path);
    if (code == REEL_OK) {
        quarantine->syncfs =
            reel_sync_whole_allowed(sync) && reel_disk_syncfs_counts(quarantine->fd);
        code = reconcile(quarantine, err_out);
    }
    if (code == REEL_OK)
        code = reel_catalog_reject_totals(catalog, &quarantine->count, &quarantine->bytes, err_out);
    if (code != REEL_OK) {
        reel_quarantine_close(quarantine);
        return code;
    }
    *quarantine_out = quarantine;
    return REEL_OK;
}

void reel_quarantine_close(struct reel_quarantine *quarantine)
{
    if (!quarantine)
        return;
    if (quarantine->fd >= 0)
        close(quarantine->fd);
    free(quarantine->written.ids);
    free(quarantine->removed.ids);
    free(quarantine);
}

void reel_quarantine_limit(struct reel_quarantine *quarantine, uint64_t max_bytes)
{
    quarantine->max_bytes = max_bytes;
}
