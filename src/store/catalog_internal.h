/* Catalog, its own part: the connection, and statements with their results checked. Private to
 * catalog*.c. */
#ifndef REEL_STORE_CATALOG_INTERNAL_H
#define REEL_STORE_CATALOG_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/catalog.h"

/* Statements that are prepared at first use and kept. */
enum reel_statement_id {
    REEL_STATEMENT_STORE_ID,
    REEL_STATEMENT_SET_STORE_ID,
    REEL_STATEMENT_COUNTS,
    REEL_STATEMENT_USAGE,
    REEL_STATEMENT_INSERT,
    REEL_STATEMENT_SETTLED_DIFFERS,
    REEL_STATEMENT_UPDATE_SETTLED,
    REEL_STATEMENT_UPDATE_GROWING,
    REEL_STATEMENT_SAVE_STRETCH,
    REEL_STATEMENT_CUT_STRETCHES,
    REEL_STATEMENT_SAVE_RUN,
    REEL_STATEMENT_GROW_RUN,
    REEL_STATEMENT_CUT_RUNS,
    REEL_STATEMENT_REMOVE,
    REEL_STATEMENT_LOAD,
    REEL_STATEMENT_NEXT,
    REEL_STATEMENT_NEXT_OPEN,
    REEL_STATEMENT_NEXT_UNHASHED,
    REEL_STATEMENT_ROW,
    REEL_STATEMENT_FILES,
    REEL_STATEMENT_PART,
    REEL_STATEMENT_FIRST_PART,
    REEL_STATEMENT_STRETCHES,
    REEL_STATEMENT_RUNS,
    REEL_STATEMENT_REJECT_ADD,
    REEL_STATEMENT_REJECT_REMOVE,
    REEL_STATEMENT_REJECT_STRIP,
    REEL_STATEMENT_REJECT_FIND,
    REEL_STATEMENT_REJECT_OLDEST,
    REEL_STATEMENT_REJECT_TOTALS,
    REEL_STATEMENT_REJECT_NEXT_PAYLOAD,
    REEL_STATEMENT_ADD_DELIVERIES,
    REEL_STATEMENT_TRIM_DELIVERIES,
    REEL_STATEMENT_FORGET_DELIVERIES,
    REEL_STATEMENT_DELIVERIES,
    REEL_STATEMENT_BURY,
    REEL_STATEMENT_BURY_BOOT,
    REEL_STATEMENT_TOMBSTONE,
    REEL_STATEMENT_TOMBSTONE_BOOTS,
    REEL_STATEMENT_TOMBSTONES,
    REEL_STATEMENT_EXPIRE_TOMBSTONES,
    REEL_STATEMENT_UPLOAD_ADD,
    REEL_STATEMENT_UPLOAD_UPDATE,
    REEL_STATEMENT_UPLOAD_REMOVE,
    REEL_STATEMENT_REMOVABLE,
    REEL_STATEMENT_DEVICE_REMOVABLE,
    REEL_STATEMENT_USAGE_BEHIND,
    REEL_STATEMENT_LATEST_END,
    REEL_STATEMENT_NEXT_DEVICE,
    REEL_STATEMENT_DEVICE_USAGE,
    REEL_STATEMENT_DEVICE_OPEN,
    REEL_STATEMENT_DEVICE_OPEN_BY,
    REEL_STATEMENT_DEVICE_REJECTS,
    REEL_STATEMENT_DEVICE_SILENT,
    REEL_STATEMENT_SILENT_ADD,
    REEL_STATEMENT_SILENT_REMOVE,
    REEL_STATEMENT_LAST_SESSION,
    REEL_STATEMENT_LAST_HEARD,
    REEL_STATEMENT_COUNT_SESSIONS,
    REEL_STATEMENT_COUNT_DURATIONS,
    REEL_STATEMENT_COUNT_DEVICE_DURATIONS,
    REEL_STATEMENT_COUNT,
    REEL_STATEMENT_ONCE = REEL_STATEMENT_COUNT, /* not kept: text made for one question */
};

