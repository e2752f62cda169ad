/* Discard: closed, then unlinked. */
#include "store/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

void reel_discard_leave(struct reel_discard *discard)
{
    if (discard->fd >= 0)
        close(discard->fd); /* only read from: there is nothing that could fail */
    discard->fd = -1;
}

enum reel_code reel_discard(const char *dir, struct reel_discard *discard,
                            struct reel_error *err_out)
{
    char path[PATH_MAX];

    reel_discard_leave(discard);
    if (discard->path[0] == '\0')
        return REEL_OK;
    snprintf(path, sizeof path, "%s/%s", dir, discard->path);
    return unlinkat(AT_FDCWD, path, 0) == 0 || errno == ENOENT
               ? REEL_OK
               : reel_error_errno(err_out, errno, "remove %s", discard->path);
}
