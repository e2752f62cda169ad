/* Catalog: the connection, its settings, transactions, and what concerns the whole store. */
#include "store/catalog_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_TIMEOUT_MS = 5000 };

/* A commit is durable when it returns (FULL). Checkpoints come every 4 MiB of log, and the log's
 * file shrinks again after an unusually large one. The cache (8 MiB) holds the rows of some ten
 * thousand recordings that grow. For each CHECK of more than two words SQLite makes a table of them
 * in memory, anew for each row, which takes longer than the row. They are for who looks at the
 * schema, and for other writers: what is bound here comes from lists of ours. */
static const char write_settings[] = "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA foreign_keys = ON;"
                                     "PRAGMA ignore_check_constraints = ON;"
                                     "PRAGMA wal_autocheckpoint = 1024;"
                                     "PRAGMA journal_size_limit = 16777216;"
                                     "PRAGMA cache_size = -8192;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA trusted_schema = OFF;";
static const char read_settings[] = "PRAGMA query_only = ON;"
                                    "PRAGMA cache_size = -8192;"
                                    "PRAGMA temp_store = MEMORY;"
                                    "PRAGMA trusted_schema = OFF;";

/* Whether the log beside the database holds something. */
static bool has_log(const char *path)
{
    char log_path[PATH_MAX];
    struct stat status;

    snprintf(log_path, sizeof log_path, "%s-wal", path);
    return stat(log_path, &status) == 0 && status.st_size > 0;
}

/* `path` as a URI, for a catalog that nobody writes. */
static void still_uri(const char *path, char *out, size_t capacity)
{
    size_t used = (size_t)snprintf(out, capacity, "file:");

    for (const char *at = path; *at && used + 32 < capacity; at++)
        used += (size_t)snprintf(out + used, capacity - used, strchr("%?#", *at) ? "%%%02X" : "%c",
                                 (unsigned char)*at);
    snprintf(out + used, capacity - used, has_log(path) ? "?readonly_shm=1" : "?immutable=1");
}

static int open_database(struct reel_catalog *catalog, const char *path,
                         enum reel_catalog_mode mode)
{
    char uri[3 * PATH_MAX];

    switch (mode) {
    case REEL_CATALOG_READ:
        return sqlite3_open_v2(path, &catalog->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                               NULL);
    case REEL_CATALOG_READ_STILL:
        still_uri(path, uri, sizeof uri);
        return sqlite3_open_v2(uri, &catalog->db,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    default:
        return sqlite3_open_v2(path, &catalog->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               NULL);
    }
}

/* Whether closing the last connection takes the log into the database. */
static void take_log_on_close(struct reel_catalog *catalog, bool take)
{
    (void)sqlite3_db_config(catalog->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !take, NULL);
}

/* What the log holds may not be on the disk, as long as it is not brought there once more. */
static void distrust_log(struct reel_catalog *catalog)
{
    catalog->distrusts_log = true;
    take_log_on_close(catalog, false);
}

static enum reel_code connect(struct reel_catalog *catalog, const char *path,
                              enum reel_catalog_mode mode, struct reel_error *err_out)
{
    int result = open_database(catalog, path, mode);

    if (result == SQLITE_OK)
        result = reel_catalog_guard_shm(catalog, mode == REEL_CATALOG_READ_STILL);
    if (result == SQLITE_OK && mode != REEL_CATALOG_WRITE)
        take_log_on_close(catalog, false); /* that is the writer's */
    if (result == SQLITE_OK)
        result = sqlite3_extended_result_codes(catalog->db, 1);
    if (result == SQLITE_OK)
        result = sqlite3_busy_timeout(catalog->db, BUSY_TIMEOUT_MS);
    return result == SQLITE_OK ? REEL_OK
                               : reel_catalog_fail(catalog, result, "opening it", err_out);
}

/* The file system may refuse a write-ahead log; then SQLite stays with its old journal. */
static enum reel_code check_journal(struct reel_catalog *catalog, struct reel_error *err_out)
{
    struct reel_statement statement;
    char mode[16] = "";
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE, "PRAGMA journal_mode");
    if (reel_statement_next(&statement))
        reel_take_text(&statement, mode, sizeof mode);
    code = reel_statement_end(&statement, "opening it", err_out);
    if (code == REEL_OK && sqlite3_stricmp(mode, "wal") != 0)
        code =
            reel_error_set(err_out, REEL_E_STALLED, NULL,
                           "catalog: no write-ahead log is possible here (journal mode %s)", mode);
    return code;
}

