/* Reader: committed rows from the catalog, committed audio from the files. */
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/catalog.h"
#include "store/disk.h"
#include "store/quarantine.h"

struct reel_reader {
    char *dir;
    int recordings_fd;
    struct reel_catalog *catalog;
    bool still;         /* the catalog is open for one question (REEL_CATALOG_READ_STILL) ... */
    struct stat before; /* ... and was this file then */
    int fd;             /* the file read last, or -1 ... */
    uint64_t fd_id;
    char fd_name[2 * REEL_NAME_BYTES + 8]; /* ... and whose it is */
};

static void close_file(struct reel_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
}

static enum reel_code open_folder(struct reel_reader *reader, struct reel_error *err_out)
{
    return reader->recordings_fd >= 0
               ? REEL_OK
               : reel_disk_open_folder(reader->dir, "recordings", &reader->recordings_fd, err_out);
}

/* Where a disk without room lets nobody open it as usual, it is opened for one question. */
static enum reel_code open_catalog(struct reel_reader *reader, struct reel_error *err_out)
{
    char path[PATH_MAX];
    enum reel_code code;

    snprintf(path, sizeof path, "%s/catalog.db", reader->dir);
    code = reel_catalog_open(path, REEL_CATALOG_READ, &reader->catalog, err_out);
    reader->still =
        code == REEL_E_STALLED && stat(path, &reader->before) == 0 &&
        reel_catalog_open(path, REEL_CATALOG_READ_STILL, &reader->catalog, NULL) == REEL_OK;
    return reader->still ? REEL_OK : code;
}

static void close_catalog(struct reel_reader *reader)
{
    reel_catalog_close(reader->catalog);
    reader->catalog = NULL;
    reader->still = false;
}

/* Whether nobody has written the catalog that was taken for still. */
static bool was_still(const struct reel_reader *reader)
{
    char path[PATH_MAX];
    struct stat now;

    snprintf(path, sizeof path, "%s/catalog.db", reader->dir);
    return stat(path, &now) == 0 && now.st_ino == reader->before.st_ino &&
           now.st_size == reader->before.st_size &&
           now.st_mtim.tv_sec == reader->before.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == reader->before.st_mtim.tv_nsec;
}

/* After a question to the catalog. */
static enum reel_code answered(struct reel_reader *reader, enum reel_code code,
                               struct reel_error *err_out)
{
    if (!reader->still)
        return code;
    if (!was_still(reader))
        code = reel_error_set(err_out, REEL_E_STALLED, NULL, "the store is being opened");
    close_catalog(reader);
    return code;
}

void reel_reader_renew(struct reel_reader *reader)
{
    close_file(reader);
    if (reader->recordings_fd >= 0)
        close(reader->recordings_fd);
    reader->recordings_fd = -1;
    close_catalog(reader);
}

/* Open what is not open yet, or not any more. */
static enum reel_code ready(struct reel_reader *reader, struct reel_error *err_out)
{
    enum reel_code code = open_folder(reader, err_out);

    return code != REEL_OK || reader->catalog ? code : open_catalog(reader, err_out);
}

enum reel_code reel_reader_open(const char *dir, struct reel_reader **reader_out,
                                struct reel_error *err_out)
{
    struct reel_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return reel_error_errno(err_out, ENOMEM, "reader");
    reader->recordings_fd = -1;
    reader->fd = -1;
    reader->dir = strdup(dir);
    if (!reader->dir) {
        free(reader);
        return reel_error_errno(err_out, ENOMEM, "reader");
    }
    *reader_out = reader;
    return REEL_OK;
}

void reel_reader_close(struct reel_reader *reader)
{
    if (!reader)
        return;
    reel_reader_renew(reader);
    free(reader->dir);
    free(reader);
}

enum reel_code reel_reader_list(struct reel_reader *reader, const struct reel_list_plan *plan,
                                const struct reel_list_bound *bound, reel_reader_row_fn *row,
                                void *user, struct reel_list_end *end_out,
                                struct reel_error *err_out)
{
    enum reel_code code = ready(reader, err_out);

