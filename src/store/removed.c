/* Removed: from its name to a temporary one, from there to nothing. */
#include "store/removed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { NAME_BYTES = 2 * REEL_NAME_BYTES + 32 };

/* In the same folder, which may be a link to another disk: so it is a rename in any case, and
 * recovery takes it for what it is by its name (".….tmp", which is no session's). */
static void temporary_of(const struct reel_removed *removed, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "%s/.%016" PRIx64 ".deleted.tmp", removed->device, removed->id);
}

static enum reel_code unlink_name(int root_fd, const char *name, struct reel_error *err_out)
{
    return unlinkat(root_fd, name, 0) == 0 || errno == ENOENT
               ? REEL_OK
               : reel_error_errno(err_out, errno, "remove %s", name);
}

enum reel_code reel_removed_unname(int root_fd, const struct reel_removed *removed,
                                   struct reel_error *err_out)
{
    char temporary[NAME_BYTES];
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "%s/%s.json", removed->device, removed->session);
    if (unlink_name(root_fd, name, err_out) != REEL_OK)
        return REEL_E_STALLED;
    snprintf(name, sizeof name, "%s/%s.wav", removed->device, removed->session);
    temporary_of(removed, temporary);
    if (renameat(root_fd, name, root_fd, temporary) == 0)
        return REEL_OK;
    return unlink_name(root_fd, name, err_out);
}

void reel_removed_discard(const struct reel_removed *removed, struct reel_discard *discard_out)
{
    char temporary[NAME_BYTES];

    temporary_of(removed, temporary);
    *discard_out = (struct reel_discard){.fd = -1, .file_bytes = removed->file_bytes};
    snprintf(discard_out->path, sizeof discard_out->path, "recordings/%s", temporary);
}
