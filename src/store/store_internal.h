/* Store, inside: what the facade's parts (store.c, store_open.c, store_commit.c, store_lag.c,
 * store_delivery.c, store_shed.c, store_hash.c, store_parts.c, store_remove.c, store_retain.c,
 * store_usage.c, store_device.c) share. */
#ifndef REEL_STORE_STORE_INTERNAL_H
#define REEL_STORE_STORE_INTERNAL_H

#include "store/catalog.h"
#include "store/home.h"
#include "store/quarantine.h"
#include "store/sidecar.h"
#include "store/store.h"
#include "store/sync.h"
#include "store/uploads.h"
#include "store/wav.h"

/* A failed allocation in uthash leaves the entry out of the table; see reel_store_hold. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Every held entry is in one list: of those that are open, least recently heard first, or of those
 * that rest and go with the next commit unless they are touched before. */
enum entry_list { LIST_NONE, LIST_OPEN, LIST_RESTING };

/* What may say less than the recording holds, for a while: its file's header, its sidecar. Of each
 * there is a list of the entries whose lags behind, longest first. */
enum lag_kind { LAG_HEADER, LAG_SIDECAR, LAG_KINDS };

struct lag {
    struct reel_entry *prev, *next;
    bool lagging;
    int64_t since_us;
};

struct reel_entry {
    UT_hash_handle hh;
    struct reel_entry *prev, *next;
    struct reel_entry *touched_prev, *touched_next;
    struct lag lags[LAG_KINDS];
    enum entry_list list;
    bool touched;
    bool unsealed;  /* it was open when it came to be held, or its audio changed since */
    bool noted;     /* what is said of its audio changed (tags, kept), which the sidecar lacks */
    bool installed; /* it came with this batch, complete: its file is an upload's */
    bool has_sidecar;
    bool shed;              /* stretches and tags are in the catalog alone: see reel_store_shed */
    size_t held_bytes;      /* what those take, as of the last count */
    uint64_t counted_bytes; /* of its file, among what the catalog says that the device's complete
                               recordings take; 0: it is not one of them there */
    int64_t heard_us;
    struct reel_wav *wav;                  /* NULL until its file is needed */
    uint64_t header_frames;                /* what the file's header says */
    struct reel_sidecar_mark sidecar_mark; /* what the sidecar says ... */
    uint64_t sidecar_frames;
    int64_t sidecar_us; /* ... since when */
    struct reel_recording recording;
    char key[]; /* "device/session" */
};

/* A recording that completed behind the walk over those without a sha256. */
struct hash_wait {
    struct hash_wait *prev, *next;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};

/* A recording whose row went or goes with this batch. */
struct removal {
    struct removal *prev, *next;
    struct reel_removed what;
};

struct reel_store {
    struct reel_home home;
    struct reel_sync sync;
    struct reel_quarantine *quarantine;
    struct reel_wav_files *files;
    struct reel_sidecars *sidecars;
    struct reel_uploads *uploads;
    const struct reel_log *log;

    struct reel_entry *entries; /* by key */
    struct reel_entry *open;    /* lists, see above */
    struct reel_entry *resting;
    struct reel_entry *touched;
    struct reel_entry *lagging[LAG_KINDS];
    uint64_t open_count;
    size_t held_bytes; /* sum over the entries */
    size_t held_max_bytes;
    bool in_transaction;
    bool failed;               /* something of the batch did: nothing can be committed any more */
    struct reel_error failure; /* what failed after a commit, for the next to say */

    struct reel_delivery *deliveries;
    size_t deliveries_count;
    size_t deliveries_capacity;

    struct hash_wait *hash_waiting;
    uint64_t hash_rowid; /* the walk has come this far */
    bool hash_walked;    /* and found nothing more */

    struct removal *removing; /* with the commit under way */
    struct removal *removed;  /* files that wait to be unlinked */

    uint64_t commits;
    uint64_t synced_files;
    int64_t sync_us; /* of the last commit */
};

/* STALLED if something has failed since the store was opened. */
enum reel_code reel_store_usable(const struct reel_store *store, struct reel_error *err_out);

