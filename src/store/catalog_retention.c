/* Catalog retention: what may be removed, what ended longest ago first, and what each device's
 * complete recordings take (the table usage, which triggers keep). */
#include "store/catalog_internal.h"

#include <string.h>

#define REMOVABLE_COLUMNS "recording, updated_us, device, session, frames, channels, sample_bytes"
#define REMOVABLE_ORDER                                                                            \
    " state = 'complete' AND kept = 0 AND (updated_us, recording) > (?, ?)"                        \
    " ORDER BY updated_us, recording LIMIT ?"

static void take_removable(struct reel_statement *statement, struct reel_removable *out)
{
    out->at.rowid = reel_take_u64(statement);
    out->at.ended_us = reel_take_i64(statement);
    reel_take_text(statement, out->device, sizeof out->device);
    reel_take_text(statement, out->session, sizeof out->session);
    out->file_bytes = reel_catalog_take_file_bytes(statement);
}

enum reel_code reel_catalog_removable(struct reel_catalog *catalog, const char *device,
                                      const struct reel_removable_place *after,
                                      struct reel_removable *out, size_t capacity,
                                      size_t *count_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    size_t count = 0;
    enum reel_code code;

    if (device)
        reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_REMOVABLE,
                             "SELECT " REMOVABLE_COLUMNS
                             " FROM recording INDEXED BY recording_device_removable"
                             " WHERE device = ? AND" REMOVABLE_ORDER);
    else
        reel_statement_start(&statement, catalog, REEL_STATEMENT_REMOVABLE,
                             "SELECT " REMOVABLE_COLUMNS
                             " FROM recording INDEXED BY recording_removable"
                             " WHERE" REMOVABLE_ORDER);
    if (device)
        reel_bind_text(&statement, device);
    reel_bind_i64(&statement, after->ended_us);
    reel_bind_u64(&statement, after->rowid);
    reel_bind_u64(&statement, capacity);
    while (count < capacity && reel_statement_next(&statement))
        take_removable(&statement, &out[count++]);
    code = reel_statement_end(&statement, "finding what may be removed", err_out);
    if (code == REEL_OK)
        *count_out = count;
    return code;
}

enum reel_code reel_catalog_usage_behind(struct reel_catalog *catalog, const char *after,
                                         char device_out[REEL_NAME_BYTES],
                                         struct reel_usage *usage_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    char device[REEL_NAME_BYTES] = "";
    struct reel_usage usage = {0, 0};
    enum reel_code code;
    bool found;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_USAGE_BEHIND,
                         "SELECT device, recordings, bytes FROM usage WHERE device >= ?1"
                         " AND (device > ?1 OR ?2) ORDER BY device LIMIT 1");
    reel_bind_text(&statement, after ? after : "");
    reel_bind_i64(&statement, after == NULL);
    found = reel_statement_next(&statement);
    if (found) {
        reel_take_text(&statement, device, sizeof device);
        usage.recordings = reel_take_u64(&statement);
        usage.bytes = reel_take_u64(&statement);
    }
    code = reel_statement_end(&statement, "adding up what recordings take", err_out);
    if (code == REEL_OK && !found)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there are no more devices");
    if (code != REEL_OK)
        return code;
    memcpy(device_out, device, sizeof device);
    *usage_out = usage;
    return REEL_OK;
}

enum reel_code reel_catalog_latest_end(struct reel_catalog *catalog, int64_t *ended_us_out,
                                       struct reel_error *err_out)
{
    struct reel_statement statement;
    int64_t ended_us = INT64_MIN;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_LATEST_END,
                         "SELECT updated_us FROM recording INDEXED BY recording_removable"
                         " WHERE state = 'complete' AND kept = 0"
                         " ORDER BY updated_us DESC LIMIT 1");
    if (reel_statement_next(&statement))
        ended_us = reel_take_i64(&statement);
    code = reel_statement_end(&statement, "finding what ended last", err_out);
    if (code == REEL_OK)
        *ended_us_out = ended_us;
    return code;
}
