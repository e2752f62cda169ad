/* Reader: the store as queries see it: committed rows through a read-only connection, committed
 * audio through pread. One thread a reader; it never waits for the writer. */
#ifndef REEL_STORE_READER_H
#define REEL_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/query_plan.h"
#include "core/recording.h"
#include "store/store.h"
#include "wire/message.h"

struct reel_reader;

/* For the store in `dir`, which need not be there yet: it is opened when something is asked, and
 * what is asked of one without a catalog (before a first reel_store_open) is STALLED. Fails only
 * where memory runs out. */
enum reel_code reel_reader_open(const char *dir, struct reel_reader **reader_out,
                                struct reel_error *err_out);
void reel_reader_close(struct reel_reader *reader); /* accepts NULL */

/* Close everything; what is asked next opens it anew, and is STALLED where that fails. For after a
 * store was closed or opened: SQLite's locks belong to the process, so one that could not be let go
 * of stays as long as any connection here does, and the catalog may have become another file. */
void reel_reader_renew(struct reel_reader *reader);

/* A page of recordings: as struct reel_list_bound, struct reel_list_end and reel_reader_row_fn
 * (store/store.h) have it. */
enum reel_code reel_reader_list(struct reel_reader *reader, const struct reel_list_plan *plan,
                                const struct reel_list_bound *bound, reel_reader_row_fn *row,
                                void *user, struct reel_list_end *end_out,
                                struct reel_error *err_out);

/* How many recordings match the plan (cursor and limit aside), counted up to REEL_LIST_COUNT_MAX,
 * and no further than the bound lets the walk go. */
enum reel_code reel_reader_count(struct reel_reader *reader, const struct reel_list_plan *plan,
                                 const struct reel_list_bound *bound, uint64_t *count_out,
                                 bool *is_minimum_out, struct reel_error *err_out);

/* One recording with its stretches, into `recording_out`, which the caller finishes
 * (reel_recording_finish). NOT_FOUND. */
enum reel_code reel_reader_load(struct reel_reader *reader, const char *device, const char *session,
                                struct reel_recording *recording_out, struct reel_error *err_out);

/* Read frames [from, from + count) of a recording as reel_reader_load gave it into `out`
 * (count times the frame's bytes). Gaps of `recording` read as silence whatever the file holds.
 * VERSION_MISMATCH where the file is gone, another one's, or shorter; STALLED for a failing
 * disk. The caller loads the recording once more afterwards to see that it is still the same. */
enum reel_code reel_reader_audio(struct reel_reader *reader, const struct reel_recording *recording,
                                 uint64_t from_frame, uint64_t count_frames, uint8_t *out,
                                 struct reel_error *err_out);

/* Let go of the file read last if it was deleted since: its room is free only when nobody has it
 * open. Cheap. */
void reel_reader_rest(struct reel_reader *reader);

/* Quarantined payloads, newest first; `row` as above. `*more_out` likewise. */
typedef bool reel_reader_reject_fn(const struct reel_reject *reject, void *user);
enum reel_code reel_reader_rejects(struct reel_reader *reader, const struct reel_rejects_plan *plan,
                                   reel_reader_reject_fn *row, void *user, bool *more_out,
                                   struct reel_error *err_out);

/* One payload as it came, appended to `payload_out`. NOT_FOUND (also for another device than
 * `confined_device`, if not NULL, or one that was only kept as a row). */
enum reel_code reel_reader_reject(struct reel_reader *reader, uint64_t quarantine_id,
                                  const char *confined_device, struct reel_buffer *payload_out,
                                  struct reel_error *err_out);

/* What is known of each device, from the one behind `after` by name on ("": from the first); see
 * reel_store_devices. */
enum reel_code reel_reader_devices(struct reel_reader *reader, const char *after, int64_t latest_us,
                                   reel_device_fn *row, void *user, struct reel_error *err_out);

/* Of one device. NOT_FOUND. */
enum reel_code reel_reader_device(struct reel_reader *reader, const char *device,
                                  struct reel_device_figures *out, struct reel_error *err_out);

struct reel_reader_totals {
    uint64_t recordings;
    uint64_t recordings_open;
    uint64_t complete_bytes; /* of the WAV files of those that are complete */
    uint64_t quarantine_count;
    uint64_t quarantine_bytes;
    uint64_t disk_free_bytes; /* for us */
    uint64_t disk_used_bytes; /* by all */
    uint64_t disk_total_bytes;
};
enum reel_code reel_reader_totals(struct reel_reader *reader, struct reel_reader_totals *out,
                                  struct reel_error *err_out);

#endif
