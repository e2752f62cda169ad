/* Spool: from a folder, in whatever state a power cut left it, to a spool. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/report.h"
#include "cli/spool_internal.h"

#define FILE_BYTES     ((uint64_t)4 * 1024 * 1024)
#define FILE_LEAST     ((uint64_t)64 * 1024)
#define FILES_IN_BOUND 8

/* A new folder's name must last as long as what is in it. */
static int parent_sync(int folder)
{
    int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = parent < 0 ? -1 : fsync(parent);

    if (parent >= 0)
        close(parent);
    return status;
}

static enum reel_code folder_open(struct reel_spool *spool, const char *folder,
                                  struct reel_error *err_out)
{
    bool made = mkdir(folder, 0700) == 0;

    if (!made && errno != EEXIST)
        return reel_error_errno(err_out, errno, "%s", folder);
    spool->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder < 0)
        return reel_error_errno(err_out, errno, "%s", folder);
    if (made && parent_sync(spool->folder))
        return reel_error_errno(err_out, errno, "the folder of %s", folder);
    spool->lock = openat(spool->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (spool->lock < 0)
        return reel_error_errno(err_out, errno, "%s/lock", folder);
    if (flock(spool->lock, LOCK_EX | LOCK_NB) == 0)
        return REEL_OK;
    if (errno != EWOULDBLOCK)
        return reel_error_errno(err_out, errno, "%s/lock", folder);
    return reel_error_set(err_out, REEL_E_BUSY, NULL, "another program uses the spool %s", folder);
}

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

static enum reel_code load(struct reel_spool *spool, struct reel_error *err_out)
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

enum reel_code reel_spool_open(const char *folder, uint64_t max_bytes,
                               struct reel_spool **spool_out, struct reel_error *err_out)
{
    struct reel_spool *spool = calloc(1, sizeof *spool);
    uint64_t share = max_bytes / FILES_IN_BOUND;
    enum reel_code code;

    if (!spool)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    pthread_mutex_init(&spool->mutex, NULL);
    spool->folder = spool->lock = spool->out = spool->in = -1;
    spool->max_bytes = max_bytes;
    spool->file_bytes = share > FILE_BYTES ? FILE_BYTES : share < FILE_LEAST ? FILE_LEAST : share;
    spool->next_file = spool->next_lane = 1;
    signal(SIGXFSZ, SIG_IGN); /* a limit on a file's size is an error like a full disk */
    code = folder_open(spool, folder, err_out);
    if (!code)
        code = load(spool, err_out);
    if (code)
        reel_spool_close(&spool);
    else
        *spool_out = spool;
    return code;
}

static void descriptor_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void reel_spool_close(struct reel_spool **spool)
{
    struct spool_file *file, *next;
    struct spool_lane *lane, *following;

    if (!*spool)
        return;
    DL_FOREACH_SAFE ((*spool)->files, file, next)
        free(file);
    HASH_ITER (hh, (*spool)->lanes, lane, following) {
        HASH_DEL((*spool)->lanes, lane);
        free(lane);
    }
    descriptor_close((*spool)->in);
    descriptor_close((*spool)->out);
    descriptor_close((*spool)->lock);
    descriptor_close((*spool)->folder);
    pthread_mutex_destroy(&(*spool)->mutex);
    free((*spool)->buffer);
    free(*spool);
    *spool = NULL;
}

const char *reel_spool_device(const struct reel_spool *spool)
{
    return spool->lanes ? spool->lanes->state.device : NULL;
}
