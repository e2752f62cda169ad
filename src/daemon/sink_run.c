/* Sink, its threads: started, watched until one ends or a signal comes, and stopped. */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/reload.h"
#include "daemon/sink_internal.h"
#include "io/loop.h"
#include "io/wake.h"

static enum reel_code run_ingest(void *sink, struct reel_error *err_out)
{
    return reel_ingest_run(((struct reel_sink *)sink)->ingest, err_out);
}

static enum reel_code run_responder(void *sink, struct reel_error *err_out)
{
    return reel_responder_run(((struct reel_sink *)sink)->responder, err_out);
}

static enum reel_code run_hasher(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_hasher_run(&((struct reel_sink *)sink)->hasher);
    return REEL_OK;
}

static enum reel_code run_remover(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_remover_run(&((struct reel_sink *)sink)->remover);
    return REEL_OK;
}

static enum reel_code run_importer(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_importer_run(&((struct reel_sink *)sink)->importer);
    return REEL_OK;
}

/* Those two alone end by themselves. */
static enum reel_code open_each(struct reel_sink *sink, struct reel_error *err_out)
{
    enum reel_code (*const run[REEL_SINK_WORKERS])(void *, struct reel_error *) = {
        [REEL_SINK_INGEST] = run_ingest,     [REEL_SINK_RESPONDER] = run_responder,
        [REEL_SINK_HASHER] = run_hasher,     [REEL_SINK_REMOVER] = run_remover,
        [REEL_SINK_IMPORTER] = run_importer,
    };

    for (size_t i = 0; i < REEL_SINK_WORKERS; i++) {
        struct reel_worker *worker = &sink->workers[i];

        worker->run = run[i];
        worker->user = sink;
        if (i == REEL_SINK_INGEST || i == REEL_SINK_RESPONDER)
            worker->ended_fd = sink->ended_fd;
        if (reel_worker_open(worker, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

enum reel_code reel_sink_open_workers(struct reel_sink *sink, struct reel_error *err_out)
{
    sigset_t end, reload;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sink->end_fd = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    sink->reload_fd = signalfd(-1, &reload, SFD_CLOEXEC | SFD_NONBLOCK);
    sink->ended_fd = reel_wake_open();
    if (sink->end_fd < 0 || sink->reload_fd < 0 || sink->ended_fd < 0)
        return reel_error_errno(err_out, errno, "signalfd");
    return open_each(sink, err_out);
}

static void close_descriptor(int fd)
{
    if (fd > 0)
        close(fd);
}

void reel_sink_close_workers(struct reel_sink *sink)
{
    for (size_t i = 0; i < REEL_SINK_WORKERS; i++)
        reel_worker_close(&sink->workers[i]);
    close_descriptor(sink->end_fd);
    close_descriptor(sink->reload_fd);
    close_descriptor(sink->ended_fd);
}

/* Those first that the others hand work to. */
static enum reel_code start_all(struct reel_sink *sink, struct reel_error *err_out)
{
    for (size_t i = REEL_SINK_WORKERS; i-- > 0;) {
        if (reel_worker_start(&sink->workers[i], err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

static void reload(struct reel_sink *sink)
{
    const struct reel_reload again = {sink->sources, sink->settings, sink->log};

    reel_service_reloading(&sink->service);
    if (!reel_reload_run(&again))
        reel_service_reloaded(&sink->service);
}

static void take_reload(struct reel_sink *sink)
{
    struct signalfd_siginfo signal;

    if (read(sink->reload_fd, &signal, sizeof signal) == (ssize_t)sizeof signal)
        reload(sink);
}

static void wait_for_end(struct reel_sink *sink)
{
    struct pollfd fds[4] = {
        {.fd = sink->end_fd, .events = POLLIN},
        {.fd = sink->ended_fd, .events = POLLIN},
        {.fd = sink->reload_fd, .events = POLLIN},
        {.fd = reel_config_share_fd(sink->settings), .events = POLLIN},
    };

    while (reel_poll(fds, 4, INT64_MAX), !fds[0].revents && !fds[1].revents) {
        if (fds[2].revents)
            take_reload(sink);
        if (fds[3].revents && reel_config_share_followed(sink->settings))
            reel_service_reloaded(&sink->service);
    }
}

enum reel_code reel_sink_run(struct reel_sink *sink, struct reel_error *err_out)
{
    enum reel_code code = start_all(sink, err_out);

    if (code == REEL_OK)
        wait_for_end(sink);
    reel_service_end();
    for (size_t i = 0; i < REEL_SINK_WORKERS; i++)
        reel_worker_stop(&sink->workers[i]);
    for (size_t i = 0; i < REEL_SINK_WORKERS && code == REEL_OK; i++) {
        code = sink->workers[i].code;
        *err_out = sink->workers[i].error;
    }
    return code;
}
