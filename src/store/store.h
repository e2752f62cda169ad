/* Store: recordings on disk, as the one writing thread sees them. About a dozen verbs on one
 * opaque struct; no type of SQLite or libsndfile crosses it (architecture.md, "A recording on
 * disk", "Invariants").
 *
 * Everything between two commits is one batch. A recording's struct may be changed freely while
 * it is touched; what was written and changed is durable, and visible to readers, when
 * reel_store_commit returns OK. After any error but NOT_FOUND the store is of no further use:
 * close it and open it anew, which recovers it to the last commit. */
#ifndef REEL_STORE_STORE_H
#define REEL_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "core/query_plan.h"
#include "core/recording.h"
#include "core/rules.h"
#include "core/tombstone.h"
#include "store/removed.h"
#include "store/sync.h"
#include "wire/message.h"

struct reel_store;

/* A recording that the store holds in memory. Its address stays the same until it is let go:
 * at the earliest by the commit after which it is neither open nor touched. */
struct reel_entry;

/* How many recordings of how many were looked at by now, to mend what they need or to build the
 * catalog anew; `total` 0: `done` names were found so far, there may be more. It comes often: with
 * each, so also between the syncs of many. Whether to go on: else opening fails as STALLED, with
 * ECANCELED, and the next one begins where it was. */
typedef bool reel_store_progress_fn(void *user, uint64_t done, uint64_t total);

struct reel_store_config {
    const char *dir;               /* store.dir; made if it is missing */
    uint64_t quarantine_max_bytes; /* quarantine.max_bytes */
    uint64_t batch_max_bytes;      /* the most audio one batch holds, silence that it fills in
                                      aside: recovery cuts back no more */
    enum reel_sync_way sync_way;   /* store.sync */
    int64_t (*clock)(void);        /* monotonic, microseconds, to tell what a sync costs; NULL:
                                      the first guess stays */
    size_t held_max_bytes;         /* what stretches and tags of held recordings may take together;
                                      beyond it a commit lets those of the open recordings that were
                                      heard least recently go, and reel_store_get loads them again */
    bool catalog_suspect;          /* using it failed: read all of it to see whether it is whole */
    const struct reel_log *log;    /* borrowed; NULL: silent */
    reel_store_progress_fn *progress; /* told how far opening is; NULL: no */
    void *progress_user;
};

/* What opening found and did. */
struct reel_store_report {
    uint64_t recordings; /* in the catalog */
    uint64_t open;       /* of them in state recording */
    uint64_t repaired;   /* files cut back or headers brought up */
    uint64_t recovered;  /* files and tails that went to recovered/ or were indexed */
};

/* Take the lock, open and migrate the catalog, recover: invariants 2, 3 and 7. A catalog that is
 * damaged is put aside and built anew. `report_out` may be NULL. NOT_ALLOWED where another sink
 * holds the lock or the store is of a newer version; NOT_FOUND where recordings/ is empty though
 * the catalog knows some, as without its disk: nothing is changed; STALLED for a failing disk. On
 * failure nothing is left open. */
enum reel_code reel_store_open(const struct reel_store_config *config, int64_t now_us,
                               struct reel_store **store_out, struct reel_store_report *report_out,
                               struct reel_error *err_out);

/* Keep at most so many bytes of what is refused from now on: quarantine.max_bytes. */
void reel_store_set_quarantine(struct reel_store *store, uint64_t max_bytes);

/* Without a commit: whatever is staged is dropped. Accepts NULL. */
void reel_store_close(struct reel_store *store);

/* Bring the headers and sidecars of all open recordings up and let the catalog take in its log,
 * for an orderly end; after a commit, before reel_store_close. */
enum reel_code reel_store_settle(struct reel_store *store, int64_t now_us,
                                 struct reel_error *err_out);

/* Whether held recordings take twice what they may, because of what the batch is about: time for a
 * commit. */
bool reel_store_crowded(const struct reel_store *store);

/* The recording of that name, from memory or the catalog. NOT_FOUND leaves all as it was. */
enum reel_code reel_store_get(struct reel_store *store, const char *device, const char *session,
                              struct reel_entry **entry_out, struct reel_error *err_out);

/* A new recording: random id, folder, file with a header, a row (staged). It is touched.
 * NOT_ALLOWED (field "device") where something stands in the way of this device alone (no folder, a
 * link that leads nowhere, a folder that may not be written to, a file that is another recording's
 * too): the store goes on. */
enum reel_code reel_store_create(struct reel_store *store, const char *device, const char *session,
                                 const struct reel_format *format, int64_t now_us,
                                 struct reel_entry **entry_out, struct reel_error *err_out);

