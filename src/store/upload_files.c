/* Upload files: names, the rename that ends an upload, the end of what is left over. */
#include "store/upload_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"

void reel_upload_part_name(uint64_t id, char out[REEL_UPLOAD_PART_BYTES])
{
    snprintf(out, REEL_UPLOAD_PART_BYTES, "%016" PRIx64 ".part", id);
}

bool reel_upload_parse_part(const char *name, uint64_t *id_out)
{
    char again[REEL_UPLOAD_PART_BYTES];
    uint64_t id = strtoull(name, NULL, 16);

    reel_upload_part_name(id, again);
    if (strcmp(name, again) != 0)
        return false;
    *id_out = id;
    return true;
}

void reel_upload_made_name(const char *device, uint64_t id, char out[REEL_UPLOAD_MADE_BYTES])
{
    snprintf(out, REEL_UPLOAD_MADE_BYTES, "%s/.%016" PRIx64 ".upload.tmp", device, id);
}

enum reel_code reel_upload_rename(int recordings_fd, const char *device, const char *session,
                                  uint64_t id, int *old_fd_out, struct reel_error *err_out)
{
    char made[REEL_UPLOAD_MADE_BYTES];
    char name[2 * REEL_NAME_BYTES + 8];
    enum reel_code code;
    int old_fd = -1;

    reel_upload_made_name(device, id, made);
    snprintf(name, sizeof name, "%s/%s.wav", device, session);
    if (old_fd_out) /* only to keep it: a name that does not open is replaced all the same */
        old_fd = openat(recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (renameat(recordings_fd, made, recordings_fd, name) != 0) {
        code = errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", made)
                   : reel_error_errno(err_out, errno, "rename %s", made);
        if (old_fd >= 0)
            close(old_fd);
        return code;
    }
    if (old_fd_out)
        *old_fd_out = old_fd;
    return reel_disk_sync_folder(recordings_fd, device, err_out);
}

bool reel_upload_too_large(struct reel_error *error)
{
    if (error->code != REEL_E_STALLED || error->errno_value != EFBIG)
        return false;
    reel_error_set(error, REEL_E_TOO_LARGE, "payload",
                   "the file is larger than the sink's disk lets a file be");
    return true;
}
