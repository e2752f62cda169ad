/* Feed: from reel_fetch_run into a pipe. */
#include "cli/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/fetch.h"
#include "cli/interrupt.h"
#include "cli/report.h"

enum { READ, WRITE };

struct reel_feed {
    struct reel_common common; /* with an id of its own, and silent */
    struct reel_fetch fetch;
    int pipe[2];
    pthread_t thread;
    bool running; /* the thread is not joined */
    enum reel_code code;
    struct reel_error error;
    size_t pending_at, pending_bytes;
    uint8_t pending[REEL_DOWNLOAD_LENGTH_MAX]; /* handed over, on its way into the pipe */
};

/* Write what the pipe takes now. */
static enum reel_code push(struct reel_feed *feed, struct reel_error *err_out)
{
    while (feed->pending_at < feed->pending_bytes) {
        ssize_t written = write(feed->pipe[WRITE], feed->pending + feed->pending_at,
                                feed->pending_bytes - feed->pending_at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            return REEL_OK;
        if (written < 0)
            return reel_error_errno(err_out, errno, "a pipe");
        feed->pending_at += (size_t)written;
    }
    return REEL_OK;
}

static enum reel_code room(void *user, bool *room_out, struct pollfd *wait_out,
                           struct reel_error *err_out)
{
    struct reel_feed *feed = user;
    enum reel_code code = push(feed, err_out);

    *room_out = feed->pending_at == feed->pending_bytes;
    *wait_out = (struct pollfd){.fd = feed->pipe[WRITE], .events = *room_out ? 0 : POLLOUT};
    if (!code && poll(wait_out, 1, 0) > 0 && (wait_out->revents & POLLERR))
        code = reel_error_set(err_out, REEL_E_STALLED, NULL, "nobody reads any more");
    return code;
}

static enum reel_code take(void *user, uint64_t offset, const void *bytes, size_t size,
                           struct reel_error *err_out)
{
    struct reel_feed *feed = user;

    (void)offset;
    memcpy(feed->pending, bytes, size);
    feed->pending_at = 0;
    feed->pending_bytes = size;
    return push(feed, err_out);
}

/* The last of it, which nothing is fetched behind. */
static enum reel_code drain(struct reel_feed *feed, struct reel_error *err_out)
{
    if (fcntl(feed->pipe[WRITE], F_SETFL, 0) < 0)
        return reel_error_errno(err_out, errno, "a pipe");
    return push(feed, err_out);
}

static void *run(void *user)
{
    struct reel_feed *feed = user;

    feed->code = reel_fetch_run(&feed->fetch, &feed->error);
    if (!feed->code)
        feed->code = drain(feed, &feed->error);
    close(feed->pipe[WRITE]);
    return NULL;
}

/* Signals are the others' business. */
static enum reel_code start(struct reel_feed *feed, struct reel_error *err_out)
{
    bool held = reel_interrupt_allow(false);
    int status = pthread_create(&feed->thread, NULL, run, feed);

    reel_interrupt_allow(!held);
    feed->running = status == 0;
    return status ? reel_error_errno(err_out, status, "a thread") : REEL_OK;
}

enum reel_code reel_feed_open(const struct reel_common *common, const json_t *view,
                              struct reel_feed **feed_out, struct reel_error *err_out)
{
    struct reel_feed *feed = calloc(1, sizeof *feed);
    enum reel_code code;

    if (!feed)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    feed->common = *common;
    feed->common.client_id = NULL;
    feed->common.quiet = true;
    feed->fetch = (struct reel_fetch){
        .common = &feed->common,
        .device = json_string_value(json_object_get(view, "device")),
        .label = "",
        .view = view,
        .user = feed,
        .write = take,
        .room = room,
    };
    if (pipe2(feed->pipe, O_CLOEXEC) < 0) {
        code = reel_error_errno(err_out, errno, "a pipe");
        free(feed);
        return code;
    }
    code = fcntl(feed->pipe[WRITE], F_SETFL, O_NONBLOCK) < 0
               ? reel_error_errno(err_out, errno, "a pipe")
               : start(feed, err_out);
    if (code) {
        close(feed->pipe[WRITE]);
        reel_feed_close(&feed);
        return code;
    }
    *feed_out = feed;
    return REEL_OK;
}

static void join(struct reel_feed *feed)
{
    if (feed->running)
        pthread_join(feed->thread, NULL);
    feed->running = false;
}

void reel_feed_close(struct reel_feed **feed)
{
    if (!*feed)
        return;
    close((*feed)->pipe[READ]); /* which the thread notices */
    join(*feed);
    free(*feed);
    *feed = NULL;
}

int reel_feed_fd(const struct reel_feed *feed)
{
    return feed->pipe[READ];
}

enum reel_code reel_feed_outcome(struct reel_feed *feed, struct reel_error *err_out)
{
    join(feed);
    if (feed->code)
        *err_out = feed->error;
    return feed->code;
}
