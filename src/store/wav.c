/* WAV: the bytes of one recording's file. */
#include "store/wav_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"

/* A part of the file, in bytes. */
struct extent {
    uint64_t offset;
    uint64_t bytes;
};

/* False where it would end past what a file can hold. */
static bool extent_of(const struct reel_wav *wav, uint64_t at_frame, uint64_t frames_count,
                      struct extent *extent_out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&wav->format);
    uint64_t frames_max = (INT64_MAX - REEL_WAV_DATA_OFFSET - 1) / frame_bytes;

    if (at_frame > frames_max || frames_count > frames_max - at_frame)
        return false;
    extent_out->offset = REEL_WAV_DATA_OFFSET + at_frame * frame_bytes;
    extent_out->bytes = frames_count * frame_bytes;
    return true;
}

static struct reel_wav *make_wav(struct reel_wav_files *files,
                                 const struct reel_recording *recording)
{
    size_t capacity = strlen(recording->device) + 1 + strlen(recording->session) + sizeof ".wav";
    struct reel_wav *wav = calloc(1, sizeof *wav + capacity);

    if (!wav)
        return NULL;
    wav->files = files;
    wav->fd = -1;
    wav->format = recording->format;
    snprintf(wav->name, capacity, "%s/%s.wav", recording->device, recording->session);
    return wav;
}

enum reel_code reel_wav_create(struct reel_wav_files *files, const struct reel_recording *recording,
                               struct reel_wav **wav_out, struct reel_error *err_out)
{
    struct reel_wav *wav = make_wav(files, recording);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    enum reel_code code;

    if (!wav)
        return reel_error_errno(err_out, ENOMEM, "%s", recording->session);
    reel_wav_file_header(recording, 0, REEL_WAV_SIZES_PLAIN, header);
    code = reel_wav_make(wav, recording->device, header, sizeof header, err_out);
    if (code != REEL_OK) {
        reel_wav_close(&wav);
        return code;
    }
    *wav_out = wav;
    return REEL_OK;
}

enum reel_code reel_wav_open(struct reel_wav_files *files, const struct reel_recording *recording,
                             struct reel_wav **wav_out, struct reel_error *err_out)
{
    struct reel_wav *wav = make_wav(files, recording);

    if (!wav)
        return reel_error_errno(err_out, ENOMEM, "%s", recording->session);
    wav->frames = recording->frames;
    *wav_out = wav;
    return REEL_OK;
}

void reel_wav_close(struct reel_wav **wav)
{
    if (!*wav)
        return;
    reel_wav_forget(*wav);
    free(*wav);
    *wav = NULL;
}

uint64_t reel_wav_frames(const struct reel_wav *wav)
{
    return wav->frames;
}

