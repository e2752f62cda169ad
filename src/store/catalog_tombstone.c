/* Catalog tombstone: what is remembered of deleted recordings, a row each and one for each boot. */
#include "store/catalog_internal.h"

#include <stdio.h>
#include <string.h>

static const char doing[] = "burying a recording";
static const char reading[] = "reading a tombstone";

/* One of that name that is there already becomes this one's: its boots stay. */
static enum reel_code save_head(struct reel_catalog *catalog,
                                const struct reel_tombstone *tombstone, uint64_t *rowid_out,
                                struct reel_error *err_out)
{
    struct reel_statement statement;
    uint64_t rowid = 0;
    enum reel_code code;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_BURY,
        "INSERT INTO tombstone (id, device, session, deleted_us, part_of) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (device, session) DO UPDATE SET (id, deleted_us, part_of) ="
        " (excluded.id, excluded.deleted_us, excluded.part_of) RETURNING tombstone");
    reel_bind_u64(&statement, tombstone->id);
    reel_bind_text(&statement, tombstone->device);
    reel_bind_text(&statement, tombstone->session);
    reel_bind_i64(&statement, tombstone->deleted_us);
    reel_bind_text(&statement, tombstone->part_of[0] ? tombstone->part_of : NULL);
    if (reel_statement_next(&statement))
        rowid = reel_take_u64(&statement);
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK)
        *rowid_out = rowid;
    return code;
}

static enum reel_code save_boot(struct reel_catalog *catalog, uint64_t rowid,
                                const struct reel_tombstone_boot *boot, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_BURY_BOOT,
        "INSERT INTO tombstone_boot (tombstone, boot, boot_is_uint, next_seq, next_frame,"
        " first_frames, first_hash) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET (boot_is_uint, next_seq, next_frame, first_frames, first_hash) ="
        " (excluded.boot_is_uint, excluded.next_seq, excluded.next_frame,"
        " coalesce(excluded.first_frames, first_frames), coalesce(excluded.first_hash, "
        "first_hash))");
    reel_bind_u64(&statement, rowid);
    reel_bind_text(&statement, boot->boot.text);
    reel_bind_u64(&statement, boot->boot.is_uint);
    reel_bind_u64_if(&statement, boot->has_next_seq, boot->next_seq);
    reel_bind_u64_if(&statement, boot->has_next_frame, boot->next_frame);
    reel_bind_u64_if(&statement, boot->first_frames > 0, boot->first_frames);
    reel_bind_u64_if(&statement, boot->first_frames > 0, boot->first_hash);
    return reel_statement_run(&statement, doing, err_out);
}

enum reel_code reel_catalog_bury(struct reel_catalog *catalog,
                                 const struct reel_tombstone *tombstone, struct reel_error *err_out)
{
    uint64_t rowid;
    enum reel_code code = save_head(catalog, tombstone, &rowid, err_out);

    for (size_t i = 0; code == REEL_OK && i < tombstone->boots_count; i++)
        code = save_boot(catalog, rowid, &tombstone->boots[i], err_out);
    return code;
}

/* The row of a name into `out`, without its boots. NOT_FOUND. */
static enum reel_code load_head(struct reel_catalog *catalog, const char *device,
                                const char *session, struct reel_tombstone *out,
                                uint64_t *rowid_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    const char *part_of;
    enum reel_code code;
    bool found;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_TOMBSTONE,
                         "SELECT tombstone, id, device, session, deleted_us, part_of"
                         " FROM tombstone WHERE device = ? AND session = ?");
    reel_bind_text(&statement, device);
    reel_bind_text(&statement, session);
    found = reel_statement_next(&statement);
    if (found) {
        *rowid_out = reel_take_u64(&statement);
        out->id = reel_take_u64(&statement);
        reel_take_text(&statement, out->device, sizeof out->device);
        reel_take_text(&statement, out->session, sizeof out->session);
        out->deleted_us = reel_take_i64(&statement);
        part_of = reel_take_text_if(&statement);
        if (part_of && strlen(part_of) < sizeof out->part_of)
            strcpy(out->part_of, part_of);
    }
    code = reel_statement_end(&statement, reading, err_out);
    if (code == REEL_OK && !found)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no such tombstone");
    return code;
}

