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
    for (unsigned i = 0; i < REEL_CLAUSE_COUNT; i++)
        filter->clauses[i] = sqlite3_str_new(NULL);
    filter->count = 0;
}

void reel_filter_finish(struct reel_filter *filter)
{
    for (unsigned i = 0; i < REEL_CLAUSE_COUNT; i++)
        sqlite3_free(sqlite3_str_finish(filter->clauses[i]));
}

void reel_filter_text(struct reel_filter *filter, enum reel_clause clause, const char *text)
{
    sqlite3_str_appendall(filter->clauses[clause], text);
}

void reel_filter_value(struct reel_filter *filter, enum reel_clause clause, struct reel_value value)
{
    /* Every caller asks within the bound; one that does not must not be answered wrongly. */
    if (filter->count == REEL_FILTER_VALUES_MAX) {
        reel_filter_text(filter, clause, "(too many values)");
        return;
    }
    filter->values[filter->count++] = value;
    sqlite3_str_appendf(filter->clauses[clause], "?%d", filter->count);
}

void reel_filter_and(struct reel_filter *filter, enum reel_clause clause, const char *left,
                     struct reel_value value)
{
    reel_filter_text(filter, clause, " AND ");
    reel_filter_text(filter, clause, left);
    reel_filter_text(filter, clause, " ");
    reel_filter_value(filter, clause, value);
}

const char *reel_filter_sql(const struct reel_filter *filter, enum reel_clause clause)
{
    const char *sql = sqlite3_str_value(filter->clauses[clause]);

    return sql ? sql : "";
}

static bool ran_out_of_memory(const struct reel_filter *filter)
{
    for (unsigned i = 0; i < REEL_CLAUSE_COUNT; i++)
        if (sqlite3_str_errcode(filter->clauses[i]) != SQLITE_OK)
            return true;
    return false;
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
    if (!sql || ran_out_of_memory(filter))
        statement->result = SQLITE_NOMEM;
    for (int i = 0; i < filter->count; i++)
        bind(statement, &filter->values[i]);
}
