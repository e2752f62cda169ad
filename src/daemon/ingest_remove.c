/* Ingest: removing recordings: between two batches, in one that holds nothing else. */
#include <stdlib.h>

#include "core/wav_header.h"
#include "daemon/events.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

bool reel_ingest_begin_removing(struct reel_ingest *ingest)
{
    if (ingest->batch.open && !ingest->batch.removes)
        reel_ingest_commit(ingest);
    if (ingest->failed)
        return false;
    reel_batch_open(&ingest->batch, reel_monotonic_us());
    ingest->batch.removes = true;
    return true;
}

enum reel_code reel_ingest_remove(struct reel_ingest *ingest, struct reel_entry *entry,
                                  const char *reason)
{
    const struct reel_recording *recording = reel_entry_recording(entry);
    int64_t now_us = reel_wall_us();
    struct reel_error error;

    reel_count(&ingest->links.counters->recordings_deleted, 1);
    reel_count(&ingest->links.counters->deleted_bytes,
               reel_wav_file_bytes(&recording->format, recording->frames));
    reel_ingest_event(ingest, recording->device, recording->session,
                      reel_event_deleted(recording, reason, now_us));
    if (reel_store_remove(ingest->store, entry, now_us, &error))
        return reel_ingest_fail(ingest, &error);
    return REEL_OK;
}

/* What the thread for it has no room for is unlinked here: so it is never far behind. */
void reel_ingest_discard(struct reel_ingest *ingest, struct reel_discard *discard)
{
    struct reel_discard *copy = malloc(sizeof *copy);
    struct reel_error error;

    if (copy) {
        *copy = *discard;
        reel_count(&ingest->links.counters->unlinking_bytes, discard->file_bytes);
        if (reel_mailbox_post(ingest->links.discards, copy, 0))
            return;
        reel_discount(&ingest->links.counters->unlinking_bytes, discard->file_bytes);
        free(copy);
    }
    if (reel_discard(ingest->links.config->store_dir, discard, &error))
        reel_log_write(ingest->links.log, REEL_LOG_ERROR, "what is not needed any more: %s",
                       error.message);
}

void reel_ingest_unlink_removed(struct reel_ingest *ingest)
{
    struct reel_removed removed;
    struct reel_discard discard;

    while (reel_store_next_removed(ingest->store, &removed)) {
        reel_removed_discard(&removed, &discard);
        reel_ingest_discard(ingest, &discard);
    }
}
