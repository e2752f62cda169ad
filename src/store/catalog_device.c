/* Catalog devices: what is known of each, one after the other by name, and who is silent. What its
 * complete recordings come to stands in table usage; those that grow are added up, with as many
 * bits of each as there. */
#include "store/catalog_internal.h"

#include <stdio.h>
#include <string.h>

static const char doing[] = "looking at devices";

/* The first name behind ?1 of those that have recordings, complete or not, or payloads in
 * quarantine, or are silent: a look into each of four indexes. */
static const char next_name[] =
    "SELECT min(device) FROM"
    " (SELECT * FROM (SELECT device FROM usage WHERE device > ?1 ORDER BY device LIMIT 1)"
    " UNION ALL SELECT * FROM (SELECT device FROM recording INDEXED BY recording_open"
    " WHERE state = 'recording' AND device > ?1 ORDER BY device LIMIT 1)"
    " UNION ALL SELECT * FROM (SELECT device FROM quarantine INDEXED BY quarantine_device"
    " WHERE device > ?1 ORDER BY device LIMIT 1)"
    " UNION ALL SELECT * FROM (SELECT device FROM silent WHERE device > ?1"
    " ORDER BY device LIMIT 1))";

/* With max() the other columns are of the row that has it: the recording that was heard last. */
static const char sum_open[] =
    "SELECT count(*), ifnull(sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2), 0),"
    " ifnull(sum(frames & 0x7fffffffffff), 0), ifnull(sum(fragments & 0x7fffffffffff), 0),"
    " ifnull(sum(rejected & 0x7fffffffffff), 0), ifnull(sum(gap_frames & 0x7fffffffffff), 0),"
    " max(updated_us), session"
    " FROM recording INDEXED BY recording_open WHERE state = 'recording' AND device = ?";

static enum reel_code find_next(struct reel_catalog *catalog, const char *after,
                                char device_out[REEL_NAME_BYTES], struct reel_error *err_out)
{
    struct reel_statement statement;
    const char *name = NULL;
    enum reel_code code;

    device_out[0] = '\0';
    reel_statement_start(&statement, catalog, REEL_STATEMENT_NEXT_DEVICE, next_name);
    reel_bind_text(&statement, after);
    if (reel_statement_next(&statement))
        name = reel_take_text_if(&statement);
    if (name && snprintf(device_out, REEL_NAME_BYTES, "%s", name) >= REEL_NAME_BYTES)
        statement.contradicts = true;
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK && device_out[0] == '\0')
        code = reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "there are no more devices");
    return code;
}

/* Count, bytes and the four sums, added to what there is. */
static uint64_t take_sums(struct reel_statement *statement, struct reel_device_figures *figures)
{
    uint64_t count = reel_take_u64(statement);

    figures->recordings += count;
    figures->bytes += reel_take_u64(statement);
    figures->frames += reel_take_u64(statement);
    figures->fragments += reel_take_u64(statement);
    figures->rejected += reel_take_u64(statement);
    figures->gap_frames += reel_take_u64(statement);
    return count;
}

static void hear(struct reel_device_figures *figures, int64_t heard_us)
{
    if (figures->has_heard && figures->heard_us >= heard_us)
        return;
    figures->has_heard = true;
    figures->heard_us = heard_us;
}

int64_t reel_device_heard_us(const struct reel_device_figures *figures, int64_t latest_us)
{
    bool ahead = figures->heard_us > latest_us && figures->recordings_open > 0;

    return ahead ? figures->open_heard_us : figures->heard_us;
}

static enum reel_code add_complete(struct reel_catalog *catalog, struct reel_device_figures *out,
                                   struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_USAGE,
                         "SELECT recordings, bytes, frames, fragments, rejected, gap_frames,"
                         " heard_us FROM usage WHERE device = ?");
    reel_bind_text(&statement, out->device);
    if (reel_statement_next(&statement)) {
        take_sums(&statement, out);
        hear(out, reel_take_i64(&statement));
    }
    return reel_statement_end(&statement, doing, err_out);
}

/* One was heard later than `latest_us`: the others are asked when they were, if there are any. */
static enum reel_code hear_others(struct reel_catalog *catalog, struct reel_device_figures *out,
                                  int64_t latest_us, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_OPEN_BY,
                         "SELECT updated_us FROM recording INDEXED BY recording_open"
                         " WHERE state = 'recording' AND device = ? AND updated_us <= ?"
                         " ORDER BY updated_us DESC LIMIT 1");
    reel_bind_text(&statement, out->device);
    reel_bind_i64(&statement, latest_us);
    if (reel_statement_next(&statement))
        out->open_heard_us = reel_take_i64(&statement);
    return reel_statement_end(&statement, doing, err_out);
}

static enum reel_code add_open(struct reel_catalog *catalog, struct reel_device_figures *out,
                               int64_t latest_us, struct reel_error *err_out)
{
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_OPEN, sum_open);
    reel_bind_text(&statement, out->device);
    if (reel_statement_next(&statement)) {
        out->recordings_open = take_sums(&statement, out);
        if (out->recordings_open > 0) {
            out->open_heard_us = reel_take_i64(&statement);
            hear(out, out->open_heard_us);
            reel_take_text(&statement, out->session, sizeof out->session);
        }
    }
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK && out->recordings_open > 0 && out->open_heard_us > latest_us)
        code = hear_others(catalog, out, latest_us, err_out);
    return code;
}

