/* Spool: the writing end. */
#include "cli/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/spool_internal.h"

enum { END_BYTES = 1024 }; /* are left for a fragment that says that a recording has ended */

void reel_spool_file_name(uint64_t number, char out[SPOOL_NAME_BYTES])
{
    snprintf(out, SPOOL_NAME_BYTES, "%08" PRIu64 ".spool", number);
}

struct spool_file *reel_spool_file_add(struct reel_spool *spool, uint64_t number, uint64_t bytes)
{
    struct spool_file *file = calloc(1, sizeof *file);

    if (!file)
        return NULL;
    file->number = number;
    file->bytes = file->durable = bytes;
    DL_APPEND(spool->files, file);
    spool->bytes += bytes;
    return file;
}

static struct spool_file *newest(const struct reel_spool *spool)
{
    return spool->files ? spool->files->prev : NULL; /* utlist: the head's prev is the tail */
}

struct spool_lane *reel_spool_lane_find(struct reel_spool *spool, uint32_t number)
{
    struct spool_lane *lane;

    HASH_FIND(hh, spool->lanes, &number, sizeof number, lane);
    return lane;
}

struct spool_lane *reel_spool_lane_put(struct reel_spool *spool,
                                       const struct reel_spool_lane *state, uint64_t file)
{
    struct spool_lane *lane = reel_spool_lane_find(spool, state->number);

    if (!lane) {
        lane = calloc(1, sizeof *lane);
        if (!lane)
            return NULL;
        lane->state.number = state->number;
        lane->first_seq = state->next_seq;
        HASH_ADD(hh, spool->lanes, state.number, sizeof lane->state.number, lane);
        if (!lane->hh.tbl) {
            free(lane);
            return NULL;
        }
    }
    if (state->number >= spool->next_lane && state->number < UINT32_MAX)
        spool->next_lane = state->number + 1;
    lane->state = lane->durable = *state;
    lane->noted = file;
    return lane;
}

static enum reel_code broken(struct reel_spool *spool, int errno_value, const char *what,
                             struct reel_error *err_out)
{
    spool->failed = true;
    return reel_error_errno(err_out, errno_value, "the spool: %s", what);
}

enum reel_code reel_spool_sync_locked(struct reel_spool *spool, struct reel_error *err_out)
{
    struct spool_file *file = newest(spool);

    if (spool->out < 0 || file->durable == file->bytes)
        return REEL_OK;
    if (fdatasync(spool->out))
        return broken(spool, errno, "syncing", err_out);
    file->durable = file->bytes;
    if (spool->written)
        spool->written->durable = spool->written->state;
    return REEL_OK;
}

/* Begin a new file; its name is durable before anything in it is. */
static enum reel_code file_begin(struct reel_spool *spool, struct reel_error *err_out)
{
    enum reel_code code = reel_spool_sync_locked(spool, err_out);
    char name[SPOOL_NAME_BYTES];
    int fd;

    if (code)
        return code;
    reel_spool_file_name(spool->next_file, name);
    fd = openat(spool->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == ENOSPC || errno == EDQUOT))
        return reel_error_set(err_out, REEL_E_BUSY, NULL, "the spool's disk is full");
    if (fd < 0)
        return broken(spool, errno, name, err_out);
    if (fsync(spool->folder) || !reel_spool_file_add(spool, spool->next_file, 0)) {
        int reason = errno;

        close(fd);
        return broken(spool, reason, name, err_out);
    }
    if (spool->out >= 0)
        close(spool->out);
    spool->out = fd;
    spool->next_file++;
    spool->full_told = false;
    return REEL_OK;
}

static enum reel_code file_ready(struct reel_spool *spool, struct reel_error *err_out)
{
    bool full = spool->out >= 0 && newest(spool)->bytes > 0 &&
                (newest(spool)->bytes >= spool->file_bytes || spool->full_told);

    if (spool->failed)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "the spool has failed");
    return spool->out < 0 || full ? file_begin(spool, err_out) : REEL_OK;
}

/* Write all or nothing. */
static enum reel_code put(struct reel_spool *spool, const uint8_t *bytes, size_t size,
                          struct reel_error *err_out)
{
    struct spool_file *file = newest(spool);
    size_t done = 0;

    while (done < size) {
        ssize_t wrote = pwrite(spool->out, bytes + done, size - done, (off_t)(file->bytes + done));

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int reason = wrote < 0 ? errno : ENOSPC;

            if ((reason != ENOSPC && reason != EDQUOT && reason != EFBIG) ||
                ftruncate(spool->out, (off_t)file->bytes))
                return broken(spool, reason, "writing", err_out);
            spool->full_told = true;
            return reel_error_set(err_out, REEL_E_BUSY, NULL, "the spool's disk is full");
        }
        done += (size_t)wrote;
    }
    file->bytes += size;
    spool->bytes += size;
    return REEL_OK;
}

enum reel_code reel_spool_note(struct reel_spool *spool, struct spool_lane *lane,
                               struct reel_error *err_out)
{
    uint8_t bytes[REEL_SPOOL_LANE_BYTES];
    enum reel_code code = spool->out < 0 ? file_begin(spool, err_out) : REEL_OK;

    lane->durable.acknowledged = lane->state.acknowledged;
    lane->durable.refused = lane->state.refused;
    lane->durable.damaged = lane->state.damaged;
    reel_spool_lane_encode(&lane->durable, bytes);
    if (!code)
        code = put(spool, bytes, sizeof bytes, err_out);
    if (!code)
        lane->noted = newest(spool)->number;
    return code;
}

