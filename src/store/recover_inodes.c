/* Recover, inodes: have the disk read what a start asks of each file, by threads that go through
 * the folders ahead of it. One that asks for file after file leaves the disk idle in between, and a
 * disk of today serves several at once. Nothing is lost where they do not run. */
#include "store/recover_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { INODE_THREADS = 3 };

struct inodes {
    int root_fd;
    const struct folders *folders;
    atomic_size_t next; /* folder */
    atomic_bool stops;
    pthread_t threads[INODE_THREADS];
    unsigned threads_count;
};

/* A hint: what fails here will fail where it is asked, and is told there. */
static enum reel_code ask(void *user, int folder_fd, const char *folder, const char *name,
                          struct reel_error *err_out)
{
    struct inodes *inodes = user;
    struct stat status;

    (void)folder;
    (void)err_out;
    (void)fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW);
    return atomic_load_explicit(&inodes->stops, memory_order_relaxed) ? REEL_E_STALLED : REEL_OK;
}

static void *work(void *argument)
{
    struct inodes *inodes = argument;

    while (!atomic_load_explicit(&inodes->stops, memory_order_relaxed)) {
        size_t i = atomic_fetch_add_explicit(&inodes->next, 1, memory_order_relaxed);
        struct reel_error ignored;
        const char *name;
        int fd;

        if (i >= inodes->folders->count)
            break;
        name = inodes->folders->items[i].name;
        fd = openat(inodes->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            (void)reel_recover_each_name(fd, name, ask, inodes, &ignored);
    }
    return NULL;
}

struct inodes *reel_recover_inodes_start(const struct recovery *recovery,
                                         const struct folders *folders)
{
    struct inodes *inodes = calloc(1, sizeof *inodes);

    if (!inodes)
        return NULL;
    inodes->root_fd = recovery->home->recordings_fd;
    inodes->folders = folders;
    atomic_store_explicit(&inodes->next, 1, memory_order_relaxed); /* the first is under way */
    while (inodes->threads_count < INODE_THREADS && inodes->threads_count + 1 < folders->count &&
           pthread_create(&inodes->threads[inodes->threads_count], NULL, work, inodes) == 0)
        inodes->threads_count++;
    return inodes;
}

void reel_recover_inodes_stop(struct inodes *inodes)
{
    if (!inodes)
        return;
    atomic_store_explicit(&inodes->stops, true, memory_order_relaxed);
    for (unsigned i = 0; i < inodes->threads_count; i++)
        pthread_join(inodes->threads[i], NULL);
    free(inodes);
}
