/* Upload, converted: checked, read by libsndfile, written with our header. */
#include "store/upload_convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/hash.h"
#include "store/import.h"
#include "store/upload_chunks.h"
#include "store/upload_files.h"
#include "store/upload_flac.h"
#include "store/upload_tries.h"
#include "store/wav.h"

/* The writing thread's syncs may reach what is written here: never much of it is left to them. */
enum { SLICE_BYTES = 256 * 1024, UNSYNCED_BYTES = 4 * 1024 * 1024 };

/* What the disk keeps free for the others. */
#define SPARE_BYTES (16 * REEL_MIB)

struct converting {
    const struct reel_convert_limits *limits;
    struct reel_conversion *conversion;
    struct reel_error *err_out; /* the conversion's */
    int part_fd;
    uint64_t part_bytes;
    enum reel_container container;
    int recordings_fd;
    int made_fd;
    char made[REEL_UPLOAD_MADE_BYTES];
    bool stopped;
    struct reel_import_patches patches; /* of a WAV file */
    struct reel_flac_sum flac;          /* of a FLAC file */
    uint8_t slice[SLICE_BYTES];
};

static const char *field_of(const struct converting *converting)
{
    return converting->conversion->in_blocks ? "data" : "payload";
}

static bool time_to_end(struct converting *converting)
{
    struct pollfd stop = {.fd = converting->limits->stop_fd, .events = POLLIN};

    if (stop.fd >= 0 && poll(&stop, 1, 0) > 0)
        converting->stopped = true;
    return converting->stopped;
}

static enum reel_code open_part(struct converting *converting, const char *dir)
{
    char name[REEL_UPLOAD_PART_BYTES];
    char path[PATH_MAX];
    struct stat status;

    reel_upload_part_name(converting->conversion->id, name);
    snprintf(path, sizeof path, "%s/uploads/%s", dir, name);
    converting->part_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (converting->part_fd < 0 && errno == ENOENT)
        return reel_error_set(converting->err_out, REEL_E_NOT_FOUND, NULL, "there is no %s", path);
    if (converting->part_fd < 0 || fstat(converting->part_fd, &status) != 0)
        return reel_error_errno(converting->err_out, errno, "open %s", path);
    converting->part_bytes = (uint64_t)status.st_size;
    return REEL_OK;
}

static enum reel_code check_sum(struct converting *converting)
{
    const char *wanted = converting->conversion->sha256;
    char sum[REEL_SHA256_TEXT_BYTES];
    struct reel_digest digest;
    uint64_t at = 0;

    reel_digest_begin(&digest);
    while (wanted[0] && at < converting->part_bytes && !time_to_end(converting)) {
        uint64_t left = converting->part_bytes - at;
        uint64_t portion = left < SLICE_BYTES ? left : SLICE_BYTES;

        if (reel_disk_read(converting->part_fd, converting->slice, portion, at, "an upload",
                           converting->err_out) != REEL_OK)
            return REEL_E_STALLED;
        reel_digest_add(&digest, converting->slice, (size_t)portion);
        at += portion;
    }
    reel_digest_text(&digest, sum);
    if (!wanted[0] || converting->stopped || strcmp(sum, wanted) == 0)
        return REEL_OK;
    return reel_error_set(converting->err_out, REEL_E_BAD_REQUEST, "sha256",
                          "what came has the sha256 %s", sum);
}

/* The kind of file, before libsndfile sees a byte of it. */
static enum reel_code check_container(struct converting *converting)
{
    uint8_t head[REEL_CONTAINER_HEAD_BYTES];
    uint64_t bytes = converting->part_bytes < sizeof head ? converting->part_bytes : sizeof head;

    if (reel_disk_read(converting->part_fd, head, bytes, 0, "an upload", converting->err_out) !=
        REEL_OK)
        return REEL_E_STALLED;
    converting->container = reel_container_of(head, (size_t)bytes);
    return reel_container_check(converting->container, converting->limits->formats,
                                field_of(converting), converting->err_out);
}

static enum reel_code check_sizes(struct converting *converting)
{
    switch (converting->container) {
    case REEL_CONTAINER_WAV:
        return reel_upload_check_wav(converting->part_fd, converting->part_bytes,
                                     field_of(converting), &converting->patches,
                                     converting->err_out);
    case REEL_CONTAINER_AIFF:
        return reel_upload_check_aiff(converting->part_fd, converting->part_bytes,
                                      field_of(converting), converting->err_out);
    default:
        return REEL_OK;
    }
}

