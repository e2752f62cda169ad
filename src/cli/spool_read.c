/* Spool: the reading end, and what becomes of files that were read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/report.h"
#include "cli/spool_internal.h"

static bool room(struct reel_spool *spool, size_t bytes)
{
    uint8_t *larger;

    if (bytes <= spool->buffer_bytes)
        return true;
    larger = realloc(spool->buffer, bytes);
    if (!larger)
        return false;
    spool->buffer = larger;
    spool->buffer_bytes = bytes;
    return true;
}

enum reel_code reel_spool_fetch(struct reel_spool *spool, int fd, uint64_t offset, size_t bytes,
                                struct reel_error *err_out)
{
    size_t done = 0;

    if (!room(spool, bytes))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    while (done < bytes) {
        ssize_t got = pread(fd, spool->buffer + done, bytes - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return reel_error_errno(err_out, got < 0 ? errno : EIO, "the spool: reading");
        done += (size_t)got;
    }
    return REEL_OK;
}

/* The record at `offset`, if it is whole. */
static enum reel_code fetch_record(struct reel_spool *spool, int fd, uint64_t limit,
                                   uint64_t offset, struct reel_spool_record *record_out,
                                   bool *found_out, struct reel_error *err_out)
{
    enum reel_code code;
    size_t bytes;

    *found_out = false;
    if (limit - offset < REEL_SPOOL_HEAD_BYTES)
        return REEL_OK;
    code = reel_spool_fetch(spool, fd, offset, REEL_SPOOL_HEAD_BYTES, err_out);
    if (code)
        return code;
    bytes = reel_spool_record_bytes(spool->buffer);
    if (bytes == 0 || bytes > limit - offset)
        return REEL_OK;
    code = reel_spool_fetch(spool, fd, offset, bytes, err_out);
    if (!code)
        *found_out = reel_spool_record_decode(spool->buffer, bytes, record_out);
    return code;
}

enum reel_code reel_spool_read(struct reel_spool *spool, int fd, uint64_t limit, uint64_t *offset,
                               struct reel_spool_record *record_out, bool *found_out,
                               uint64_t *damaged_out, struct reel_error *err_out)
{
    enum reel_code code;
    uint64_t skipped;

    *damaged_out = 0;
    *found_out = false;
    if (*offset >= limit)
        return REEL_OK;
    code = fetch_record(spool, fd, limit, *offset, record_out, found_out, err_out);
    if (code)
        return code;
    if (!*found_out) {
        code = reel_spool_fetch(spool, fd, *offset, (size_t)(limit - *offset), err_out);
        if (code)
            return code;
        skipped = reel_spool_record_find(spool->buffer, (size_t)(limit - *offset), 1);
        *damaged_out = skipped;
        *offset += skipped;
        if (*offset == limit)
            return REEL_OK;
        code = fetch_record(spool, fd, limit, *offset, record_out, found_out, err_out);
    }
    if (!code)
        *offset += record_out->bytes;
    return code;
}

/* The file that is to be read from, opened; NULL: nothing is there. */
static struct spool_file *file_from(struct reel_spool *spool)
{
    char name[SPOOL_NAME_BYTES];
    struct spool_file *file;

    DL_FOREACH (spool->files, file) {
        if (file->number >= spool->from_file)
            break;
    }
    while (file && file->next && file->number == spool->from_file &&
           spool->from_offset >= file->bytes)
        file = file->next;
    if (!file)
        return NULL;
    if (file->number != spool->from_file) {
        spool->from_file = file->number;
        spool->from_offset = 0;
    }
    if (spool->in < 0 || spool->in_file != file->number) {
        if (spool->in >= 0)
            close(spool->in);
        reel_spool_file_name(file->number, name);
        spool->in = openat(spool->folder, name, O_RDONLY | O_CLOEXEC);
        spool->in_file = file->number;
    }
    return file;
}

