/* Recover, index: a recording's row from its sidecar and its WAV file, or from the file alone. */
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
#include "store/id.h"

/* What the file says of itself. */
struct head {
    bool parsed; /* a header of ours */
    struct reel_wav_info info;
    uint64_t data_bytes; /* present behind the header, without a pad byte */
    int64_t modified_us;
};

static enum reel_code read_head(int fd, const char *name, struct head *head,
                                struct reel_error *err_out)
{
    uint8_t bytes[REEL_WAV_DATA_OFFSET];
    struct stat status;

    memset(head, 0, sizeof *head);
    if (fstat(fd, &status) != 0)
        return reel_error_errno(err_out, errno, "stat %s", name);
    head->modified_us = reel_recover_modified_us(&status);
    if ((uint64_t)status.st_size < sizeof bytes)
        return REEL_OK;
    if (reel_disk_read(fd, bytes, sizeof bytes, 0, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    head->data_bytes = (uint64_t)status.st_size - sizeof bytes;
    head->parsed = reel_wav_parse(bytes, sizeof bytes, &head->info) &&
                   head->info.data_offset == REEL_WAV_DATA_OFFSET;
    if (head->parsed && head->info.data_bytes % 2 == 1 &&
        head->info.data_bytes + 1 == head->data_bytes)
        head->data_bytes--;
    return REEL_OK;
}

static enum reel_code look_at_file(struct recovery *recovery, const struct found *found,
                                   struct head *head, struct reel_error *err_out)
{
    char name[2 * REEL_NAME_BYTES + 8];
    enum reel_code code;
    int fd;

    snprintf(name, sizeof name, "%s.wav", found->key);
    fd = openat(recovery->home->recordings_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open %s", name);
    code = read_head(fd, name, head, err_out);
    close(fd);
    return code;
}

/* More of the last run, where the sidecar promises that it is; false if that does not come out
 * even. Of fragments of different sizes only frames are known: with them it is found again what is
 * sent once more, and the numbers count as lost. */
static bool grow_last_run(struct reel_recording *recording, uint64_t frames)
{
    struct reel_stretch *stretch;
    struct reel_run *run;
    uint64_t fragments = 0;

    if (recording->stretches_count == 0)
        return false;
    stretch = &recording->stretches[recording->stretches_count - 1];
    if (stretch->runs_count == 0)
        return false;
    run = &stretch->runs[stretch->runs_count - 1];
    if (run->kind != REEL_RUN_STORED)
        return false;
    if (run->seqs > 0 && run->fragment_frames == 0 && !stretch->has_frame)
        return false;
    if (run->seqs > 0 && run->fragment_frames > 0) {
        if (frames % run->fragment_frames != 0)
            return false;
        fragments = frames / run->fragment_frames;
        recording->next_seq += fragments;
    }
    run->frames += frames;
    run->seqs += fragments;
    stretch->frames += frames;
    stretch->seqs += fragments;
    recording->fragments += fragments;
    return true;
}

/* A stretch without numbers at the end. */
static bool add_unnumbered(struct reel_recording *recording, uint64_t frames)
{
    struct reel_stretch *stretch = reel_recording_add_stretch(recording);
    struct reel_run *run = stretch ? reel_stretch_add_run(stretch) : NULL;
    size_t last = recording->stretches_count - 1;

    if (!run)
        return false;
    stretch->reason = REEL_STRETCH_FIRST;
    stretch->start_frames = recording->frames;
    if (last > 0) {
        stretch->reason = REEL_STRETCH_NUMBERS;
        stretch->epoch = recording->stretches[last - 1].epoch;
        stretch->boot = recording->stretches[last - 1].boot;
    }
    stretch->frames = frames;
    run->kind = REEL_RUN_STORED;
    run->frames = frames;
    return true;
}

/* The file's tail that the sidecar did not come to tell of. Behind a complete recording it is no
 * growth: opening it again would have been told. */
static enum reel_code take_tail(struct reel_recording *recording, bool plain_growth,
                                uint64_t file_frames, struct reel_error *err_out)
{
    uint64_t frames = file_frames - recording->frames;

    if (file_frames <= recording->frames)
        return REEL_OK;
    if (recording->state != REEL_STATE_RECORDING)
        plain_growth = false;
    if (!(plain_growth && grow_last_run(recording, frames)) && !add_unnumbered(recording, frames))
        return reel_error_errno(err_out, ENOMEM, "recovery");
    recording->frames += frames;
    recording->sha256[0] = '\0';
    return REEL_OK;
}

/* NOT_FOUND where there is none that fits the file. */
static enum reel_code from_sidecar(struct recovery *recovery, const struct found *found,
                                   const struct head *head, struct reel_recording *recording_out,
                                   enum index_source *source_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    struct reel_error why;
    uint64_t told_frames;
    bool plain_growth;
    enum reel_code code;

    code = reel_sidecars_read(recovery->sidecars, found->device, found->session, &recording,
                              &plain_growth, &why);
    if (code == REEL_E_BAD_REQUEST)
        reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                             REEL_LOG_OF(found->device, found->session), "store: %s.json: %s",
                             found->key, why.message);
    if (code == REEL_E_STALLED && err_out)
        *err_out = why;
    if (code != REEL_OK)
        return code == REEL_E_STALLED ? code : REEL_E_NOT_FOUND;
    if (head->parsed && head->info.id != 0 && head->info.id != recording.id) {
        reel_recording_finish(&recording);
        reel_log_write_about(recovery->log, REEL_LOG_WARNING,
                             REEL_LOG_OF(found->device, found->session),
                             "store: %s.json is of another recording than the file", found->key);
        return REEL_E_NOT_FOUND;
    }
    told_frames = recording.frames;
    code = take_tail(&recording, plain_growth,
                     head->data_bytes / reel_format_frame_bytes(&recording.format), err_out);
    if (code != REEL_OK) {
        reel_recording_finish(&recording);
        return code;
    }
    *source_out = recording.frames == told_frames ? INDEX_SIDECAR : INDEX_SIDECAR_AND_TAIL;
    *recording_out = recording;
    return REEL_OK;
}

/* A file under another name than its header's is a copy: another recording. */
static enum reel_code identify(const struct found *found, const struct head *head, uint64_t *id_out,
                               struct reel_error *err_out)
{
    bool own = strcmp(head->info.device, found->device) == 0 &&
               strcmp(head->info.session, found->session) == 0;

    if (!own || head->info.id == 0)
        return reel_id_make(id_out, err_out);
    *id_out = head->info.id;
    return REEL_OK;
}

static enum reel_code from_file(const struct found *found, const struct head *head,
                                struct reel_recording *recording_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    uint64_t frames;
    uint64_t id;

    if (!head->parsed)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "%s.wav is no file of ours",
                              found->key);
    if (identify(found, head, &id, err_out) != REEL_OK)
        return REEL_E_STALLED;
    reel_recording_init(&recording, found->device, found->session, &head->info.format,
                        head->info.started_us != 0 ? head->info.started_us : head->modified_us);
    recording.id = id;
    frames = head->data_bytes / reel_format_frame_bytes(&recording.format);
    if (frames > 0 && !add_unnumbered(&recording, frames)) {
        reel_recording_finish(&recording);
        return reel_error_errno(err_out, ENOMEM, "recovery");
    }
    recording.frames = frames;
    reel_recording_complete(&recording, REEL_END_IDLE, head->modified_us);
    *recording_out = recording;
    return REEL_OK;
}

enum reel_code reel_recover_index(struct recovery *recovery, const struct found *found,
                                  struct reel_recording *recording_out,
                                  enum index_source *source_out, struct reel_error *err_out)
{
    struct head head;
    enum reel_code code = look_at_file(recovery, found, &head, err_out);

    if (code != REEL_OK)
        return code;
    *source_out = INDEX_FILE;
    code = from_sidecar(recovery, found, &head, recording_out, source_out, err_out);
    return code == REEL_E_NOT_FOUND ? from_file(found, &head, recording_out, err_out) : code;
}
