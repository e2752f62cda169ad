/* WAV files: what others may have done to one that the sink has open, or put in the way of one that
 * it is to make. */
#include "store/wav_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wav_header.h"

/* One that the cache closed is looked at by its name. */
static int status_of(const struct reel_wav *wav, struct stat *status)
{
    char path[REEL_WAV_PATH_BYTES];

    if (wav->fd >= 0)
        return fstat(wav->fd, status);
    reel_wav_path(wav, path);
    return fstatat(wav->files->root_fd, path, status, AT_SYMLINK_NOFOLLOW);
}

static enum reel_code damaged(const struct reel_wav *wav, const char *how,
                              struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_STALLED, NULL, "%s was %s by another program", wav->name,
                          how);
}

enum reel_code reel_wav_check(struct reel_wav *wav, struct reel_error *err_out)
{
    uint64_t bytes = REEL_WAV_DATA_OFFSET +
                     wav->frames * (uint64_t)reel_format_frame_bytes(&wav->format) -
                     reel_wav_waiting_bytes(wav);
    struct stat status;

    if (status_of(wav, &status) != 0)
        return errno == ENOENT ? damaged(wav, "removed", err_out)
                               : reel_error_errno(err_out, errno, "stat %s", wav->name);
    if (wav->inode == 0)
        wav->inode = status.st_ino;
    if (status.st_nlink == 0)
        return damaged(wav, "removed", err_out);
    if (status.st_ino != wav->inode)
        return damaged(wav, "replaced", err_out);
    return (uint64_t)status.st_size >= bytes ? REEL_OK : damaged(wav, "cut", err_out);
}

/* Whether the device's folder may not be written to, and recordings/ may: a call that was refused
 * once says less. */
static bool folder_is_closed(int root_fd, const char *device)
{
    return faccessat(root_fd, ".", W_OK, AT_EACCESS) == 0 &&
           faccessat(root_fd, device, W_OK, AT_EACCESS) != 0;
}

const char *reel_wav_folder_obstacle(int root_fd, const char *device, int errno_value)
{
    switch (errno_value) {
    case ENOTDIR:
        return "what has the name of the device's folder is no folder";
    case ENOENT:
        return "the device's folder is a link that leads nowhere";
    case ELOOP:
        return "the device's folder is a link that leads to itself";
    case EEXIST:
    case EISDIR:
        return "something in the device's folder has the name of the new file";
    case EACCES:
    case EROFS:
        return folder_is_closed(root_fd, device)
                   ? "the device's folder is not the sink's to write to"
                   : NULL;
    default:
        return NULL;
    }
}

enum reel_code reel_wav_obstacle(const struct reel_wav *wav, int errno_value,
                                 struct reel_error *err_out)
{
    char device[REEL_NAME_BYTES];
    const char *obstacle;

    snprintf(device, sizeof device, "%.*s", (int)strcspn(wav->name, "/"), wav->name);
    obstacle = reel_wav_folder_obstacle(wav->files->root_fd, device, errno_value);
    return obstacle ? reel_error_set(err_out, REEL_E_NOT_ALLOWED, "device", "%s", obstacle)
                    : reel_error_errno(err_out, errno_value, "make %s", wav->name);
}