static bool same_path(const struct reel_spool_lane *a, const struct reel_spool_lane *b)
{
    return a->source.path_hash && a->source.path_hash == b->source.path_hash &&
           strcmp(a->session, b->session) == 0 && strcmp(a->device, b->device) == 0;
}

bool reel_spool_same(const struct reel_spool_lane *a, const struct reel_spool_lane *b)
{
    return same_path(a, b) && a->source.bytes == b->source.bytes &&
           a->source.modified_ns == b->source.modified_ns;
}

/* More of that state of the file is to be read, or to be sent. */
static bool goes_on(const struct spool_lane *lane)
{
    return !lane->state.ended || lane->state.acknowledged < lane->state.next_seq;
}

enum reel_code reel_spool_lane_open(struct reel_spool *spool, struct reel_spool_lane *lane,
                                    struct reel_error *err_out)
{
    struct spool_lane *each, *next, *found = NULL;
    enum reel_code code = REEL_OK;
    bool changed = false;

    pthread_mutex_lock(&spool->mutex);
    HASH_ITER (hh, spool->lanes, each, next) {
        if (reel_spool_same(lane, &each->state))
            found = each;
        else if (same_path(lane, &each->state) && goes_on(each))
            changed = true;
    }
    if (!found && changed) {
        pthread_mutex_unlock(&spool->mutex);
        return reel_error_set(
            err_out, REEL_E_CONFLICT, NULL,
            "the file of %s has changed since the spool took a part of it: "
            "publish it as another recording (--session), or put back what it was",
            lane->session);
    }
    if (!found) {
        lane->number = spool->next_lane++;
        found = reel_spool_lane_put(spool, lane, 0);
    }
    if (!found)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else
        *lane = found->state;
    pthread_mutex_unlock(&spool->mutex);
    return code;
}

/* The lane's state and the fragment, in one file. */
static enum reel_code append(struct reel_spool *spool, struct spool_lane *lane,
                             const struct reel_spool_fragment *fragment, uint8_t *bytes,
                             struct reel_error *err_out)
{
    size_t size = REEL_SPOOL_FRAGMENT_HEAD_BYTES + fragment->payload_bytes;
    enum reel_code code;

    if (spool->bytes + size + REEL_SPOOL_LANE_BYTES + (fragment->end ? 0 : END_BYTES) >
        spool->max_bytes)
        return reel_error_set(err_out, REEL_E_BUSY, NULL, "the spool is full");
    code = file_ready(spool, err_out);
    if (!code && lane != spool->written)
        code = reel_spool_sync_locked(spool, err_out);
    spool->written = lane;
    if (!code && lane->noted != newest(spool)->number)
        code = reel_spool_note(spool, lane, err_out);
    reel_spool_fragment_encode(fragment, bytes);
    if (!code)
        code = put(spool, bytes, size, err_out);
    if (code)
        return code;
    lane->state.next_seq = fragment->seq + 1;
    lane->state.next_frame = fragment->next_frame;
    lane->state.ended = fragment->end;
    return REEL_OK;
}

enum reel_code reel_spool_append(struct reel_spool *spool, uint32_t number,
                                 const struct reel_cut *cut, struct reel_error *err_out)
{
    const struct reel_spool_fragment fragment = {
        .lane = number,
        .frames = cut->frames,
        .seq = cut->seq,
        .next_frame = cut->frame + cut->frames,
        .end = cut->end,
        .payload = cut->payload,
        .payload_bytes = cut->payload_bytes,
    };
    uint8_t *bytes = malloc(REEL_SPOOL_FRAGMENT_HEAD_BYTES + cut->payload_bytes);
    enum reel_code code;

    if (!bytes)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    pthread_mutex_lock(&spool->mutex);
    code = append(spool, reel_spool_lane_find(spool, number), &fragment, bytes, err_out);
    pthread_mutex_unlock(&spool->mutex);
    free(bytes);
    return code;
}

/* The disk may take its time: nobody else waits for it, and nobody else begins another file. */
enum reel_code reel_spool_sync(struct reel_spool *spool, struct reel_error *err_out)
{
    struct reel_spool_lane state = {0};
    struct spool_file *file;
    enum reel_code code = REEL_OK;
    uint64_t bytes = 0;
    int fd, status = 0, reason = 0;

    pthread_mutex_lock(&spool->mutex);
    file = newest(spool);
    fd = spool->out >= 0 && file->durable < file->bytes ? spool->out : -1;
    if (fd >= 0)
        bytes = file->bytes;
    if (spool->written)
        state = spool->written->state;
    pthread_mutex_unlock(&spool->mutex);
    if (fd >= 0) {
        status = fdatasync(fd);
        reason = errno;
    }
    pthread_mutex_lock(&spool->mutex);
    if (status)
        code = broken(spool, reason, "syncing", err_out);
    else if (fd >= 0)
        file->durable = bytes;
    if (!status && spool->written)
        spool->written->durable = state;
    pthread_mutex_unlock(&spool->mutex);
    return code;
}

uint64_t reel_spool_unsynced(struct reel_spool *spool)
{
    uint64_t bytes = 0;

    pthread_mutex_lock(&spool->mutex);
    if (spool->out >= 0)
        bytes = newest(spool)->bytes - newest(spool)->durable;
    pthread_mutex_unlock(&spool->mutex);
    return bytes;
}
