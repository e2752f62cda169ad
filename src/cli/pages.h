/* Pages: what the sink answers page by page, shown as one table or one JSON document. */
#ifndef REEL_CLI_PAGES_H
#define REEL_CLI_PAGES_H

#include <jansson.h>
#include <stddef.h>

#include "cli/commands.h"
#include "cli/table.h"

struct reel_pages {
    const char *op;
    const char *member; /* the array in the answer */
    const char *device; /* that was asked for, or NULL */
    json_t *request;    /* without limit and cursor, which are set here; NULL: memory ran out */
    struct reel_uint_option limit;
    const struct reel_column *columns;
    size_t columns_count;
    void (*row)(struct reel_table *table, const json_t *item); /* adds the cells of one row */
    void (*after)(const json_t *first_page);                   /* for people; NULL: nothing */
};

/* Ask page after page, until the limit or the end, and show each as it comes. */
enum reel_exit reel_pages_show(const struct reel_common *common, const struct reel_pages *pages);

#endif