/* Which part of a session that goes on in parts: the latest below number `below` (UINT64_MAX: of
 * all). With `numbers` the latest of these that knows their boot and whose numbers of it begin at
 * `frame`, or without one at `seq`, or below. Strings and numbers are borrowed for the call. */
struct reel_part_question {
    const char *device;
    const char *session; /* that of its first part */
    uint64_t below;
    const struct reel_numbers *numbers; /* NULL: any */
};

/* The part, from the catalog and as reel_store_stage left it there. The session's own recording is
 * its first, where it is still there. NOT_FOUND, also for what lies a thousand parts back. */
enum reel_code reel_store_part(struct reel_store *store, const struct reel_part_question *question,
                               struct reel_entry **entry_out, struct reel_error *err_out);

/* Bring the entry's rows up within the batch, so that reel_store_part finds it. */
enum reel_code reel_store_stage(struct reel_store *store, struct reel_entry *entry,
                                struct reel_error *err_out);

/* Remove a recording, also an open one: its row goes and a tombstone takes its place (staged), with
 * the commit its name is free. The entry is let go. Nothing of the batch may have touched it, and
 * nothing may be created under its name before that commit: INTERNAL. */
enum reel_code reel_store_remove(struct reel_store *store, struct reel_entry *entry, int64_t now_us,
                                 struct reel_error *err_out);

/* The file of a recording that a durable batch removed, to be unlinked by reel_removed_unlink on
 * another thread; false if there is none. One that is never asked for is removed by recovery. */
bool reel_store_next_removed(struct reel_store *store, struct reel_removed *removed_out);

/* Call `row` for each recording of the page, in order; it returns false to end the page before the
 * one it was shown. The recording holds all but stretches and candidate and is borrowed for the
 * call. The page ends with the plan's limit, where `row` ends it, or at its bound: it may be short,
 * even empty, while more follow. */
typedef bool reel_reader_row_fn(const struct reel_recording *recording, void *user);

/* How long a question may go on (NULL: to its end): by so many recordings, whether they match or
 * not (0: any number), or until `expired` (NULL: never) says so, which is asked every few of them.
 * A few are come by in any case, so who follows the cursors sees all. */
struct reel_list_bound {
    uint64_t rows_max;
    bool (*expired)(void *user);
    void *user; /* of expired */
};

struct reel_list_end {
    bool more;                /* the page ended before the recordings did */
    struct reel_cursor after; /* if so: continues behind it */
};

/* A page of the recordings, without what the batch under way has not staged. It is rather short, so
 * that it takes some milliseconds at most. */
enum reel_code reel_store_list(struct reel_store *store, const struct reel_list_plan *plan,
                               reel_reader_row_fn *row, void *user, struct reel_list_end *end_out,
                               struct reel_error *err_out);

/* What is remembered of the recordings of a session, its parts too, that were removed within the
 * last day: the greatest numbers of each boot; NOT_FOUND. The caller finishes it
 * (reel_tombstone_finish). */
enum reel_code reel_store_tombstone(struct reel_store *store, const char *device,
                                    const char *session, struct reel_tombstone *tombstone_out,
                                    struct reel_error *err_out);

/* What retention may remove: complete and not kept. `out` (`capacity` of them) is filled with those
 * that ended longest ago, of one device or (NULL) of all, behind a place: of the one taken last, at
 * first {INT64_MIN, 0}. What the batch under way has not staged is as it was before. */
struct reel_removable_place {
    int64_t ended_us;
    uint64_t rowid;
};
struct reel_removable {
    struct reel_removable_place at;
    uint64_t file_bytes;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};
enum reel_code reel_store_removable(struct reel_store *store, const char *device,
                                    const struct reel_removable_place *after,
                                    struct reel_removable *out, size_t capacity, size_t *count_out,
                                    struct reel_error *err_out);

/* When the last of those that may be removed ended; INT64_MIN: there are none. */
enum reel_code reel_store_latest_end(struct reel_store *store, int64_t *ended_us_out,
                                     struct reel_error *err_out);

/* What the complete recordings of the first device behind `after`, by name, take together; NULL:
 * of all devices, and the device is "". NOT_FOUND: there are no more devices. */
enum reel_code reel_store_usage_behind(struct reel_store *store, const char *after,
                                       char device_out[REEL_NAME_BYTES],
                                       struct reel_usage *usage_out, struct reel_error *err_out);

/* What is known of a device: sums over its recordings as they were saved last, and its payloads in
 * quarantine. */
