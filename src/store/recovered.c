/* Recovered: put aside, and say so. */
#include "store/recovered.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/timestamp.h"
#include "core/wav_header.h"
#include "store/disk.h"
#include "store/wav.h"

enum { NAME_BYTES = 256, COPY_BYTES = 64 * 1024 };

/* "20260102T030405Z" */
static void stamp_of(int64_t time_us, char out[REEL_TIME_BYTES])
{
    char text[REEL_TIME_BYTES];
    size_t used = 0;

    reel_time_format(time_us, text);
    for (const char *at = text; *at && *at != '.'; at++) {
        if (*at != '-' && *at != ':')
            out[used++] = *at;
    }
    out[used++] = 'Z';
    out[used] = '\0';
}

/* The folder, and in it the device's, if the stem names one; opened for the caller. */
static enum reel_code open_folder(int dir_fd, const char *stem, int *fd_out,
                                  struct reel_error *err_out)
{
    const char *slash = strchr(stem, '/');
    char device[NAME_BYTES];
    enum reel_code code;
    int fd;

    code = reel_disk_folder(dir_fd, "recovered", &fd, NULL, err_out);
    if (code != REEL_OK || !slash) {
        if (code == REEL_OK)
            *fd_out = fd;
        return code;
    }
    snprintf(device, sizeof device, "%.*s", (int)(slash - stem), stem);
    code = reel_disk_folder(fd, device, fd_out, NULL, err_out);
    close(fd);
    return code;
}

/* A name in that folder that is not taken: "{stem without device}-{time}[-N]{suffix}". */
static void free_name(int fd, const char *stem, const char *suffix, int64_t now_us,
                      char out[NAME_BYTES])
{
    const char *slash = strchr(stem, '/');
    const char *base = slash ? slash + 1 : stem;
    char stamp[REEL_TIME_BYTES];
    struct stat status;

    stamp_of(now_us, stamp);
    snprintf(out, NAME_BYTES, "%s-%s%s", base, stamp, suffix);
    for (unsigned i = 2; fstatat(fd, out, &status, AT_SYMLINK_NOFOLLOW) == 0; i++)
        snprintf(out, NAME_BYTES, "%s-%s-%u%s", base, stamp, i, suffix);
}

/* A line of the index; `file` may be NULL. */
static char *note_text(const char *from, const char *file, const char *why, int64_t now_us)
{
    char time[REEL_TIME_BYTES];
    json_t *line;
    char *text;

    reel_time_format(now_us, time);
    line = json_pack("{s:s,s:s*,s:s,s:s}", "time", time, "file", file, "from", from, "why", why);
    text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return text;
}

static enum reel_code append_line(int dir_fd, const char *text, struct reel_error *err_out)
{
    static const char name[] = "recovered/index.jsonl";
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    enum reel_code code = REEL_OK;
    char line[2048];
    int bytes;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", name);
    bytes = snprintf(line, sizeof line, "%s\n", text);
    if (write(fd, line, (size_t)bytes) != (ssize_t)bytes || fdatasync(fd) != 0)
        code = reel_error_errno(err_out, errno ? errno : ENOSPC, "write %s", name);
    close(fd);
    return code == REEL_OK ? reel_disk_sync_folder(dir_fd, "recovered", err_out) : code;
}

static enum reel_code note(int dir_fd, const char *from, const char *file, const char *why,
                           int64_t now_us, struct reel_error *err_out)
{
    char *text = note_text(from, file, why, now_us);
    enum reel_code code;

    if (!text)
        return reel_error_errno(err_out, ENOMEM, "recovered");
    code = append_line(dir_fd, text, err_out);
    free(text);
    return code;
}

static enum reel_code note_file(int dir_fd, const char *from, const char *stem, const char *name,
                                const char *why, int64_t now_us, struct reel_error *err_out)
{
    const char *slash = strchr(stem, '/');
    int device_bytes = slash ? (int)(slash - stem) + 1 : 0;
    char file[2 * NAME_BYTES];

    snprintf(file, sizeof file, "recovered/%.*s%s", device_bytes, stem, name);
    return note(dir_fd, from, file, why, now_us, err_out);
}

enum reel_code reel_recovered_lost(int dir_fd, const char *from, const char *why, int64_t now_us,
                                   struct reel_error *err_out)
{
    int fd;

    if (reel_disk_folder(dir_fd, "recovered", &fd, NULL, err_out) != REEL_OK)
        return REEL_E_STALLED;
    close(fd);
    return note(dir_fd, from, NULL, why, now_us, err_out);
}

static enum reel_code copy_bytes(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t bytes,
                                 const char *name, struct reel_error *err_out)
{
    uint8_t slice[COPY_BYTES];

    while (bytes > 0) {
        uint64_t count = bytes < sizeof slice ? bytes : sizeof slice;

        if (reel_disk_read(from_fd, slice, count, from, name, err_out) != REEL_OK ||
            reel_disk_write(to_fd, slice, count, to, name, err_out) != REEL_OK)
            return REEL_E_STALLED;
        from += count;
        to += count;
        bytes -= count;
    }
    return REEL_OK;
}

