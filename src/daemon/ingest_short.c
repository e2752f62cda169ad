/* Ingest, recordings that end too short (rules.min_duration_s): they are removed once it is durable
 * that they are complete, so that the events say both. One that the sink is killed before is not
 * looked for later: a store may hold what ended under other rules. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/rules.h"
#include "daemon/ingest_changes.h"

/* So many are removed between two batches. */
enum { SLICE_RECORDINGS = 64 };

struct reel_short {
    struct reel_short *prev, *next;
    uint64_t id;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};

/* A part of a longer session is as long as that. */
static bool is_too_short(const struct reel_ingest *ingest, const struct reel_recording *recording)
{
    struct reel_rules rules;

    if (recording->kept || recording->part_of[0] || recording->state != REEL_STATE_COMPLETE ||
        recording->end_reason == REEL_END_LIMIT)
        return false;
    reel_config_rules(ingest->links.config, recording->device, &rules);
    return reel_rules_check_shortest(&rules, &recording->format, recording->frames, NULL) !=
           REEL_OK;
}

void reel_ingest_note_short(struct reel_ingest *ingest, const struct reel_recording *recording)
{
    struct reel_short *noted;

    if (!is_too_short(ingest, recording))
        return;
    noted = calloc(1, sizeof *noted);
    if (!noted) {
        reel_log_write_about(
            ingest->links.log, REEL_LOG_WARNING, REEL_LOG_OF(recording->device, recording->session),
            "no memory to remove %s/%s, which is too short", recording->device, recording->session);
        return;
    }
    noted->id = recording->id;
    memcpy(noted->device, recording->device, sizeof noted->device);
    memcpy(noted->session, recording->session, sizeof noted->session);
    DL_APPEND(ingest->shorts, noted);
}

/* Unless it is another by now, goes on after all, or was pinned. */
static void remove_short(struct reel_ingest *ingest, const struct reel_short *noted)
{
    const struct reel_recording *recording;
    struct reel_entry *entry;
    struct reel_error error;
    enum reel_code code =
        reel_store_get(ingest->store, noted->device, noted->session, &entry, &error);

    if (code == REEL_E_NOT_FOUND)
        return;
    if (code != REEL_OK) {
        reel_ingest_fail(ingest, &error);
        return;
    }
    recording = reel_entry_recording(entry);
    if (recording->id == noted->id && is_too_short(ingest, recording))
        reel_ingest_remove(ingest, entry, "rules.min_duration_s");
}

void reel_ingest_remove_shorts(struct reel_ingest *ingest)
{
    if (!ingest->shorts || ingest->failed || ingest->batch.open ||
        !reel_ingest_begin_removing(ingest))
        return;
    for (int i = 0; i < SLICE_RECORDINGS && ingest->shorts && !ingest->failed; i++) {
        struct reel_short *noted = ingest->shorts;

        DL_DELETE(ingest->shorts, noted);
        remove_short(ingest, noted);
        free(noted);
    }
    if (!ingest->failed)
        reel_ingest_commit(ingest);
}

void reel_ingest_forget_shorts(struct reel_ingest *ingest)
{
    struct reel_short *noted;
    struct reel_short *next;

    DL_FOREACH_SAFE (ingest->shorts, noted, next) {
        DL_DELETE(ingest->shorts, noted);
        free(noted);
    }
}
