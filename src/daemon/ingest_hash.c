/* Ingest, sums: completed recordings to the hashing thread, one at a time, and what it made back.
 */
#include <stdlib.h>

#include "daemon/ingest_internal.h"
#include "io/loop.h"

static void take_hash(struct reel_ingest *ingest, const struct reel_hash_job *done)
{
    struct reel_error error;

    if (ingest->failed || done->sha256[0] == '\0')
        return;
    reel_batch_open(&ingest->batch, reel_monotonic_us());
    if (reel_store_hashed(ingest->store, done, &error))
        reel_ingest_fail(ingest, &error);
}

/* Hand it to the hashing thread. Without memory its sum waits for the next start. */
static bool post_job(struct reel_ingest *ingest, const struct reel_hash_job *what)
{
    struct reel_hash_job *job = malloc(sizeof *job);

    if (!job)
        return false;
    *job = *what;
    if (reel_mailbox_post(ingest->links.jobs, job, 0))
        return true;
    free(job);
    return false;
}

void reel_ingest_hashing(struct reel_ingest *ingest)
{
    struct reel_hash_job next;
    struct reel_hash_job *job;

    while ((job = reel_mailbox_take(ingest->links.hashes)) != NULL) {
        ingest->hashing = false;
        take_hash(ingest, job);
        free(job);
    }
    if (!ingest->failed && !ingest->hashing && reel_store_next_hash(ingest->store, &next))
        ingest->hashing = post_job(ingest, &next);
}
