/* Disk: reads, writes, folders and syncs, each result checked. */
#include "store/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Recordings grow past 4 GiB, and are made after 2038, on machines of 32 bits too. */
static_assert(sizeof(off_t) == 8 && sizeof(time_t) == 8, "off_t and time_t must have 64 bits");

enum { CALL_BYTES_MAX = 1 << 30 }; /* one read or write call moves no more anyway */

static size_t call_bytes(uint64_t bytes)
{
    return bytes < CALL_BYTES_MAX ? (size_t)bytes : CALL_BYTES_MAX;
}

enum reel_code reel_disk_write(int fd, const void *data, uint64_t bytes, uint64_t offset,
                               const char *name, struct reel_error *err_out)
{
    const uint8_t *at = data;

    while (bytes > 0) {
        ssize_t written = pwrite(fd, at, call_bytes(bytes), (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return reel_error_errno(err_out, written < 0 ? errno : EIO, "write %s", name);
        at += written;
        offset += (uint64_t)written;
        bytes -= (uint64_t)written;
    }
    return REEL_OK;
}

enum reel_code reel_disk_read(int fd, void *data, uint64_t bytes, uint64_t offset, const char *name,
                              struct reel_error *err_out)
{
    uint8_t *at = data;

    while (bytes > 0) {
        ssize_t got = pread(fd, at, call_bytes(bytes), (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reel_error_errno(err_out, errno, "read %s", name);
        if (got == 0)
            return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "%s ends too early", name);
        at += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return REEL_OK;
}

static enum reel_code sync_fd(int fd, const char *name, struct reel_error *err_out)
{
    return fsync(fd) == 0 ? REEL_OK : reel_error_errno(err_out, errno, "sync %s", name);
}

enum reel_code reel_disk_sync_folder(int parent_fd, const char *name, struct reel_error *err_out)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum reel_code code;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", name);
    code = sync_fd(fd, name, err_out);
    close(fd);
    return code;
}

/* Sync a folder above that may be another's: one that may not be read, or that is on something
 * that knows no sync, is left as it is. */
static enum reel_code sync_above(int fd, const char *above, const char *name,
                                 struct reel_error *err_out)
{
    int above_fd = openat(fd, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum reel_code code = REEL_OK;

    if (above_fd < 0)
        return errno == EACCES ? REEL_OK
                               : reel_error_errno(err_out, errno, "open the folder above %s", name);
    if (fsync(above_fd) != 0 && errno != EINVAL && errno != EROFS)
        code = reel_error_errno(err_out, errno, "sync the folder above %s", name);
    close(above_fd);
    return code;
}

enum reel_code reel_disk_keep_folder(int fd, const char *name, bool made,
                                     struct reel_error *err_out)
{
    struct reel_error error;

    if (!made)
        return sync_above(fd, "..", name, err_out);
    if (reel_disk_sync_folder(fd, "..", &error) != REEL_OK)
        return reel_error_errno(err_out, error.errno_value, "sync the folder above %s", name);
    return sync_above(fd, "../..", name, err_out);
}

enum reel_code reel_disk_folder(int parent_fd, const char *name, int *fd_out, bool *made_out,
                                struct reel_error *err_out)
{
    bool made = mkdirat(parent_fd, name, 0755) == 0;
    int fd;

    if (!made && errno != EEXIST)
        return reel_error_errno(err_out, errno, "make folder %s", name);
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", name);
    if (reel_disk_keep_folder(fd, name, made, err_out) != REEL_OK) {
        close(fd);
        return REEL_E_STALLED;
    }
    *fd_out = fd;
    if (made_out)
        *made_out = made;
    return REEL_OK;
}

enum reel_code reel_disk_open_folder(const char *dir, const char *name, int *fd_out,
                                     struct reel_error *err_out)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", path);
    *fd_out = fd;
    return REEL_OK;
}

static enum reel_code write_new(int parent_fd, const char *name, const void *data, uint64_t bytes,
                                struct reel_error *err_out)
{
    int fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum reel_code code;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "make %s", name);
    code = reel_disk_write(fd, data, bytes, 0, name, err_out);
    if (code == REEL_OK)
        code = sync_fd(fd, name, err_out);
    if (close(fd) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "close %s", name);
    return code;
}

enum reel_code reel_disk_replace(int parent_fd, const char *name, const void *data, uint64_t bytes,
                                 struct reel_error *err_out)
{
    char temporary[256];
    enum reel_code code;

    snprintf(temporary, sizeof temporary, ".%s.tmp", name);
    code = write_new(parent_fd, temporary, data, bytes, err_out);
    if (code == REEL_OK && renameat(parent_fd, temporary, parent_fd, name) != 0)
        code = reel_error_errno(err_out, errno, "rename %s", temporary);
    if (code != REEL_OK) {
        unlinkat(parent_fd, temporary, 0);
        return code;
    }
    return reel_disk_sync_folder(parent_fd, ".", err_out);
}

static enum reel_code load_fd(int fd, const char *name, uint64_t bytes_max, char **data_out,
                              size_t *bytes_out, struct reel_error *err_out)
{
    struct stat status;
    enum reel_code code;
    char *data;

    if (fstat(fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", name);
    if (status.st_size < 0 || (uint64_t)status.st_size > bytes_max)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, NULL, "%s is too large", name);
    data = malloc((size_t)status.st_size + 1);
    if (!data)
        return reel_error_errno(err_out, ENOMEM, "read %s", name);
    code = reel_disk_read(fd, data, (uint64_t)status.st_size, 0, name, err_out);
    if (code != REEL_OK) {
        free(data);
        return code;
    }
    data[status.st_size] = '\0';
    *data_out = data;
    *bytes_out = (size_t)status.st_size;
    return REEL_OK;
}

enum reel_code reel_disk_load(int parent_fd, const char *name, uint64_t bytes_max, char **data_out,
                              size_t *bytes_out, struct reel_error *err_out)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_CLOEXEC);
    enum reel_code code;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", name);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", name);
    code = load_fd(fd, name, bytes_max, data_out, bytes_out, err_out);
    close(fd);
    return code;
}

static bool kernel_reports_failed_syncfs(void)
{
    struct utsname name;
    unsigned major;
    unsigned minor;

    return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 8));
}

bool reel_disk_allows(uint64_t bytes)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           bytes <= limit.rlim_cur;
}

bool reel_disk_syncfs_counts(int fd)
{
    struct statfs status;

    if (fstatfs(fd, &status) != 0 || !kernel_reports_failed_syncfs())
        return false;
    switch ((unsigned long)status.f_type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
        return true;
    default:
        return false;
    }
}

bool reel_disk_syncfs_reaches(int root_fd, int fd)
{
    struct stat root;
    struct stat status;

    return fstat(root_fd, &root) == 0 && fstat(fd, &status) == 0 && root.st_dev == status.st_dev;
}
