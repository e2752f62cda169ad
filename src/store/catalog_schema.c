/* Catalog schema: schemas/index*.sql, compiled in: the whole, and the steps from one version to the
 * next. */
#include "store/catalog_internal.h"

#include <stdio.h>

#define APPLICATION_ID 1919247724 /* as schemas/index.sql sets it */

static const char index_sql[] = {
#include "gen/index_sql.inc"
    0};

static const char index_1_to_2_sql[] = {
#include "gen/index_1_to_2_sql.inc"
    0};

static const char index_2_to_3_sql[] = {
#include "gen/index_2_to_3_sql.inc"
    0};

static const char index_3_to_4_sql[] = {
#include "gen/index_3_to_4_sql.inc"
    0};

static const char *const steps[] = {index_1_to_2_sql, index_2_to_3_sql, index_3_to_4_sql};

const struct reel_catalog_schema reel_catalog_schema_now = {
    .version = 4,
    .sql = index_sql,
    .steps = steps,
};

static enum reel_code ask_number(struct reel_catalog *catalog, const char *sql, int64_t *value_out,
                                 struct reel_error *err_out)
{
    struct reel_statement statement;
    int64_t value = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE, sql);
    if (reel_statement_next(&statement))
        value = reel_take_i64(&statement);
    code = reel_statement_end(&statement, "reading its version", err_out);
    if (code == REEL_OK)
        *value_out = value;
    return code;
}

enum reel_code reel_catalog_examine(struct reel_catalog *catalog,
                                    const struct reel_catalog_schema *schema, unsigned *version_out,
                                    struct reel_error *err_out)
{
    int64_t application_id = 0, version = 0, tables = 0;
    enum reel_code code = ask_number(catalog, "PRAGMA application_id", &application_id, err_out);

    if (code == REEL_OK)
        code = ask_number(catalog, "PRAGMA user_version", &version, err_out);
    if (code == REEL_OK)
        code = ask_number(catalog, "SELECT count(*) FROM sqlite_schema", &tables, err_out);
    if (code != REEL_OK)
        return code;
    if (tables == 0 && version == 0) {
        *version_out = 0;
        return REEL_OK;
    }
    if (application_id != APPLICATION_ID || version < 1)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "catalog: the file is another program's database");
    if (version > schema->version)
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL,
                              "catalog: a newer reel wrote it (version %lld; this one knows %u): "
                              "install that one, nothing was changed",
                              (long long)version, schema->version);
    *version_out = (unsigned)version;
    return REEL_OK;
}

/* Carry one step out: its statements and the version it leads to, or nothing. */
static enum reel_code apply(struct reel_catalog *catalog, const char *sql, unsigned version,
                            struct reel_error *err_out)
{
    char set_version[64];
    enum reel_code code;

    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %u", version);
    code = reel_catalog_begin(catalog, err_out);
    if (code != REEL_OK)
        return code;
    code = reel_catalog_run(catalog, sql, "applying the schema", err_out);
    if (code == REEL_OK)
        code = reel_catalog_run(catalog, set_version, "setting its version", err_out);
    if (code == REEL_OK)
        return reel_catalog_commit(catalog, err_out);
    reel_catalog_rollback(catalog);
    return code;
}

enum reel_code reel_catalog_migrate(struct reel_catalog *catalog,
                                    const struct reel_catalog_schema *schema, unsigned version,
                                    struct reel_error *err_out)
{
    if (version == 0)
        return apply(catalog, schema->sql, schema->version, err_out);
    for (; version < schema->version; version++) {
        enum reel_code code = apply(catalog, schema->steps[version - 1], version + 1, err_out);

        if (code != REEL_OK)
            return code;
    }
    return REEL_OK;
}
