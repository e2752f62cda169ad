/* Table: cells kept until their columns' widths are known. */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

enum { COLUMNS_MAX = 16, CELL_BYTES = 512 };

struct reel_table {
    const struct reel_column *columns;
    size_t columns_count;
    int widths[COLUMNS_MAX];
    char **cells; /* an entry may be NULL: empty */
    size_t cells_count;
    size_t cells_capacity;
};

/* Columns on a terminal: characters, not bytes of UTF-8. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

struct reel_table *reel_table_create(const struct reel_column *columns, size_t count)
{
    struct reel_table *table = count <= COLUMNS_MAX ? calloc(1, sizeof *table) : NULL;

    if (!table)
        return NULL;
    table->columns = columns;
    table->columns_count = count;
    for (size_t i = 0; i < count; i++)
        table->widths[i] = width_of(columns[i].title);
    return table;
}

static void cells_clear(struct reel_table *table)
{
    while (table->cells_count)
        free(table->cells[--table->cells_count]);
}

void reel_table_destroy(struct reel_table **table)
{
    if (!*table)
        return;
    cells_clear(*table);
    free((*table)->cells);
    free(*table);
    *table = NULL;
}

void reel_table_cell(struct reel_table *table, const char *format, ...)
{
    size_t column = table->cells_count % table->columns_count;
    char text[CELL_BYTES];
    va_list args;

    if (table->cells_count == table->cells_capacity) {
        size_t capacity = table->cells_capacity ? 2 * table->cells_capacity : 64;
        char **cells = realloc(table->cells, capacity * sizeof *cells);

        if (!cells)
            return;
        table->cells = cells;
        table->cells_capacity = capacity;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reel_report_mask(text);
    if (width_of(text) > table->widths[column])
        table->widths[column] = width_of(text);
    table->cells[table->cells_count++] = strdup(text);
}

static void row_print(const struct reel_table *table, const char *const *texts)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        const char *text = texts[i] ? texts[i] : "";
        int pad = table->widths[i] - width_of(text);
        bool last = i + 1 == table->columns_count;

        if (table->columns[i].right)
            printf("%*s%s", pad, "", text);
        else
            printf("%s%*s", text, last ? 0 : pad, "");
        fputs(last ? "\n" : "  ", stdout);
    }
}

void reel_table_print(struct reel_table *table, bool titles)
{
    const char *texts[COLUMNS_MAX];

    if (titles) {
        for (size_t i = 0; i < table->columns_count; i++)
            texts[i] = table->columns[i].title;
        row_print(table, texts);
    }
    for (size_t row = 0; row + table->columns_count <= table->cells_count;
         row += table->columns_count) {
        for (size_t i = 0; i < table->columns_count; i++)
            texts[i] = table->cells[row + i];
        row_print(table, texts);
    }
    cells_clear(table);
}
