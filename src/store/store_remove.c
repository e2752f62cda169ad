/* Store, removal: a tombstone takes the place of the row, in one transaction; then the files go.
 *
 * A process that is killed in between leaves files whose id the tombstone names: recovery, for
 * which a file without a row is a reason to distrust the catalog, removes those instead. */
#include "store/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/tombstone.h"
#include "core/wav_header.h"

/* Tombstones are kept for a day; so many go at most with one commit. */
#define TOMBSTONE_US INT64_C(86400000000)
enum { EXPIRE_MOST = 256 };

/* Rows that a page comes by. */
enum { PAGE_ROWS_MAX = 2048 };

static struct removal *note_removal(struct reel_store *store,
                                    const struct reel_recording *recording)
{
    struct removal *removal = calloc(1, sizeof *removal);

    if (!removal)
        return NULL;
    removal->what.id = recording->id;
    removal->what.file_bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    memcpy(removal->what.device, recording->device, sizeof removal->what.device);
    memcpy(removal->what.session, recording->session, sizeof removal->what.session);
    DL_APPEND(store->removing, removal);
    return removal;
}

/* Remember how each boot began. What cannot be read is not remembered: a broken recording can be
 * removed too. */
static void remember_first(struct reel_store *store, struct reel_entry *entry,
                           struct reel_tombstone *tombstone)
{
    const struct reel_recording *recording = &entry->recording;
    uint32_t frame_bytes = reel_format_frame_bytes(&recording->format);
    uint8_t *frames = malloc((size_t)REEL_TOMBSTONE_FIRST_FRAMES * frame_bytes);
    struct reel_wav *wav;

    if (!frames || reel_store_wav(store, entry, &wav, NULL) != REEL_OK) {
        free(frames);
        return;
    }
    for (size_t i = 0; i < tombstone->boots_count; i++) {
        struct reel_tombstone_boot *boot = &tombstone->boots[i];
        uint64_t from_frame;
        uint32_t count;

        if (reel_tombstone_find_first(recording, &boot->boot, &from_frame, &count) &&
            reel_wav_read(wav, from_frame, frames, count, NULL) == REEL_OK)
            reel_tombstone_set_first(boot, frames, count, frame_bytes);
    }
    free(frames);
}

static enum reel_code bury(struct reel_store *store, struct reel_entry *entry, int64_t now_us,
                           struct reel_error *err_out)
{
    const struct reel_recording *recording = &entry->recording;
    struct reel_catalog *catalog = store->home.catalog;
    struct reel_tombstone tombstone;
    enum reel_code code;

    if (!reel_tombstone_make(recording, now_us, &tombstone))
        return reel_error_errno(err_out, ENOMEM, "remove %s", recording->session);
    remember_first(store, entry, &tombstone);
    code = reel_catalog_bury(catalog, &tombstone, err_out);
    if (code == REEL_OK)
        code = reel_catalog_remove(catalog, recording->rowid, err_out);
    reel_tombstone_finish(&tombstone);
    return code;
}

enum reel_code reel_store_remove(struct reel_store *store, struct reel_entry *entry, int64_t now_us,
                                 struct reel_error *err_out)
{
    struct reel_recording *recording = &entry->recording;
    enum reel_code code;

    if (entry->touched)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "%s is to be removed in a batch that touched it", entry->key);
    else
        code = reel_store_begin(store, err_out);
    if (code == REEL_OK)
        code = bury(store, entry, now_us, err_out);
    if (code == REEL_OK && !note_removal(store, recording))
        code = reel_error_errno(err_out, ENOMEM, "remove %s", entry->key);
    if (code == REEL_OK)
        reel_store_let_go(store, entry);
    return reel_store_outcome(store, code);
}

enum reel_code reel_store_list(struct reel_store *store, const struct reel_list_plan *plan,
                               reel_reader_row_fn *row, void *user, struct reel_list_end *end_out,
                               struct reel_error *err_out)
{
    const struct reel_list_bound bound = {.rows_max = PAGE_ROWS_MAX};

    return reel_catalog_list(store->home.catalog, plan, &bound, row, user, end_out, err_out);
}

enum reel_code reel_store_tombstone(struct reel_store *store, const char *device,
                                    const char *session, struct reel_tombstone *tombstone_out,
                                    struct reel_error *err_out)
{
    return reel_catalog_tombstones(store->home.catalog, device, session, tombstone_out, err_out);
}

enum reel_code reel_store_expire_tombstones(struct reel_store *store, int64_t now_us,
                                            struct reel_error *err_out)
{
    return reel_catalog_expire_tombstones(store->home.catalog, now_us - TOMBSTONE_US,
                                          now_us + TOMBSTONE_US, EXPIRE_MOST, err_out);
}

enum reel_code reel_store_unname_removed(struct reel_store *store, struct reel_error *err_out)
{
    while (store->removing) {
        struct removal *removal = store->removing;

        if (reel_removed_unname(store->home.recordings_fd, &removal->what, err_out) != REEL_OK)
            return REEL_E_STALLED;
        DL_DELETE(store->removing, removal);
        DL_APPEND(store->removed, removal);
    }
    return REEL_OK;
}

bool reel_store_next_removed(struct reel_store *store, struct reel_removed *removed_out)
{
    struct removal *removal = store->removed;

    if (!removal)
        return false;
    *removed_out = removal->what;
    DL_DELETE(store->removed, removal);
    free(removal);
    return true;
}

static void forget(struct removal **list)
{
    struct removal *removal;
    struct removal *after;

    DL_FOREACH_SAFE (*list, removal, after) {
        DL_DELETE(*list, removal);
        free(removal);
    }
}

void reel_store_forget_removals(struct reel_store *store)
{
    forget(&store->removing);
    forget(&store->removed);
}
