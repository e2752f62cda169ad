/* Recover, ahead: have the disk read what will be looked at soon, while the one before it is being
 * looked at. Small files read one by one leave the disk idle in between. */
#include "store/recover_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Of a WAV file its header; of a sidecar, few of which are larger, all. */
enum { AHEAD_RECORDINGS = 64, AHEAD_BYTES = 4096 };

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

void reel_recover_read_ahead(const struct recovery *recovery, struct ahead *ahead)
{
    for (; ahead->next && ahead->lead < AHEAD_RECORDINGS; ahead->lead++) {
        if (ahead->next->has_wav)
            read_soon(recovery->home->recordings_fd, ahead->next->key, ".wav");
        if (ahead->next->has_sidecar)
            read_soon(recovery->home->recordings_fd, ahead->next->key, ".json");
        ahead->next = ahead->next->hh.next;
    }
    ahead->lead--;
}
