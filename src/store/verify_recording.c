/* Verify, one recording: its rows, its file, its sidecar. */
#include "store/verify_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/hash.h"

enum { PATH_BYTES = 2 * REEL_NAME_BYTES + 8 };

/* The look under way. */
struct look {
    struct verification *verification;
    const struct reel_recording *recording;
    struct findings *findings;
    char name[PATH_BYTES]; /* "device/session.wav" */
    int fd;
    uint64_t file_bytes;
    uint64_t sum_bytes; /* that the sum is over: what stands behind them is told apart */
};

static bool is_complete(const struct reel_recording *recording)
{
    return recording->state == REEL_STATE_COMPLETE;
}

/* Frames of noted gaps, and whether some were forgotten. False where one leaves the file. */
static bool sum_gaps(const struct reel_recording *recording, uint64_t *frames_out)
{
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;

    *frames_out = 0;
    while (reel_recording_next_gap(recording, &cursor, &gap)) {
        if (gap.from_frame > recording->frames || gap.frames > recording->frames - gap.from_frame)
            return false;
        *frames_out += gap.frames;
    }
    return true;
}

/* What the rows of one recording say of each other. False where they do not make up a file. */
static bool check_rows(const struct reel_recording *recording, struct findings *findings)
{
    uint64_t most = (UINT64_MAX >> 2) / reel_format_frame_bytes(&recording->format);
    uint64_t frames = 0;
    uint64_t gap_frames;

    for (size_t i = 0; i < recording->stretches_count && frames <= most; i++) {
        if (recording->stretches[i].start_frames != frames)
            reel_finding_add(findings, REEL_DIFFERS_CATALOG,
                             "stretch %zu begins at frame %" PRIu64
                             ", the one before it ends at %" PRIu64,
                             i, recording->stretches[i].start_frames, frames);
        frames += recording->stretches[i].frames;
    }
    if (recording->frames > most || frames != recording->frames)
        reel_finding_add(findings, REEL_DIFFERS_CATALOG,
                         "%" PRIu64 " frames in all, %" PRIu64 " in its stretches",
                         recording->frames, frames);
    if (!sum_gaps(recording, &gap_frames))
        reel_finding_add(findings, REEL_DIFFERS_CATALOG, "a gap lies past the end");
    else if (gap_frames > recording->gap_frames || recording->gap_frames > recording->frames)
        reel_finding_add(findings, REEL_DIFFERS_CATALOG,
                         "gap_frames is %" PRIu64 ", its gaps have %" PRIu64 " of %" PRIu64
                         " frames",
                         recording->gap_frames, gap_frames, recording->frames);
    return recording->frames <= most;
}

static void check_owner(const struct look *look, const struct reel_wav_info *info)
{
    const struct reel_recording *recording = look->recording;

    if (info->id == 0)
        reel_finding_add(look->findings, REEL_DIFFERS_ID, "the file's header names no recording");
    else if (info->id != recording->id)
        reel_finding_add(look->findings, REEL_DIFFERS_ID,
                         "the file is of recording %016" PRIx64 ", the catalog's is %016" PRIx64,
                         info->id, recording->id);
    else if (strcmp(info->device, recording->device) != 0 ||
             strcmp(info->session, recording->session) != 0)
        reel_finding_add(look->findings, REEL_DIFFERS_ID, "the file's header names %s/%s",
                         info->device, info->session);
}

static void check_format(const struct look *look, const struct reel_wav_info *info)
{
    const struct reel_format *file = &info->format, *row = &look->recording->format;

    if (!reel_format_equal(file, row))
        reel_finding_add(look->findings, REEL_DIFFERS_FORMAT,
                         "the file has %u channels, %u Hz, %u bytes %s, the catalog says "
                         "%u, %u, %u, %s",
                         (unsigned)file->channels, (unsigned)file->rate,
                         (unsigned)file->sample_bytes, reel_encoding_name(file->encoding),
                         (unsigned)row->channels, (unsigned)row->rate, (unsigned)row->sample_bytes,
                         reel_encoding_name(row->encoding));
}

/* The header of an open one may lag, but never declares what is not there. */
static void check_sizes(const struct look *look, const struct reel_wav_info *info)
{
    const struct reel_recording *recording = look->recording;
    uint64_t expected = recording->frames * reel_format_frame_bytes(&recording->format);
    uint64_t present = look->file_bytes - REEL_WAV_DATA_OFFSET;

    if (is_complete(recording) ? info->data_bytes == expected
                               : info->data_bytes <= present || info->data_bytes == UINT64_MAX)
        return;
    reel_finding_add(look->findings, REEL_DIFFERS_SIZES,
                     "the file's header declares %" PRIu64 " bytes of audio, there are %" PRIu64,
                     info->data_bytes, is_complete(recording) ? expected : present);
}

