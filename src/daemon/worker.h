/* Worker: a thread, how to ask it to end, and what became of it. */
#ifndef REEL_DAEMON_WORKER_H
#define REEL_DAEMON_WORKER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct reel_worker {
    pthread_t thread;
    bool running;
    int stop_fd;  /* readable once it is to end; 0: not open */
    int ended_fd; /* borrowed: told when it has ended, by itself or not; 0: nobody is */
    enum reel_code (*run)(void *user, struct reel_error *err_out);
    void *user;
    enum reel_code code; /* what `run` returned, once it was stopped */
    struct reel_error error;
};

/* Give it a descriptor to be stopped by. STALLED without one. */
enum reel_code reel_worker_open(struct reel_worker *worker, struct reel_error *err_out);

/* Start `run` with `user` on a thread of its own. STALLED: there is none. */
enum reel_code reel_worker_start(struct reel_worker *worker, struct reel_error *err_out);

/* Ask it to end, and wait until it has. Does nothing to one that does not run. */
void reel_worker_stop(struct reel_worker *worker);

/* Close its descriptor. */
void reel_worker_close(struct reel_worker *worker);

#endif