static enum reel_code prepare_to_write(struct reel_catalog *catalog,
                                       const struct reel_catalog_schema *schema, unsigned version,
                                       struct reel_error *err_out)
{
    enum reel_code code = reel_catalog_run(catalog, write_settings, "opening it", err_out);

    if (code == REEL_OK)
        code = check_journal(catalog, err_out);
    if (code == REEL_OK)
        code = reel_catalog_migrate(catalog, schema, version, err_out);
    return code;
}

static enum reel_code prepare_to_read(struct reel_catalog *catalog,
                                      const struct reel_catalog_schema *schema, unsigned version,
                                      struct reel_error *err_out)
{
    if (version != schema->version)
        return reel_error_set(err_out, REEL_E_STALLED, NULL,
                              "catalog: not yet brought to version %u", schema->version);
    return reel_catalog_run(catalog, read_settings, "opening it", err_out);
}

enum reel_code reel_catalog_open_as(const char *path, enum reel_catalog_mode mode,
                                    const struct reel_catalog_schema *schema,
                                    struct reel_catalog **catalog_out, struct reel_error *err_out)
{
    struct reel_catalog *catalog = calloc(1, sizeof *catalog);
    unsigned version = 0;
    enum reel_code code;

    if (!catalog)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "catalog: memory ran out");
    code = connect(catalog, path, mode, err_out);
    if (code == REEL_OK)
        code = reel_catalog_examine(catalog, schema, &version, err_out);
    if (code == REEL_OK)
        code = mode == REEL_CATALOG_WRITE ? prepare_to_write(catalog, schema, version, err_out)
                                          : prepare_to_read(catalog, schema, version, err_out);
    if (code != REEL_OK) {
        reel_catalog_close(catalog);
        return code;
    }
    *catalog_out = catalog;
    return REEL_OK;
}

enum reel_code reel_catalog_open(const char *path, enum reel_catalog_mode mode,
                                 struct reel_catalog **catalog_out, struct reel_error *err_out)
{
    return reel_catalog_open_as(path, mode, &reel_catalog_schema_now, catalog_out, err_out);
}

void reel_catalog_close(struct reel_catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < REEL_STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(catalog->statements[i]);
    if (catalog->distrusts_log &&
        reel_catalog_renew_log(sqlite3_db_filename(catalog->db, "main"), NULL) == REEL_OK)
        take_log_on_close(catalog, true);
    (void)sqlite3_close(catalog->db);
    free(catalog->put_off);
    free(catalog);
}

enum reel_code reel_catalog_begin(struct reel_catalog *catalog, struct reel_error *err_out)
{
    static const char doing[] = "beginning a transaction";

    if (!reel_catalog_settle(catalog))
        return reel_catalog_fail(catalog, SQLITE_NOMEM, doing, err_out);
    return reel_catalog_run(catalog, "BEGIN IMMEDIATE", doing, err_out);
}

enum reel_code reel_catalog_commit(struct reel_catalog *catalog, struct reel_error *err_out)
{
    enum reel_code code = reel_catalog_run(catalog, "COMMIT", "committing", err_out);

    if (code != REEL_OK) {
        distrust_log(catalog);
        reel_catalog_rollback(catalog);
    }
    return code;
}

void reel_catalog_rollback(struct reel_catalog *catalog)
{
    /* Some failures have rolled back already. A rollback needs memory: it may fail too. */
    if (!sqlite3_get_autocommit(catalog->db))
        (void)sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
    catalog->lingers = !sqlite3_get_autocommit(catalog->db);
}

