/* Catalog upload: the rows of uploads under way. */
#include "store/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

#include "store/upload.h"

static const char *const states[REEL_UPLOAD_STATES] = {"receiving", "whole", "installing"};

#define COLUMNS                                                                                    \
    "id, device, session, state, size_bytes, block_bytes, received, sha256, overwrite, tags,"      \
    " begun_us, updated_us, reply_topic, correlation"

static size_t received_bytes(const struct reel_upload *upload)
{
    return (size_t)((upload->blocks + 7) / 8);
}

static void bind(struct reel_statement *statement, const struct reel_upload *upload,
                 const char *tags)
{
    reel_bind_u64(statement, upload->id);
    reel_bind_text(statement, upload->device);
    reel_bind_text(statement, upload->session);
    reel_bind_text(statement, states[upload->state]);
    reel_bind_u64(statement, upload->size_bytes);
    reel_bind_u64(statement, upload->block_bytes);
    reel_bind_bytes(statement, upload->received, received_bytes(upload));
    reel_bind_text(statement, upload->sha256[0] ? upload->sha256 : NULL);
    reel_bind_u64(statement, upload->overwrite);
    reel_bind_text(statement, tags);
    reel_bind_i64(statement, upload->begun_us);
    reel_bind_i64(statement, upload->updated_us);
    reel_bind_text(statement, upload->reply_topic);
    if (upload->correlation)
        reel_bind_bytes(statement, upload->correlation, upload->correlation_bytes);
    else
        reel_bind_null(statement);
}

static enum reel_code insert(struct reel_catalog *catalog, struct reel_upload *upload,
                             const char *tags, struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_UPLOAD_ADD,
                         "INSERT INTO upload (" COLUMNS ") VALUES"
                         " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind(&statement, upload, tags);
    code = reel_statement_run(&statement, "adding an upload", err_out);
    if (code == REEL_OK)
        upload->rowid = (uint64_t)sqlite3_last_insert_rowid(catalog->db);
    return code;
}

static enum reel_code update(struct reel_catalog *catalog, const struct reel_upload *upload,
                             const char *tags, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_UPLOAD_UPDATE,
                         "UPDATE upload SET (" COLUMNS ") ="
                         " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE upload = ?");
    bind(&statement, upload, tags);
    reel_bind_u64(&statement, upload->rowid);
    return reel_statement_run(&statement, "saving an upload", err_out);
}

enum reel_code reel_catalog_upload_save(struct reel_catalog *catalog, struct reel_upload *upload,
                                        struct reel_error *err_out)
{
    char *tags = upload->tags ? json_dumps(upload->tags, JSON_COMPACT) : NULL;
    enum reel_code code;

    if (upload->tags && !tags)
        return reel_error_set(err_out, REEL_E_STALLED, NULL,
                              "catalog, saving an upload: memory ran out");
    code = upload->rowid == 0 ? insert(catalog, upload, tags, err_out)
                              : update(catalog, upload, tags, err_out);
    free(tags);
    return code;
}

enum reel_code reel_catalog_upload_remove(struct reel_catalog *catalog, uint64_t rowid,
                                          struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_UPLOAD_REMOVE,
                         "DELETE FROM upload WHERE upload = ?");
    reel_bind_u64(&statement, rowid);
    return reel_statement_run(&statement, "removing an upload", err_out);
}

/* The blocks that have come; a length that does not fit contradicts the schema. */
static void take_received(struct reel_statement *statement, struct reel_upload *upload)
{
    size_t size;
    const uint8_t *received = reel_take_bytes(statement, &size);

    if (upload->block_bytes > 0 && !reel_upload_use_blocks(upload, upload->block_bytes)) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    if (size != received_bytes(upload)) {
        statement->contradicts = true;
        return;
    }
    for (uint64_t block = 0; block < upload->blocks; block++) {
        if (received[block / 8] >> block % 8 & 1)
            reel_upload_mark_block(upload, block);
    }
}

static void take_reply(struct reel_statement *statement, struct reel_upload *upload)
{
    const char *topic = reel_take_text_if(statement);
    size_t size = 0;
    const void *correlation;

    upload->reply_topic = topic ? strdup(topic) : NULL;
    if (topic && !upload->reply_topic)
        statement->result = SQLITE_NOMEM;
    correlation = reel_take_bytes_if(statement, &size);
    if (!correlation)
        return;
    upload->correlation = malloc(size + 1);
    if (!upload->correlation) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    memcpy(upload->correlation, correlation, size);
    upload->correlation_bytes = size;
}

static void take(struct reel_statement *statement, struct reel_upload *upload)
{
    const char *sha256;

    upload->fd = -1;
    upload->rowid = reel_take_u64(statement);
    upload->id = reel_take_u64(statement);
    reel_take_text(statement, upload->device, sizeof upload->device);
    reel_take_text(statement, upload->session, sizeof upload->session);
    upload->state = (enum reel_upload_state)reel_take_name(statement, states, REEL_UPLOAD_STATES);
    upload->size_bytes = reel_take_max(statement, INT64_MAX);
    upload->block_bytes = reel_take_max(statement, INT64_MAX);
    take_received(statement, upload);
    sha256 = reel_take_text_if(statement);
    if (sha256 && strlen(sha256) < sizeof upload->sha256)
        strcpy(upload->sha256, sha256);
    upload->overwrite = reel_take_bool(statement);
    reel_catalog_take_tags(statement, &upload->tags);
    upload->begun_us = reel_take_i64(statement);
    upload->updated_us = reel_take_i64(statement);
    take_reply(statement, upload);
}

enum reel_code reel_catalog_uploads(struct reel_catalog *catalog, reel_catalog_upload_fn *each,
                                    void *user, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE,
                         "SELECT upload, " COLUMNS " FROM upload ORDER BY upload");
    while (reel_statement_next(&statement)) {
        struct reel_upload upload = {0};

        take(&statement, &upload);
        if (statement.result != SQLITE_OK || statement.contradicts || !each(&upload, user)) {
            reel_upload_finish(&upload);
            if (statement.result == SQLITE_OK && !statement.contradicts)
                statement.result = SQLITE_NOMEM;
            break;
        }
    }
    return reel_statement_end(&statement, "reading uploads", err_out);
}
