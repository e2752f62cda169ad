/* Catalog, in bulk: many recordings into a new one. What else each row would cost (an entry in
 * every index, what the triggers keep) is put off to the end and done once for all. */
#include "store/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

static const char doing[] = "building it anew";

/* What the triggers of schemas/index.sql keep: sums, and the tags. */
#define SUM(column) " coalesce(sum(" column " & 0x7fffffffffff), 0),"
#define SUMS                                                                                       \
    "count(*), coalesce(sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2), 0)," SUM(      \
        "frames") SUM("fragments") SUM("rejected")                                                 \
        SUM("gap_frames") " coalesce(max(updated_us), 0)"
static const char sum_usage[] =
    "DELETE FROM usage;"
    "INSERT INTO usage SELECT '', " SUMS " FROM recording WHERE state = 'complete';"
    "INSERT INTO usage SELECT device, " SUMS
    " FROM recording WHERE state = 'complete' GROUP BY device";
static const char note_tags[] =
    "DELETE FROM tag;"
    "INSERT OR IGNORE INTO tag (name, value, started_us, recording)"
    " SELECT key, atom, started_us, recording FROM recording, json_each(tags)"
    " WHERE atom IS NOT NULL";

/* What UNIQUE and PRIMARY KEY made has no text, and stays. */
static enum reel_code ask(struct reel_catalog *catalog, char **drop_out, char **create_out,
                          struct reel_error *err_out)
{
    struct reel_statement statement;
    const char *drop = NULL;
    const char *create = NULL;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE,
                         "SELECT group_concat('DROP ' || type || ' ' || name, ';'),"
                         " group_concat(sql, char(59, 10)) FROM sqlite_schema"
                         " WHERE tbl_name = 'recording' AND type IN ('index', 'trigger')"
                         " AND sql IS NOT NULL");
    if (reel_statement_next(&statement)) {
        drop = reel_take_text_if(&statement);
        create = reel_take_text_if(&statement);
    }
    *drop_out = strdup(drop ? drop : "");
    *create_out = strdup(create ? create : "");
    if (!*drop_out || !*create_out)
        statement.result = SQLITE_NOMEM;
    return reel_statement_end(&statement, doing, err_out);
}

enum reel_code reel_catalog_bulk_begin(struct reel_catalog *catalog, struct reel_error *err_out)
{
    char *create = NULL;
    char *drop = NULL;
    enum reel_code code = ask(catalog, &drop, &create, err_out);

    if (code == REEL_OK)
        code = reel_catalog_run(catalog, drop, doing, err_out);
    free(drop);
    if (code != REEL_OK) {
        free(create);
        return code;
    }
    catalog->put_off = create;
    return REEL_OK;
}

enum reel_code reel_catalog_bulk_end(struct reel_catalog *catalog, struct reel_error *err_out)
{
    enum reel_code code = reel_catalog_run(catalog, catalog->put_off, doing, err_out);

    free(catalog->put_off);
    catalog->put_off = NULL;
    if (code == REEL_OK)
        code = reel_catalog_run(catalog, sum_usage, doing, err_out);
    return code == REEL_OK ? reel_catalog_run(catalog, note_tags, doing, err_out) : code;
}
