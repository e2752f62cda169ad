/* Store, usage: what a device's recordings take. The catalog counts the complete ones as they were
 * saved last; what is held in memory and differs from that is added to it. */
#include "store/store_internal.h"

#include <string.h>
#include <utlist.h>

#include "core/wav_header.h"

static uint64_t file_bytes(const struct reel_entry *entry)
{
    return reel_wav_file_bytes(&entry->recording.format, entry->recording.frames);
}

void reel_store_note_saved(struct reel_entry *entry)
{
    bool counted = reel_entry_is_complete(entry);

    entry->counted_bytes = counted ? file_bytes(entry) : 0;
}

/* Put what it takes now in the place of what the catalog counts for it. */
static void correct(struct reel_usage *usage, const struct reel_entry *entry, const char *device)
{
    if (strcmp(entry->recording.device, device) != 0)
        return;
    usage->bytes += file_bytes(entry) - entry->counted_bytes;
    usage->recordings += entry->counted_bytes == 0;
}

enum reel_code reel_store_usage(struct reel_store *store, const char *device,
                                struct reel_usage *usage_out, struct reel_error *err_out)
{
    struct reel_usage usage;
    struct reel_entry *entry;
    enum reel_code code = reel_catalog_usage(store->home.catalog, device, &usage, err_out);

    if (code != REEL_OK)
        return reel_store_outcome(store, code);
    DL_FOREACH (store->open, entry)
        correct(&usage, entry, device);
    DL_FOREACH2(store->touched, entry, touched_next)
    {
        if (entry->list != LIST_OPEN)
            correct(&usage, entry, device);
    }
    *usage_out = usage;
    return REEL_OK;
}
