/* Store, shedding: a recording may have tens of thousands of runs, and tens of thousands may be
 * open. What they take together is bounded here: who was not heard for longest is left to the
 * catalog, and loaded again when there is something to do for it. */
#include "store/store_internal.h"

#include <string.h>
#include <utlist.h>

/* What the allocator adds to a member of an object, and the objects themselves. */
enum { TAG_BYTES = 192, ALLOCATION_BYTES = 32 };

static size_t tags_bytes(json_t *tags)
{
    size_t bytes = 0;
    const char *name;
    json_t *value;

    if (!tags)
        return 0;
    json_object_foreach (tags, name, value)
        bytes += TAG_BYTES + strlen(name) + json_string_length(value);
    return bytes;
}

static size_t weight_of(const struct reel_recording *recording)
{
    size_t bytes = recording->stretches_capacity * sizeof *recording->stretches + ALLOCATION_BYTES;

    for (size_t i = 0; i < recording->stretches_count; i++)
        bytes += recording->stretches[i].runs_capacity * sizeof *recording->stretches->runs +
                 ALLOCATION_BYTES;
    return bytes + tags_bytes(recording->tags);
}

void reel_store_weigh(struct reel_store *store, struct reel_entry *entry)
{
    store->held_bytes -= entry->held_bytes;
    entry->held_bytes = entry->shed ? 0 : weight_of(&entry->recording);
    store->held_bytes += entry->held_bytes;
}

/* Only the head stays, which is all that lists, headers and the wait for silence ask for. */
static void shed(struct reel_store *store, struct reel_entry *entry)
{
    struct reel_recording *recording = &entry->recording;
    struct reel_recording head = *recording;

    head.stretches = NULL;
    head.stretches_count = head.stretches_capacity = head.stretches_dirty_from = 0;
    head.tags = NULL;
    reel_recording_finish(recording);
    *recording = head;
    reel_wav_close(&entry->wav);
    entry->shed = true;
    reel_store_weigh(store, entry);
}

bool reel_store_crowded(const struct reel_store *store)
{
    return store->held_bytes > 2 * store->held_max_bytes;
}

void reel_store_shed(struct reel_store *store)
{
    struct reel_entry *entry;

    if (store->held_bytes <= store->held_max_bytes)
        return;
    DL_FOREACH (store->open, entry) {
        if (store->held_bytes <= store->held_max_bytes / 2)
            return;
        if (!entry->shed && !entry->touched && entry->recording.rowid != 0)
            shed(store, entry);
    }
}

enum reel_code reel_store_unshed(struct reel_store *store, struct reel_entry *entry,
                                 struct reel_error *err_out)
{
    struct reel_recording *head = &entry->recording;
    struct reel_recording recording;
    enum reel_code code;

    if (!entry->shed)
        return REEL_OK;
    code = reel_catalog_load(store->home.catalog, head->device, head->session, &recording, err_out);
    if (code == REEL_E_NOT_FOUND || (code == REEL_OK && recording.id != head->id)) {
        if (code == REEL_OK)
            reel_recording_finish(&recording);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "%s: its row is gone", entry->key);
    }
    if (code != REEL_OK)
        return code;
    reel_recording_finish(head);
    *head = recording;
    entry->shed = false;
    reel_store_weigh(store, entry);
    return REEL_OK;
}
