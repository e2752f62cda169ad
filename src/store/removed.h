/* Removed: the file of a recording that was deleted. With the commit it gets another name, so that
 * its own is free at once; the unlinking, which of a large file takes long, is work for another
 * thread (store/discard.h). */
#ifndef REEL_STORE_REMOVED_H
#define REEL_STORE_REMOVED_H

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "store/discard.h"

struct reel_removed {
    uint64_t id;
    uint64_t file_bytes;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};

/* Let its file go from its name, and its sidecar. What is not there is gone. Where the disk has no
 * room for the other name, or the folder is not there any more, the file is unlinked as it stands.
 * STALLED; each is then as it was, or gone. `root_fd` is recordings/. */
enum reel_code reel_removed_unname(int root_fd, const struct reel_removed *removed,
                                   struct reel_error *err_out);

/* What that left. */
void reel_removed_discard(const struct reel_removed *removed, struct reel_discard *discard_out);

#endif
