/* Catalog filter: a question's conditions as SQL and the values for it. The text is made of our own
 * words alone; whatever a stranger sent is a parameter. Private to catalog*.c. */
#ifndef REEL_STORE_CATALOG_FILTER_H
#define REEL_STORE_CATALOG_FILTER_H

#include "store/catalog_internal.h"

enum reel_value_kind { REEL_VALUE_INTEGER, REEL_VALUE_REAL, REEL_VALUE_TEXT };

struct reel_value {
    enum reel_value_kind kind;
    int64_t integer;
    double real;
    const char *text; /* borrowed until the statement's end */
};

struct reel_value reel_value_u64(uint64_t value);
struct reel_value reel_value_i64(int64_t value);
struct reel_value reel_value_real(double value);
struct reel_value reel_value_text(const char *text);

/* The most values that a question has: 14 filters, two for each tag and once more for the first, a
 * cursor. */
enum { REEL_FILTER_VALUES_MAX = 14 + 2 * REEL_TAGS_MAX + 2 + 4 };

/* What finds rows by an index and sets where a walk begins and ends; what is asked of each row
 * that the walk comes by. */
enum reel_clause { REEL_CLAUSE_WHERE, REEL_CLAUSE_CHECK, REEL_CLAUSE_COUNT };

/* " AND ..." for each condition of a clause. Parameters are numbered over both, so the texts may
 * stand in a statement in any order and more than once. */
struct reel_filter {
    sqlite3_str *clauses[REEL_CLAUSE_COUNT];
    struct reel_value values[REEL_FILTER_VALUES_MAX];
    int count;
};

void reel_filter_init(struct reel_filter *filter);
void reel_filter_finish(struct reel_filter *filter);

/* Append text, the number of a new parameter, or " AND LEFT ?N". */
void reel_filter_text(struct reel_filter *filter, enum reel_clause clause, const char *text);
void reel_filter_value(struct reel_filter *filter, enum reel_clause clause,
                       struct reel_value value);
void reel_filter_and(struct reel_filter *filter, enum reel_clause clause, const char *left,
                     struct reel_value value);

/* The text so far, "" if there is none. */
const char *reel_filter_sql(const struct reel_filter *filter, enum reel_clause clause);

/* Prepare `sql`, which holds the clauses' texts (NULL: memory ran out), and bind the values. */
void reel_filter_start(const struct reel_filter *filter, struct reel_catalog *catalog,
                       const char *sql, struct reel_statement *statement);

#endif
