/* Catalog load: recordings with their stretches and runs, one or all. */
#include "store/catalog_internal.h"

#include <string.h>

static const char doing[] = "loading a recording";

static void take_stretch(struct reel_statement *statement, struct reel_stretch *out)
{
    out->epoch = (uint32_t)reel_take_max(statement, UINT32_MAX);
    out->reason = (enum reel_stretch_reason)reel_take_name(statement, reel_catalog_stretch_reasons,
                                                           REEL_STRETCH_UNKNOWN + 1);
    reel_take_text(statement, out->boot.text, sizeof out->boot.text);
    out->boot.is_uint = reel_take_bool(statement);
    out->first_seq = reel_take_u64_if(statement, &out->has_seq);
    out->first_frame = reel_take_u64_if(statement, &out->has_frame);
    out->start_frames = reel_take_u64(statement);
}

static enum reel_code load_stretches(struct reel_catalog *catalog, struct reel_recording *recording,
                                     struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_STRETCHES,
                         "SELECT position, epoch, reason, boot, boot_is_uint, first_seq,"
                         " first_frame, start_frames FROM stretch WHERE recording = ?"
                         " ORDER BY position");
    reel_bind_u64(&statement, recording->rowid);
    while (reel_statement_next(&statement)) {
        struct reel_stretch *stretch;

        if (reel_take_u64(&statement) != recording->stretches_count)
            statement.contradicts = true;
        stretch = reel_recording_add_stretch(recording);
        if (!stretch) {
            statement.result = SQLITE_NOMEM;
            break;
        }
        take_stretch(&statement, stretch);
    }
    return reel_statement_end(&statement, doing, err_out);
}

/* Add the run that the statement shows to the stretch it names. */
static void take_run(struct reel_statement *statement, struct reel_recording *recording)
{
    uint64_t position = reel_take_u64(statement), run_position = reel_take_u64(statement);
    struct reel_stretch *stretch;
    struct reel_run *run;

    if (position >= recording->stretches_count ||
        run_position != recording->stretches[position].runs_count) {
        statement->contradicts = true;
        return;
    }
    stretch = &recording->stretches[position];
    run = reel_stretch_add_run(stretch);
    if (!run) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    run->kind = (enum reel_run_kind)reel_take_name(statement, reel_catalog_run_kinds,
                                                   REEL_RUN_FORGOTTEN + 1);
    run->frames = reel_take_u64(statement);
    run->seqs = reel_take_u64(statement);
    run->fragment_frames = (uint32_t)reel_take_max(statement, UINT32_MAX);
    stretch->frames += run->frames;
    stretch->seqs += run->seqs;
}

static enum reel_code load_runs(struct reel_catalog *catalog, struct reel_recording *recording,
                                struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_RUNS,
                         "SELECT stretch, position, kind, frames, seqs, fragment_frames FROM run"
                         " WHERE recording = ? ORDER BY stretch, position");
    reel_bind_u64(&statement, recording->rowid);
    while (reel_statement_next(&statement))
        take_run(&statement, recording);
    return reel_statement_end(&statement, doing, err_out);
}

/* Take the one row that the bound statement finds, and all that belongs to it; ends the statement.
 * NOT_FOUND; on any failure nothing is left. */
static enum reel_code load_found(struct reel_statement *statement, struct reel_recording *out,
                                 struct reel_error *err_out)
{
    struct reel_catalog *catalog = statement->catalog;
    struct reel_recording recording = {0};
    bool found = reel_statement_next(statement);
    enum reel_code code;

    if (found)
        reel_catalog_take_recording(statement, &recording);
    code = reel_statement_end(statement, doing, err_out);
    if (code == REEL_OK && !found)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there is no such recording");
    if (code == REEL_OK)
        code = load_stretches(catalog, &recording, err_out);
    if (code == REEL_OK)
        code = load_runs(catalog, &recording, err_out);
    if (code != REEL_OK) {
        reel_recording_finish(&recording);
        return code;
    }
    reel_catalog_mark_clean(&recording);
    *out = recording;
    return REEL_OK;
}

/* A query for one recording: the first that fits a name, or if that is NULL a rowid. */
struct lookup {
    enum reel_statement_id id;
    const char *sql;
    const char *device;
    const char *session;
    uint64_t rowid;
};