static enum reel_code copy_file(int from_fd, int to_fd, const char *name,
                                struct reel_error *err_out)
{
    struct stat status;

    if (fstat(from_fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", name);
    if (!S_ISREG(status.st_mode))
        return reel_error_errno(err_out, EXDEV, "move %s", name);
    if (copy_bytes(from_fd, 0, to_fd, 0, (uint64_t)status.st_size, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return fsync(to_fd) == 0 ? REEL_OK : reel_error_errno(err_out, errno, "sync %s", name);
}

/* From another disk, which a device's folder may be a link to; the old one stays where it is. */
static enum reel_code copy_across(int dir_fd, const char *from, int folder_fd, const char *name,
                                  struct reel_error *err_out)
{
    int from_fd = openat(dir_fd, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum reel_code code;
    int to_fd;

    if (from_fd < 0)
        return reel_error_errno(err_out, errno, "open %s", from);
    to_fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to_fd < 0) {
        reel_error_errno(err_out, errno, "make %s", name);
        close(from_fd);
        return REEL_E_STALLED;
    }
    code = copy_file(from_fd, to_fd, name, err_out);
    close(from_fd);
    if (close(to_fd) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "close %s", name);
    if (code != REEL_OK)
        unlinkat(folder_fd, name, 0);
    return code;
}

/* Whatever fails or ends it in between, the file stands in one of the two places, or in both. */
static enum reel_code move(int dir_fd, const char *from, int folder_fd, const char *name,
                           struct reel_error *err_out)
{
    bool across = false;

    if (renameat(dir_fd, from, folder_fd, name) != 0) {
        across = errno == EXDEV;
        if (!across)
            return reel_error_errno(err_out, errno, "move %s to recovered/", from);
        if (copy_across(dir_fd, from, folder_fd, name, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    if (reel_disk_sync_folder(folder_fd, ".", err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (across && unlinkat(dir_fd, from, 0) != 0)
        return reel_error_errno(err_out, errno, "remove %s", from);
    return REEL_OK;
}

enum reel_code reel_recovered_take(int dir_fd, const char *from, const char *stem,
                                   const char *suffix, const char *why, int64_t now_us,
                                   struct reel_error *err_out)
{
    char name[NAME_BYTES];
    enum reel_code code;
    int fd;

    if (faccessat(dir_fd, from, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", from);
    code = open_folder(dir_fd, stem, &fd, err_out);
    if (code != REEL_OK)
        return code;
    free_name(fd, stem, suffix, now_us, name);
    code = move(dir_fd, from, fd, name, err_out);
    close(fd);
    return code == REEL_OK ? note_file(dir_fd, from, stem, name, why, now_us, err_out) : code;
}

static enum reel_code copy_audio(int from_fd, const struct reel_recording *recording,
                                 uint64_t from_frame, uint64_t to_frame, int to_fd,
                                 const char *name, struct reel_error *err_out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&recording->format);
    uint64_t frames = to_frame - from_frame;
    uint64_t bytes = frames * frame_bytes;

    if (copy_bytes(from_fd, REEL_WAV_DATA_OFFSET + from_frame * frame_bytes, to_fd,
                   REEL_WAV_DATA_OFFSET, bytes, name, err_out) != REEL_OK ||
        reel_disk_write(to_fd, "", bytes % 2, REEL_WAV_DATA_OFFSET + bytes, name, err_out) !=
            REEL_OK ||
        reel_wav_replace_header(to_fd, recording, frames, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return fsync(to_fd) == 0 ? REEL_OK : reel_error_errno(err_out, errno, "sync %s", name);
}

static enum reel_code copy_to_folder(int folder_fd, int fd, const struct reel_recording *recording,
                                     uint64_t from_frame, uint64_t to_frame, const char *name,
                                     struct reel_error *err_out)
{
    int copy = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    enum reel_code code;

    if (copy < 0)
        return reel_error_errno(err_out, errno, "make %s", name);
    code = copy_audio(fd, recording, from_frame, to_frame, copy, name, err_out);
    if (close(copy) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "close %s", name);
    return code == REEL_OK ? reel_disk_sync_folder(folder_fd, ".", err_out) : code;
}

enum reel_code reel_recovered_copy(int dir_fd, int fd, const struct reel_recording *recording,
                                   uint64_t from_frame, uint64_t to_frame, const char *why,
                                   int64_t now_us, struct reel_error *err_out)
{
    char stem[2 * REEL_NAME_BYTES];
    char from[NAME_BYTES];
    char name[NAME_BYTES];
    enum reel_code code;
    int folder_fd;

    snprintf(stem, sizeof stem, "%s/%s", recording->device, recording->session);
    snprintf(from, sizeof from, "recordings/%s.wav", stem);
    code = open_folder(dir_fd, stem, &folder_fd, err_out);
    if (code != REEL_OK)
        return code;
    free_name(folder_fd, stem, ".wav", now_us, name);
    code = copy_to_folder(folder_fd, fd, recording, from_frame, to_frame, name, err_out);
    close(folder_fd);
    return code == REEL_OK ? note_file(dir_fd, from, stem, name, why, now_us, err_out) : code;
}