/* What it becomes is bounded by what came, or by upload.max_audio_bytes. */
static enum reel_code check_audio_bytes(const struct converting *converting, uint64_t frames)
{
    const struct reel_conversion *conversion = converting->conversion;
    uint64_t most = converting->limits->max_audio_bytes;

    if (most < converting->part_bytes)
        most = converting->part_bytes;
    if (frames <= most / reel_format_frame_bytes(&conversion->format))
        return REEL_OK;
    return reel_error_set(converting->err_out, REEL_E_TOO_LARGE, "upload.max_audio_bytes",
                          "it holds more than the %" PRIu64 " bytes of audio that are taken", most);
}

static enum reel_code check_disk(const struct converting *converting, uint64_t frames)
{
    uint64_t bytes = reel_wav_file_bytes(&converting->conversion->format, frames);
    struct statvfs disk;

    if (fstatvfs(converting->made_fd, &disk) != 0)
        return reel_error_errno(converting->err_out, errno, "stat recordings");
    if (bytes + SPARE_BYTES <= (uint64_t)disk.f_bavail * disk.f_frsize)
        return REEL_OK;
    return reel_error_errno(converting->err_out, ENOSPC, "%" PRIu64 " bytes of audio", bytes);
}

/* The file that is to take the recording's name, in the folder where that will stand. */
static enum reel_code make_file(struct converting *converting)
{
    const char *device = converting->conversion->device;
    const char *obstacle;
    struct reel_error error;
    int folder_fd = -1;
    int errno_value;

    if (reel_disk_folder(converting->recordings_fd, device, &folder_fd, NULL, &error) == REEL_OK) {
        close(folder_fd);
        converting->made_fd = openat(converting->recordings_fd, converting->made,
                                     O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (converting->made_fd >= 0)
            return REEL_OK;
        errno_value = errno;
        reel_error_errno(&error, errno_value, "make recordings/%s", converting->made);
    } else {
        errno_value = error.errno_value;
    }
    obstacle = reel_wav_folder_obstacle(converting->recordings_fd, device, errno_value);
    if (obstacle)
        return reel_error_set(converting->err_out, REEL_E_NOT_ALLOWED, "device", "%s", obstacle);
    *converting->err_out = error;
    return error.code;
}

/* In portions, so that nothing piles up for whoever syncs next. */
static enum reel_code sync_made(const struct converting *converting)
{
    return fdatasync(converting->made_fd) == 0
               ? REEL_OK
               : reel_error_errno(converting->err_out, errno, "sync recordings/%s",
                                  converting->made);
}

static enum reel_code copy_frames(struct converting *converting, struct reel_import *import)
{
    struct reel_conversion *conversion = converting->conversion;
    uint64_t frame_bytes = reel_format_frame_bytes(&conversion->format);
    uint64_t wanted = SLICE_BYTES / frame_bytes;
    uint64_t got = wanted;
    uint64_t unsynced = 0;
    enum reel_code code = REEL_OK;

    while (code == REEL_OK && got == wanted && !time_to_end(converting)) {
        code = reel_import_read(import, converting->slice, wanted, &got, converting->err_out);
        if (code == REEL_OK)
            code = check_audio_bytes(converting, conversion->frames + got);
        if (code == REEL_OK)
            code = reel_disk_write(converting->made_fd, converting->slice, got * frame_bytes,
                                   REEL_WAV_DATA_OFFSET + conversion->frames * frame_bytes,
                                   converting->made, converting->err_out);
        if (code == REEL_OK && converting->flac.wanted)
            reel_flac_sum_add(&converting->flac, converting->slice, (size_t)(got * frame_bytes));
        conversion->frames += got;
        unsynced += got * frame_bytes;
        if (code == REEL_OK && unsynced >= UNSYNCED_BYTES) {
            code = sync_made(converting);
            unsynced = 0;
        }
    }
    return code;
}

/* The pad byte of an odd number of bytes, and the header. */
static enum reel_code seal(const struct converting *converting)
{
    const struct reel_conversion *conversion = converting->conversion;
    uint64_t bytes = reel_wav_file_bytes(&conversion->format, conversion->frames);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct reel_recording recording;

