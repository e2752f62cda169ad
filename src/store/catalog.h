/* Catalog: the index of recordings in SQLite (WAL, synchronous=FULL; schemas/index.sql). This and
 * its parts (catalog_*.c) are the only users of sqlite3.h; nothing of it shows here.
 *
 * A writing catalog has a transaction open from reel_catalog_begin to commit or rollback; what is
 * changed outside one is committed at once. All failures are STALLED (disk full, I/O, busy, out of
 * memory) or INTERNAL (a database that contradicts the schema, or is none); messages carry SQLite's
 * own words, outputs are untouched. After one, roll back: some of the changes may stand. One thread
 * uses a catalog; several may be open on the same file, one of them writing. */
#ifndef REEL_STORE_CATALOG_H
#define REEL_STORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/query_plan.h"
#include "core/recording.h"
#include "core/rules.h"
#include "core/tombstone.h"
#include "store/reader.h"
#include "store/store.h"

struct reel_catalog;

/* A reader needs a file of shared memory beside the log, which it makes where it is missing; a disk
 * that is full or read-only has no room for it. READ_STILL does without: of a log that is there it
 * keeps its own index, and where there is none (or an empty one) the database alone is read. It is
 * for moments in which nobody writes, and stands in a writer's way: close it after the question. */
enum reel_catalog_mode { REEL_CATALOG_WRITE, REEL_CATALOG_READ, REEL_CATALOG_READ_STILL };

/* Open `path`; a writing one makes it, applies the schema or the migrations from the version it
 * has (PRAGMA user_version), each in one transaction. NOT_ALLOWED for a newer version; INTERNAL for
 * another program's file, which is left as it is; STALLED for a reader of one that is not there or
 * not yet brought up. */
enum reel_code reel_catalog_open(const char *path, enum reel_catalog_mode mode,
                                 struct reel_catalog **catalog_out, struct reel_error *err_out);

/* Accepts NULL; rolls back. Where a commit or a checkpoint has failed the log is brought to the
 * disk first; if that fails too it stays as it is. */
void reel_catalog_close(struct reel_catalog *catalog);

/* Before a writing one is opened: bring the log beside `path`, if there is one, to the disk once
 * more, whatever became of earlier syncs. STALLED. */
enum reel_code reel_catalog_renew_log(const char *path, struct reel_error *err_out);

/* Read all of it. INTERNAL where the database is damaged. */
enum reel_code reel_catalog_verify(struct reel_catalog *catalog, struct reel_error *err_out);

/* A random id of this store, made with the catalog, kept also in the folder by the facade: tells
 * a catalog that is not this store's. */
enum reel_code reel_catalog_store_id(struct reel_catalog *catalog, uint64_t *id_out,
                                     struct reel_error *err_out);
enum reel_code reel_catalog_set_store_id(struct reel_catalog *catalog, uint64_t id,
                                         struct reel_error *err_out);

/* A commit that fails has rolled back. Rolling back where nothing is open does nothing. */
enum reel_code reel_catalog_begin(struct reel_catalog *catalog, struct reel_error *err_out);
enum reel_code reel_catalog_commit(struct reel_catalog *catalog, struct reel_error *err_out);
void reel_catalog_rollback(struct reel_catalog *catalog);

/* wal_checkpoint(TRUNCATE), complete or an error (invariant 2). Outside a transaction. */
enum reel_code reel_catalog_checkpoint(struct reel_catalog *catalog, struct reel_error *err_out);

/* Insert (rowid 0: it gets one, and all is written) or update the row, the heads of stretches from
 * stretches_dirty_from on and the runs from each runs_dirty_from on; then sets the marks to
 * "clean". Few statements for the common case: one row, one run. INTERNAL where another recording
 * has the name, or the row is gone. */
enum reel_code reel_catalog_save(struct reel_catalog *catalog, struct reel_recording *recording,
                                 struct reel_error *err_out);

/* Between these two, recordings that are saved with rowid 0 take neither indexes nor sums along:
 * they are made at the end, for all. Nothing but reel_catalog_save may be asked meanwhile. Both
 * within a transaction, not the same one; a catalog that does not come to the end is of no use. */
enum reel_code reel_catalog_bulk_begin(struct reel_catalog *catalog, struct reel_error *err_out);
enum reel_code reel_catalog_bulk_end(struct reel_catalog *catalog, struct reel_error *err_out);

/* Load with stretches, runs, candidate, into a struct that the caller finishes. NOT_FOUND. */
enum reel_code reel_catalog_load(struct reel_catalog *catalog, const char *device,
                                 const char *session, struct reel_recording *recording_out,
                                 struct reel_error *err_out);

