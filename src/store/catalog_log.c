/* Catalog, its log: written anew before it is relied on. A sync that has failed leaves pages that
 * the kernel takes for clean: it shows what they hold, and no later sync brings it to the disk
 * (Linux; Rebello and others, 2020). SQLite believes such a log when it opens it anew, takes it
 * into the database, and a power cut then leaves the new database beside an older log, which
 * destroys it.
 *
 * SQLite locks the database and the shared memory, never the log: closing the log here lets go of
 * none of its locks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog_internal.h"
#include "store/disk.h"

enum { HEAD_BYTES = 4096, SLICE_BYTES = 64 * 1024 };

/* Write [from, to) over itself, and sync it. */
static enum reel_code write_again(int fd, uint64_t from, uint64_t to, const char *name,
                                  struct reel_error *err_out)
{
    uint8_t slice[SLICE_BYTES];
    enum reel_code code = REEL_OK;

    while (code == REEL_OK && from < to) {
        uint64_t bytes = to - from < sizeof slice ? to - from : sizeof slice;

        code = reel_disk_read(fd, slice, bytes, from, name, err_out);
        if (code == REEL_OK)
            code = reel_disk_write(fd, slice, bytes, from, name, err_out);
        from += bytes;
    }
    if (code == REEL_OK && fdatasync(fd) != 0)
        code = reel_error_errno(err_out, errno, "sync %s", name);
    return code;
}

/* The head first: with it on the disk, frames of an older log behind it count no more. */
static enum reel_code renew(int fd, const char *name, struct reel_error *err_out)
{
    struct stat status;
    uint64_t bytes;
    uint64_t head_bytes;

    if (fstat(fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", name);
    bytes = (uint64_t)status.st_size;
    head_bytes = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
    if (bytes == 0)
        return REEL_OK;
    if (write_again(fd, 0, head_bytes, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return write_again(fd, head_bytes, bytes, name, err_out);
}

enum reel_code reel_catalog_renew_log(const char *path, struct reel_error *err_out)
{
    char name[PATH_MAX + 16];
    enum reel_code code;
    int fd;

    snprintf(name, sizeof name, "%s-wal", path);
    fd = open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? REEL_OK : reel_error_errno(err_out, errno, "open %s", name);
    code = renew(fd, name, err_out);
    close(fd);
    return code == REEL_OK ? REEL_OK : REEL_E_STALLED;
}
