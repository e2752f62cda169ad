/* Calls: those of the C library that change files, sync them or send, with their records. Loaded
 * before the library (LD_PRELOAD) into a program that knows nothing of it. What the journal cannot
 * tell ends the program; what goes round the library is seen when the journal's end is compared
 * with the folder (tests/torture/test_journal.py). */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 65536 };

/* What a descriptor was when it was last looked at: it may be another file's by now, for the
 * library closes and opens too without asking anybody. */
static struct {
    dev_t device;
    ino_t inode;
    bool known;
    bool inside;
} seen[DESCRIPTORS_MAX];

/* "" where it has no name. */
static void path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    long bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = syscall(SYS_readlink, link, path, PATH_MAX - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
}

static bool is_inside(int fd)
{
    const char *root = journal_root();
    size_t length = strlen(root);
    char path[PATH_MAX];

    path_of(fd, path);
    return strncmp(path, root, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Whether a descriptor is of a file or folder in the journal's folder, or a socket. */
enum what { ELSEWHERE, IN_FOLDER, SOCKET };
static enum what look(int fd, struct stat *status)
{
    int before = errno;
    enum what what = ELSEWHERE;

    if (!journal_root() || fd < 0 || fd >= DESCRIPTORS_MAX || fstat(fd, status) != 0) {
        errno = before;
        return ELSEWHERE;
    }
    if (S_ISSOCK(status->st_mode))
        return SOCKET;
    if (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)) {
        if (!seen[fd].known || seen[fd].device != status->st_dev ||
            seen[fd].inode != status->st_ino) {
            seen[fd].inside = is_inside(fd);
            seen[fd].device = status->st_dev;
            seen[fd].inode = status->st_ino;
            seen[fd].known = true;
        }
        what = seen[fd].inside ? IN_FOLDER : ELSEWHERE;
    }
    errno = before;
    return what;
}

/* A name, taken apart. */
struct place {
    uint64_t folder; /* its inode */
    char name[NAME_MAX + 1];
};

/* Where a name stands; false where that is not in the folder, or nowhere. */
static bool locate(int dirfd, const char *path, struct place *place)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char folder[PATH_MAX] = ".";
    struct stat status;
    int before = errno;
    bool found = false;
    int fd;

    if (!journal_root() || strlen(path) >= sizeof folder || strlen(name) >= sizeof place->name ||
        !*name)
        return false;
    if (slash) {
        size_t bytes = slash > path ? (size_t)(slash - path) : 1;

        memcpy(folder, path, bytes);
        folder[bytes] = '\0';
    }
    fd = (int)syscall(SYS_openat, dirfd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        found = is_inside(fd) && fstat(fd, &status) == 0;
        syscall(SYS_close, fd);
    }
    errno = before;
    if (found) {
        place->folder = status.st_ino;
        strcpy(place->name, name);
    }
    return found;
}

/* Make the call that the record tells of, one at a time. */
#define JOURNALED(record, result, call)                                                            \
    do {                                                                                           \
        uint64_t position;                                                                         \
                                                                                                   \
        journal_lock();                                                                            \
        position = journal_add(record);                                                            \
        result = (call);                                                                           \
        journal_result(position, result < 0 ? -1 : (int64_t)result, 0);                            \
        journal_unlock();                                                                          \
    } while (0)

static int open_file(int dirfd, const char *path, int flags, mode_t mode)
{
    struct record create = {.kind = RECORD_CREATE};
    struct record truncate = {.kind = RECORD_TRUNCATE};
    struct stat status;
    struct place place;
    uint64_t position;
    bool there;
    long fd;

    if (!(flags & (O_CREAT | O_TRUNC)) || !locate(dirfd, path, &place))
        return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE)
        journal_fail("a file without a name");
    journal_lock();
    there = fstatat(dirfd, path, &status, 0) == 0;
    if (there && !(flags & O_TRUNC)) {
        fd = syscall(SYS_openat, dirfd, path, flags, mode);
        journal_unlock();
        return (int)fd;
    }
    create.inode = place.folder;
    create.name = place.name;
    truncate.inode = status.st_ino;
    position = journal_add(there ? &truncate : &create);
    fd = syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd >= 0 && !there && fstat((int)fd, &status) != 0)
        journal_fail("a new file has no inode");
    journal_result(position, fd < 0 ? -1 : 0, fd >= 0 && !there ? status.st_ino : 0);
    journal_unlock();
    return (int)fd;
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    return open_file(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    MODE(flags)
    return open_file(dirfd, path, flags, mode);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct record record = {
        .kind = RECORD_WRITE, .offset = offset, .data = data, .data_bytes = bytes};
    struct stat status;
    ssize_t result;

    if (look(fd, &status) != IN_FOLDER)
        return syscall(SYS_pwrite64, fd, data, bytes, offset);
    record.inode = status.st_ino;
    JOURNALED(&record, result, syscall(SYS_pwrite64, fd, data, bytes, offset));
    return result;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    struct record record = {.kind = RECORD_SEND, .data = data, .data_bytes = bytes};
    struct stat status;
    enum what what = look(fd, &status);
    ssize_t result;

    if (what == ELSEWHERE)
        return syscall(SYS_write, fd, data, bytes);
    record.inode = status.st_ino;
    if (what == IN_FOLDER) {
        record.kind = RECORD_WRITE;
        record.offset = fcntl(fd, F_GETFL) & O_APPEND ? status.st_size : lseek(fd, 0, SEEK_CUR);
    }
    JOURNALED(&record, result, syscall(SYS_write, fd, data, bytes));
    return result;
}

ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
    struct record record = {.kind = RECORD_SEND, .data = data, .data_bytes = bytes};
    struct stat status;
    ssize_t result;

    if (look(fd, &status) != SOCKET)
        return syscall(SYS_sendto, fd, data, bytes, flags, NULL, 0);
    record.inode = status.st_ino;
    JOURNALED(&record, result, syscall(SYS_sendto, fd, data, bytes, flags, NULL, 0));
    return result;
}