/* What SQLite does with the database's file, its mapping of shared memory replaced (catalog_shm.c).
 */
struct reel_catalog_shm {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *base;
    bool may_be_read_only;
};

struct reel_catalog {
    sqlite3 *db;
    struct reel_catalog_shm shm; /* in use until db is closed */
    sqlite3_stmt *statements[REEL_STATEMENT_COUNT];
    char *put_off;      /* SQL of what makes the indexes again that a bulk goes without, or NULL */
    bool lingers;       /* a rollback failed, and the transaction is still open */
    bool distrusts_log; /* a commit or a checkpoint failed */
};

/* Fill `err_out` for a result code of SQLite: STALLED where the environment failed, INTERNAL where
 * the database contradicts its schema or we do. `doing` says what was tried. */
enum reel_code reel_catalog_fail(const struct reel_catalog *catalog, int result, const char *doing,
                                 struct reel_error *err_out);

/* Let a full disk fail the mapping of shared memory, not the process. Returns SQLite's code. */
int reel_catalog_guard_shm(struct reel_catalog *catalog, bool may_be_read_only);

/* Run SQL without parameters or rows. */
enum reel_code reel_catalog_run(struct reel_catalog *catalog, const char *sql, const char *doing,
                                struct reel_error *err_out);

/* One use of a statement. Parameters are bound, and columns of a row taken, one after the other
 * in the order of the text. The first failure is remembered, makes all that follows a no-op, and is
 * told by reel_statement_end; so nothing in between needs a check. */
struct reel_statement {
    struct reel_catalog *catalog;
    sqlite3_stmt *handle;
    enum reel_statement_id id;
    int result;       /* SQLITE_OK, or the first failure */
    int bound;        /* parameters so far */
    int taken;        /* columns so far of this row */
    bool contradicts; /* a column's value cannot be */
};

void reel_statement_start(struct reel_statement *statement, struct reel_catalog *catalog,
                          enum reel_statement_id id, const char *sql);

/* Text and bytes are borrowed until reel_statement_end; a NULL text binds NULL. */
void reel_bind_null(struct reel_statement *statement);
void reel_bind_i64(struct reel_statement *statement, int64_t value);
void reel_bind_u64(struct reel_statement *statement, uint64_t value);
void reel_bind_u64_if(struct reel_statement *statement, bool present, uint64_t value);
void reel_bind_real(struct reel_statement *statement, double value);
void reel_bind_text(struct reel_statement *statement, const char *text);
void reel_bind_bytes(struct reel_statement *statement, const void *bytes, size_t size);

/* Step: whether there is a row. */
bool reel_statement_next(struct reel_statement *statement);

/* Take the next column. One that is absent or out of range marks the row as a contradiction; what
 * is returned then is 0 or "". `present_out` makes NULL allowed. */
int64_t reel_take_i64(struct reel_statement *statement);
uint64_t reel_take_u64(struct reel_statement *statement);
uint64_t reel_take_u64_if(struct reel_statement *statement, bool *present_out);
uint64_t reel_take_max(struct reel_statement *statement, uint64_t max);
bool reel_take_bool(struct reel_statement *statement);
double reel_take_real(struct reel_statement *statement);
/* Borrowed until the next step; NULL for NULL, which is no contradiction. */
const char *reel_take_text_if(struct reel_statement *statement);
void reel_take_text(struct reel_statement *statement, char *out, size_t capacity);
const void *reel_take_bytes(struct reel_statement *statement, size_t *size_out);
/* NULL for NULL, which is no contradiction; else never NULL. */
const void *reel_take_bytes_if(struct reel_statement *statement, size_t *size_out);
/* The index of the text in `names`; NULL is 0 where names[0] is NULL. */
unsigned reel_take_name(struct reel_statement *statement, const char *const *names, unsigned count);

/* Reset; what failed since the start, if anything. */
enum reel_code reel_statement_end(struct reel_statement *statement, const char *doing,
                                  struct reel_error *err_out);

