/* Spool: what stands in its files at the start, and what of it is damaged. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/spool_internal.h"

static int by_number(const struct dirent **a, const struct dirent **b)
{
    uint64_t left = strtoull((*a)->d_name, NULL, 10), right = strtoull((*b)->d_name, NULL, 10);

    return (left > right) - (left < right);
}

static int is_file(const struct dirent *entry)
{
    uint64_t number = strtoull(entry->d_name, NULL, 10);
    char name[SPOOL_NAME_BYTES];

    if (number == 0 || number == UINT64_MAX)
        return 0;
    reel_spool_file_name(number, name);
    return strcmp(name, entry->d_name) == 0;
}

/* What a lane's record says may be older than the fragments before it. */
static enum reel_code lane_take(struct reel_spool *spool, const struct reel_spool_lane *read,
                                uint64_t file, struct reel_error *err_out)
{
    struct spool_lane *lane = reel_spool_lane_find(spool, read->number);
    struct reel_spool_lane state = *read;

    if (lane && lane->state.next_seq > read->next_seq) {
        state.next_seq = lane->state.next_seq;
        state.next_frame = lane->state.next_frame;
        state.ended = lane->state.ended;
    }
    if (lane && lane->state.acknowledged > read->acknowledged)
        state.acknowledged = lane->state.acknowledged;
    if (state.number >= spool->next_lane && state.number < UINT32_MAX)
        spool->next_lane = state.number + 1;
    return reel_spool_lane_put(spool, &state, file)
               ? REEL_OK
               : reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
}

static enum reel_code record_take(struct reel_spool *spool, const struct reel_spool_record *record,
                                  uint64_t file, struct reel_error *err_out)
{
    const struct reel_spool_fragment *fragment = &record->fragment;
    struct spool_lane *lane;

    if (record->kind == REEL_SPOOL_LANE)
        return lane_take(spool, &record->lane, file, err_out);
    lane = reel_spool_lane_find(spool, fragment->lane);
    if (lane && fragment->seq >= lane->state.next_seq) {
        lane->state.next_seq = fragment->seq + 1;
        lane->state.next_frame = fragment->next_frame;
        lane->state.ended = fragment->end;
        lane->durable = lane->state;
    }
    return REEL_OK;
}

/* What was not synced before a power cut may be there without what stands before it. Of a source
 * that can be read again it goes, so that nothing is left out. */
static bool behind_a_hole(struct reel_spool *spool, const struct reel_spool_record *record)
{
    struct spool_lane *lane = record->kind == REEL_SPOOL_FRAGMENT
                                  ? reel_spool_lane_find(spool, record->fragment.lane)
                                  : NULL;

    return lane && lane->state.source.path_hash && record->fragment.seq > lane->state.next_seq;
}

static enum reel_code file_cut(struct reel_spool *spool, struct spool_file *file, int fd,
                               const char *name, uint64_t bytes, struct reel_error *err_out)
{
    reel_report_note("the spool's last file %s ends within a record: %" PRIu64 " bytes are cut off",
                     name, file->bytes - bytes);
    if (ftruncate(fd, (off_t)bytes) || fdatasync(fd))
        return reel_error_errno(err_out, errno, "the spool: %s", name);
    spool->bytes -= file->bytes - bytes;
    file->bytes = file->durable = bytes;
    return REEL_OK;
}

/* Read a file through; cut what is damaged off the end of the last. */
static enum reel_code file_scan(struct reel_spool *spool, struct spool_file *file, int fd,
                                const char *name, bool last, struct reel_error *err_out)
{
    struct reel_spool_record record;
    enum reel_code code = REEL_OK;
    uint64_t offset = 0, damaged;
    bool found = true;

    while (!code && found) {
        uint64_t start = offset;

        code = reel_spool_read(spool, fd, file->bytes, &offset, &record, &found, &damaged, err_out);
        if (!code && last && (found ? behind_a_hole(spool, &record) : damaged > 0))
            return file_cut(spool, file, fd, name, start, err_out);
        if (!code && damaged)
            reel_report_note("the spool's file %s is damaged: %" PRIu64 " bytes are passed over",
                             name, damaged);
        if (!code && found)
            code = record_take(spool, &record, file->number, err_out);
    }
    return code;
}

static enum reel_code file_load(struct reel_spool *spool, const char *name, bool last,
                                struct reel_error *err_out)
{
    uint64_t number = strtoull(name, NULL, 10);
    int fd = openat(spool->folder, name, O_RDWR | O_CLOEXEC);
    struct spool_file *file;
    struct stat status;
    enum reel_code code;

    /* What an earlier process wrote and did not sync is made durable before it is sent. */
    if (fd < 0 || fstat(fd, &status) || fdatasync(fd)) {
        code = reel_error_errno(err_out, errno, "the spool: %s", name);
    } else {
        file = reel_spool_file_add(spool, number, (uint64_t)status.st_size);
        spool->next_file = number + 1;
        code = file ? file_scan(spool, file, fd, name, last, err_out)
                    : reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    if (fd >= 0)
        close(fd);
    return code;
}

enum reel_code reel_spool_load(struct reel_spool *spool, struct reel_error *err_out)
{
    struct dirent **names = NULL;
    int count = scandirat(spool->folder, ".", &names, is_file, by_number);
    enum reel_code code = REEL_OK;

    if (count < 0)
        return reel_error_errno(err_out, errno, "the spool");
    for (int i = 0; i < count; i++) {
        if (!code)
            code = file_load(spool, names[i]->d_name, i == count - 1, err_out);
        free(names[i]);
    }
    free(names);
    return code;
}
