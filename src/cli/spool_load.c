/* Spool: what stands in its files at the start, and what of it is damaged or missing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/report.h"
#include "cli/spool_internal.h"

static int by_number(const struct dirent **a, const struct dirent **b)
{
    uint64_t left = strtoull((*a)->d_name, NULL, 10), right = strtoull((*b)->d_name, NULL, 10);

    return (left > right) - (left < right);
}

/* Whether it is the name of a file of ours with that behind it. */
static int is_name(const struct dirent *entry, const char *suffix)
{
    uint64_t number = strtoull(entry->d_name, NULL, 10);
    char name[SPOOL_NAME_BYTES];
    size_t length;

    if (number == 0 || number == UINT64_MAX)
        return 0;
    reel_spool_file_name(number, name);
    length = strlen(name);
    return strncmp(name, entry->d_name, length) == 0 && strcmp(entry->d_name + length, suffix) == 0;
}

static int is_file(const struct dirent *entry)
{
    return is_name(entry, "");
}

static int is_aside(const struct dirent *entry)
{
    return is_name(entry, SPOOL_ASIDE);
}

static enum reel_code out_of_memory(struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
}

/* What a lane's record says may be older than the fragments before it. Where it is newer, some that
 * were there have gone. */
static enum reel_code lane_take(struct reel_spool *spool, const struct reel_spool_lane *read,
                                uint64_t file, struct reel_error *err_out)
{
    struct spool_lane *lane = reel_spool_lane_find(spool, read->number);
    struct reel_spool_lane state = *read;

    if (lane && lane->state.next_seq < read->next_seq) {
        spool->damaged = true;
        reel_report_note("the spool: %" PRIu64 " fragments of %s are missing",
                         read->next_seq - lane->state.next_seq, read->session);
    }
    if (lane && lane->state.next_seq > read->next_seq) {
        state.next_seq = lane->state.next_seq;
        state.next_frame = lane->state.next_frame;
        state.ended = lane->state.ended;
    }
    if (lane && lane->state.acknowledged > read->acknowledged)
        state.acknowledged = lane->state.acknowledged;
    state.refused = read->refused || (lane && lane->state.refused);
    state.damaged = read->damaged || (lane && lane->state.damaged);
    return reel_spool_lane_put(spool, &state, file) ? REEL_OK : out_of_memory(err_out);
}

static enum reel_code fragment_take(struct reel_spool *spool,
                                    const struct reel_spool_fragment *fragment,
                                    struct reel_error *err_out)
{
    const struct reel_spool_lane unnamed = {.number = fragment->lane, .next_seq = fragment->seq};
    struct spool_lane *lane = reel_spool_lane_find(spool, fragment->lane);

    if (!lane)
        lane = reel_spool_lane_put(spool, &unnamed, 0);
    if (!lane)
        return out_of_memory(err_out);
    if (!lane->state.device[0])
        lane->unnamed++;
    if (fragment->seq >= lane->state.next_seq) {
        lane->state.next_seq = fragment->seq + 1;
        lane->state.next_frame = fragment->next_frame;
        lane->state.ended = fragment->end;
        lane->durable = lane->state;
    }
    return REEL_OK;
}

static enum reel_code record_take(struct reel_spool *spool, const struct reel_spool_record *record,
                                  uint64_t file, struct reel_error *err_out)
{
    return record->kind == REEL_SPOOL_LANE ? lane_take(spool, &record->lane, file, err_out)
                                           : fragment_take(spool, &record->fragment, err_out);
}

struct loading {
    reel_spool_resumed_fn *resumed;
    void *user;
    bool last; /* of the files */
};

/* A note that says nothing of its lane that is not known without it. */
static bool is_repeat(struct reel_spool *spool, const struct reel_spool_record *record)
{
    const struct spool_lane *lane =
        record->kind == REEL_SPOOL_LANE ? reel_spool_lane_find(spool, record->lane.number) : NULL;

    return lane && lane->state.device[0] && record->lane.next_seq <= lane->state.next_seq;
}