static void take_boot(struct reel_statement *statement, struct reel_tombstone *tombstone)
{
    struct reel_tombstone_boot *added;
    struct reel_boot boot = {0};
    bool has_frames, has_hash;

    reel_take_text(statement, boot.text, sizeof boot.text);
    boot.is_uint = reel_take_bool(statement);
    added = reel_tombstone_add_boot(tombstone, &boot);
    if (!added) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    added->next_seq = reel_take_u64_if(statement, &added->has_next_seq);
    added->next_frame = reel_take_u64_if(statement, &added->has_next_frame);
    added->first_frames = (uint32_t)reel_take_u64_if(statement, &has_frames);
    added->first_hash = reel_take_u64_if(statement, &has_hash);
}

static enum reel_code load_boots(struct reel_catalog *catalog, uint64_t rowid,
                                 struct reel_tombstone *tombstone, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_TOMBSTONE_BOOTS,
                         "SELECT boot, boot_is_uint, next_seq, next_frame, first_frames, first_hash"
                         " FROM tombstone_boot WHERE tombstone = ?");
    reel_bind_u64(&statement, rowid);
    while (reel_statement_next(&statement))
        take_boot(&statement, tombstone);
    return reel_statement_end(&statement, reading, err_out);
}

enum reel_code reel_catalog_tombstone(struct reel_catalog *catalog, const char *device,
                                      const char *session, struct reel_tombstone *tombstone_out,
                                      struct reel_error *err_out)
{
    struct reel_tombstone tombstone = {0};
    uint64_t rowid = 0;
    bool opened;
    enum reel_code code = reel_catalog_snapshot(catalog, &opened, err_out);

    if (code != REEL_OK)
        return code;
    code = load_head(catalog, device, session, &tombstone, &rowid, err_out);
    if (code == REEL_OK)
        code = load_boots(catalog, rowid, &tombstone, err_out);
    reel_catalog_snapshot_end(catalog, opened);
    if (code == REEL_OK)
        *tombstone_out = tombstone;
    else
        reel_tombstone_finish(&tombstone);
    return code;
}

enum reel_code reel_catalog_tombstones(struct reel_catalog *catalog, const char *device,
                                       const char *session, struct reel_tombstone *tombstone_out,
                                       struct reel_error *err_out)
{
    struct reel_tombstone tombstone = {0};
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_TOMBSTONES,
                         "SELECT boot, boot_is_uint, max(next_seq), max(next_frame),"
                         " max(first_frames), max(first_hash)"
                         " FROM tombstone JOIN tombstone_boot USING (tombstone)"
                         " WHERE device = ?1 AND (session = ?2 OR part_of = ?2)"
                         " GROUP BY boot, boot_is_uint");
    reel_bind_text(&statement, device);
    reel_bind_text(&statement, session);
    while (reel_statement_next(&statement))
        take_boot(&statement, &tombstone);
    code = reel_statement_end(&statement, reading, err_out);
    if (code == REEL_OK && tombstone.boots_count == 0)
        code = reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no such tombstone");
    if (code != REEL_OK) {
        reel_tombstone_finish(&tombstone);
        return code;
    }
    snprintf(tombstone.device, sizeof tombstone.device, "%s", device);
    snprintf(tombstone.session, sizeof tombstone.session, "%s", session);
    *tombstone_out = tombstone;
    return REEL_OK;
}

/* Their boots go with them (ON DELETE CASCADE). */
enum reel_code reel_catalog_expire_tombstones(struct reel_catalog *catalog, int64_t before_us,
                                              int64_t after_us, uint32_t limit,
                                              struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_EXPIRE_TOMBSTONES,
                         "DELETE FROM tombstone WHERE tombstone IN (SELECT tombstone"
                         " FROM tombstone WHERE deleted_us < ?1 OR deleted_us > ?2 LIMIT ?3)");
    reel_bind_i64(&statement, before_us);
    reel_bind_i64(&statement, after_us);
    reel_bind_i64(&statement, limit);
    return reel_statement_run(&statement, "forgetting tombstones", err_out);
}
