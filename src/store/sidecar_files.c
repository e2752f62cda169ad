/* Sidecar files: written together, read one by one. */
#include "store/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"

enum { SIDECAR_BYTES_MAX = 32 * 1024 * 1024, PATH_BYTES = 2 * REEL_NAME_BYTES + 16 };

struct staged {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};

struct reel_sidecars {
    int root_fd; /* recordings/ */
    bool syncfs; /* it counts here, may be used, and reaches all that was written so far */
    const struct reel_sync *sync;
    bool unsynced; /* some are left to a syncfs */
    struct staged *staged;
    size_t count;
    size_t capacity;
};

enum reel_code reel_sidecars_create(const char *dir, const struct reel_sync *sync,
                                    struct reel_sidecars **sidecars_out, struct reel_error *err_out)
{
    struct reel_sidecars *sidecars = calloc(1, sizeof *sidecars);

    if (!sidecars)
        return reel_error_errno(err_out, ENOMEM, "sidecars");
    if (reel_disk_open_folder(dir, "recordings", &sidecars->root_fd, err_out) != REEL_OK) {
        free(sidecars);
        return REEL_E_STALLED;
    }
    sidecars->syncfs =
        sync && reel_sync_whole_allowed(sync) && reel_disk_syncfs_counts(sidecars->root_fd);
    sidecars->sync = sync;
    *sidecars_out = sidecars;
    return REEL_OK;
}

void reel_sidecars_destroy(struct reel_sidecars **sidecars)
{
    if (!*sidecars)
        return;
    close((*sidecars)->root_fd);
    free((*sidecars)->staged);
    free(*sidecars);
    *sidecars = NULL;
}

static void path_of(const char *device, const char *session, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%s.json", device, session);
}

/* No session's name begins with a dot. */
static void temporary_of(const char *device, const char *session, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/.%s.json.tmp", device, session);
}

static enum reel_code stage(struct reel_sidecars *sidecars, const struct reel_recording *recording,
                            struct reel_error *err_out)
{
    struct staged *staged;

    if (sidecars->count == sidecars->capacity) {
        size_t capacity = sidecars->capacity > 0 ? 2 * sidecars->capacity : 16;

        staged = realloc(sidecars->staged, capacity * sizeof *staged);
        if (!staged)
            return reel_error_errno(err_out, ENOMEM, "sidecars");
        sidecars->staged = staged;
        sidecars->capacity = capacity;
    }
    staged = &sidecars->staged[sidecars->count++];
    memcpy(staged->device, recording->device, sizeof staged->device);
    memcpy(staged->session, recording->session, sizeof staged->session);
    return REEL_OK;
}

/* The first few are synced one by one, for there may be no more; syncfs takes the rest. */
static enum reel_code sync_file(struct reel_sidecars *sidecars, int fd, const char *name,
                                struct reel_error *err_out)
{
    if (sidecars->syncfs && !reel_disk_syncfs_reaches(sidecars->root_fd, fd))
        sidecars->syncfs = false;
    if (sidecars->syncfs && reel_sync_whole(sidecars->sync, sidecars->count + 1)) {
        sidecars->unsynced = true;
        return REEL_OK;
    }
    return fdatasync(fd) == 0 ? REEL_OK : reel_error_errno(err_out, errno, "sync %s", name);
}

enum reel_code reel_sidecars_write(struct reel_sidecars *sidecars,
                                   const struct reel_recording *recording,
                                   struct reel_error *err_out)
{
    char name[PATH_BYTES];
    enum reel_code code;
    size_t bytes;
    char *text;
    int fd;

    temporary_of(recording->device, recording->session, name);
    text = reel_sidecar_encode(recording, &bytes);
    if (!text)
        return reel_error_errno(err_out, ENOMEM, "write %s", name);
    fd = openat(sidecars->root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                0644);
    if (fd < 0) {
        free(text);
        return reel_error_errno(err_out, errno, "make %s", name);
    }
    code = reel_disk_write(fd, text, bytes, 0, name, err_out);
    if (code == REEL_OK)
        code = sync_file(sidecars, fd, name, err_out);
    if (close(fd) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "close %s", name);
    free(text);
    return code == REEL_OK ? stage(sidecars, recording, err_out) : code;
}

