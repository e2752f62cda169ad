/* Worker: threads begun and ended. */
#include "daemon/worker.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void raise_fd(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) != (ssize_t)sizeof one)
        abort(); /* an eventfd takes 2^64-2 of these */
}

static void *thread_body(void *user)
{
    struct reel_worker *worker = user;

    worker->code = worker->run(worker->user, &worker->error);
    if (worker->ended_fd > 0)
        raise_fd(worker->ended_fd);
    return NULL;
}

enum reel_code reel_worker_open(struct reel_worker *worker, struct reel_error *err_out)
{
    worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return worker->stop_fd >= 0 ? REEL_OK : reel_error_errno(err_out, errno, "eventfd");
}

enum reel_code reel_worker_start(struct reel_worker *worker, struct reel_error *err_out)
{
    int rc = pthread_create(&worker->thread, NULL, thread_body, worker);

    if (rc)
        return reel_error_errno(err_out, rc, "starting a thread");
    worker->running = true;
    return REEL_OK;
}

void reel_worker_stop(struct reel_worker *worker)
{
    if (!worker->running)
        return;
    raise_fd(worker->stop_fd);
    pthread_join(worker->thread, NULL);
    worker->running = false;
}

void reel_worker_close(struct reel_worker *worker)
{
    if (worker->stop_fd > 0)
        close(worker->stop_fd);
    worker->stop_fd = 0;
}
