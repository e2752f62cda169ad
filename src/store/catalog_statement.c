/* Catalog statements: prepared once, bound and read in order, every result checked. */
#include "store/catalog_internal.h"

#include <errno.h>
#include <string.h>

/* The last error of a call on the database (SQLITE_FCNTL_FILE_POINTER) or its log (JOURNAL). */
static int errno_of_file(const struct reel_catalog *catalog, int which)
{
    sqlite3_file *file = NULL;
    int value = 0;

    if (sqlite3_file_control(catalog->db, "main", which, &file) == SQLITE_OK && file &&
        file->pMethods)
        (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &value);
    return value;
}

/* SQLite takes a read that ends with EIO for a damaged database (unixRead, SQLITE_IOERR_CORRUPTFS):
 * what the disk said, 0 where it said nothing. A good catalog must not be thrown away for it. */
static int errno_of_read(const struct reel_catalog *catalog)
{
    int value = catalog->db ? errno_of_file(catalog, SQLITE_FCNTL_FILE_POINTER) : 0;

    return value || !catalog->db ? value : errno_of_file(catalog, SQLITE_FCNTL_JOURNAL_POINTER);
}

/* What the system said, where a call of it is behind `result`; 0 elsewhere. */
static int errno_of(const struct reel_catalog *catalog, int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_READONLY:
        return EROFS;
    case SQLITE_CORRUPT:
        return errno_of_read(catalog);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return catalog->db ? sqlite3_system_errno(catalog->db) : 0;
    default:
        return 0;
    }
}

enum reel_code reel_catalog_fail(const struct reel_catalog *catalog, int result, const char *doing,
                                 struct reel_error *err_out)
{
    enum reel_code code = REEL_E_INTERNAL;
    const char *text;

    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOLFS:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
        code = REEL_E_STALLED;
        break;
    case SQLITE_CORRUPT:
        if (errno_of_read(catalog) != 0)
            code = REEL_E_STALLED;
        break;
    default:
        break;
    }
    text = catalog->db && sqlite3_extended_errcode(catalog->db) == result
               ? sqlite3_errmsg(catalog->db)
               : sqlite3_errstr(result);
    if (code == REEL_E_STALLED && errno_of(catalog, result) != 0)
        return reel_error_errno(err_out, errno_of(catalog, result), "catalog, %s: %s", doing, text);
    return reel_error_set(err_out, code, NULL, "catalog, %s: %s", doing, text);
}

enum reel_code reel_catalog_run(struct reel_catalog *catalog, const char *sql, const char *doing,
                                struct reel_error *err_out)
{
    int result = sqlite3_exec(catalog->db, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? REEL_OK : reel_catalog_fail(catalog, result, doing, err_out);
}

void reel_statement_start(struct reel_statement *statement, struct reel_catalog *catalog,
                          enum reel_statement_id id, const char *sql)
{
    bool kept = id != REEL_STATEMENT_ONCE;