/* False where frames are missing. */
static bool check_length(const struct look *look)
{
    const struct reel_recording *recording = look->recording;
    uint64_t bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    uint64_t audio_bytes = recording->frames * reel_format_frame_bytes(&recording->format);

    if (look->file_bytes < (is_complete(recording) ? bytes : REEL_WAV_DATA_OFFSET + audio_bytes)) {
        reel_finding_add(look->findings, REEL_DIFFERS_SHORT,
                         "the file has %" PRIu64 " bytes, %" PRIu64 " frames take %" PRIu64,
                         look->file_bytes, recording->frames, bytes);
        return false;
    }
    if (is_complete(recording) && look->file_bytes > bytes)
        reel_finding_add(look->findings, REEL_DIFFERS_LONG,
                         "the file has %" PRIu64 " bytes, %" PRIu64 " frames take %" PRIu64,
                         look->file_bytes, recording->frames, bytes);
    return true;
}

/* The head first, and then the length: a file that grows then holds what its head declares.
 * False where there is nothing that could be summed. */
static bool check_head(struct look *look)
{
    uint8_t head[REEL_WAV_DATA_OFFSET];
    struct reel_error why;
    struct reel_wav_info info;
    struct stat status;
    enum reel_code code = reel_disk_read(look->fd, head, sizeof head, 0, look->name, &why);

    if (code == REEL_E_STALLED || fstat(look->fd, &status) != 0) {
        reel_finding_add(look->findings, REEL_DIFFERS_FILE_UNREADABLE, "%s",
                         code == REEL_E_STALLED ? why.message : strerror(errno));
        return false;
    }
    if (code != REEL_OK || !reel_wav_parse(head, sizeof head, &info) ||
        info.data_offset != REEL_WAV_DATA_OFFSET) {
        reel_finding_add(look->findings, REEL_DIFFERS_HEADER,
                         "the file does not begin with a header of ours");
        return false;
    }
    look->file_bytes = (uint64_t)status.st_size;
    check_owner(look, &info);
    check_format(look, &info);
    check_sizes(look, &info);
    return check_length(look);
}

static void hash_progress(void *user, uint64_t done_bytes)
{
    const struct look *look = user;
    const struct reel_verify_watch *watch = look->verification->watch;
    char where[WHERE_BYTES];

    if (!watch->progress)
        return;
    snprintf(where, sizeof where, "%s/%s", look->recording->device, look->recording->session);
    watch->progress(watch->user, where, done_bytes, look->sum_bytes);
}

static void check_sum(struct look *look)
{
    const struct reel_recording *recording = look->recording;
    char sum[REEL_SHA256_TEXT_BYTES];
    struct reel_error why;

    if (!is_complete(recording) || recording->sha256[0] == '\0')
        return;
    look->sum_bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    if (reel_hash_descriptor(look->fd, look->name, look->sum_bytes, hash_progress, look, sum,
                             &why) != REEL_OK) {
        reel_finding_add(look->findings, REEL_DIFFERS_FILE_UNREADABLE, "%s", why.message);
        return;
    }
    look->verification->report.hashed_bytes += look->sum_bytes;
    if (strcmp(sum, recording->sha256) != 0)
        reel_finding_add(look->findings, REEL_DIFFERS_SHA256,
                         "the file's is %s, the catalog says %s", sum, recording->sha256);
}

static void check_file(struct look *look)
{
    struct stat status;

    snprintf(look->name, sizeof look->name, "%s/%s.wav", look->recording->device,
             look->recording->session);
    /* A FIFO must not make it wait. */
    look->fd = openat(look->verification->recordings_fd, look->name,
                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (look->fd < 0) {
        reel_finding_add(look->findings,
                         errno == ENOENT ? REEL_DIFFERS_FILE_MISSING : REEL_DIFFERS_FILE_UNREADABLE,
                         "recordings/%s: %s", look->name, strerror(errno));
        return;
    }
    if (fstat(look->fd, &status) != 0 || !S_ISREG(status.st_mode))
        reel_finding_add(look->findings, REEL_DIFFERS_FILE_UNREADABLE,
                         "recordings/%s is no regular file", look->name);
    else if (check_head(look))
        check_sum(look);
    close(look->fd);
}

void reel_verify_recording(struct verification *verification,
                           const struct reel_recording *recording, struct findings *findings)
{
    struct look look = {
        .verification = verification, .recording = recording, .findings = findings, .fd = -1};

    if (check_rows(recording, findings))
        check_file(&look);
    reel_verify_sidecar(verification, recording, findings);
}
