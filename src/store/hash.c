/* Hash: sha256 by nettle. */
#include "store/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE_BYTES = 64 * 1024, LOOK_BYTES = 64 * 1024 * 1024 };

void reel_digest_begin(struct reel_digest *digest)
{
    sha256_init(&digest->context);
}

void reel_digest_add(struct reel_digest *digest, const void *bytes, size_t count)
{
    sha256_update(&digest->context, count, bytes);
}

void reel_digest_text(struct reel_digest *digest, char out[REEL_SHA256_TEXT_BYTES])
{
    uint8_t sum[SHA256_DIGEST_SIZE];

    sha256_digest(&digest->context, sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* One that has no name any more goes: its room is free only when nobody has it open. */
static enum reel_code check_named(int fd, const char *name, uint64_t done_bytes,
                                  struct reel_error *err_out)
{
    struct stat status;

    if (done_bytes % LOOK_BYTES != 0)
        return REEL_OK;
    if (fstat(fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", name);
    return status.st_nlink > 0
               ? REEL_OK
               : reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "%s is gone", name);
}

static enum reel_code add_descriptor(struct reel_digest *digest, int fd, const char *name,
                                     uint64_t bytes_max, reel_hash_progress_fn *progress,
                                     void *user, struct reel_error *err_out)
{
    uint8_t slice[SLICE_BYTES];
    uint64_t done_bytes = 0;
    enum reel_code code;

    while (done_bytes < bytes_max) {
        uint64_t left_bytes = bytes_max - done_bytes;
        ssize_t got =
            read(fd, slice, left_bytes < sizeof slice ? (size_t)left_bytes : sizeof slice);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reel_error_errno(err_out, errno, "read %s", name);
        if (got == 0)
            return REEL_OK;
        reel_digest_add(digest, slice, (size_t)got);
        done_bytes += (uint64_t)got;
        if (progress)
            progress(user, done_bytes);
        code = check_named(fd, name, done_bytes, err_out);
        if (code != REEL_OK)
            return code;
    }
    return REEL_OK;
}

enum reel_code reel_hash_descriptor(int fd, const char *name, uint64_t bytes_max,
                                    reel_hash_progress_fn *progress, void *user,
                                    char out[REEL_SHA256_TEXT_BYTES], struct reel_error *err_out)
{
    struct reel_digest digest;
    enum reel_code code;

    reel_digest_begin(&digest);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint: nothing follows from its failing */
    code = add_descriptor(&digest, fd, name, bytes_max, progress, user, err_out);
    if (code == REEL_OK)
        reel_digest_text(&digest, out);
    return code;
}

/* The length is asked for behind the last byte: one that is cut meanwhile has no sum either. */
static enum reel_code sum_whole(int fd, const char *path, struct reel_hash_job *job,
                                struct reel_error *err_out)
{
    char sha256[REEL_SHA256_TEXT_BYTES];
    enum reel_code code = reel_hash_descriptor(fd, path, UINT64_MAX, NULL, NULL, sha256, err_out);
    struct stat status;

    if (code != REEL_OK)
        return code;
    if (fstat(fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", path);
    if ((uint64_t)status.st_size < job->file_bytes)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL,
                              "%s has %" PRIu64 " bytes, its frames take %" PRIu64, path,
                              (uint64_t)status.st_size, job->file_bytes);
    memcpy(job->sha256, sha256, sizeof job->sha256);
    return REEL_OK;
}

enum reel_code reel_hash_file(const char *dir, struct reel_hash_job *job,
                              struct reel_error *err_out)
{
    char path[PATH_MAX];
    enum reel_code code;
    int fd;

    snprintf(path, sizeof path, "%s/recordings/%s/%s.wav", dir, job->device, job->session);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", path);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", path);
    code = sum_whole(fd, path, job, err_out);
    close(fd);
    return code;
}