static enum reel_code load_one(struct reel_catalog *catalog, const struct lookup *lookup,
                               struct reel_recording *recording_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    bool opened;
    enum reel_code code = reel_catalog_snapshot(catalog, &opened, err_out);

    if (code != REEL_OK)
        return code;
    reel_statement_start(&statement, catalog, lookup->id, lookup->sql);
    if (lookup->device) {
        reel_bind_text(&statement, lookup->device);
        reel_bind_text(&statement, lookup->session);
    } else {
        reel_bind_u64(&statement, lookup->rowid);
    }
    code = load_found(&statement, recording_out, err_out);
    reel_catalog_snapshot_end(catalog, opened);
    return code;
}

enum reel_code reel_catalog_load(struct reel_catalog *catalog, const char *device,
                                 const char *session, struct reel_recording *recording_out,
                                 struct reel_error *err_out)
{
    const struct lookup lookup = {
        .id = REEL_STATEMENT_LOAD,
        .sql = "SELECT " REEL_RECORDING_COLUMNS " FROM recording WHERE device = ? AND session = ?",
        .device = device,
        .session = session,
    };

    return load_one(catalog, &lookup, recording_out, err_out);
}

/* The first recording behind a name. Asked anew for each, so that `each` may change the catalog. */
static enum reel_code load_next(struct reel_catalog *catalog, bool open_only, const char *device,
                                const char *session, struct reel_recording *recording_out,
                                struct reel_error *err_out)
{
    const struct lookup all = {
        .id = REEL_STATEMENT_NEXT,
        .sql = "SELECT " REEL_RECORDING_COLUMNS " FROM recording"
               " WHERE (device, session) > (?, ?) ORDER BY device, session LIMIT 1",
        .device = device,
        .session = session,
    };
    const struct lookup open = {
        .id = REEL_STATEMENT_NEXT_OPEN,
        .sql = "SELECT " REEL_RECORDING_COLUMNS " FROM recording"
               " WHERE state = 'recording' AND (device, session) > (?, ?)"
               " ORDER BY device, session LIMIT 1",
        .device = device,
        .session = session,
    };

    return load_one(catalog, open_only ? &open : &all, recording_out, err_out);
}

enum reel_code reel_catalog_each(struct reel_catalog *catalog, bool open_only,
                                 reel_catalog_each_fn *each, void *user, struct reel_error *err_out)
{
    char device[REEL_NAME_BYTES] = "", session[REEL_NAME_BYTES] = "";
    struct reel_error error;

    for (;;) {
        struct reel_recording recording;
        enum reel_code code = load_next(catalog, open_only, device, session, &recording, &error);

        if (code == REEL_E_NOT_FOUND)
            return REEL_OK;
        if (code != REEL_OK) {
            if (err_out)
                *err_out = error;
            return code;
        }
        strcpy(device, recording.device);
        strcpy(session, recording.session);
        code = each(&recording, user, err_out);
        if (code != REEL_OK)
            return code;
    }
}

enum reel_code reel_catalog_next_unhashed(struct reel_catalog *catalog, uint64_t after_rowid,
                                          struct reel_recording *recording_out,
                                          struct reel_error *err_out)
{
    const struct lookup lookup = {
        .id = REEL_STATEMENT_NEXT_UNHASHED,
        .sql = "SELECT " REEL_RECORDING_COLUMNS " FROM recording"
               " WHERE state = 'complete' AND sha256 IS NULL AND recording > ?"
               " ORDER BY recording LIMIT 1",
        .rowid = after_rowid,
    };

    return load_one(catalog, &lookup, recording_out, err_out);
}

/* One statement for all: each row costs a step, and no more than these columns of it. */
enum reel_code reel_catalog_each_file(struct reel_catalog *catalog, reel_catalog_file_fn *each,
                                      void *user, struct reel_error *err_out)
{
    struct reel_statement statement;
    bool go_on = true;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_FILES,
                         "SELECT device, session, state, frames, channels, sample_bytes"
                         " FROM recording NOT INDEXED");
    while (go_on && reel_statement_next(&statement)) {
        struct reel_catalog_file file;

        reel_take_text(&statement, file.device, sizeof file.device);
        reel_take_text(&statement, file.session, sizeof file.session);
        file.open = reel_take_name(&statement, reel_catalog_states, 2) == REEL_STATE_RECORDING;
        file.bytes = reel_catalog_take_file_bytes(&statement);
        go_on = !statement.contradicts && each(&file, user);
    }
    return reel_statement_end(&statement, "looking for its files", err_out);
}