/* Step one that returns no row, and end. */
enum reel_code reel_statement_run(struct reel_statement *statement, const char *doing,
                                  struct reel_error *err_out);

/* End a transaction whose rollback failed, before anything new; false if it fails again. */
bool reel_catalog_settle(struct reel_catalog *catalog);

/* Keep what several statements read of one state, where no transaction is open already. */
enum reel_code reel_catalog_snapshot(struct reel_catalog *catalog, bool *opened_out,
                                     struct reel_error *err_out);
void reel_catalog_snapshot_end(struct reel_catalog *catalog, bool opened);

/* The schema (catalog_schema.c): `sql` makes a database of `version`; steps[n] brings one of
 * version n + 1 to n + 2, so there are version - 1 of them. */
struct reel_catalog_schema {
    unsigned version;
    const char *sql;
    const char *const *steps;
};
extern const struct reel_catalog_schema reel_catalog_schema_now;

/* Say which version the file has, 0 for an empty one, without changing it. NOT_ALLOWED for a newer
 * one than the schema's, INTERNAL for another program's. */
enum reel_code reel_catalog_examine(struct reel_catalog *catalog,
                                    const struct reel_catalog_schema *schema, unsigned *version_out,
                                    struct reel_error *err_out);

/* Bring it from there to the schema's version, each step in a transaction of its own. */
enum reel_code reel_catalog_migrate(struct reel_catalog *catalog,
                                    const struct reel_catalog_schema *schema, unsigned version,
                                    struct reel_error *err_out);

/* reel_catalog_open with another schema, for its test. */
enum reel_code reel_catalog_open_as(const char *path, enum reel_catalog_mode mode,
                                    const struct reel_catalog_schema *schema,
                                    struct reel_catalog **catalog_out, struct reel_error *err_out);

/* The columns of table recording (catalog_recording.c): bound and taken in this order. */
#define REEL_RECORDING_SETTLED                                                                     \
    "id, device, session, rate, channels, sample_bytes, encoding, state, end_reason, started_us, " \
    "candidate, candidate_quarantine_id, candidate_seq, candidate_frame, candidate_frames, "       \
    "candidate_end, candidate_boot, candidate_boot_is_uint, part_of, part, continued, "            \
    "kept, tags"
#define REEL_RECORDING_GROWING                                                                     \
    "frames, duration_s, rewrites, updated_us, captured_from_us, captured_to_us, "                 \
    "fragments, duplicates, rejected, gap_frames, boot, boot_is_uint, next_seq, sha256"
#define REEL_RECORDING_COLUMNS "recording, " REEL_RECORDING_SETTLED ", " REEL_RECORDING_GROWING

/* `tags` is the dumped text, or NULL. */
void reel_catalog_bind_settled(struct reel_statement *statement,
                               const struct reel_recording *recording, const char *tags);
void reel_catalog_bind_growing(struct reel_statement *statement,
                               const struct reel_recording *recording);

/* Take REEL_RECORDING_COLUMNS into a struct that the caller finishes; it has no stretches. */
/* A JSON object, NULL for NULL. */
void reel_catalog_take_tags(struct reel_statement *statement, json_t **out);

void reel_catalog_take_recording(struct reel_statement *statement,
                                 struct reel_recording *recording_out);

/* Take frames, channels and sample_bytes: what the file of so many takes. */
uint64_t reel_catalog_take_file_bytes(struct reel_statement *statement);

/* Note that the rows are as the struct. */
void reel_catalog_mark_clean(struct reel_recording *recording);

/* Texts of the enumerations, as the schema's CHECKs have them. */
extern const char *const reel_catalog_states[2];
extern const char *const reel_catalog_end_reasons[REEL_END_COUNT]; /* the first is NULL */
extern const char *const reel_catalog_encodings[REEL_ENCODING_COUNT];
extern const char *const reel_catalog_stretch_reasons[REEL_STRETCH_UNKNOWN + 1];
extern const char *const reel_catalog_run_kinds[REEL_RUN_FORGOTTEN + 1];

#endif