    return code != REEL_OK ? code
                           : answered(reader,
                                      reel_catalog_list(reader->catalog, plan, bound, row, user,
                                                        end_out, err_out),
                                      err_out);
}

enum reel_code reel_reader_count(struct reel_reader *reader, const struct reel_list_plan *plan,
                                 const struct reel_list_bound *bound, uint64_t *count_out,
                                 bool *is_minimum_out, struct reel_error *err_out)
{
    enum reel_code code = ready(reader, err_out);

    return code != REEL_OK ? code
                           : answered(reader,
                                      reel_catalog_count(reader->catalog, plan, bound, count_out,
                                                         is_minimum_out, err_out),
                                      err_out);
}

enum reel_code reel_reader_load(struct reel_reader *reader, const char *device, const char *session,
                                struct reel_recording *recording_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    enum reel_code loaded = ready(reader, err_out);
    enum reel_code code;

    if (loaded != REEL_OK)
        return loaded;
    loaded = reel_catalog_load(reader->catalog, device, session, &recording, err_out);
    code = answered(reader, loaded, err_out);
    if (code == REEL_OK)
        *recording_out = recording;
    else if (loaded == REEL_OK)
        reel_recording_finish(&recording);
    return code;
}

static enum reel_code mismatch(const struct reel_reader *reader, const char *how,
                               struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_VERSION_MISMATCH, "version", "the file of %s %s",
                          reader->fd_name, how);
}

/* The name alone is not enough: another recording may have taken it. */
static enum reel_code check_header(struct reel_reader *reader, uint64_t id,
                                   struct reel_error *err_out)
{
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct reel_wav_info info;
    enum reel_code code;

    code = reel_disk_read(reader->fd, header, sizeof header, 0, reader->fd_name, err_out);
    if (code == REEL_E_STALLED)
        return code;
    if (code != REEL_OK || !reel_wav_parse(header, sizeof header, &info) || info.id != id)
        return mismatch(reader, "is another one", err_out);
    return REEL_OK;
}

static enum reel_code open_file(struct reel_reader *reader, const struct reel_recording *recording,
                                struct reel_error *err_out)
{
    char name[sizeof reader->fd_name];
    enum reel_code code;

    snprintf(name, sizeof name, "%s/%s.wav", recording->device, recording->session);
    if (reader->fd >= 0 && reader->fd_id == recording->id && strcmp(reader->fd_name, name) == 0)
        return REEL_OK;
    close_file(reader);
    memcpy(reader->fd_name, name, sizeof name);
    reader->fd_id = recording->id;
    reader->fd = openat(reader->recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (reader->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return mismatch(reader, "is gone", err_out);
    if (reader->fd < 0)
        return reel_error_errno(err_out, errno, "open %s", name);
    code = check_header(reader, recording->id, err_out);
    if (code != REEL_OK)
        close_file(reader);
    return code;
}

void reel_reader_rest(struct reel_reader *reader)
{
    struct stat status;

    if (reader->fd >= 0 && (fstat(reader->fd, &status) != 0 || status.st_nlink == 0))
        close_file(reader);
}

/* Lay silence over the noted gaps that the part [from_frame, to_frame) in `out` touches. */
static void mask_gaps(const struct reel_recording *recording, uint64_t from_frame,
                      uint64_t to_frame, uint8_t *out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&recording->format);
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;

    while (reel_recording_next_gap(recording, &cursor, &gap) && gap.from_frame < to_frame) {
        uint64_t begin = gap.from_frame > from_frame ? gap.from_frame : from_frame;
        uint64_t end = gap.from_frame + gap.frames;

        if (end > to_frame)
            end = to_frame;
        if (begin < end)
            memset(out + (begin - from_frame) * frame_bytes,
                   reel_format_silence_byte(&recording->format),
                   (size_t)((end - begin) * frame_bytes));
    }
}

enum reel_code reel_reader_audio(struct reel_reader *reader, const struct reel_recording *recording,
                                 uint64_t from_frame, uint64_t count_frames, uint8_t *out,
                                 struct reel_error *err_out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&recording->format);
    enum reel_code code;

