/* Ingest, settings: others than it began with. They are taken over between two batches, so that one
 * batch lives by one set of them; an open one is closed for that. */
#include "daemon/ingest_changes.h"
#include "io/loop.h"

static void renew(struct reel_ingest *ingest)
{
    const struct reel_config *config;

    reel_config_follower_renew(ingest->links.settings);
    config = ingest->links.settings->config;
    ingest->links.config = config;
    reel_rate_set(ingest->beginnings, config->new_recordings_per_minute);
    if (ingest->store)
        reel_store_set_quarantine(ingest->store, config->quarantine_max_bytes);
    /* One pass from the first device: whoever is not watched any more is forgotten. */
    ingest->silence.device[0] = '\0';
    ingest->silence.next_us = 0;
    reel_ingest_retain_init(ingest);
}

void reel_ingest_settings(struct reel_ingest *ingest)
{
    if (!reel_config_follower_behind(ingest->links.settings))
        return;
    if (ingest->batch.open)
        reel_batch_hurry(&ingest->batch, reel_monotonic_us());
    else
        renew(ingest);
}