struct reel_device_figures {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES]; /* of what grows, the one heard last; "" where nothing does */
    uint64_t recordings;
    uint64_t recordings_open; /* of these */
    uint64_t bytes;           /* of their WAV files */
    uint64_t frames;
    uint64_t fragments;
    uint64_t rejected;
    uint64_t gap_frames;
    uint64_t quarantined;
    bool has_heard;
    int64_t heard_us;      /* when audio last came */
    int64_t open_heard_us; /* the same of what grows, if anything does, by the walk's `latest_us` */
    bool silent;           /* that it is was told ... */
    int64_t silent_heard_us; /* ... and when audio had last come then */
};

/* When audio last came; where that is later than `latest_us`, as the walk had it, what grows is
 * asked alone: a clock that was ahead has left it on an earlier recording. */
int64_t reel_device_heard_us(const struct reel_device_figures *figures, int64_t latest_us);

/* Called for each device of a walk, by name; it returns false to end the walk before the one it was
 * shown. The figures are borrowed for the call. */
typedef bool reel_device_fn(const struct reel_device_figures *figures, void *user);

/* All devices behind `after` ("": all), without what the batch under way has not staged; also such
 * as have nothing left but that they are silent. Of what grows a recording that was heard later
 * than `latest_us` does not tell when audio last came, where another can. */
enum reel_code reel_store_devices(struct reel_store *store, const char *after, int64_t latest_us,
                                  reel_device_fn *row, void *user, struct reel_error *err_out);

/* Keep that it was told that the device, heard last then, is silent; or forget it (staged). */
enum reel_code reel_store_note_silent(struct reel_store *store, const char *device,
                                      int64_t heard_us, struct reel_error *err_out);
enum reel_code reel_store_forget_silent(struct reel_store *store, const char *device,
                                        struct reel_error *err_out);

/* The session of the device's recording that began last; "": it has none. */
enum reel_code reel_store_last_session(struct reel_store *store, const char *device,
                                       char session_out[REEL_NAME_BYTES],
                                       struct reel_error *err_out);

/* When audio last came, of all that is there; INT64_MIN: nothing is. */
enum reel_code reel_store_last_heard(struct reel_store *store, int64_t *heard_us_out,
                                     struct reel_error *err_out);

/* The room on the disk of recordings/, for who is not root. STALLED. */
enum reel_code reel_store_free_bytes(const struct reel_store *store, uint64_t *free_out,
                                     struct reel_error *err_out);

/* Whether what is removed of the device makes room there: its folder may be a link to another disk.
 * No where it cannot be told. */
bool reel_store_shares_disk(const struct reel_store *store, const char *device);

/* The struct behind an entry: the caller may change it after reel_store_touch. */
struct reel_recording *reel_entry_recording(struct reel_entry *entry);

/* Make the entry part of the batch (its row is saved at commit) and note when it was last heard,
 * by the monotonic clock, for reel_store_oldest. */
void reel_store_touch(struct reel_store *store, struct reel_entry *entry, int64_t heard_us);

/* The same without counting as heard. */
void reel_store_touch_quietly(struct reel_store *store, struct reel_entry *entry);

/* The same, because what is said of the audio changed (tags, kept): the file of a complete one gets
 * its header once more, so that it is younger than the sidecar that does not say so yet. */
void reel_store_touch_said(struct reel_store *store, struct reel_entry *entry);

/* Write frames, or silence, at a place in the file: at most at its end as written so far, so that
 * a file never has a hole. STALLED on any failure, a short write among them. What goes behind the
 * end may wait in memory (bounded) until the commit, which then fails. */
enum reel_code reel_store_write(struct reel_store *store, struct reel_entry *entry,
                                uint64_t at_frame, const void *frames, uint64_t frames_count,
                                struct reel_error *err_out);
enum reel_code reel_store_fill(struct reel_store *store, struct reel_entry *entry,
                               uint64_t at_frame, uint64_t frames_count,
                               struct reel_error *err_out);

/* Say whether the file holds these frames at that place (also what this batch wrote). */
enum reel_code reel_store_equal(struct reel_store *store, struct reel_entry *entry,
                                uint64_t at_frame, const void *frames, uint64_t frames_count,
                                bool *equal_out, struct reel_error *err_out);

/* A refused fragment, upload or block, as it came. Strings are borrowed for the call. */
struct reel_reject {
    uint64_t quarantine_id;
    const char *topic;
    const char *device;  /* "" where unknown or invalid */
    const char *session; /* "" where unknown or invalid */
    struct reel_error error;
    int64_t time_us;
    uint64_t bytes;
};

/* Put a payload into quarantine (staged like all else): its id, the store's row and file. The
 * oldest make room (quarantine.max_bytes), except those this batch put there and those that a
 * recording's candidate names. A payload larger than the whole quarantine is kept as a row only. */
