/* WAV files: the bounded cache of descriptors, and the sync of everything written through it. */
#include "store/wav_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "store/disk.h"

enum reel_code reel_wav_files_create(const char *dir, size_t descriptors_max,
                                     struct reel_sync *sync, struct reel_wav_files **files_out,
                                     struct reel_error *err_out)
{
    struct reel_wav_files *files = calloc(1, sizeof *files);

    if (!files)
        return reel_error_errno(err_out, ENOMEM, "recordings");
    files->gathering = reel_wav_gathering_create();
    if (!files->gathering) {
        free(files);
        return reel_error_errno(err_out, ENOMEM, "recordings");
    }
    if (reel_disk_open_folder(dir, "recordings", &files->root_fd, err_out) != REEL_OK) {
        free(files->gathering);
        free(files);
        return REEL_E_STALLED;
    }
    files->syncfs = reel_sync_whole_allowed(sync) && reel_disk_syncfs_counts(files->root_fd);
    files->sync = sync;
    files->descriptors_max = descriptors_max > 0 ? descriptors_max : 1;
    *files_out = files;
    return REEL_OK;
}

void reel_wav_files_destroy(struct reel_wav_files **files)
{
    if (!*files)
        return;
    close((*files)->root_fd);
    free((*files)->gathering);
    free((*files)->folders);
    free(*files);
    *files = NULL;
}

static void close_descriptor(struct reel_wav *wav)
{
    DL_DELETE(wav->files->open_list, wav);
    wav->files->descriptors--;
    close(wav->fd);
    wav->fd = -1;
}

static void unmark_dirty(struct reel_wav *wav)
{
    DL_DELETE2(wav->files->dirty_list, wav, dirty_prev, dirty_next);
    wav->files->dirty_count--;
    wav->dirty = false;
    wav->timed = false;
}

void reel_wav_forget(struct reel_wav *wav)
{
    reel_wav_forget_waiting(wav);
    if (wav->dirty)
        unmark_dirty(wav);
    if (wav->unnamed)
        DL_DELETE2(wav->files->unnamed_list, wav, unnamed_prev, unnamed_next);
    if (wav->fd >= 0)
        close_descriptor(wav);
}

static enum reel_code sync_one(struct reel_wav *wav, struct reel_error *err_out)
{
    int result = wav->timed ? fsync(wav->fd) : fdatasync(wav->fd);

    if (result == 0)
        return REEL_OK;
    wav->files->failed = true;
    return reel_error_errno(err_out, errno, "sync %s", wav->name);
}

/* Close the least recently used. An unsynced one is left to the syncfs that is to come, which
 * also reports what write-back did in the meantime; where there is none it is synced now. It stays
 * dirty in either case: the commit looks at what became of it. */
static enum reel_code make_room(struct reel_wav_files *files, struct reel_error *err_out)
{
    struct reel_wav *oldest = files->open_list;