/* The session of the part that reel_store_part asks for (capacity REEL_NAME_BYTES). NOT_FOUND. */
enum reel_code reel_catalog_part(struct reel_catalog *catalog,
                                 const struct reel_part_question *question, char *session_out,
                                 struct reel_error *err_out);

/* Call `each` for the rows in state recording, or all, in the order of device and session; full
 * structs that `each` takes over (it finishes them, or moves them elsewhere). It ends the walk by
 * returning an error, which is then the result. It may change the catalog. */
typedef enum reel_code reel_catalog_each_fn(struct reel_recording *recording, void *user,
                                            struct reel_error *err_out);
enum reel_code reel_catalog_each(struct reel_catalog *catalog, bool open_only,
                                 reel_catalog_each_fn *each, void *user,
                                 struct reel_error *err_out);

/* Call `each` for every recording, in no order, with what its row says of its file. It returns
 * false to end the walk, and changes nothing in the catalog. */
struct reel_catalog_file {
    bool open; /* in state recording */
    uint64_t bytes;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};
typedef bool reel_catalog_file_fn(const struct reel_catalog_file *file, void *user);
enum reel_code reel_catalog_each_file(struct reel_catalog *catalog, reel_catalog_file_fn *each,
                                      void *user, struct reel_error *err_out);

/* Recordings in all and in state recording. */
enum reel_code reel_catalog_counts(struct reel_catalog *catalog, uint64_t *all_out,
                                   uint64_t *open_out, struct reel_error *err_out);

/* What the complete recordings of a device take, as of what was saved last. */
enum reel_code reel_catalog_usage(struct reel_catalog *catalog, const char *device,
                                  struct reel_usage *usage_out, struct reel_error *err_out);

/* The oldest complete recording without a sha256 whose rowid is above `after_rowid`; NOT_FOUND. */
enum reel_code reel_catalog_next_unhashed(struct reel_catalog *catalog, uint64_t after_rowid,
                                          struct reel_recording *recording_out,
                                          struct reel_error *err_out);

/* Remove a recording's rows; one that is gone already is no failure. */
enum reel_code reel_catalog_remove(struct reel_catalog *catalog, uint64_t rowid,
                                   struct reel_error *err_out);

/* Tombstones. Bury: one takes the place of an earlier one of its name, whose other boots it goes on
 * with. Load: NOT_FOUND; the caller finishes it (reel_tombstone_finish). Expire: those of deletions
 * before one time go, and those after another, which a clock made that was wrong; at most `limit`
 * at once. */
enum reel_code reel_catalog_bury(struct reel_catalog *catalog,
                                 const struct reel_tombstone *tombstone,
                                 struct reel_error *err_out);
enum reel_code reel_catalog_tombstone(struct reel_catalog *catalog, const char *device,
                                      const char *session, struct reel_tombstone *tombstone_out,
                                      struct reel_error *err_out);
/* Of a session, with its parts: the greatest numbers of each boot, and no id. NOT_FOUND also where
 * no boot was counted by anything. */
enum reel_code reel_catalog_tombstones(struct reel_catalog *catalog, const char *device,
                                       const char *session, struct reel_tombstone *tombstone_out,
                                       struct reel_error *err_out);
enum reel_code reel_catalog_expire_tombstones(struct reel_catalog *catalog, int64_t before_us,
                                              int64_t after_us, uint32_t limit,
                                              struct reel_error *err_out);

/* As in store.h. */
enum reel_code reel_catalog_removable(struct reel_catalog *catalog, const char *device,
                                      const struct reel_removable_place *after,
                                      struct reel_removable *out, size_t capacity,
                                      size_t *count_out, struct reel_error *err_out);
enum reel_code reel_catalog_usage_behind(struct reel_catalog *catalog, const char *after,
                                         char device_out[REEL_NAME_BYTES],
                                         struct reel_usage *usage_out, struct reel_error *err_out);

enum reel_code reel_catalog_latest_end(struct reel_catalog *catalog, int64_t *ended_us_out,
                                       struct reel_error *err_out);

/* Devices, as in store.h: those behind `after` by name, and the one of that name, or NOT_FOUND. */
enum reel_code reel_catalog_devices(struct reel_catalog *catalog, const char *after,
                                    int64_t latest_us, reel_device_fn *row, void *user,
                                    struct reel_error *err_out);
enum reel_code reel_catalog_device(struct reel_catalog *catalog, const char *device,
                                   struct reel_device_figures *out, struct reel_error *err_out);

/* Note that it was told that the device is silent, and that it is not any more. */
enum reel_code reel_catalog_silent_add(struct reel_catalog *catalog, const char *device,
                                       int64_t heard_us, struct reel_error *err_out);