/* Pass `code` on; one that is a failure makes the store unusable. */
enum reel_code reel_store_outcome(struct reel_store *store, enum reel_code code);

/* Begin the catalog's transaction unless the batch has one. */
enum reel_code reel_store_begin(struct reel_store *store, struct reel_error *err_out);

/* The recording of that name, if it is held; NULL. */
struct reel_entry *reel_store_held(const struct reel_store *store, const char *device,
                                   const char *session);

/* Hold a recording, which is taken over on success. STALLED without memory. */
enum reel_code reel_store_hold(struct reel_store *store, struct reel_recording *recording,
                               struct reel_entry **entry_out, struct reel_error *err_out);

/* Put the entry into the list that its state asks for, at the end. */
void reel_store_enlist(struct reel_store *store, struct reel_entry *entry);

/* Count anew what the entry's stretches and tags take. */
void reel_store_weigh(struct reel_store *store, struct reel_entry *entry);

/* Where entries take more than they may together, those of open recordings that were heard least
 * recently keep only their head: stretches and tags are in the catalog, as they were committed.
 * Between batches. */
void reel_store_shed(struct reel_store *store);

/* Load what was shed. */
enum reel_code reel_store_unshed(struct reel_store *store, struct reel_entry *entry,
                                 struct reel_error *err_out);

static inline bool reel_entry_is_complete(const struct reel_entry *entry)
{
    return entry->recording.state == REEL_STATE_COMPLETE;
}

/* store_lag.c. All that write fail with STALLED; INTERNAL where a file is not as long as its
 * recording. */

/* What has not lagged behind does from now on. */
void reel_store_note_lag(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind,
                         int64_t now_us);

/* What lagged behind does not any more. */
void reel_store_catch_up(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind);

/* How long the one that lags behind for longest may go on: INT64_MAX where none does; 0: no longer.
 */
int64_t reel_store_lag_due_in_us(const struct reel_store *store, enum lag_kind kind,
                                 int64_t now_us);

/* With a commit, before the sync of the files: write the headers of those that complete, and of
 * those that have lagged behind for long enough. A recording that has just completed, or of which
 * other things are said now, gets one in any case: its file is then younger than its old sidecar,
 * by which a recovery knows that. */
enum reel_code reel_store_write_headers(struct reel_store *store, int64_t now_us,
                                        struct reel_error *err_out);

/* After the commit: write the sidecars of those touched that want one now, and of the others that
 * have lagged behind for long enough. */
enum reel_code reel_store_write_sidecars(struct reel_store *store, int64_t now_us,
                                         struct reel_error *err_out);

/* The same for all recordings that are open, whatever is due. */
enum reel_code reel_store_settle_headers(struct reel_store *store, struct reel_error *err_out);
enum reel_code reel_store_settle_sidecars(struct reel_store *store, int64_t now_us,
                                          struct reel_error *err_out);

/* Put a batch's deliveries behind those of the batches before, and let the oldest go. STALLED
 * without memory: nothing is kept then. */
enum reel_code reel_store_keep_deliveries(struct reel_store *store,
                                          const struct reel_delivery *deliveries, size_t count,
                                          struct reel_error *err_out);

/* Note that the catalog has the recording as it is. */
void reel_store_note_saved(struct reel_entry *entry);

/* Let an entry go, untouched or not. */
void reel_store_let_go(struct reel_store *store, struct reel_entry *entry);

/* Its file, opened if it was not yet. */
enum reel_code reel_store_wav(struct reel_store *store, struct reel_entry *entry,
                              struct reel_wav **wav_out, struct reel_error *err_out);

/* A complete recording was committed: its sha256 is wanting, if it has none. */
void reel_store_want_hash(struct reel_store *store, const struct reel_recording *recording);
void reel_store_forget_hashes(struct reel_store *store);

/* With a commit: what is remembered for long enough of deleted recordings goes. */
enum reel_code reel_store_expire_tombstones(struct reel_store *store, int64_t now_us,
                                            struct reel_error *err_out);

/* After a commit: the files of what it removed lose their names. */
enum reel_code reel_store_unname_removed(struct reel_store *store, struct reel_error *err_out);
void reel_store_forget_removals(struct reel_store *store);

#endif