/* Whose records stand behind damage at `offset`: of no lane, 0; of several, `*shared_out`. */
static enum reel_code behind(struct reel_spool *spool, const struct spool_file *file, int fd,
                             uint64_t offset, uint32_t *lane_out, bool *shared_out,
                             struct reel_error *err_out)
{
    struct reel_spool_record record;
    enum reel_code code = REEL_OK;
    uint64_t damaged;
    bool found = true;

    *lane_out = 0;
    *shared_out = false;
    while (!code && found) {
        uint32_t number;

        code = reel_spool_read(spool, fd, file->bytes, &offset, &record, &found, &damaged, err_out);
        if (code || !found || is_repeat(spool, &record))
            continue;
        number = record.kind == REEL_SPOOL_LANE ? record.lane.number : record.fragment.lane;
        *shared_out = *shared_out || (*lane_out && *lane_out != number);
        *lane_out = number;
    }
    return code;
}

/* Damage in the last file, from `offset` on: what was not synced before a power cut may be there
 * without what stands before it. Cut it off where nothing stands behind it, or where that is read
 * again from its source, so that nothing is left out. */
static enum reel_code hole_cut(struct reel_spool *spool, struct spool_file *file, int fd,
                               const char *name, uint64_t offset, const struct loading *loading,
                               bool *cut_out, struct reel_error *err_out)
{
    const struct spool_lane *lane;
    uint32_t number;
    bool shared;
    enum reel_code code = behind(spool, file, fd, offset, &number, &shared, err_out);

    if (code)
        return code;
    lane = reel_spool_lane_find(spool, number);
    *cut_out = number == 0 || (!shared && lane && loading->resumed(loading->user, &lane->state));
    if (!*cut_out)
        return REEL_OK;
    reel_report_note("the spool's last file %s %s: %" PRIu64 " bytes are cut off", name,
                     number ? "has a hole before what is read again" : "ends within a record",
                     file->bytes - offset);
    if (ftruncate(fd, (off_t)offset) || fdatasync(fd))
        return reel_error_errno(err_out, errno, "the spool: %s", name);
    spool->bytes -= file->bytes - offset;
    file->bytes = file->durable = offset;
    return REEL_OK;
}

static void pass_over(struct reel_spool *spool, struct spool_file *file, const char *name,
                      uint64_t damaged)
{
    spool->damaged = file->damaged = true;
    reel_report_note("the spool's file %s is damaged: %" PRIu64 " bytes are passed over", name,
                     damaged);
}

/* Read a file through. */
static enum reel_code file_scan(struct reel_spool *spool, struct spool_file *file, int fd,
                                const char *name, const struct loading *loading,
                                struct reel_error *err_out)
{
    struct reel_spool_record record;
    enum reel_code code = REEL_OK;
    uint64_t offset = 0, damaged;
    bool found = true, cut = false;

    while (!code && found && !cut) {
        uint64_t start = offset;

        code = reel_spool_read(spool, fd, file->bytes, &offset, &record, &found, &damaged, err_out);
        if (code)
            return code;
        if (damaged && loading->last && (!found || !file->damaged))
            code = hole_cut(spool, file, fd, name, start, loading, &cut, err_out);
        if (!code && !cut && damaged)
            pass_over(spool, file, name, damaged);
        if (!code && !cut && found) /* its payload may be gone from the buffer */
            code = record_take(spool, &record, file->number, err_out);
    }
    return code;
}

static void gap_tell(struct reel_spool *spool, uint64_t number)
{
    if (!spool->files || number == spool->next_file)
        return;
    spool->damaged = true;
    reel_report_note("the spool's files %08" PRIu64 " to %08" PRIu64 " are missing",
                     spool->next_file, number - 1);
}

