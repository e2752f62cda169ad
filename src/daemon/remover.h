/* Remover: the thread that unlinks what is not needed any more, the files of removed recordings and
 * what is left of uploads, off the writing thread: of a large one it takes long. */
#ifndef REEL_DAEMON_REMOVER_H
#define REEL_DAEMON_REMOVER_H

#include "base/log.h"
#include "daemon/counters.h"
#include "io/mailbox.h"
#include "store/discard.h"

/* All is borrowed. */
struct reel_remover {
    const char *store_dir;
    const struct reel_log *log;
    struct reel_counters *counters;
    struct reel_mailbox *discards; /* in: struct reel_discard */
    int stop_fd;                   /* readable when it is time to end */
};

/* Run until stop_fd is readable. What is left then is recovery's to remove. */
void reel_remover_run(const struct reel_remover *remover);

#endif
