/* Catalog filter: conditions and their values, side by side. */
#include "store/catalog_filter.h"

struct reel_value reel_value_u64(uint64_t value)
{
    return reel_value_i64((int64_t)value);
}

struct reel_value reel_value_i64(int64_t value)
{
    return (struct reel_value){.kind = REEL_VALUE_INTEGER, .integer = value};
}

struct reel_value reel_value_real(double value)
{
    return (struct reel_value){.kind = REEL_VALUE_REAL, .real = value};
}

struct reel_value reel_value_text(const char *text)
{
    return (struct reel_value){.kind = REEL_VALUE_TEXT, .text = text};
}

void reel_filter_init(struct reel_filter *filter)
{
    filter->sql = sqlite3_str_new(NULL);
    filter->count = 0;
}

void reel_filter_finish(struct reel_filter *filter)
{
    sqlite3_free(sqlite3_str_finish(filter->sql));
}

void reel_filter_text(struct reel_filter *filter, const char *text)
{
    sqlite3_str_appendall(filter->sql, text);
}

void reel_filter_value(struct reel_filter *filter, struct reel_value value)
{
    /* Every caller asks within the bound; one that does not must not be answered wrongly. */
    if (filter->count == REEL_FILTER_VALUES_MAX) {
        reel_filter_text(filter, "(too many values)");
        return;
    }
    filter->values[filter->count++] = value;
    sqlite3_str_appendf(filter->sql, "?%d", filter->count);
}

void reel_filter_and(struct reel_filter *filter, const char *left, struct reel_value value)
{
    reel_filter_text(filter, " AND ");
    reel_filter_text(filter, left);
    reel_filter_text(filter, " ");
    reel_filter_value(filter, value);
}

const char *reel_filter_sql(const struct reel_filter *filter)
{
    const char *sql = sqlite3_str_value(filter->sql);

    return sql ? sql : "";
}

static void bind(struct reel_statement *statement, const struct reel_value *value)
{
    switch (value->kind) {
    case REEL_VALUE_INTEGER:
        reel_bind_i64(statement, value->integer);
        break;
    case REEL_VALUE_REAL:
        reel_bind_real(statement, value->real);
        break;
    case REEL_VALUE_TEXT:
        reel_bind_text(statement, value->text);
        break;
    }
}

void reel_filter_start(const struct reel_filter *filter, struct reel_catalog *catalog,
                       const char *sql, struct reel_statement *statement)
{
    reel_statement_start(statement, catalog, REEL_STATEMENT_ONCE, sql ? sql : "");
    if (!sql || sqlite3_str_errcode(filter->sql) != SQLITE_OK)
        statement->result = SQLITE_NOMEM;
    for (int i = 0; i < filter->count; i++)
        bind(statement, &filter->values[i]);
}