static enum reel_code file_load(struct reel_spool *spool, const char *name,
                                const struct loading *loading, struct reel_error *err_out)
{
    uint64_t number = strtoull(name, NULL, 10);
    int fd = openat(spool->folder, name, O_RDWR | O_CLOEXEC);
    struct spool_file *file;
    struct stat status;
    enum reel_code code = REEL_OK;

    gap_tell(spool, number);
    /* What an earlier process wrote and did not sync is made durable before it is sent. */
    if (fd < 0 || fstat(fd, &status) || fdatasync(fd)) {
        code = reel_error_errno(err_out, errno, "the spool: %s", name);
    } else {
        file = reel_spool_file_add(spool, number, (uint64_t)status.st_size);
        spool->next_file = number + 1;
        if (!file)
            code = out_of_memory(err_out);
        if (!code)
            code = file_scan(spool, file, fd, name, loading, err_out);
    }
    if (fd >= 0)
        close(fd);
    return code;
}

/* Whether there is a record in it, or it begins as one does, or as a page that was never written.
 */
static enum reel_code is_ours(struct reel_spool *spool, int fd, uint64_t bytes, bool *ours_out,
                              struct reel_error *err_out)
{
    static const uint8_t unwritten[4];
    size_t head = bytes < sizeof unwritten ? (size_t)bytes : sizeof unwritten;
    struct reel_spool_record record;
    uint64_t offset = 0, damaged;
    enum reel_code code = reel_spool_fetch(spool, fd, 0, head, err_out);

    if (code)
        return code;
    *ours_out = head == 0 || reel_spool_record_begins(spool->buffer, head) ||
                memcmp(spool->buffer, unwritten, head) == 0;
    if (*ours_out)
        return REEL_OK;
    return reel_spool_read(spool, fd, bytes, &offset, &record, ours_out, &damaged, err_out);
}

static enum reel_code file_check(struct reel_spool *spool, const char *name,
                                 struct reel_error *err_out)
{
    int fd = openat(spool->folder, name, O_RDONLY | O_CLOEXEC);
    enum reel_code code = REEL_OK;
    struct stat status;
    bool ours = true;

    if (fd < 0 || fstat(fd, &status))
        code = reel_error_errno(err_out, errno, "the spool: %s", name);
    else
        code = is_ours(spool, fd, (uint64_t)status.st_size, &ours, err_out);
    if (!code && !ours)
        code = reel_error_set(err_out, REEL_E_VERSION_MISMATCH, NULL,
                              "the spool's file %s is of another version of reel, or none of its "
                              "files: it is to be moved away, and nothing was changed",
                              name);
    if (fd >= 0)
        close(fd);
    return code;
}

/* Fragments whose recording is not known stay where they are. */
static void unnamed_tell(struct reel_spool *spool)
{
    struct spool_lane *lane, *next;

    HASH_ITER (hh, spool->lanes, lane, next) {
        if (lane->state.device[0])
            continue;
        spool->damaged = true;
        reel_report_note("the spool: %" PRIu64 " fragments of a recording whose name is damaged "
                         "cannot be sent, and are kept",
                         lane->unnamed);
    }
}

/* Numbers of files that were set aside are not used again. */
static enum reel_code aside_find(struct reel_spool *spool, struct reel_error *err_out)
{
    struct dirent **names = NULL;
    int count = scandirat(spool->folder, ".", &names, is_aside, by_number);

    if (count < 0)
        return reel_error_errno(err_out, errno, "the spool");
    for (int i = 0; i < count; i++) {
        spool->next_file = strtoull(names[i]->d_name, NULL, 10) + 1;
        free(names[i]);
    }
    free(names);
    return REEL_OK;
}

enum reel_code reel_spool_load(struct reel_spool *spool, reel_spool_resumed_fn *resumed, void *user,
                               struct reel_error *err_out)
{
    struct loading loading = {.resumed = resumed, .user = user};
    struct dirent **names = NULL;
    int count = scandirat(spool->folder, ".", &names, is_file, by_number);
    enum reel_code code = REEL_OK;

    if (count < 0)
        return reel_error_errno(err_out, errno, "the spool");
    for (int i = 0; !code && i < count; i++)
        code = file_check(spool, names[i]->d_name, err_out);
    if (!code)
        code = aside_find(spool, err_out);
    for (int i = 0; i < count; i++) {
        loading.last = i == count - 1;
        if (!code)
            code = file_load(spool, names[i]->d_name, &loading, err_out);
        free(names[i]);
    }
    free(names);
    if (!code)
        unnamed_tell(spool);
    return code;
}
