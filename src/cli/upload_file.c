/* Upload file: read by ourselves, summed by store/hash. */
#include "cli/upload_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/progress.h"
#include "io/loop.h"

struct summing {
    const struct reel_upload_file *file;
    struct reel_progress progress;
};

static void on_summed(void *user, uint64_t done_bytes)
{
    struct summing *summing = user;

    reel_progress_show(&summing->progress, "summing", done_bytes, summing->file->size_bytes,
                       reel_monotonic_us());
}

static enum reel_code changed(const struct reel_upload_file *file, struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_CONFLICT, NULL, "%s changed while it was being read",
                          file->path);
}

/* Find out what it is. Opening waits for nobody, also where it is a pipe. */
static enum reel_code look(struct reel_upload_file *file, struct reel_error *err_out)
{
    struct stat status;

    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return reel_error_set(err_out, errno == ENOENT ? REEL_E_NOT_FOUND : REEL_E_NOT_ALLOWED,
                              NULL, "%s: %s", file->path, strerror(errno));
    if (fstat(file->fd, &status) < 0)
        return reel_error_errno(err_out, errno, "%s", file->path);
    if (!S_ISREG(status.st_mode))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s is no file: `reel publish` takes what comes as it is made",
                              file->path);
    if (status.st_size == 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "%s is empty", file->path);
    file->size_bytes = (uint64_t)status.st_size;
    file->modified = status.st_mtim;
    return REEL_OK;
}

enum reel_code reel_upload_file_open(struct reel_upload_file *file, const char *path,
                                     const struct reel_common *common, struct reel_error *err_out)
{
    struct summing summing = {.file = file};
    enum reel_code code;

    *file = (struct reel_upload_file){.path = path};
    code = look(file, err_out);
    if (code)
        return code;
    reel_progress_init(&summing.progress, common);
    code = reel_hash_descriptor(file->fd, path, file->size_bytes, on_summed, &summing, file->sha256,
                                err_out);
    reel_progress_finish(&summing.progress);
    return code ? code : reel_upload_file_check(file, err_out);
}

void reel_upload_file_close(struct reel_upload_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

enum reel_code reel_upload_file_read(const struct reel_upload_file *file, uint64_t offset,
                                     void *out, size_t bytes, struct reel_error *err_out)
{
    size_t have = 0;

    while (have < bytes) {
        ssize_t got =
            pread(file->fd, (char *)out + have, bytes - have, (off_t)(offset + (uint64_t)have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reel_error_errno(err_out, errno, "%s", file->path);
        if (got == 0)
            return changed(file, err_out);
        have += (size_t)got;
    }
    return REEL_OK;
}

enum reel_code reel_upload_file_check(const struct reel_upload_file *file,
                                      struct reel_error *err_out)
{
    struct stat status;

    if (fstat(file->fd, &status) < 0)
        return reel_error_errno(err_out, errno, "%s", file->path);
    if ((uint64_t)status.st_size != file->size_bytes ||
        status.st_mtim.tv_sec != file->modified.tv_sec ||
        status.st_mtim.tv_nsec != file->modified.tv_nsec)
        return changed(file, err_out);
    return REEL_OK;
}
