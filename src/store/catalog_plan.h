/* Catalog plan: a list's plan as a statement that walks recordings in the order asked. Private to
 * catalog*.c.
 *
 * What an index can give (the order, where it begins, a device, a range of what is sorted by) is
 * the statement's; every other condition is answered for each row that the walk comes by. So a page
 * takes no longer than its rows, seen or passed over, and the walk can stop anywhere. */
#ifndef REEL_STORE_CATALOG_PLAN_H
#define REEL_STORE_CATALOG_PLAN_H

#include "store/catalog_internal.h"

/* What a statement borrows while it runs. */
struct reel_plan_texts {
    char prefix_end[REEL_NAME_BYTES];
    struct reel_list_plan plan; /* of a walk that counts */
};

/* Start a walk; `plan` and `texts` are borrowed until the statement's end. */
void reel_plan_start(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                     struct reel_plan_texts *texts, struct reel_statement *statement);

/* One that only counts: no order, no cursor. */
void reel_plan_start_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                           struct reel_plan_texts *texts, struct reel_statement *statement);

/* Take a row of either: whether it matches, and the cursor behind it. */
bool reel_plan_take(struct reel_statement *statement, struct reel_cursor *cursor_out);

#endif
