/* Spool: the notes of sources that were published, so that the same command does not publish them
 * again. They are lane records in a file of their own, which is replaced whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/spool_internal.h"
#include "store/disk.h"

#define DONE_NAME "done"
#define DONE_NEW  "done.new"

enum { DONE_MAX = 512 };

static const struct reel_spool_lane *done_find(const struct reel_spool *spool,
                                               const struct reel_spool_lane *lane)
{
    for (size_t i = 0; i < spool->done_count; i++) {
        if (reel_spool_same(&spool->done[i], lane))
            return &spool->done[i];
    }
    return NULL;
}

bool reel_spool_done(struct reel_spool *spool, const struct reel_spool_lane *lane, bool *whole_out)
{
    const struct reel_spool_lane *done;

    pthread_mutex_lock(&spool->mutex);
    done = done_find(spool, lane);
    *whole_out = done && !done->damaged;
    pthread_mutex_unlock(&spool->mutex);
    return done;
}

static void done_add(struct reel_spool *spool, const struct reel_spool_lane *lane)
{
    if (spool->done_count == DONE_MAX)
        memmove(spool->done, spool->done + 1, --spool->done_count * sizeof *spool->done);
    spool->done[spool->done_count++] = *lane;
}

static void done_take(struct reel_spool *spool, size_t bytes)
{
    struct reel_spool_record record;
    size_t at = 0, damaged = 0;

    while (at < bytes) {
        size_t found = reel_spool_record_find(spool->buffer, bytes, at);

        damaged += found - at;
        at = found;
        if (reel_spool_record_decode(spool->buffer + at, bytes - at, &record)) {
            if (record.kind == REEL_SPOOL_LANE)
                done_add(spool, &record.lane);
            at += record.bytes;
        }
    }
    if (damaged)
        reel_report_note("the spool's file " DONE_NAME " is damaged: a file that it named may be "
                         "published again");
}

enum reel_code reel_spool_done_load(struct reel_spool *spool, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct stat status;
    int fd;

    spool->done = calloc(DONE_MAX, sizeof *spool->done);
    if (!spool->done)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    fd = openat(spool->folder, DONE_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0 ? errno != ENOENT : fstat(fd, &status) != 0)
        code = reel_error_errno(err_out, errno, "the spool: " DONE_NAME);
    if (!code && fd >= 0)
        code = reel_spool_fetch(spool, fd, 0, (size_t)status.st_size, err_out);
    if (!code && fd >= 0)
        done_take(spool, (size_t)status.st_size);
    if (fd >= 0)
        close(fd);
    return code;
}

/* All that is there was released: a lane that has ended is acknowledged as far as the spool had it,
 * even where the note of that was lost. False: it is not done. */
static bool done_from(const struct reel_spool *spool, const struct spool_lane *lane,
                      struct reel_spool_lane *done_out)
{
    if (!lane->state.source.path_hash || !lane->durable.ended || lane->state.refused)
        return false;
    *done_out = lane->state;
    if (spool->damaged && lane->state.acknowledged < lane->state.next_seq)
        done_out->damaged = true;
    return true;
}

static enum reel_code failed(int errno_value, struct reel_error *err_out)
{
    if (errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG)
        return reel_error_set(
            err_out, REEL_E_BUSY, NULL,
            "the disk is full: the spool cannot note which files it has published");
    return reel_error_errno(err_out, errno_value, "the spool: " DONE_NAME);
}

/* Write new, sync, rename, sync the folder. */
static enum reel_code replace(struct reel_spool *spool, const uint8_t *bytes, size_t size,
                              struct reel_error *err_out)
{
    int fd = openat(spool->folder, DONE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum reel_code code = REEL_OK;
    struct reel_error why;

    if (fd < 0)
        return failed(errno, err_out);
    if (reel_disk_write(fd, bytes, size, 0, DONE_NEW, &why))
        code = failed(why.errno_value, err_out);
    else if (fsync(fd))
        code = failed(errno, err_out);
    if (close(fd) && !code)
        code = failed(errno, err_out);
    if (!code &&
        (renameat(spool->folder, DONE_NEW, spool->folder, DONE_NAME) || fsync(spool->folder)))
        code = failed(errno, err_out);
    return code;
}

enum reel_code reel_spool_done_note(struct reel_spool *spool, struct reel_error *err_out)
{
    struct spool_lane *lane, *next;
    struct reel_spool_lane done;
    enum reel_code code;
    uint8_t *bytes;

    HASH_ITER (hh, spool->lanes, lane, next) {
        if (done_from(spool, lane, &done) && !done_find(spool, &done)) {
            done_add(spool, &done);
            spool->done_news = true;
        }
    }
    if (!spool->done_news)
        return REEL_OK;
    bytes = malloc(spool->done_count * REEL_SPOOL_LANE_BYTES);
    if (!bytes)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    for (size_t i = 0; i < spool->done_count; i++)
        reel_spool_lane_encode(&spool->done[i], bytes + i * REEL_SPOOL_LANE_BYTES);
    code = replace(spool, bytes, spool->done_count * REEL_SPOOL_LANE_BYTES, err_out);
    free(bytes);
    spool->done_news = code != REEL_OK;
    return code;
}
