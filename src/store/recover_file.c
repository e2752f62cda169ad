/* Recover, one file: its length, its gaps, its header. */
#include "store/recover_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/recovered.h"
#include "store/wav.h"

enum { SLICE_BYTES = 64 * 1024, PATH_BYTES = 2 * REEL_NAME_BYTES + 8 };

/* The file under repair. */
struct repair {
    struct recovery *recovery;
    struct reel_recording *recording;
    int fd;
    char name[PATH_BYTES];
    uint64_t frame_bytes;
    uint64_t data_bytes; /* behind the header */
    uint8_t header[REEL_WAV_DATA_OFFSET];
    bool file_changed;
    bool row_changed;
};

static uint64_t offset_of(const struct repair *repair, uint64_t frame)
{
    return REEL_WAV_DATA_OFFSET + frame * repair->frame_bytes;
}

/* The header as far as there is one; what is missing reads as zeros. */
static enum reel_code look(struct repair *repair, bool any_owner, struct reel_error *err_out)
{
    struct reel_wav_info info;
    struct stat status;
    uint64_t bytes;
    uint64_t head;

    if (fstat(repair->fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", repair->name);
    bytes = (uint64_t)status.st_size;
    head = bytes < sizeof repair->header ? bytes : sizeof repair->header;
    repair->data_bytes = bytes - head;
    if (reel_disk_read(repair->fd, repair->header, head, 0, repair->name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (!any_owner && reel_wav_parse(repair->header, (size_t)head, &info) && info.id != 0 &&
        info.id != repair->recording->id)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "%s is another recording's",
                              repair->name);
    return REEL_OK;
}

/* Whether the surplus holds a batch's worth of bytes other than (slices of) silence. */
static enum reel_code is_more_than_a_batch(struct repair *repair, uint64_t surplus_bytes,
                                           bool *more_out, struct reel_error *err_out)
{
    uint8_t silent[SLICE_BYTES];
    uint8_t slice[SLICE_BYTES];
    uint64_t at = offset_of(repair, repair->recording->frames);
    uint64_t end = at + surplus_bytes;
    uint64_t audio_bytes = 0;

    *more_out = false;
    if (surplus_bytes < repair->recovery->batch_max_bytes)
        return REEL_OK;
    memset(silent, reel_format_silence_byte(&repair->recording->format), sizeof silent);
    while (at < end && audio_bytes < repair->recovery->batch_max_bytes) {
        uint64_t bytes = end - at < SLICE_BYTES ? end - at : SLICE_BYTES;

        if (reel_disk_read(repair->fd, slice, bytes, at, repair->name, err_out) != REEL_OK)
            return REEL_E_STALLED;
        if (memcmp(slice, silent, (size_t)bytes) != 0)
            audio_bytes += bytes;
        at += bytes;
    }
    *more_out = audio_bytes >= repair->recovery->batch_max_bytes;
    return REEL_OK;
}

static enum reel_code save_surplus(struct repair *repair, uint64_t surplus_bytes,
                                   struct reel_error *err_out)
{
    struct recovery *recovery = repair->recovery;
    uint64_t from = repair->recording->frames;
    uint64_t to = from + surplus_bytes / repair->frame_bytes;
    bool more;

    if (is_more_than_a_batch(repair, surplus_bytes, &more, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (!more)
        return REEL_OK;
    reel_log_write_about(recovery->log, REEL_LOG_ERROR,
                         REEL_LOG_OF(repair->recording->device, repair->recording->session),
                         "store: %s has %" PRIu64
                         " frames that the catalog does not know: copied to "
                         "recovered/",
                         repair->name, to - from);
    recovery->report.recovered++;
    return reel_recovered_copy(recovery->home->dir_fd, repair->fd, repair->recording, from, to,
                               "frames past the end that the catalog knows", recovery->now_us,
                               err_out);
}

static enum reel_code cut(struct repair *repair, struct reel_error *err_out)
{
    uint64_t wanted = repair->recording->frames * repair->frame_bytes;

    /* The pad byte of what is complete stays. */
    if (repair->data_bytes <= wanted ||
        REEL_WAV_DATA_OFFSET + repair->data_bytes ==
            reel_wav_file_bytes(&repair->recording->format, repair->recording->frames))
        return REEL_OK;
    if (save_surplus(repair, repair->data_bytes - wanted, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (ftruncate(repair->fd, (off_t)(REEL_WAV_DATA_OFFSET + wanted)) != 0)
        return reel_error_errno(err_out, errno, "cut %s", repair->name);
    repair->data_bytes = wanted;
    repair->file_changed = true;
    return REEL_OK;
}

/* Make [from, to) silence where it is not; also past the file's end. */
static enum reel_code silence(struct repair *repair, uint64_t from_frame, uint64_t to_frame,
                              struct reel_error *err_out)
{
    uint8_t wanted[SLICE_BYTES];
    uint8_t present[SLICE_BYTES];
    uint64_t at = offset_of(repair, from_frame);
    uint64_t end = offset_of(repair, to_frame);

    memset(wanted, reel_format_silence_byte(&repair->recording->format), sizeof wanted);
    while (at < end) {
        uint64_t bytes = end - at < SLICE_BYTES ? end - at : SLICE_BYTES;
        enum reel_code code = reel_disk_read(repair->fd, present, bytes, at, repair->name, err_out);

        if (code == REEL_E_STALLED)
            return code;
        if (code != REEL_OK || memcmp(present, wanted, (size_t)bytes) != 0) {
            if (reel_disk_write(repair->fd, wanted, bytes, at, repair->name, err_out) != REEL_OK)
                return REEL_E_STALLED;
            repair->file_changed = true;
        }
        at += bytes;
    }
    return REEL_OK;
}

static enum reel_code note_lost(const struct repair *repair, uint64_t lost_frames,
                                struct reel_error *err_out)
{
    char from[PATH_BYTES + 16];
    char why[96];

    snprintf(from, sizeof from, "recordings/%s", repair->name);
    snprintf(why, sizeof why,
             "the last %" PRIu64 " of %" PRIu64 " frames were gone: marked as missing", lost_frames,
             repair->recording->frames);
    return reel_recovered_lost(repair->recovery->home->dir_fd, from, why, repair->recovery->now_us,
                               err_out);
}

/* The file is shorter than the recording: what is not there any more becomes missing. */
static enum reel_code lose_tail(struct repair *repair, struct reel_error *err_out)
{
    struct recovery *recovery = repair->recovery;
    struct reel_recording *recording = repair->recording;
    uint64_t present = repair->data_bytes / repair->frame_bytes;
    uint64_t lost_from;

    if (present >= recording->frames)
        return REEL_OK;
    reel_log_write_about(recovery->log, REEL_LOG_ERROR,
                         REEL_LOG_OF(recording->device, recording->session),
                         "store: %s lacks %" PRIu64 " of the %" PRIu64
                         " frames that the catalog knows: marked as missing",
                         repair->name, recording->frames - present, recording->frames);
    if (reel_recover_lose(recording, present, &lost_from, err_out) != REEL_OK)
        return REEL_E_STALLED;
    repair->row_changed = true;
    if (note_lost(repair, recording->frames - present, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (lost_from < present) {
        recovery->report.recovered++;
        if (reel_recovered_copy(recovery->home->dir_fd, repair->fd, recording, lost_from, present,
                                "frames of fragments that are not whole any more", recovery->now_us,
                                err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return silence(repair, lost_from, recording->frames, err_out);
}

/* Also of a complete one: what a batch that was never committed wrote into its gaps would belie its
 * sum. */
static enum reel_code silence_gaps(struct repair *repair, struct reel_error *err_out)
{
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;

    while (reel_recording_next_gap(repair->recording, &cursor, &gap)) {
        if (silence(repair, gap.from_frame, gap.from_frame + gap.frames, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

static enum reel_code bring_header_up(struct repair *repair, struct reel_error *err_out)
{
    const struct reel_recording *recording = repair->recording;
    uint64_t file_bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    uint8_t wanted[REEL_WAV_DATA_OFFSET];

    reel_wav_file_header(recording, recording->frames,
                         reel_wav_sizes_for(&recording->format, recording->frames), wanted);
    if (!repair->file_changed && memcmp(wanted, repair->header, sizeof wanted) == 0)
        return REEL_OK;
    repair->file_changed = true;
    if (file_bytes > offset_of(repair, recording->frames) &&
        reel_disk_write(repair->fd, "", 1, file_bytes - 1, repair->name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_wav_replace_header(repair->fd, recording, recording->frames, repair->name, err_out);
}

/* Sync what the syncfs of the commit that is to come does not. */
static enum reel_code sync_unreached(const struct repair *repair, struct reel_error *err_out)
{
    const struct recovery *recovery = repair->recovery;

    if (recovery->syncfs && reel_disk_syncfs_reaches(recovery->home->recordings_fd, repair->fd))
        return REEL_OK;
    return fdatasync(repair->fd) == 0 ? REEL_OK
                                      : reel_error_errno(err_out, errno, "sync %s", repair->name);
}

static enum reel_code mend(struct repair *repair, bool any_owner, struct reel_error *err_out)
{
    enum reel_code code = look(repair, any_owner, err_out);

    if (code == REEL_OK)
        code = cut(repair, err_out);
    if (code == REEL_OK)
        code = lose_tail(repair, err_out);
    if (code == REEL_OK)
        code = silence_gaps(repair, err_out);
    if (code == REEL_OK)
        code = bring_header_up(repair, err_out);
    if (code == REEL_OK)
        code = sync_unreached(repair, err_out);
    if (code == REEL_OK && repair->file_changed)
        repair->recovery->report.repaired++;
    return code;
}

enum reel_code reel_recover_file(struct recovery *recovery, struct reel_recording *recording,
                                 bool any_owner, bool *changed_out, struct reel_error *err_out)
{
    struct repair repair = {
        .recovery = recovery,
        .recording = recording,
        .frame_bytes = reel_format_frame_bytes(&recording->format),
    };
    enum reel_code code;

    snprintf(repair.name, sizeof repair.name, "%s/%s.wav", recording->device, recording->session);
    repair.fd = openat(recovery->home->recordings_fd, repair.name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (repair.fd < 0)
        return reel_error_errno(err_out, errno, "open %s", repair.name);
    code = mend(&repair, any_owner, err_out);
    close(repair.fd);
    if (code == REEL_OK)
        *changed_out = repair.row_changed;
    return code;
}
