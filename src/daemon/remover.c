/* Remover: one file after the other; one that cannot be unlinked is tried again. */
#include "daemon/remover.h"

#include <stdlib.h>
#include <utlist.h>

#include "io/loop.h"

enum { RETRY_US = 5000000 };

/* What could not be unlinked yet. */
struct stuck {
    struct stuck *next;
    struct reel_discard discard;
};

static bool unlink_file(const struct reel_remover *remover, struct reel_discard *discard,
                        struct reel_error *err_out)
{
    if (reel_discard(remover->store_dir, discard, err_out))
        return false;
    reel_discount(&remover->counters->unlinking_bytes, discard->file_bytes);
    return true;
}

/* Without memory it is left to recovery. */
static void keep(struct stuck **list, const struct reel_discard *discard)
{
    struct stuck *stuck = calloc(1, sizeof *stuck);

    if (!stuck)
        return;
    stuck->discard = *discard;
    LL_PREPEND(*list, stuck);
}

static void work(const struct reel_remover *remover, struct reel_discard *discard,
                 struct stuck **list)
{
    struct reel_error error;

    if (unlink_file(remover, discard, &error))
        return;
    reel_log_write(remover->log, REEL_LOG_ERROR, "what is not needed any more: %s", error.message);
    keep(list, discard);
}

static void try_again(const struct reel_remover *remover, struct stuck **list)
{
    struct stuck *stuck;
    struct stuck *after;

    LL_FOREACH_SAFE(*list, stuck, after)
    {
        if (!unlink_file(remover, &stuck->discard, NULL))
            continue;
        LL_DELETE(*list, stuck);
        free(stuck);
    }
}

static void forget(struct stuck **list)
{
    struct stuck *stuck;
    struct stuck *after;

    LL_FOREACH_SAFE(*list, stuck, after)
    free(stuck);
    *list = NULL;
}

void reel_remover_run(const struct reel_remover *remover)
{
    struct pollfd fds[2] = {
        {.fd = remover->stop_fd, .events = POLLIN},
        {.fd = reel_mailbox_fd(remover->discards), .events = POLLIN},
    };
    struct stuck *list = NULL;

    for (;;) {
        struct reel_discard *discard;

        reel_poll(fds, 2, list ? reel_monotonic_us() + RETRY_US : INT64_MAX);
        if (fds[0].revents)
            break;
        discard = reel_mailbox_take(remover->discards);
        if (discard)
            work(remover, discard, &list);
        else
            try_again(remover, &list);
        free(discard);
    }
    forget(&list);
}
