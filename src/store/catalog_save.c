/* Catalog save: a recording's rows brought up to its struct, and their removal. */
#include "store/catalog_internal.h"

#include <stdlib.h>

static const char doing[] = "saving a recording";

static enum reel_code insert(struct reel_catalog *catalog, const struct reel_recording *recording,
                             const char *tags, uint64_t *rowid_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_INSERT,
                         "INSERT INTO recording (" REEL_RECORDING_SETTLED
                         ", " REEL_RECORDING_GROWING ") VALUES "
                         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                         " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    reel_catalog_bind_settled(&statement, recording, tags);
    reel_catalog_bind_growing(&statement, recording);
    code = reel_statement_run(&statement, doing, err_out);
    if (code == REEL_OK)
        *rowid_out = (uint64_t)sqlite3_last_insert_rowid(catalog->db);
    return code;
}

/* Asked first, because an UPDATE makes ready every index of the table, whatever it finds. */
static enum reel_code settled_differs(struct reel_catalog *catalog,
                                      const struct reel_recording *recording, const char *tags,
                                      bool *differs_out, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_SETTLED_DIFFERS,
        "SELECT 1 FROM recording WHERE recording = ?24 AND (" REEL_RECORDING_SETTLED ") IS NOT "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
        " ?20, ?21, ?22, ?23)");
    reel_catalog_bind_settled(&statement, recording, tags);
    reel_bind_u64(&statement, recording->rowid);
    *differs_out = reel_statement_next(&statement);
    return reel_statement_end(&statement, doing, err_out);
}

/* These columns are in indexes: they are written only where one of them differs. */
static enum reel_code update_settled(struct reel_catalog *catalog,
                                     const struct reel_recording *recording, const char *tags,
                                     struct reel_error *err_out)
{
    struct reel_statement statement;
    bool differs;
    enum reel_code code = settled_differs(catalog, recording, tags, &differs, err_out);

    if (code != REEL_OK || !differs)
        return code;
    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_UPDATE_SETTLED,
        "UPDATE recording SET (" REEL_RECORDING_SETTLED ") = "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
        " ?20, ?21, ?22, ?23) WHERE recording = ?24");
    reel_catalog_bind_settled(&statement, recording, tags);
    reel_bind_u64(&statement, recording->rowid);
    return reel_statement_run(&statement, doing, err_out);
}

static enum reel_code update_growing(struct reel_catalog *catalog,
                                     const struct reel_recording *recording,
                                     struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_UPDATE_GROWING,
                         "UPDATE recording SET (" REEL_RECORDING_GROWING ") = "
                         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE recording = ?");
    reel_catalog_bind_growing(&statement, recording);
    reel_bind_u64(&statement, recording->rowid);
    code = reel_statement_run(&statement, doing, err_out);
    if (code == REEL_OK && sqlite3_changes(catalog->db) != 1)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "catalog, %s: its row is missing",
                              doing);
    return code;
}

static enum reel_code save_summary(struct reel_catalog *catalog,
                                   const struct reel_recording *recording, uint64_t *rowid_out,
                                   struct reel_error *err_out)
{
    char *tags = recording->tags ? json_dumps(recording->tags, JSON_COMPACT) : NULL;
    enum reel_code code;

    if (recording->tags && !tags)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "catalog, %s: memory ran out", doing);
    if (recording->rowid == 0) {
        code = insert(catalog, recording, tags, rowid_out, err_out);
    } else {
        code = update_settled(catalog, recording, tags, err_out);
        if (code == REEL_OK)
            code = update_growing(catalog, recording, err_out);
    }
    free(tags);
    return code;
}

/* Delete the rows of an ordered list from `count` on. */
static enum reel_code cut_stretches(struct reel_catalog *catalog, uint64_t rowid, size_t count,
                                    struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_CUT_STRETCHES,
                         "DELETE FROM stretch WHERE recording = ? AND position >= ?");
    reel_bind_u64(&statement, rowid);
    reel_bind_u64(&statement, count);
    return reel_statement_run(&statement, doing, err_out);
}

static enum reel_code cut_runs(struct reel_catalog *catalog, uint64_t rowid, size_t stretch,
                               size_t count, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_CUT_RUNS,
                         "DELETE FROM run WHERE recording = ? AND stretch = ? AND position >= ?");
    reel_bind_u64(&statement, rowid);
    reel_bind_u64(&statement, stretch);
    reel_bind_u64(&statement, count);
    return reel_statement_run(&statement, doing, err_out);
}

static enum reel_code save_stretch(struct reel_catalog *catalog, uint64_t rowid, size_t position,
                                   const struct reel_stretch *stretch, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_SAVE_STRETCH,
        "INSERT INTO stretch (recording, position, epoch, reason, boot, boot_is_uint, first_seq,"
        " first_frame, start_frames) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT DO UPDATE SET (epoch, reason, boot, boot_is_uint, first_seq, first_frame,"
        " start_frames) = (?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    reel_bind_u64(&statement, rowid);
    reel_bind_u64(&statement, position);
    reel_bind_u64(&statement, stretch->epoch);
    reel_bind_text(&statement, reel_catalog_stretch_reasons[stretch->reason]);
    reel_bind_text(&statement, stretch->boot.text);
    reel_bind_u64(&statement, stretch->boot.is_uint);
    reel_bind_u64_if(&statement, stretch->has_seq, stretch->first_seq);
    reel_bind_u64_if(&statement, stretch->has_frame, stretch->first_frame);
    reel_bind_u64(&statement, stretch->start_frames);
    return reel_statement_run(&statement, doing, err_out);
}