enum reel_code reel_wav_open_to_write(struct reel_wav *wav, int *fd_out, struct reel_error *err_out)
{
    if (reel_wav_descriptor(wav, fd_out, err_out) != REEL_OK ||
        reel_wav_check(wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    reel_wav_mark_dirty(wav);
    return REEL_OK;
}

/* Where a part goes that may be written: one that begins at its end at most. */
static enum reel_code place_write(const struct reel_wav *wav, uint64_t at_frame,
                                  uint64_t frames_count, struct extent *extent_out,
                                  struct reel_error *err_out)
{
    if (at_frame > wav->frames)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "%s: a write past its end",
                              wav->name);
    if (!extent_of(wav, at_frame, frames_count, extent_out))
        return reel_error_errno(err_out, EFBIG, "write %s", wav->name);
    return REEL_OK;
}

/* Open it, all that waits for it written. */
static enum reel_code begin_write(struct reel_wav *wav, int *fd_out, struct reel_error *err_out)
{
    if (reel_wav_put_waiting(wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_wav_open_to_write(wav, fd_out, err_out);
}

static void end_write(struct reel_wav *wav, uint64_t end_frame)
{
    if (end_frame > wav->frames)
        wav->frames = end_frame;
}

enum reel_code reel_wav_write(struct reel_wav *wav, uint64_t at_frame, const void *frames,
                              uint64_t frames_count, struct reel_error *err_out)
{
    struct extent extent = {0};
    enum reel_code code = place_write(wav, at_frame, frames_count, &extent, err_out);
    int fd;

    if (code == REEL_OK && at_frame == wav->frames) {
        code = reel_wav_append(wav, extent.offset, frames, extent.bytes, err_out);
    } else if (code == REEL_OK) {
        code = begin_write(wav, &fd, err_out);
        if (code == REEL_OK)
            code = reel_disk_write(fd, frames, extent.bytes, extent.offset, wav->name, err_out);
    }
    if (code == REEL_OK)
        end_write(wav, at_frame + frames_count);
    return code;
}

static uint64_t slice_of(uint64_t bytes)
{
    return bytes < WAV_SLICE_BYTES ? bytes : WAV_SLICE_BYTES;
}

enum reel_code reel_wav_fill(struct reel_wav *wav, uint64_t at_frame, uint64_t frames_count,
                             struct reel_error *err_out)
{
    uint8_t *slice = wav->files->slice;
    struct extent extent = {0};
    enum reel_code code = place_write(wav, at_frame, frames_count, &extent, err_out);
    int fd;

    if (code == REEL_OK)
        code = begin_write(wav, &fd, err_out);
    if (code != REEL_OK)
        return code;
    memset(slice, reel_format_silence_byte(&wav->format), WAV_SLICE_BYTES);
    while (extent.bytes > 0) {
        uint64_t bytes = slice_of(extent.bytes);

        if (reel_disk_write(fd, slice, bytes, extent.offset, wav->name, err_out) != REEL_OK)
            return REEL_E_STALLED;
        extent.offset += bytes;
        extent.bytes -= bytes;
    }
    end_write(wav, at_frame + frames_count);
    return REEL_OK;
}

enum reel_code reel_wav_read(struct reel_wav *wav, uint64_t at_frame, void *out,
                             uint64_t frames_count, struct reel_error *err_out)
{
    struct extent extent = {0};
    int fd;

    if (at_frame > wav->frames || frames_count > wav->frames - at_frame ||
        !extent_of(wav, at_frame, frames_count, &extent))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "%s: reading past its end",
                              wav->name);
    if (reel_wav_put_waiting(wav, err_out) != REEL_OK ||
        reel_wav_descriptor(wav, &fd, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_disk_read(fd, out, extent.bytes, extent.offset, wav->name, err_out);
}

enum reel_code reel_wav_equal(struct reel_wav *wav, uint64_t at_frame, const void *frames,
                              uint64_t frames_count, bool *equal_out, struct reel_error *err_out)
{
    const uint8_t *expected = frames;
    uint8_t *slice = wav->files->slice;
    struct extent extent = {0};
    bool equal = true;
    int fd;

    if (at_frame > wav->frames || frames_count > wav->frames - at_frame ||
        !extent_of(wav, at_frame, frames_count, &extent))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "%s: a comparison past its end",
                              wav->name);
    if (reel_wav_put_waiting(wav, err_out) != REEL_OK ||
        reel_wav_descriptor(wav, &fd, err_out) != REEL_OK)
        return REEL_E_STALLED;
    while (extent.bytes > 0 && equal) {
        uint64_t bytes = slice_of(extent.bytes);

        if (reel_disk_read(fd, slice, bytes, extent.offset, wav->name, err_out) != REEL_OK)
            return REEL_E_STALLED;
        equal = memcmp(slice, expected, (size_t)bytes) == 0;
        expected += bytes;
        extent.offset += bytes;
        extent.bytes -= bytes;
    }
    *equal_out = equal;
    return REEL_OK;
}

/* Which of the two kinds the header in the file is; PLAIN where there is none yet. */
static enum reel_code sizes_in_file(int fd, const char *name, enum reel_wav_sizes *sizes_out,
                                    struct reel_error *err_out)
{
    char id[4];
    enum reel_code code = reel_disk_read(fd, id, sizeof id, 0, name, err_out);

    if (code == REEL_E_STALLED)
        return code;
    *sizes_out = code == REEL_OK && memcmp(id, "RF64", sizeof id) == 0 ? REEL_WAV_SIZES_RF64
                                                                       : REEL_WAV_SIZES_PLAIN;
    return REEL_OK;
}

/* From one kind to the other a header passes through CROSSING: whichever of its two sectors
 * reaches the disk first, the file opens. */
static enum reel_code cross(int fd, const struct reel_recording *recording, uint64_t frames,
                            const char *name, struct reel_error *err_out)
{
    uint8_t header[REEL_WAV_DATA_OFFSET];

    reel_wav_file_header(recording, frames, REEL_WAV_SIZES_CROSSING, header);
    if (reel_disk_write(fd, header, sizeof header, 0, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return fdatasync(fd) == 0 ? REEL_OK : reel_error_errno(err_out, errno, "sync %s", name);
}

enum reel_code reel_wav_replace_header(int fd, const struct reel_recording *recording,
                                       uint64_t frames, const char *name,
                                       struct reel_error *err_out)
{
    enum reel_wav_sizes wanted = reel_wav_sizes_for(&recording->format, frames);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    enum reel_wav_sizes present;

    if (sizes_in_file(fd, name, &present, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (present != wanted && cross(fd, recording, frames, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    reel_wav_file_header(recording, frames, wanted, header);
    return reel_disk_write(fd, header, sizeof header, 0, name, err_out);
}

static enum reel_code write_pad(struct reel_wav *wav, int fd, struct reel_error *err_out)
{
    uint64_t end = reel_wav_file_bytes(&wav->format, wav->frames);
    uint64_t data_bytes = wav->frames * reel_format_frame_bytes(&wav->format);

    if (end == REEL_WAV_DATA_OFFSET + data_bytes)
        return REEL_OK;
    return reel_disk_write(fd, "", 1, end - 1, wav->name, err_out);
}

enum reel_code reel_wav_header(struct reel_wav *wav, const struct reel_recording *recording,
                               struct reel_error *err_out)
{
    int fd;

    if (begin_write(wav, &fd, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (write_pad(wav, fd, err_out) == REEL_OK &&
        reel_wav_replace_header(fd, recording, wav->frames, wav->name, err_out) == REEL_OK) {
        wav->timed = true;
        return REEL_OK;
    }
    wav->files->failed = true; /* it may have been a sync */
    return REEL_E_STALLED;
}
