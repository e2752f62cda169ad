/* Table: rows for people, columns as wide as what stands in them. */
#ifndef REEL_CLI_TABLE_H
#define REEL_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct reel_column {
    const char *title;
    bool right; /* aligned */
};

struct reel_table;

/* NULL if memory ran out. `columns` is borrowed. */
struct reel_table *reel_table_create(const struct reel_column *columns, size_t count);
void reel_table_destroy(struct reel_table **table); /* accepts NULL */

/* Add the next cell, row by row. Control characters become '?'. A cell that memory ran out for is
 * left empty. */
void reel_table_cell(struct reel_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Write the rows to standard output, under the titles if `titles`, and forget the rows; the widths
 * stay, so that pages of one list stand alike. */
void reel_table_print(struct reel_table *table, bool titles);

#endif