int ftruncate(int fd, off_t length)
{
    struct record record = {.kind = RECORD_TRUNCATE, .offset = length};
    struct stat status;
    long result;

    if (look(fd, &status) != IN_FOLDER)
        return (int)syscall(SYS_ftruncate, fd, length);
    record.inode = status.st_ino;
    JOURNALED(&record, result, syscall(SYS_ftruncate, fd, length));
    return (int)result;
}

/* When a file was last changed, which is told only where it is set to a time. */
int futimens(int fd, const struct timespec times[2])
{
    struct record record = {.kind = RECORD_TIME};
    struct stat status;
    long result;

    if (look(fd, &status) != IN_FOLDER)
        return (int)syscall(SYS_utimensat, fd, NULL, times, 0);
    if (!times || times[1].tv_nsec == UTIME_NOW || times[1].tv_nsec == UTIME_OMIT)
        journal_fail("futimens without a time");
    record.inode = status.st_ino;
    record.offset = times[1].tv_sec * INT64_C(1000000000) + times[1].tv_nsec;
    JOURNALED(&record, result, syscall(SYS_utimensat, fd, NULL, times, 0));
    return (int)result;
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    struct place old, new;
    struct record record = {.kind = RECORD_RENAME, .name = old.name, .other_name = new.name};
    bool old_inside = locate(from_fd, from, &old);
    bool new_inside = locate(to_fd, to, &new);
    long result;

    if (!old_inside && !new_inside)
        return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
    if (!old_inside || !new_inside || (flags & RENAME_EXCHANGE))
        journal_fail("a rename into or out of the folder, or an exchange");
    record.inode = old.folder;
    record.other = new.folder;
    JOURNALED(&record, result, syscall(SYS_renameat2, from_fd, from, to_fd, to, flags));
    return (int)result;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    struct place place;
    struct record record = {.kind = RECORD_UNLINK, .name = place.name};
    long result;

    if (!locate(dirfd, path, &place))
        return (int)syscall(SYS_unlinkat, dirfd, path, flags);
    record.inode = place.folder;
    JOURNALED(&record, result, syscall(SYS_unlinkat, dirfd, path, flags));
    return (int)result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    struct place place;
    struct record record = {.kind = RECORD_MKDIR, .name = place.name};
    struct stat status;
    uint64_t position;
    long result;

    if (!locate(dirfd, path, &place))
        return (int)syscall(SYS_mkdirat, dirfd, path, mode);
    record.inode = place.folder;
    journal_lock();
    position = journal_add(&record);
    result = syscall(SYS_mkdirat, dirfd, path, mode);
    if (result == 0 && fstatat(dirfd, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
        journal_fail("a new folder has no inode");
    journal_result(position, result, result == 0 ? status.st_ino : 0);
    journal_unlock();
    return (int)result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* Not under the lock: what is written while a sync runs, it need not cover. */
static int sync_call(int fd, long call, enum sync_kind kind)
{
    struct record begin = {.kind = RECORD_SYNC_BEGIN, .offset = kind};
    struct record end = {.kind = RECORD_SYNC_END};
    struct stat status;
    char path[PATH_MAX];
    bool fails;
    long result;

    if (look(fd, &status) != IN_FOLDER)
        return (int)syscall(call, fd);
    path_of(fd, path);
    begin.inode = end.inode = status.st_ino;
    journal_lock();
    end.offset = (int64_t)journal_add(&begin);
    fails = journal_sync_fails(path);
    journal_unlock();
    result = fails ? -1 : syscall(call, fd);
    journal_lock();
    journal_result(journal_add(&end), result, 0);
    journal_unlock();
    if (fails) {
        journal_say("a sync fails");
        errno = EIO;
    }
    return (int)result;
}

int fsync(int fd)
{
    return sync_call(fd, SYS_fsync, SYNC_FILE);
}

int fdatasync(int fd)
{
    return sync_call(fd, SYS_fdatasync, SYNC_DATA);
}

int syncfs(int fd)
{
    return sync_call(fd, SYS_syncfs, SYNC_ALL);
}

/* What neither the product nor its libraries do today: whoever begins to is told. */
#define NOT_TOLD(fd, name)                                                                         \
    struct stat status;                                                                            \
    if (look(fd, &status) == IN_FOLDER)                                                            \
        journal_fail(name);

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    NOT_TOLD(fd, "pwritev")
    return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NOT_TOLD(fd, "writev")
    return syscall(SYS_writev, fd, parts, count);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    NOT_TOLD(fd, "fallocate")
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t bytes, unsigned flags)
{
    NOT_TOLD(out, "copy_file_range")
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, bytes, flags);
}

int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags)
{
    struct place place;

    if (locate(dirfd, path, &place))
        journal_fail("utimensat");
    return (int)syscall(SYS_utimensat, dirfd, path, times, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    struct place place;

    if (locate(to_fd, to, &place))
        journal_fail("linkat");
    return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* The same under the names that programs for large files use. */
#define SAME(type, name, other, ...) type name##64(__VA_ARGS__) __attribute__((alias(#name)));
SAME(int, open, , const char *path, int flags, ...)
SAME(int, openat, , int dirfd, const char *path, int flags, ...)
SAME(ssize_t, pwrite, , int fd, const void *data, size_t bytes, off_t offset)
SAME(ssize_t, pwritev, , int fd, const struct iovec *parts, int count, off_t offset)
SAME(int, ftruncate, , int fd, off_t length)
SAME(int, fallocate, , int fd, int mode, off_t offset, off_t length)
