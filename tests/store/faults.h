/* Faults: the calls that change a disk, made to fail. A program that includes this has its own
 * pwrite, fsync and so on, which the libraries' (SQLite's too) use as well. */
#ifndef REEL_TESTS_STORE_FAULTS_H
#define REEL_TESTS_STORE_FAULTS_H

#include <sys/syscall.h>
#include <sys/vfs.h>

#include "store/scene.h"

static struct {
    uint64_t count; /* calls so far */
    uint64_t last;  /* the one that fails; 0: none */
    bool torn;      /* half of it is done */
    bool once;      /* those after it do not fail */
    bool strange;   /* the file system is of a kind that nobody knows */
    bool log_named; /* fsync of the folder in which the catalog's log stands */
} calls;

static inline bool dead(void)
{
    calls.count++;
    errno = EIO;
    return calls.last > 0 && (calls.once ? calls.count == calls.last : calls.count >= calls.last);
}

/* What a power cut takes back: what each write to a file of audio since its sync has overwritten.
 */
struct undo {
    char path[2 * PATH_BYTES];
    off_t size; /* of the file before */
    off_t offset;
    size_t bytes; /* that stood there */
    uint8_t *old;
};
static struct {
    struct undo items[4096];
    size_t count;
} undone;

static inline bool ends_in(const char *path, const char *suffix)
{
    size_t bytes = strlen(path), suffix_bytes = strlen(suffix);

    return bytes > suffix_bytes && strcmp(path + bytes - suffix_bytes, suffix) == 0;
}

static inline bool path_of_audio(int fd, char path[2 * PATH_BYTES])
{
    char link[64];
    ssize_t bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, 2 * PATH_BYTES - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    return ends_in(path, ".wav") || ends_in(path, ".upload.tmp") || ends_in(path, ".part");
}

static inline void remember(int fd, size_t bytes, off_t offset)
{
    struct undo *undo = &undone.items[undone.count];
    struct stat status;
    ssize_t present;

    if (!path_of_audio(fd, undo->path))
        return;
    assert_int_equal(fstat(fd, &status), 0);
    undo->old = malloc(bytes);
    assert_non_null(undo->old);
    present = pread(fd, undo->old, bytes, offset);
    assert_true(present >= 0);
    undo->size = status.st_size;
    undo->offset = offset;
    undo->bytes = (size_t)present;
    undone.count++;
    assert_true(undone.count < sizeof undone.items / sizeof *undone.items);
}

static inline void forget_all(void)
{
    while (undone.count > 0)
        free(undone.items[--undone.count].old);
}

static inline void forget(int fd)
{
    char path[2 * PATH_BYTES];
    size_t kept = 0;

    if (!path_of_audio(fd, path))
        return;
    for (size_t i = 0; i < undone.count; i++) {
        if (strcmp(undone.items[i].path, path) == 0)
            free(undone.items[i].old);
        else
            undone.items[kept++] = undone.items[i];
    }
    undone.count = kept;
}

static inline void cut_power(void)
{
    while (undone.count > 0) {
        struct undo *undo = &undone.items[--undone.count];

        int fd = open(undo->path, O_WRONLY);

        assert_true(fd >= 0);
        assert_int_equal(syscall(SYS_pwrite64, fd, undo->old, undo->bytes, undo->offset),
                         undo->bytes);
        assert_int_equal(syscall(SYS_ftruncate, fd, undo->size), 0);
        close(fd);
        free(undo->old);
    }
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    bool torn = calls.torn && calls.count + 1 == calls.last;

    if (torn && bytes > 1)
        (void)syscall(SYS_pwrite64, fd, data, bytes / 2, offset);
    if (dead())
        return -1;
    remember(fd, bytes, offset);
    return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

int ftruncate64(int fd, off64_t bytes)
{
    return dead() ? -1 : (int)syscall(SYS_ftruncate, fd, bytes);
}

int fsync(int fd)
{
    if (dead())
        return -1;
    calls.log_named |= faccessat(fd, "catalog.db-wal", F_OK, 0) == 0;
    forget(fd);
    return 0;
}

int fdatasync(int fd)
{
    if (dead())
        return -1;
    forget(fd);
    return 0;
}

int syncfs(int fd)
{
    (void)fd;
    assert_false(calls.strange);
    if (dead())
        return -1;
    forget_all();
    return 0;
}

int fstatfs64(int fd, struct statfs64 *out)
{
    int result = (int)syscall(SYS_fstatfs, fd, out);

    if (calls.strange)
        out->f_type = 0;
    return result;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return dead() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return dead() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *path, int flags)
{
    return dead() ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return dead() ? -1 : (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return dead() ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

#endif
