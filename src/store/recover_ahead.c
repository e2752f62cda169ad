/* Recover, ahead: have the disk read what will be looked at soon, while what is before it is being
 * looked at. Small files that are read one by one leave the disk idle in between; and since opening
 * a file waits for the disk too, a thread of its own does it. It touches no more than names that
 * nobody changes, and nothing is lost where it does not run. */
#include "store/recover_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a WAV file its header; of a sidecar, few of which are larger, all. */
enum { AHEAD_RECORDINGS = 256, AHEAD_BYTES = 4096 };

/* One recording, as it was found. */
struct coming {
    const char *key;
    bool has_wav;
    bool has_sidecar;
};

struct ahead {
    int root_fd;
    struct coming *coming;
    size_t count;
    sem_t room;              /* how many recordings it may go further */
    atomic_size_t looked_at; /* by who is behind it */
    atomic_bool stops;
    pthread_t thread;
};

/* A hint: what fails here will fail where it is read, and is told there. */
static void read_soon(int root_fd, const char *key, const char *suffix)
{
    char name[2 * REEL_NAME_BYTES + 8];
    int fd;

    snprintf(name, sizeof name, "%s%s", key, suffix);
    fd = openat(root_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, AHEAD_BYTES, POSIX_FADV_WILLNEED);
    close(fd);
}

/* What was looked at meanwhile is passed over. */
static void *work(void *argument)
{
    struct ahead *ahead = argument;

    for (size_t i = 0; i < ahead->count; i++) {
        const struct coming *coming = &ahead->coming[i];

        while (sem_wait(&ahead->room) != 0)
            ; /* a signal */
        if (atomic_load_explicit(&ahead->stops, memory_order_relaxed))
            break;
        if (i < atomic_load_explicit(&ahead->looked_at, memory_order_relaxed))
            continue;
        if (coming->has_wav)
            read_soon(ahead->root_fd, coming->key, ".wav");
        if (coming->has_sidecar)
            read_soon(ahead->root_fd, coming->key, ".json");
    }
    return NULL;
}

static void note_coming(struct ahead *ahead, const struct found *all)
{
    for (const struct found *found = all; found; found = found->hh.next)
        ahead->coming[ahead->count++] =
            (struct coming){found->key, found->has_wav, found->has_sidecar};
}

static void release(struct ahead *ahead)
{
    sem_destroy(&ahead->room);
    free(ahead->coming);
    free(ahead);
}

struct ahead *reel_recover_ahead_start(const struct recovery *recovery, const struct found *all)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);

    if (!ahead)
        return NULL;
    if (sem_init(&ahead->room, 0, AHEAD_RECORDINGS) != 0) {
        free(ahead);
        return NULL;
    }
    ahead->root_fd = recovery->home->recordings_fd;
    ahead->coming = calloc(HASH_COUNT(all) + 1, sizeof *ahead->coming);
    if (ahead->coming)
        note_coming(ahead, all);
    if (!ahead->coming || pthread_create(&ahead->thread, NULL, work, ahead) != 0) {
        release(ahead);
        return NULL;
    }
    return ahead;
}

void reel_recover_ahead_step(struct ahead *ahead)
{
    if (!ahead)
        return;
    atomic_fetch_add_explicit(&ahead->looked_at, 1, memory_order_relaxed);
    sem_post(&ahead->room);
}

void reel_recover_ahead_stop(struct ahead *ahead)
{
    if (!ahead)
        return;
    atomic_store_explicit(&ahead->stops, true, memory_order_relaxed);
    sem_post(&ahead->room);
    pthread_join(ahead->thread, NULL);
    release(ahead);
}