    if (from_frame > recording->frames || count_frames > recording->frames - from_frame)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "audio past the recording's end");
    code = open_folder(reader, err_out);
    if (code == REEL_OK)
        code = open_file(reader, recording, err_out);
    if (code != REEL_OK)
        return code;
    code =
        reel_disk_read(reader->fd, out, count_frames * frame_bytes,
                       REEL_WAV_DATA_OFFSET + from_frame * frame_bytes, reader->fd_name, err_out);
    if (code == REEL_E_NOT_FOUND)
        return mismatch(reader, "is shorter", err_out);
    if (code == REEL_OK)
        mask_gaps(recording, from_frame, from_frame + count_frames, out);
    return code;
}

enum reel_code reel_reader_rejects(struct reel_reader *reader, const struct reel_rejects_plan *plan,
                                   reel_reader_reject_fn *row, void *user, bool *more_out,
                                   struct reel_error *err_out)
{
    enum reel_code code = ready(reader, err_out);

    return code != REEL_OK
               ? code
               : answered(reader,
                          reel_catalog_rejects(reader->catalog, plan, row, user, more_out, err_out),
                          err_out);
}

enum reel_code reel_reader_reject(struct reel_reader *reader, uint64_t quarantine_id,
                                  const char *confined_device, struct reel_buffer *payload_out,
                                  struct reel_error *err_out)
{
    char device[REEL_NAME_BYTES];
    bool has_payload;
    enum reel_code code;

    code = ready(reader, err_out);
    if (code == REEL_OK)
        code = answered(
            reader,
            reel_catalog_reject_find(reader->catalog, quarantine_id, device, &has_payload, err_out),
            err_out);
    if (code != REEL_OK)
        return code;
    if (confined_device && strcmp(confined_device, device) != 0)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "quarantine_id",
                              "nothing of this device has that number");
    if (!has_payload)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "quarantine_id",
                              "its payload was too large to keep");
    return reel_quarantine_read(reader->dir, quarantine_id, payload_out, err_out);
}

enum reel_code reel_reader_devices(struct reel_reader *reader, const char *after, int64_t latest_us,
                                   reel_device_fn *row, void *user, struct reel_error *err_out)
{
    enum reel_code code = ready(reader, err_out);

    if (code != REEL_OK)
        return code;
    code = reel_catalog_devices(reader->catalog, after, latest_us, row, user, err_out);
    return answered(reader, code, err_out);
}

enum reel_code reel_reader_device(struct reel_reader *reader, const char *device,
                                  struct reel_device_figures *out, struct reel_error *err_out)
{
    enum reel_code code = ready(reader, err_out);

    return code != REEL_OK
               ? code
               : answered(reader, reel_catalog_device(reader->catalog, device, out, err_out),
                          err_out);
}

enum reel_code reel_reader_totals(struct reel_reader *reader, struct reel_reader_totals *out,
                                  struct reel_error *err_out)
{
    struct reel_reader_totals totals = {0};
    struct reel_usage usage = {0, 0};
    struct statvfs disk;
    enum reel_code code;

    code = ready(reader, err_out);
    if (code == REEL_OK)
        code = reel_catalog_usage(reader->catalog, "", &usage, err_out);
    if (code == REEL_OK)
        code = reel_catalog_counts(reader->catalog, &totals.recordings, &totals.recordings_open,
                                   err_out);
    if (code == REEL_OK)
        code = reel_catalog_reject_totals(reader->catalog, &totals.quarantine_count,
                                          &totals.quarantine_bytes, err_out);
    code = answered(reader, code, err_out);
    if (code != REEL_OK)
        return code;
    if (fstatvfs(reader->recordings_fd, &disk) != 0)
        return reel_error_errno(err_out, errno, "stat %s", reader->dir);
    totals.disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    totals.complete_bytes = usage.bytes;
    totals.disk_used_bytes = (uint64_t)(disk.f_blocks - disk.f_bfree) * disk.f_frsize;
    totals.disk_total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    *out = totals;
    return REEL_OK;
}
