/* Worker: threads begun and ended. */
#include "daemon/worker.h"

#include <errno.h>
#include <unistd.h>

#include "io/wake.h"

static void *thread_body(void *user)
{
    struct reel_worker *worker = user;

    worker->code = worker->run(worker->user, &worker->error);
    if (worker->ended_fd > 0)
        reel_wake_raise(worker->ended_fd);
    return NULL;
}

enum reel_code reel_worker_open(struct reel_worker *worker, struct reel_error *err_out)
{
    worker->stop_fd = reel_wake_open();
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
    reel_wake_raise(worker->stop_fd);
    pthread_join(worker->thread, NULL);
    worker->running = false;
}

void reel_worker_close(struct reel_worker *worker)
{
    if (worker->stop_fd > 0)
        close(worker->stop_fd);
    worker->stop_fd = 0;
}