/* The first fragment that is to be sent; those before it have left. */
static uint64_t lane_first(const struct spool_lane *lane)
{
    return lane->first_seq > lane->state.acknowledged ? lane->first_seq : lane->state.acknowledged;
}

static enum reel_code item_make(struct reel_spool *spool, const struct reel_spool_record *record,
                                struct spool_file *file, struct reel_spool_item *item_out,
                                struct reel_error *err_out)
{
    const struct reel_spool_fragment *fragment = &record->fragment;
    struct spool_lane *lane = reel_spool_lane_find(spool, fragment->lane);

    if (!lane || fragment->seq < lane->state.acknowledged)
        return REEL_OK;
    if (!lane->state.device[0]) {
        file->damaged = true;
        return REEL_OK;
    }
    item_out->memory = malloc(fragment->payload_bytes);
    if (!item_out->memory)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    memcpy(item_out->memory, fragment->payload, fragment->payload_bytes);
    item_out->fragment = *fragment;
    item_out->fragment.payload = item_out->memory;
    item_out->lane = lane->state;
    item_out->first_seq = lane_first(lane);
    item_out->file = file->number;
    file->held++;
    return REEL_OK;
}

/* What a file alone still says of recordings whose source may be read on goes into the newest. */
static enum reel_code carry_over(struct reel_spool *spool, uint64_t number,
                                 struct reel_error *err_out)
{
    struct spool_lane *lane, *next;
    enum reel_code code = REEL_OK;
    bool carried = false;

    HASH_ITER (hh, spool->lanes, lane, next) {
        if (!code && lane->state.source.path_hash && lane->noted <= number) {
            code = reel_spool_note(spool, lane, err_out);
            carried = true;
        }
    }
    return code || !carried ? code : reel_spool_sync_locked(spool, err_out);
}

/* One that stays is sent again, and known to be repeats. */
static void file_remove(struct reel_spool *spool, struct spool_file *file)
{
    char name[SPOOL_NAME_BYTES], aside[SPOOL_NAME_BYTES];

    reel_spool_file_name(file->number, name);
    snprintf(aside, sizeof aside, "%.31s" SPOOL_ASIDE, name);
    if (!file->damaged)
        unlinkat(spool->folder, name, 0);
    else if (renameat(spool->folder, name, spool->folder, aside) == 0)
        reel_report_note("the spool's damaged file %s is set aside as %s", name, aside);
    spool->bytes -= file->bytes;
    DL_DELETE(spool->files, file);
    free(file);
}

/* On a full disk the file makes the room for what it alone says; on one that fails it stays. */
static void files_trim(struct reel_spool *spool)
{
    while (spool->files && spool->files->next && spool->files->held == 0 &&
           spool->files->number < spool->from_file) {
        uint64_t number = spool->files->number;
        enum reel_code code = carry_over(spool, number, NULL);

        if (code && code != REEL_E_BUSY)
            break;
        file_remove(spool, spool->files);
        if (code)
            carry_over(spool, number, NULL);
    }
}

enum reel_code reel_spool_take(struct reel_spool *spool, struct reel_spool_item *item_out,
                               struct reel_error *err_out)
{
    struct spool_file *file;
    enum reel_code code = REEL_OK;
    bool found = true;

    *item_out = (struct reel_spool_item){0};
    pthread_mutex_lock(&spool->mutex);
    while (!code && found && !item_out->memory && (file = file_from(spool))) {
        struct reel_spool_record record;
        uint64_t damaged;

        if (spool->in < 0) {
            code = reel_error_errno(err_out, errno, "the spool: opening a file");
            break;
        }
        code = reel_spool_read(spool, spool->in, file->durable, &spool->from_offset, &record,
                               &found, &damaged, err_out);
        if (!code && found && record.kind == REEL_SPOOL_FRAGMENT)
            code = item_make(spool, &record, file, item_out, err_out);
        if (!code && !found && file->next) { /* its end was damaged; what follows may not be */
            spool->from_offset = file->bytes;
            found = true;
        }
    }
    files_trim(spool);
    pthread_mutex_unlock(&spool->mutex);
    return code;
}