static enum reel_code add_rejects(struct reel_catalog *catalog, struct reel_device_figures *out,
                                  struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_REJECTS,
                         "SELECT count(*) FROM quarantine INDEXED BY quarantine_device"
                         " WHERE device = ?");
    reel_bind_text(&statement, out->device);
    if (reel_statement_next(&statement))
        out->quarantined = reel_take_u64(&statement);
    return reel_statement_end(&statement, doing, err_out);
}

static enum reel_code add_silence(struct reel_catalog *catalog, struct reel_device_figures *out,
                                  struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DEVICE_SILENT,
                         "SELECT heard_us FROM silent WHERE device = ?");
    reel_bind_text(&statement, out->device);
    if (reel_statement_next(&statement)) {
        out->silent = true;
        out->silent_heard_us = reel_take_i64(&statement);
    }
    return reel_statement_end(&statement, doing, err_out);
}

static enum reel_code gather(struct reel_catalog *catalog, struct reel_device_figures *out,
                             int64_t latest_us, struct reel_error *err_out)
{
    enum reel_code code = add_complete(catalog, out, err_out);

    if (code == REEL_OK)
        code = add_open(catalog, out, latest_us, err_out);
    if (code == REEL_OK)
        code = add_rejects(catalog, out, err_out);
    return code == REEL_OK ? add_silence(catalog, out, err_out) : code;
}

static enum reel_code walk(struct reel_catalog *catalog, const char *after, int64_t latest_us,
                           reel_device_fn *row, void *user, struct reel_error *err_out)
{
    struct reel_device_figures figures;
    enum reel_code code;
    bool more = true;

    snprintf(figures.device, sizeof figures.device, "%s", after);
    do {
        char device[REEL_NAME_BYTES];

        code = find_next(catalog, figures.device, device, err_out);
        figures = (struct reel_device_figures){.recordings = 0};
        memcpy(figures.device, device, sizeof device);
        if (code == REEL_OK)
            code = gather(catalog, &figures, latest_us, err_out);
        if (code == REEL_OK)
            more = row(&figures, user);
    } while (code == REEL_OK && more);
    return code == REEL_E_NOT_FOUND ? REEL_OK : code;
}

enum reel_code reel_catalog_devices(struct reel_catalog *catalog, const char *after,
                                    int64_t latest_us, reel_device_fn *row, void *user,
                                    struct reel_error *err_out)
{
    bool opened;
    enum reel_code code = reel_catalog_snapshot(catalog, &opened, err_out);

    if (code != REEL_OK)
        return code;
    code = walk(catalog, after, latest_us, row, user, err_out);
    reel_catalog_snapshot_end(catalog, opened);
    return code;
}

enum reel_code reel_catalog_device(struct reel_catalog *catalog, const char *device,
                                   struct reel_device_figures *out, struct reel_error *err_out)
{
    struct reel_device_figures figures = {.recordings = 0};
    enum reel_code code;

    snprintf(figures.device, sizeof figures.device, "%s", device);
    code = gather(catalog, &figures, INT64_MAX, err_out);
    if (code == REEL_OK && figures.recordings == 0 && figures.quarantined == 0)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "device", "nothing is known of %s",
                              device);
    if (code == REEL_OK)
        *out = figures;
    return code;
}

enum reel_code reel_catalog_silent_add(struct reel_catalog *catalog, const char *device,
                                       int64_t heard_us, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_SILENT_ADD,
                         "INSERT OR REPLACE INTO silent (device, heard_us) VALUES (?, ?)");
    reel_bind_text(&statement, device);
    reel_bind_i64(&statement, heard_us);
    return reel_statement_run(&statement, "noting who is silent", err_out);
}

enum reel_code reel_catalog_silent_remove(struct reel_catalog *catalog, const char *device,
                                          struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_SILENT_REMOVE,
                         "DELETE FROM silent WHERE device = ?");
    reel_bind_text(&statement, device);
    return reel_statement_run(&statement, "noting who is silent", err_out);
}

enum reel_code reel_catalog_last_session(struct reel_catalog *catalog, const char *device,
                                         char session_out[REEL_NAME_BYTES],
                                         struct reel_error *err_out)
{
    struct reel_statement statement;
    char session[REEL_NAME_BYTES] = "";
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_LAST_SESSION,
                         "SELECT session FROM recording INDEXED BY recording_device_started"
                         " WHERE device = ? ORDER BY started_us DESC LIMIT 1");
    reel_bind_text(&statement, device);
    if (reel_statement_next(&statement))
        reel_take_text(&statement, session, sizeof session);
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK)
        memcpy(session_out, session, sizeof session);
    return code;
}

enum reel_code reel_catalog_last_heard(struct reel_catalog *catalog, int64_t *heard_us_out,
                                       struct reel_error *err_out)
{
    struct reel_statement statement;
    int64_t heard_us = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_LAST_HEARD,
                         "SELECT max((SELECT heard_us FROM usage WHERE device = ''),"
                         " (SELECT ifnull(max(updated_us), 0) FROM recording"
                         " INDEXED BY recording_open WHERE state = 'recording'))");
    if (reel_statement_next(&statement))
        heard_us = reel_take_i64(&statement);
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK)
        *heard_us_out = heard_us > 0 ? heard_us : INT64_MIN;
    return code;
}