    *statement = (struct reel_statement){.catalog = catalog, .id = id};
    if (!reel_catalog_settle(catalog)) { /* what it changes would not be committed */
        statement->result = SQLITE_NOMEM;
        return;
    }
    if (kept && catalog->statements[id]) {
        statement->handle = catalog->statements[id];
        return;
    }
    statement->result = sqlite3_prepare_v3(
        catalog->db, sql, -1, kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement->handle, NULL);
    if (kept)
        catalog->statements[id] = statement->handle;
}

/* Number the next parameter; false where something failed before. */
static bool next_parameter(struct reel_statement *statement)
{
    statement->bound++;
    return statement->result == SQLITE_OK;
}

void reel_bind_null(struct reel_statement *statement)
{
    if (next_parameter(statement))
        statement->result = sqlite3_bind_null(statement->handle, statement->bound);
}

void reel_bind_i64(struct reel_statement *statement, int64_t value)
{
    if (next_parameter(statement))
        statement->result = sqlite3_bind_int64(statement->handle, statement->bound, value);
}

void reel_bind_u64(struct reel_statement *statement, uint64_t value)
{
    reel_bind_i64(statement, (int64_t)value);
}

void reel_bind_u64_if(struct reel_statement *statement, bool present, uint64_t value)
{
    if (present)
        reel_bind_u64(statement, value);
    else
        reel_bind_null(statement);
}

void reel_bind_real(struct reel_statement *statement, double value)
{
    if (next_parameter(statement))
        statement->result = sqlite3_bind_double(statement->handle, statement->bound, value);
}

void reel_bind_text(struct reel_statement *statement, const char *text)
{
    if (!text)
        reel_bind_null(statement);
    else if (next_parameter(statement))
        statement->result = sqlite3_bind_text64(statement->handle, statement->bound, text,
                                                strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

void reel_bind_bytes(struct reel_statement *statement, const void *bytes, size_t size)
{
    /* A NULL pointer would bind NULL, not no bytes. */
    if (next_parameter(statement))
        statement->result = sqlite3_bind_blob64(statement->handle, statement->bound,
                                                bytes ? bytes : "", size, SQLITE_STATIC);
}

bool reel_statement_next(struct reel_statement *statement)
{
    int result;

    if (statement->result != SQLITE_OK)
        return false;
    statement->taken = 0;
    result = sqlite3_step(statement->handle);
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE)
        statement->result = result;
    return false;
}

/* Number the next column, which must be of that type; -1 where it is not. NULL passes if
 * `nullable`, also as -1. */
static int next_column(struct reel_statement *statement, int type, bool nullable)
{
    int column = statement->taken++;
    int found = sqlite3_column_type(statement->handle, column);

    if (found == type)
        return column;
    if (!nullable || found != SQLITE_NULL)
        statement->contradicts = true;
    return -1;
}

int64_t reel_take_i64(struct reel_statement *statement)
{
    int column = next_column(statement, SQLITE_INTEGER, false);

    return column < 0 ? 0 : sqlite3_column_int64(statement->handle, column);
}

uint64_t reel_take_u64(struct reel_statement *statement)
{
    return (uint64_t)reel_take_i64(statement);
}

uint64_t reel_take_u64_if(struct reel_statement *statement, bool *present_out)
{
    int column = next_column(statement, SQLITE_INTEGER, true);

    *present_out = column >= 0;
    return column < 0 ? 0 : (uint64_t)sqlite3_column_int64(statement->handle, column);
}

uint64_t reel_take_max(struct reel_statement *statement, uint64_t max)
{
    uint64_t value = reel_take_u64(statement);

    if (value <= max)
        return value;
    statement->contradicts = true;
    return 0;
}

bool reel_take_bool(struct reel_statement *statement)
{
    return reel_take_max(statement, 1) != 0;
}

double reel_take_real(struct reel_statement *statement)
{
    int column = next_column(statement, SQLITE_FLOAT, false);

    return column < 0 ? 0 : sqlite3_column_double(statement->handle, column);
}

const char *reel_take_text_if(struct reel_statement *statement)
{
    int column = next_column(statement, SQLITE_TEXT, true);
    const unsigned char *text;

    if (column < 0)
        return NULL;
    text = sqlite3_column_text(statement->handle, column);
    if (!text)
        statement->result = SQLITE_NOMEM;
    return (const char *)text;
}

void reel_take_text(struct reel_statement *statement, char *out, size_t capacity)
{
    const char *text = reel_take_text_if(statement);
    size_t bytes = text ? strlen(text) : 0;

    if (!text || bytes >= capacity) {
        statement->contradicts = true;
        bytes = 0;
    }
    if (bytes)
        memcpy(out, text, bytes);
    out[bytes] = '\0';
}

const void *reel_take_bytes(struct reel_statement *statement, size_t *size_out)
{
    int column = next_column(statement, SQLITE_BLOB, false);
    const void *bytes = column < 0 ? NULL : sqlite3_column_blob(statement->handle, column);

    *size_out = bytes ? (size_t)sqlite3_column_bytes(statement->handle, column) : 0;
    return bytes;
}

const void *reel_take_bytes_if(struct reel_statement *statement, size_t *size_out)
{
    int column = next_column(statement, SQLITE_BLOB, true);
    const void *bytes;

    *size_out = 0;
    if (column < 0)
        return NULL;
    *size_out = (size_t)sqlite3_column_bytes(statement->handle, column);
    bytes = sqlite3_column_blob(statement->handle, column);
    return bytes ? bytes : "";
}

unsigned reel_take_name(struct reel_statement *statement, const char *const *names, unsigned count)
{
    const char *text = reel_take_text_if(statement);

    for (unsigned i = 0; i < count; i++)
        if (text && names[i] ? strcmp(text, names[i]) == 0 : text == names[i])
            return i;
    statement->contradicts = true;
    return 0;
}

enum reel_code reel_statement_end(struct reel_statement *statement, const char *doing,
                                  struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    if (statement->result != SQLITE_OK)
        code = reel_catalog_fail(statement->catalog, statement->result, doing, err_out);
    else if (statement->contradicts)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "catalog, %s: a row contradicts the schema", doing);
    if (statement->id == REEL_STATEMENT_ONCE) {
        /* Its result is that of the last step, which was seen. */
        (void)sqlite3_finalize(statement->handle);
    } else if (statement->handle) {
        int result = sqlite3_reset(statement->handle);

        if (result == SQLITE_OK || statement->result != SQLITE_OK)
            result = sqlite3_clear_bindings(statement->handle);
        if (result != SQLITE_OK && code == REEL_OK)
            code = reel_catalog_fail(statement->catalog, result, doing, err_out);
    }
    statement->handle = NULL;
    return code;
}

enum reel_code reel_statement_run(struct reel_statement *statement, const char *doing,
                                  struct reel_error *err_out)
{
    if (reel_statement_next(statement))
        statement->result = SQLITE_INTERNAL; /* a row where none was asked for */
    return reel_statement_end(statement, doing, err_out);
}