enum reel_code reel_store_quarantine(struct reel_store *store, const struct reel_reject *reject,
                                     const void *payload, uint64_t *quarantine_id_out,
                                     struct reel_error *err_out);

/* Take one out again, because its audio found its place: appends the payload to `payload_out` and
 * removes row and file with the commit. NOT_FOUND if it made room for others. */
enum reel_code reel_store_unquarantine(struct reel_store *store, uint64_t quarantine_id,
                                       struct reel_buffer *payload_out, struct reel_error *err_out);

/* A message that a batch took in, so that its redelivery is recognised by packet id and hash. The
 * broker may deliver again all whose acknowledgements it has not read: of the batch under way, and
 * of any number of durable ones before it. */
struct reel_delivery {
    uint16_t packet_id;
    uint64_t hash;
    bool refused; /* it went into quarantine, not into a recording */
};

/* Make the batch durable: sync of every file touched and of the folders of new ones, then the
 * catalog (synchronous=FULL), in which `deliveries` follow those of the batches before and the
 * oldest go (REEL_DELIVERIES_MAX, REEL_DELIVERY_BATCHES_MAX), then sidecars. A batch in which
 * nothing was touched, staged or delivered, and for which nothing is due, costs nothing. Files of
 * recordings that completed get their final header first; headers and sidecars of any others that
 * are due share the batch's syncs. What fails once the catalog has committed (sidecars, say) goes
 * to the log, and only the next commit fails: this batch is durable. */
enum reel_code reel_store_commit(struct reel_store *store, const struct reel_delivery *deliveries,
                                 size_t deliveries_count, int64_t now_us,
                                 struct reel_error *err_out);

/* How many microseconds from `now_us` on the headers and sidecars of growing recordings may go on
 * lagging behind: INT64_MAX where none does, 0 where a commit is wanted to bring them up, although
 * there may be no batch. */
int64_t reel_store_due_in_us(const struct reel_store *store, int64_t now_us);

/* Forget the deliveries, because their packet ids mean nothing any more: durably, at once or, with
 * a batch under way, by its commit. */
enum reel_code reel_store_forget_deliveries(struct reel_store *store, struct reel_error *err_out);

/* What the last durable batches took in, oldest first. Borrowed until the next commit. */
void reel_store_deliveries(struct reel_store *store, const struct reel_delivery **deliveries_out,
                           size_t *count_out);

/* What the recordings of a device take together, those that grow and those of this batch too. It
 * looks at all recordings that are open: for the beginning of one, not for each fragment. */
enum reel_code reel_store_usage(struct reel_store *store, const char *device,
                                struct reel_usage *usage_out, struct reel_error *err_out);

/* The open recording that was heard least recently, and when; NULL if none is open. It may be
 * without stretches and tags: before it is touched, get it by its name. After reel_store_open every
 * open recording counts as heard at 0: touch them. */
struct reel_entry *reel_store_oldest(struct reel_store *store, int64_t *heard_us_out);

/* Call `each` for every open recording. It may be without stretches and tags, and is not to be
 * changed. */
void reel_store_each_open(const struct reel_store *store,
                          void (*each)(void *user, const struct reel_recording *recording),
                          void *user);

/* A complete recording whose sha256 is wanting, not yet given out since the store was opened or the
 * file changed; false if there is none. reel_hash_file (store/hash.h) makes it on another thread.
 */
struct reel_hash_job {
    uint64_t id;
    uint64_t frames;
    uint64_t file_bytes; /* that these frames take */
    uint64_t rewrites;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    char sha256[65]; /* filled by the job */
};
bool reel_store_next_hash(struct reel_store *store, struct reel_hash_job *job_out);

/* Take the sum in, if the recording is still complete and as it was. The change is staged. */
enum reel_code reel_store_hashed(struct reel_store *store, const struct reel_hash_job *job,
                                 struct reel_error *err_out);

struct reel_store_stats {
    uint64_t open_recordings;
    uint64_t held_recordings; /* in memory */
    uint64_t held_bytes;      /* their stretches and tags */
    uint64_t commits;
    uint64_t synced_files;
    int64_t sync_us; /* of the last commit: files and catalog, 0 without a clock */
    uint64_t quarantine_bytes;
    uint64_t quarantine_count;
};
void reel_store_stats(const struct reel_store *store, struct reel_store_stats *stats_out);

/* Rebuild the catalog from sidecars and WAV files (`reeld --reindex`): the old one is put aside
 * under recovered/ first, all else stays. Takes the lock; for a store that is not open. What
 * was odd goes to the log. */
enum reel_code reel_store_reindex(const struct reel_store_config *config, int64_t now_us,
                                  struct reel_store_report *report_out, struct reel_error *err_out);

#endif
