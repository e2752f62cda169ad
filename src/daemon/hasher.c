/* Hasher: one job after the other. */
#include "daemon/hasher.h"

#include <stdint.h>
#include <stdlib.h>

#include "io/loop.h"
#include "store/hash.h"

static void work(const struct reel_hasher *hasher, struct reel_hash_job *job)
{
    struct reel_error error;

    if (reel_hash_file(hasher->store_dir, job, &error)) {
        reel_log_write_about(hasher->log, REEL_LOG_WARNING, REEL_LOG_OF(job->device, job->session),
                             "no sha256 of %s/%s: %s", job->device, job->session, error.message);
        job->sha256[0] = '\0';
    }
    if (!reel_mailbox_post(hasher->hashes, job, 0))
        free(job);
}

void reel_hasher_run(const struct reel_hasher *hasher)
{
    struct pollfd fds[2] = {
        {.fd = hasher->stop_fd, .events = POLLIN},
        {.fd = reel_mailbox_fd(hasher->jobs), .events = POLLIN},
    };

    for (;;) {
        struct reel_hash_job *job;

        reel_poll(fds, 2, INT64_MAX);
        if (fds[0].revents)
            return;
        job = reel_mailbox_take(hasher->jobs);
        if (job)
            work(hasher, job);
    }
}