void reel_spool_release(struct reel_spool *spool, uint64_t number)
{
    struct spool_file *file;

    pthread_mutex_lock(&spool->mutex);
    DL_FOREACH (spool->files, file) {
        if (file->number == number)
            file->held--;
    }
    files_trim(spool);
    pthread_mutex_unlock(&spool->mutex);
}

void reel_spool_acknowledged(struct reel_spool *spool, uint32_t number, uint64_t seq)
{
    struct spool_lane *lane;

    pthread_mutex_lock(&spool->mutex);
    lane = reel_spool_lane_find(spool, number);
    if (lane && seq > lane->state.acknowledged) {
        lane->state.acknowledged = seq;
        reel_spool_note(spool, lane, NULL);
    }
    pthread_mutex_unlock(&spool->mutex);
}

uint64_t reel_spool_waiting(struct reel_spool *spool)
{
    struct spool_lane *lane, *next;
    uint64_t waiting = 0;

    pthread_mutex_lock(&spool->mutex);
    HASH_ITER (hh, spool->lanes, lane, next) {
        if (lane->state.device[0] && lane->state.next_seq > lane_first(lane))
            waiting += lane->state.next_seq - lane_first(lane);
    }
    pthread_mutex_unlock(&spool->mutex);
    return waiting;
}

/* Add to what is noted of a lane whose source may be read again. */
static void flag(struct reel_spool *spool, uint32_t number, bool refused, bool damaged)
{
    struct spool_lane *lane;

    pthread_mutex_lock(&spool->mutex);
    lane = reel_spool_lane_find(spool, number);
    if (lane && lane->state.source.path_hash &&
        ((refused && !lane->state.refused) || (damaged && !lane->state.damaged))) {
        lane->state.refused = lane->state.refused || refused;
        lane->state.damaged = lane->state.damaged || damaged;
        reel_spool_note(spool, lane, NULL);
    }
    pthread_mutex_unlock(&spool->mutex);
}

void reel_spool_refused(struct reel_spool *spool, uint32_t number)
{
    flag(spool, number, true, false);
}

void reel_spool_missed(struct reel_spool *spool, uint32_t number)
{
    flag(spool, number, false, true);
}

bool reel_spool_damaged(struct reel_spool *spool)
{
    bool damaged;

    pthread_mutex_lock(&spool->mutex);
    damaged = spool->damaged;
    pthread_mutex_unlock(&spool->mutex);
    return damaged;
}

/* Forget what has ended, and begin a file of its own with what is kept of the rest. */
static enum reel_code carry_rest(struct reel_spool *spool, uint64_t last,
                                 struct reel_error *err_out)
{
    struct spool_lane *lane, *next;

    HASH_ITER (hh, spool->lanes, lane, next) {
        if (lane->durable.ended || !lane->state.source.path_hash) {
            HASH_DEL(spool->lanes, lane);
            free(lane);
        }
    }
    spool->written = NULL;
    if (spool->out >= 0)
        close(spool->out);
    spool->out = -1;
    return carry_over(spool, last, err_out);
}

enum reel_code reel_spool_clear(struct reel_spool *spool, struct reel_error *err_out)
{
    enum reel_code noted, carried = REEL_OK;
    uint64_t last;

    pthread_mutex_lock(&spool->mutex);
    last = spool->next_file - 1;
    noted = reel_spool_done_note(spool, err_out);
    if (!noted || noted == REEL_E_BUSY)
        carried = carry_rest(spool, last, err_out);
    if ((!noted || noted == REEL_E_BUSY) && (!carried || carried == REEL_E_BUSY)) {
        while (spool->files && spool->files->number <= last)
            file_remove(spool, spool->files);
        if (noted) /* the disk was full, and has room now */
            noted = reel_spool_done_note(spool, err_out);
        if (carried)
            carried = carry_over(spool, last, err_out);
    }
    pthread_mutex_unlock(&spool->mutex);
    return noted ? noted : carried;
}