static enum reel_code sync_everything(struct reel_sidecars *sidecars, struct reel_error *err_out)
{
    return syncfs(sidecars->root_fd) == 0 ? REEL_OK
                                          : reel_error_errno(err_out, errno, "sync sidecars");
}

static enum reel_code sync_folders(struct reel_sidecars *sidecars, struct reel_error *err_out)
{
    const char *last = "";

    for (size_t i = 0; i < sidecars->count; i++) {
        const char *device = sidecars->staged[i].device;

        if (strcmp(device, last) != 0 &&
            reel_disk_sync_folder(sidecars->root_fd, device, err_out) != REEL_OK)
            return REEL_E_STALLED;
        last = device;
    }
    return REEL_OK;
}

static enum reel_code rename_all(struct reel_sidecars *sidecars, struct reel_error *err_out)
{
    char temporary[PATH_BYTES];
    char name[PATH_BYTES];

    for (size_t i = 0; i < sidecars->count; i++) {
        const struct staged *staged = &sidecars->staged[i];

        temporary_of(staged->device, staged->session, temporary);
        path_of(staged->device, staged->session, name);
        if (renameat(sidecars->root_fd, temporary, sidecars->root_fd, name) != 0)
            return reel_error_errno(err_out, errno, "rename %s", temporary);
    }
    return REEL_OK;
}

enum reel_code reel_sidecars_flush(struct reel_sidecars *sidecars, struct reel_error *err_out)
{
    bool whole = sidecars->unsynced && sidecars->syncfs;
    enum reel_code code = REEL_OK;

    if (sidecars->count == 0)
        return REEL_OK;
    if (sidecars->unsynced)
        code = sync_everything(sidecars, err_out);
    if (code == REEL_OK)
        code = rename_all(sidecars, err_out);
    if (code == REEL_OK)
        code = whole ? sync_everything(sidecars, err_out) : sync_folders(sidecars, err_out);
    sidecars->count = 0;
    sidecars->unsynced = false;
    return code;
}

enum reel_code reel_sidecars_outdate(struct reel_sidecars *sidecars,
                                     const struct reel_recording *recording,
                                     struct reel_error *err_out)
{
    static const struct timespec long_ago[2];
    char name[PATH_BYTES];
    enum reel_code code = REEL_OK;
    int fd;

    path_of(recording->device, recording->session, name);
    fd = openat(sidecars->root_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? REEL_OK : reel_error_errno(err_out, errno, "open %s", name);
    /* fdatasync would leave the time out. */
    if (futimens(fd, long_ago) != 0 || fsync(fd) != 0)
        code = reel_error_errno(err_out, errno, "outdate %s", name);
    close(fd);
    return code;
}

enum reel_code reel_sidecars_read(struct reel_sidecars *sidecars, const char *device,
                                  const char *session, struct reel_recording *recording_out,
                                  bool *plain_growth_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    char name[PATH_BYTES];
    enum reel_code code;
    size_t bytes;
    char *text;

    path_of(device, session, name);
    code = reel_disk_load(sidecars->root_fd, name, SIDECAR_BYTES_MAX, &text, &bytes, err_out);
    if (code == REEL_E_TOO_LARGE)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "sidecar", "%s is too large", name);
    if (code != REEL_OK)
        return code;
    code = reel_sidecar_decode(text, bytes, &recording, plain_growth_out, err_out);
    free(text);
    if (code != REEL_OK)
        return code;
    if (strcmp(recording.device, device) != 0 || strcmp(recording.session, session) != 0) {
        reel_recording_finish(&recording);
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "session", "%s is another's", name);
    }
    *recording_out = recording;
    return REEL_OK;
}