enum reel_code reel_catalog_silent_remove(struct reel_catalog *catalog, const char *device,
                                          struct reel_error *err_out);

/* The recording of the device that began last, or ""; when audio last came from any, or INT64_MIN.
 */
enum reel_code reel_catalog_last_session(struct reel_catalog *catalog, const char *device,
                                         char session_out[REEL_NAME_BYTES],
                                         struct reel_error *err_out);
enum reel_code reel_catalog_last_heard(struct reel_catalog *catalog, int64_t *heard_us_out,
                                       struct reel_error *err_out);

/* Queries: as in store/reader.h, which forwards to them. */
enum reel_code reel_catalog_list(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                 const struct reel_list_bound *bound, reel_reader_row_fn *row,
                                 void *user, struct reel_list_end *end_out,
                                 struct reel_error *err_out);
enum reel_code reel_catalog_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                  const struct reel_list_bound *bound, uint64_t *count_out,
                                  bool *is_minimum_out, struct reel_error *err_out);

/* Quarantine's rows; the payloads are files (store/quarantine.h). Ids are never used again. */
enum reel_code reel_catalog_reject_add(struct reel_catalog *catalog,
                                       const struct reel_reject *reject, bool has_payload,
                                       uint64_t *quarantine_id_out, struct reel_error *err_out);
enum reel_code reel_catalog_reject_remove(struct reel_catalog *catalog, uint64_t quarantine_id,
                                          struct reel_error *err_out);
/* Note that its payload is gone; the row stays. */
enum reel_code reel_catalog_reject_strip(struct reel_catalog *catalog, uint64_t quarantine_id,
                                         struct reel_error *err_out);
/* One row: its device (capacity REEL_NAME_BYTES, may be NULL) and whether it has a payload. */
enum reel_code reel_catalog_reject_find(struct reel_catalog *catalog, uint64_t quarantine_id,
                                        char *device_out, bool *has_payload_out,
                                        struct reel_error *err_out);
/* The oldest row with an id above `after_id` that no recording's candidate names, and the bytes of
 * its payload (0 if it has none); NOT_FOUND. */
enum reel_code reel_catalog_reject_oldest(struct reel_catalog *catalog, uint64_t after_id,
                                          uint64_t *quarantine_id_out, uint64_t *bytes_out,
                                          struct reel_error *err_out);
/* The first row with a payload and an id above `after_id`; NOT_FOUND. */
enum reel_code reel_catalog_reject_next_payload(struct reel_catalog *catalog, uint64_t after_id,
                                                uint64_t *quarantine_id_out, uint64_t *bytes_out,
                                                struct reel_error *err_out);
/* Rows in all, and bytes of their payloads. */
enum reel_code reel_catalog_reject_totals(struct reel_catalog *catalog, uint64_t *count_out,
                                          uint64_t *bytes_out, struct reel_error *err_out);
enum reel_code reel_catalog_rejects(struct reel_catalog *catalog,
                                    const struct reel_rejects_plan *plan,
                                    reel_reader_reject_fn *row, void *user, bool *more_out,
                                    struct reel_error *err_out);

/* Deliveries: those of one more batch (none: no row), after which the oldest batches go that are
 * beyond the limits; all gone; all there are, oldest first, at most REEL_DELIVERIES_MAX.
 * `*deliveries_out` is allocated for the caller (free). */
enum reel_code reel_catalog_add_deliveries(struct reel_catalog *catalog,
                                           const struct reel_delivery *deliveries, size_t count,
                                           struct reel_error *err_out);
enum reel_code reel_catalog_forget_deliveries(struct reel_catalog *catalog,
                                              struct reel_error *err_out);
enum reel_code reel_catalog_deliveries(struct reel_catalog *catalog,
                                       struct reel_delivery **deliveries_out, size_t *count_out,
                                       struct reel_error *err_out);

/* Uploads: insert (rowid 0: it gets one) or update its row; remove it; call `each` for all there
 * are, oldest first: it takes the struct over and returns true, or memory ran out. */
struct reel_upload;
enum reel_code reel_catalog_upload_save(struct reel_catalog *catalog, struct reel_upload *upload,
                                        struct reel_error *err_out);
enum reel_code reel_catalog_upload_remove(struct reel_catalog *catalog, uint64_t rowid,
                                          struct reel_error *err_out);
typedef bool reel_catalog_upload_fn(struct reel_upload *upload, void *user);
enum reel_code reel_catalog_uploads(struct reel_catalog *catalog, reel_catalog_upload_fn *each,
                                    void *user, struct reel_error *err_out);

#endif
