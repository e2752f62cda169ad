/* Spool: from a folder, in whatever state a power cut left it, to a spool. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

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

enum reel_code reel_spool_open(const char *folder, uint64_t max_bytes,
                               reel_spool_resumed_fn *resumed, void *user,
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
        code = reel_spool_load(spool, resumed, user, err_out);
    if (!code)
        code = reel_spool_done_load(spool, err_out);
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
    free((*spool)->done);
    free((*spool)->buffer);
    free(*spool);
    *spool = NULL;
}

const char *reel_spool_device(const struct reel_spool *spool)
{
    struct spool_lane *lane, *next;

    HASH_ITER (hh, spool->lanes, lane, next) {
        if (lane->state.device[0])
            return lane->state.device;
    }
    return NULL;
}
