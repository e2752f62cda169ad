/* Part: FILE.part and what it says of itself. */
#include "cli/part.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"

struct reel_part {
    int fd;
    bool locked;
    json_t *view;
    char path[PATH_MAX];
    char part_path[PATH_MAX];
    char side_path[PATH_MAX];
};

static bool join(char *out, const char *path, const char *suffix)
{
    int used = snprintf(out, PATH_MAX, "%s%s", path, suffix);

    return used > 0 && used < PATH_MAX;
}

/* The version that FILE.part came from, if it is of this view. */
static bool side_read(const struct reel_part *part, char *version_out, size_t capacity)
{
    json_t *side = json_load_file(part->side_path, 0, NULL);
    const char *version = json_string_value(json_object_get(side, "version"));
    bool same = version && strlen(version) < capacity &&
                json_equal(json_object_get(side, "view"), part->view);

    if (same)
        strcpy(version_out, version);
    json_decref(side);
    return same;
}

static enum reel_code resume(struct reel_part *part, uint64_t block_bytes, uint64_t *offset_out,
                             char *version_out, size_t version_capacity, struct reel_error *err_out)
{
    struct stat status;

    *offset_out = 0;
    version_out[0] = '\0';
    if (fstat(part->fd, &status) != 0)
        return reel_error_errno(err_out, errno, "%s", part->part_path);
    if (status.st_size == 0 || !side_read(part, version_out, version_capacity))
        return REEL_OK;
    *offset_out = (uint64_t)status.st_size / block_bytes * block_bytes;
    return REEL_OK;
}

enum reel_code reel_part_open(const char *path, const json_t *view, uint64_t block_bytes,
                              struct reel_part **part_out, uint64_t *offset_out, char *version_out,
                              size_t version_capacity, struct reel_error *err_out)
{
    struct reel_part *part = calloc(1, sizeof *part);
    enum reel_code code;

    if (!part)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    part->fd = -1;
    part->view = json_deep_copy(view);
    if (!join(part->path, path, "") || !join(part->part_path, path, ".part") ||
        !join(part->side_path, path, ".part.json"))
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "the file's name is too long");
    else if ((part->fd = open(part->part_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        code = reel_report_open_error(part->part_path, err_out);
    else if (flock(part->fd, LOCK_EX | LOCK_NB) != 0)
        code = reel_error_set(err_out, REEL_E_CONFLICT, NULL, "%s is being written by another",
                              part->part_path);
    else {
        part->locked = true;
        code = resume(part, block_bytes, offset_out, version_out, version_capacity, err_out);
    }
    if (code)
        reel_part_close(&part);
    else
        *part_out = part;
    return code;
}

void reel_part_close(struct reel_part **part)
{
    struct stat status;

    if (!*part)
        return;
    if ((*part)->locked && fstat((*part)->fd, &status) == 0 && status.st_size == 0) {
        unlink((*part)->part_path);
        unlink((*part)->side_path);
    }
    if ((*part)->fd >= 0)
        close((*part)->fd);
    json_decref((*part)->view);
    free(*part);
    *part = NULL;
}

enum reel_code reel_part_begin(struct reel_part *part, const char *version,
                               struct reel_error *err_out)
{
    json_t *side = json_pack("{s:s, s:O}", "version", version, "view", part->view);
    int failed;

    /* Empty first: a beginning never stands beside another version's name. */
    if (ftruncate(part->fd, 0) != 0) {
        json_decref(side);
        return reel_error_errno(err_out, errno, "%s", part->part_path);
    }
    failed = !side || json_dump_file(side, part->side_path, JSON_INDENT(1)) != 0;
    json_decref(side);
    return failed ? reel_error_set(err_out, REEL_E_STALLED, NULL, "%s cannot be written",
                                   part->side_path)
                  : REEL_OK;
}

enum reel_code reel_part_write(struct reel_part *part, uint64_t offset, const void *bytes,
                               size_t size, struct reel_error *err_out)
{
    const char *from = bytes;

    while (size > 0) {
        ssize_t written = pwrite(part->fd, from, size, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return reel_error_errno(err_out, errno, "%s", part->part_path);
        from += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return REEL_OK;
}

static enum reel_code folder_sync(const char *path, struct reel_error *err_out)
{
    char copy[PATH_MAX];
    const char *folder;
    enum reel_code code = REEL_OK;
    int fd;

    snprintf(copy, sizeof copy, "%s", path);
    folder = dirname(copy);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        code = reel_error_errno(err_out, errno, "%s", folder);
    if (fd >= 0)
        close(fd);
    return code;
}

enum reel_code reel_part_finish(struct reel_part *part, struct reel_error *err_out)
{
    if (fsync(part->fd) != 0)
        return reel_error_errno(err_out, errno, "%s", part->part_path);
    if (rename(part->part_path, part->path) != 0)
        return reel_error_errno(err_out, errno, "%s", part->path);
    if (unlink(part->side_path) != 0 && errno != ENOENT)
        return reel_error_errno(err_out, errno, "%s", part->side_path);
    return folder_sync(part->path, err_out);
}