    reel_recording_init(&recording, conversion->device, conversion->session, &conversion->format,
                        conversion->begun_us);
    recording.id = conversion->id;
    reel_wav_file_header(&recording, conversion->frames,
                         reel_wav_sizes_for(&conversion->format, conversion->frames), header);
    reel_recording_finish(&recording);
    if (ftruncate(converting->made_fd, (off_t)bytes) != 0)
        return reel_error_errno(converting->err_out, errno, "write recordings/%s",
                                converting->made);
    if (reel_disk_write(converting->made_fd, header, sizeof header, 0, converting->made,
                        converting->err_out) != REEL_OK)
        return REEL_E_STALLED;
    return sync_made(converting);
}

static enum reel_code convert_with(struct converting *converting, struct reel_import *import)
{
    struct reel_conversion *conversion = converting->conversion;
    uint64_t declared = reel_import_frames(import);
    enum reel_code code;

    conversion->format = *reel_import_format(import);
    if (reel_import_container(import) != converting->container)
        return reel_error_set(converting->err_out, REEL_E_BAD_REQUEST, NULL,
                              "the file begins as another kind of file than it is");
    code = check_audio_bytes(converting, declared);
    if (code == REEL_OK && converting->container == REEL_CONTAINER_FLAC)
        code = reel_flac_sum_begin(&converting->flac, converting->part_fd, converting->err_out);
    if (code == REEL_OK)
        code = make_file(converting);
    if (code == REEL_OK)
        code = check_disk(converting, declared);
    if (code == REEL_OK)
        code = copy_frames(converting, import);
    if (code == REEL_OK && !converting->stopped && converting->flac.wanted)
        code = reel_flac_sum_check(&converting->flac, converting->err_out);
    if (code == REEL_OK && !converting->stopped)
        code = seal(converting);
    return code;
}

static enum reel_code convert(struct converting *converting)
{
    struct reel_import *import;
    enum reel_code code = check_sum(converting);

    if (code == REEL_OK && !converting->stopped)
        code = check_container(converting);
    if (code == REEL_OK && !converting->stopped)
        code = check_sizes(converting);
    if (code != REEL_OK || converting->stopped)
        return code;
    code = reel_import_open_patched(converting->part_fd, "the file", &converting->patches, &import,
                                    converting->err_out);
    if (code != REEL_OK)
        return code;
    code = convert_with(converting, import);
    reel_import_close(&import);
    return code;
}

/* What is wrong with the file is wrong with the payload, whatever part of it that is. */
static void name_field(struct converting *converting)
{
    struct reel_error *error = converting->err_out;

    if (error->code == REEL_E_BAD_REQUEST && strcmp(error->field, "sha256") != 0)
        snprintf(error->field, sizeof error->field, "%s", field_of(converting));
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd); /* what was written is synced, or is thrown away */
}

bool reel_upload_convert(const char *dir, const struct reel_convert_limits *limits,
                         struct reel_conversion *conversion)
{
    struct converting *converting = calloc(1, sizeof *converting);
    bool stopped;

    memset(&conversion->error, 0, sizeof conversion->error);
    conversion->frames = 0;
    if (!converting) {
        conversion->code = reel_error_errno(&conversion->error, ENOMEM, "an upload");
        return true;
    }
    converting->limits = limits;
    converting->conversion = conversion;
    converting->err_out = &conversion->error;
    converting->part_fd = converting->recordings_fd = converting->made_fd = -1;
    reel_upload_made_name(conversion->device, conversion->id, converting->made);
    conversion->code = open_part(converting, dir);
    if (conversion->code == REEL_OK)
        conversion->code = reel_disk_open_folder(dir, "recordings", &converting->recordings_fd,
                                                 &conversion->error);
    if (conversion->code == REEL_OK)
        conversion->code = reel_upload_tries_begin(dir, conversion->id, &conversion->error);
    if (conversion->code == REEL_OK)
        conversion->code = convert(converting);
    if (conversion->code == REEL_E_STALLED && reel_upload_too_large(&conversion->error))
        conversion->code = REEL_E_TOO_LARGE;
    reel_upload_tries_end(dir, conversion->id);
    name_field(converting);
    stopped = converting->stopped;
    if ((stopped || conversion->code != REEL_OK) && converting->made_fd >= 0)
        (void)unlinkat(converting->recordings_fd, converting->made, 0); /* else recovery does */
    close_if_open(converting->part_fd);
    close_if_open(converting->recordings_fd);
    close_if_open(converting->made_fd);
    free(converting);
    return !stopped;
}
