/* Remover: one file after the other. */
#include "daemon/remover.h"

#include <stdlib.h>

#include "io/loop.h"

static void work(const struct reel_remover *remover, const struct reel_removed *removed)
{
    struct reel_error error;

    if (reel_removed_unlink(remover->store_dir, removed, &error))
        reel_log_write(remover->log, REEL_LOG_ERROR, "the file of %s/%s, which was deleted: %s",
                       removed->device, removed->session, error.message);
    reel_discount(&remover->counters->unlinking_bytes, removed->file_bytes);
}

void reel_remover_run(const struct reel_remover *remover)
{
    struct pollfd fds[2] = {
        {.fd = remover->stop_fd, .events = POLLIN},
        {.fd = reel_mailbox_fd(remover->removed), .events = POLLIN},
    };

    for (;;) {
        struct reel_removed *removed;

        reel_poll(fds, 2, INT64_MAX);
        if (fds[0].revents)
            return;
        removed = reel_mailbox_take(remover->removed);
        if (removed)
            work(remover, removed);
        free(removed);
    }
}