    if (files->descriptors < files->descriptors_max)
        return REEL_OK;
    if (oldest->dirty && files->syncfs) {
        files->closed_dirty = true;
    } else if (oldest->dirty) {
        if (sync_one(oldest, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    close_descriptor(oldest);
    return REEL_OK;
}

static void took_descriptor(struct reel_wav *wav, int fd)
{
    struct reel_wav_files *files = wav->files;

    if (files->syncfs && !reel_disk_syncfs_reaches(files->root_fd, fd))
        files->syncfs = false;
    wav->fd = fd;
    files->descriptors++;
    DL_APPEND(files->open_list, wav);
}

static enum reel_code check_usable(const struct reel_wav_files *files, struct reel_error *err_out)
{
    return files->failed
               ? reel_error_set(err_out, REEL_E_STALLED, NULL, "an earlier sync has failed")
               : REEL_OK;
}

/* "device/.session.wav.tmp", which is no session's name. */
static void temporary_of(const struct reel_wav *wav, char out[REEL_WAV_PATH_BYTES])
{
    const char *base = strchr(wav->name, '/') + 1;

    snprintf(out, REEL_WAV_PATH_BYTES, "%.*s.%s.tmp", (int)(base - wav->name), wav->name, base);
}

void reel_wav_path(const struct reel_wav *wav, char out[REEL_WAV_PATH_BYTES])
{
    if (wav->unnamed)
        temporary_of(wav, out);
    else
        snprintf(out, REEL_WAV_PATH_BYTES, "%s", wav->name);
}

static int open_file(const struct reel_wav *wav, int more_flags)
{
    int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | more_flags;
    char path[REEL_WAV_PATH_BYTES];

    reel_wav_path(wav, path);
    return openat(wav->files->root_fd, path, flags, 0644);
}

enum reel_code reel_wav_descriptor(struct reel_wav *wav, int *fd_out, struct reel_error *err_out)
{
    struct reel_wav_files *files = wav->files;
    int fd;

    if (check_usable(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (wav->fd >= 0) {
        DL_DELETE(files->open_list, wav);
        DL_APPEND(files->open_list, wav);
        *fd_out = wav->fd;
        return REEL_OK;
    }
    if (make_room(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    fd = open_file(wav, 0);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", wav->name);
    took_descriptor(wav, fd);
    if (reel_wav_check(wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    *fd_out = fd;
    return REEL_OK;
}

/* Folders may be noted twice: syncing one again costs next to nothing. */
static enum reel_code note_folder(struct reel_wav_files *files, const struct reel_wav *wav,
                                  struct reel_error *err_out)
{
    size_t bytes = (size_t)(strchr(wav->name, '/') - wav->name);
    size_t count = files->folders_count;

    if (count > 0 && strncmp(files->folders[count - 1], wav->name, bytes) == 0 &&
        files->folders[count - 1][bytes] == '\0')
        return REEL_OK;
    if (count == files->folders_capacity) {
        size_t capacity = count > 0 ? 2 * count : 16;
        void *folders = realloc(files->folders, capacity * sizeof *files->folders);

        if (!folders)
            return reel_error_errno(err_out, ENOMEM, "recordings");
        files->folders = folders;
        files->folders_capacity = capacity;
    }
    memcpy(files->folders[count], wav->name, bytes);
    files->folders[count][bytes] = '\0';
    files->folders_count++;
    return REEL_OK;
}

/* Recovery leaves another recording's file alone, and puts aside whatever else it is. */
static enum reel_code occupied(const struct reel_wav *wav, struct reel_error *err_out)
{
    struct reel_wav_owner owner;

    if (!reel_wav_find_owner(wav->files->root_fd, wav->name, &owner))
        return reel_error_set(err_out, REEL_E_CONFLICT, NULL, "%s exists", wav->name);
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "device", "%s is the file of %s/%s",
                          wav->name, owner.device, owner.session);
}

/* A file of the temporary name is none of before: recovery has removed those. */
static enum reel_code make_file(struct reel_wav *wav, const char *device, int *fd_out,
                                struct reel_error *err_out)
{
    struct reel_wav_files *files = wav->files;

    if (mkdirat(files->root_fd, device, 0755) == 0)
        files->root_dirty = true;
    else if (errno != EEXIST)
        return reel_error_errno(err_out, errno, "make folder %s", device);
    if (faccessat(files->root_fd, wav->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return occupied(wav, err_out);
    *fd_out = open_file(wav, O_CREAT | O_EXCL);
    return *fd_out >= 0 ? REEL_OK : reel_wav_obstacle(wav, errno, err_out);
}

enum reel_code reel_wav_make(struct reel_wav *wav, const char *device, const uint8_t *header,
                             size_t header_bytes, struct reel_error *err_out)
{
    struct reel_wav_files *files = wav->files;
    enum reel_code code;
    int fd = -1;

    if (check_usable(files, err_out) != REEL_OK || make_room(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    wav->unnamed = true;
    DL_APPEND2(files->unnamed_list, wav, unnamed_prev, unnamed_next);
    code = make_file(wav, device, &fd, err_out);
    if (code != REEL_OK)
        return code;
    code = reel_disk_write(fd, header, header_bytes, 0, wav->name, err_out);
    if (code != REEL_OK) {
        close(fd);
        return code;
    }
    took_descriptor(wav, fd);
    reel_wav_mark_dirty(wav);
    return reel_wav_check(wav, err_out);
}

/* Not every file system can refuse to replace; nobody else makes files here. */
static int rename_new(int folder_fd, const char *from, const char *to)
{
    if (renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (faccessat(folder_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(folder_fd, from, folder_fd, to);
}

static enum reel_code name_new(struct reel_wav_files *files, struct reel_error *err_out)
{
    while (files->unnamed_list) {
        struct reel_wav *wav = files->unnamed_list;
        char temporary[REEL_WAV_PATH_BYTES];

        temporary_of(wav, temporary);
        if (note_folder(files, wav, err_out) != REEL_OK)
            return REEL_E_STALLED;
        if (rename_new(files->root_fd, temporary, wav->name) != 0)
            return reel_error_errno(err_out, errno, "rename %s", temporary);
        DL_DELETE2(files->unnamed_list, wav, unnamed_prev, unnamed_next);
        wav->unnamed = false;
    }
    return REEL_OK;
}

void reel_wav_mark_dirty(struct reel_wav *wav)
{
    if (wav->dirty)
        return;
    wav->dirty = true;
    wav->files->dirty_count++;
    DL_APPEND2(wav->files->dirty_list, wav, dirty_prev, dirty_next);
}

static enum reel_code sync_folders(struct reel_wav_files *files, struct reel_error *err_out)
{
    for (size_t i = 0; i < files->folders_count; i++) {
        if (reel_disk_sync_folder(files->root_fd, files->folders[i], err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return files->root_dirty ? reel_disk_sync_folder(files->root_fd, ".", err_out) : REEL_OK;
}

/* Let the disk begin with all of them before the first is waited for. Only a hint: what fails is
 * told by the sync that follows. */
static void start_writing(const struct reel_wav_files *files)
{
    struct reel_wav *wav;

    if (files->dirty_count < 2)
        return;
    DL_FOREACH2(files->dirty_list, wav, dirty_next)
    (void)sync_file_range(wav->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* All that are open; those that make_room closed unsynced are a syncfs's. */
static enum reel_code sync_singly(struct reel_wav_files *files, struct reel_error *err_out)
{
    struct reel_wav *wav;

    start_writing(files);
    DL_FOREACH2(files->dirty_list, wav, dirty_next)
    {
        if (wav->fd >= 0 && sync_one(wav, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return sync_folders(files, err_out);
}

static bool wants_syncfs(const struct reel_wav_files *files, size_t items)
{
    return files->syncfs && reel_sync_whole(files->sync, items) &&
           !reel_sync_at_leisure(files->sync, items);
}

static enum reel_code sync_all(struct reel_wav_files *files, struct reel_error *err_out)
{
    size_t items = files->dirty_count + files->folders_count;
    bool whole = files->closed_dirty || wants_syncfs(files, items);
    bool singly = !whole || !files->syncfs;
    int64_t began_us = reel_sync_now_us(files->sync);

    if (whole && syncfs(files->root_fd) != 0)
        return reel_error_errno(err_out, errno, "sync recordings");
    if (singly && sync_singly(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (whole != singly)
        reel_sync_took(files->sync, whole, items, reel_sync_now_us(files->sync) - began_us);
    return REEL_OK;
}

/* A sync succeeds on a file that has no name any more too. */
static enum reel_code check_dirty(const struct reel_wav_files *files, struct reel_error *err_out)
{
    struct reel_wav *wav;

    DL_FOREACH2(files->dirty_list, wav, dirty_next)
    {
        if (reel_wav_check(wav, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

/* What was left to sync is synced. */
static enum reel_code settle(struct reel_wav_files *files, struct reel_error *err_out)
{
    if (files->dirty_count + files->folders_count > 0 && sync_all(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (check_dirty(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    while (files->dirty_list)
        unmark_dirty(files->dirty_list);
    files->closed_dirty = false;
    files->root_dirty = false;
    files->folders_count = 0;
    return REEL_OK;
}

enum reel_code reel_wav_files_sync(struct reel_wav_files *files, uint64_t *synced_files_out,
                                   struct reel_error *err_out)
{
    uint64_t dirty;

    if (check_usable(files, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (reel_wav_files_put_waiting(files, err_out) != REEL_OK) {
        files->failed = true;
        return REEL_E_STALLED;
    }
    dirty = files->dirty_count;
    if (settle(files, err_out) != REEL_OK || name_new(files, err_out) != REEL_OK ||
        settle(files, err_out) != REEL_OK) {
        files->failed = true;
        return REEL_E_STALLED;
    }
    if (synced_files_out)
        *synced_files_out = dirty;
    return REEL_OK;
}