static void bind_run(struct reel_statement *statement, uint64_t rowid, size_t stretch,
                     size_t position, const struct reel_run *run)
{
    reel_bind_u64(statement, rowid);
    reel_bind_u64(statement, stretch);
    reel_bind_u64(statement, position);
    reel_bind_text(statement, reel_catalog_run_kinds[run->kind]);
    reel_bind_u64(statement, run->frames);
    reel_bind_u64(statement, run->seqs);
    reel_bind_u64(statement, run->fragment_frames);
}

static enum reel_code save_run(struct reel_catalog *catalog, uint64_t rowid, size_t stretch,
                               size_t position, const struct reel_run *run,
                               struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_SAVE_RUN,
                         "INSERT INTO run (recording, stretch, position, kind, frames, seqs,"
                         " fragment_frames) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                         " ON CONFLICT DO UPDATE SET (kind, frames, seqs, fragment_frames)"
                         " = (?4, ?5, ?6, ?7)");
    bind_run(&statement, rowid, stretch, position, run);
    return reel_statement_run(&statement, doing, err_out);
}

/* One that the catalog has goes on growing: its kind, which SQLite would check, is left as it is.
 * False where it is not there or of another kind. */
static enum reel_code grow_run(struct reel_catalog *catalog, uint64_t rowid, size_t stretch,
                               size_t position, const struct reel_run *run, bool *done_out,
                               struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_GROW_RUN,
                         "UPDATE run SET frames = ?5, seqs = ?6, fragment_frames = ?7"
                         " WHERE recording = ?1 AND stretch = ?2 AND position = ?3 AND kind = ?4");
    bind_run(&statement, rowid, stretch, position, run);
    code = reel_statement_run(&statement, doing, err_out);
    *done_out = code == REEL_OK && sqlite3_changes(catalog->db) == 1;
    return code;
}

/* Heads first: a run's row needs its stretch's. Behind those of a new row nothing stands. */
static enum reel_code save_stretches(struct reel_catalog *catalog, uint64_t rowid,
                                     const struct reel_recording *recording,
                                     struct reel_error *err_out)
{
    size_t from = recording->stretches_dirty_from;
    enum reel_code code = REEL_OK;

    for (size_t i = from; i < recording->stretches_count && code == REEL_OK; i++)
        code = save_stretch(catalog, rowid, i, &recording->stretches[i], err_out);
    if (code == REEL_OK && recording->rowid != 0 && from < recording->stretches_count)
        code = cut_stretches(catalog, rowid, recording->stretches_count, err_out);
    return code;
}

/* Where the head was written too, another stretch may have stood there. */
static enum reel_code save_runs(struct reel_catalog *catalog, uint64_t rowid,
                                const struct reel_recording *recording, size_t position,
                                struct reel_error *err_out)
{
    const struct reel_stretch *stretch = &recording->stretches[position];
    bool is_new = position >= recording->stretches_dirty_from;
    size_t saved = is_new ? 0 : stretch->runs_saved;
    enum reel_code code = REEL_OK;

    for (size_t i = stretch->runs_dirty_from; i < stretch->runs_count && code == REEL_OK; i++) {
        bool done = false;

        if (i < saved)
            code = grow_run(catalog, rowid, position, i, &stretch->runs[i], &done, err_out);
        if (code == REEL_OK && !done)
            code = save_run(catalog, rowid, position, i, &stretch->runs[i], err_out);
    }
    if (code == REEL_OK && recording->rowid != 0 && (is_new || saved > stretch->runs_count))
        code = cut_runs(catalog, rowid, position, stretch->runs_count, err_out);
    return code;
}

/* The catalog has nothing of it. */
static void mark_dirty(struct reel_recording *recording)
{
    recording->stretches_dirty_from = 0;
    for (size_t i = 0; i < recording->stretches_count; i++)
        recording->stretches[i].runs_dirty_from = 0;
}

enum reel_code reel_catalog_save(struct reel_catalog *catalog, struct reel_recording *recording,
                                 struct reel_error *err_out)
{
    uint64_t rowid = recording->rowid;
    enum reel_code code;

    if (rowid == 0)
        mark_dirty(recording);
    code = save_summary(catalog, recording, &rowid, err_out);
    if (code == REEL_OK)
        code = save_stretches(catalog, rowid, recording, err_out);
    for (size_t i = 0; i < recording->stretches_count && code == REEL_OK; i++)
        code = save_runs(catalog, rowid, recording, i, err_out);
    if (code != REEL_OK)
        return code;
    recording->rowid = rowid;
    reel_catalog_mark_clean(recording);
    return REEL_OK;
}

enum reel_code reel_catalog_remove(struct reel_catalog *catalog, uint64_t rowid,
                                   struct reel_error *err_out)
{
    struct reel_statement statement;

    /* Stretches and runs go with it (ON DELETE CASCADE). */
    reel_statement_start(&statement, catalog, REEL_STATEMENT_REMOVE,
                         "DELETE FROM recording WHERE recording = ?");
    reel_bind_u64(&statement, rowid);
    return reel_statement_run(&statement, "removing a recording", err_out);
}