bool reel_catalog_settle(struct reel_catalog *catalog)
{
    if (catalog->lingers)
        reel_catalog_rollback(catalog);
    return !catalog->lingers;
}

enum reel_code reel_catalog_snapshot(struct reel_catalog *catalog, bool *opened_out,
                                     struct reel_error *err_out)
{
    *opened_out = false;
    if (!reel_catalog_settle(catalog))
        return reel_catalog_fail(catalog, SQLITE_NOMEM, "beginning to read", err_out);
    *opened_out = sqlite3_get_autocommit(catalog->db) != 0;
    return *opened_out ? reel_catalog_run(catalog, "BEGIN", "beginning to read", err_out) : REEL_OK;
}

void reel_catalog_snapshot_end(struct reel_catalog *catalog, bool opened)
{
    if (opened)
        reel_catalog_rollback(catalog);
}

enum reel_code reel_catalog_checkpoint(struct reel_catalog *catalog, struct reel_error *err_out)
{
    int result =
        sqlite3_wal_checkpoint_v2(catalog->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    if (result == SQLITE_OK)
        return REEL_OK;
    distrust_log(catalog);
    return reel_catalog_fail(catalog, result, "taking in its log", err_out);
}

enum reel_code reel_catalog_verify(struct reel_catalog *catalog, struct reel_error *err_out)
{
    struct reel_statement statement;
    char found[8] = "";

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE, "PRAGMA integrity_check(1)");
    if (reel_statement_next(&statement))
        snprintf(found, sizeof found, "%s", reel_take_text_if(&statement));
    if (strcmp(found, "ok") != 0)
        statement.contradicts = true;
    return reel_statement_end(&statement, "reading all of it", err_out);
}

enum reel_code reel_catalog_store_id(struct reel_catalog *catalog, uint64_t *id_out,
                                     struct reel_error *err_out)
{
    struct reel_statement statement;
    uint64_t id = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_STORE_ID,
                         "SELECT value FROM meta WHERE name = 'store_id'");
    if (reel_statement_next(&statement))
        id = reel_take_u64(&statement);
    else
        statement.contradicts = true;
    code = reel_statement_end(&statement, "reading the store's id", err_out);
    if (code == REEL_OK)
        *id_out = id;
    return code;
}

enum reel_code reel_catalog_set_store_id(struct reel_catalog *catalog, uint64_t id,
                                         struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_SET_STORE_ID,
                         "UPDATE meta SET value = ? WHERE name = 'store_id'");
    reel_bind_u64(&statement, id);
    return reel_statement_run(&statement, "setting the store's id", err_out);
}

enum reel_code reel_catalog_counts(struct reel_catalog *catalog, uint64_t *all_out,
                                   uint64_t *open_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    uint64_t all = 0, open = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_COUNTS,
                         "SELECT (SELECT count(*) FROM recording),"
                         " (SELECT count(*) FROM recording WHERE state = 'recording')");
    if (reel_statement_next(&statement)) {
        all = reel_take_u64(&statement);
        open = reel_take_u64(&statement);
    }
    code = reel_statement_end(&statement, "counting recordings", err_out);
    if (code == REEL_OK) {
        *all_out = all;
        *open_out = open;
    }
    return code;
}

enum reel_code reel_catalog_usage(struct reel_catalog *catalog, const char *device,
                                  struct reel_usage *usage_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    struct reel_usage usage = {0, 0};
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_USAGE,
                         "SELECT recordings, bytes FROM usage WHERE device = ?");
    reel_bind_text(&statement, device);
    if (reel_statement_next(&statement)) {
        usage.recordings = reel_take_u64(&statement);
        usage.bytes = reel_take_u64(&statement);
    }
    code = reel_statement_end(&statement, "adding up what a device's recordings take", err_out);
    if (code == REEL_OK)
        *usage_out = usage;
    return code;
}
