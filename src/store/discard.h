/* Discard: a file that nothing needs any more, on its way to be unlinked by another thread: of a
 * large one that takes long. What a killed process left is removed by recovery. */
#ifndef REEL_STORE_DISCARD_H
#define REEL_STORE_DISCARD_H

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct reel_discard {
    int fd;                              /* of a file that has lost its name: to be closed; -1 */
    uint64_t file_bytes;                 /* that it gives back; 0 where nobody counts on them */
    char path[2 * REEL_NAME_BYTES + 48]; /* below store.dir, to be unlinked; "" */
};

/* Close and unlink it; `dir` is store.dir. What is gone is gone. STALLED: only the path is left to
 * do, and may be tried again. Any thread. */
enum reel_code reel_discard(const char *dir, struct reel_discard *discard,
                            struct reel_error *err_out);

/* Leave a file to recovery; the descriptor is closed. */
void reel_discard_leave(struct reel_discard *discard);

#endif
