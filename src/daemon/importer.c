/* Importer: one job after the other. */
#include "daemon/importer.h"

#include <stdint.h>
#include <stdlib.h>

#include "io/loop.h"

void reel_import_job_destroy(struct reel_import_job *job)
{
    if (job && !job->converts)
        reel_discard_leave(&job->discard);
    free(job);
}

/* An upload that is given up because it is time to end is converted after the next start. */
static void work(const struct reel_importer *importer, struct reel_import_job *job)
{
    if (!job->converts) {
        reel_discard(importer->store_dir, &job->discard, importer->log);
        free(job);
        return;
    }
    if (!reel_upload_convert(importer->store_dir, &importer->limits, &job->conversion) ||
        !reel_mailbox_post(importer->imports, job, 0))
        free(job);
}

void reel_importer_run(const struct reel_importer *importer)
{
    struct pollfd fds[2] = {
        {.fd = importer->limits.stop_fd, .events = POLLIN},
        {.fd = reel_mailbox_fd(importer->jobs), .events = POLLIN},
    };

    for (;;) {
        struct reel_import_job *job;

        reel_poll(fds, 2, INT64_MAX);
        if (fds[0].revents)
            return;
        job = reel_mailbox_take(importer->jobs);
        if (job)
            work(importer, job);
    }
}
