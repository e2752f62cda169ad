/* Catalog list: pages of recordings, and how many there are. */
#include "store/catalog_plan.h"

static const char doing[] = "listing recordings";

/* A look at the clock costs less than a row, and a row may cost a read from a slow disk. */
enum { EXPIRES_EVERY_ROWS = 16 };

struct page {
    struct reel_catalog *catalog;
    const struct reel_list_plan *plan;
    reel_reader_row_fn *row;
    void *user;
    uint32_t shown;
};

/* Whether the walk, which has come by so many rows, is to come by no more. It always comes by some,
 * or who follows the cursors would never see the end. */
static bool is_over(const struct reel_list_bound *bound, uint64_t rows)
{
    if (!bound || rows == 0)
        return false;
    return (bound->rows_max > 0 && rows >= bound->rows_max) ||
           (bound->expired && rows % EXPIRES_EVERY_ROWS == 0 && bound->expired(bound->user));
}

/* Show a recording; `*taken_out` says whether it is on the page. */
static enum reel_code show(struct page *page, uint64_t rowid, bool *taken_out,
                           struct reel_error *err_out)
{
    struct reel_recording recording = {0};
    struct reel_statement statement;
    enum reel_code code;

    reel_statement_start(&statement, page->catalog, REEL_STATEMENT_ROW,
                         "SELECT " REEL_RECORDING_COLUMNS " FROM recording WHERE recording = ?");
    reel_bind_u64(&statement, rowid);
    if (reel_statement_next(&statement))
        reel_catalog_take_recording(&statement, &recording);
    else
        statement.contradicts = true; /* an index names a row that is not there */
    code = reel_statement_end(&statement, doing, err_out);
    recording.candidate = (struct reel_candidate){0};
    *taken_out = code == REEL_OK && page->row(&recording, page->user);
    page->shown += *taken_out;
    reel_recording_finish(&recording);
    return code;
}

/* Go on from row to row until the page ends. `end->after` is the last row that was dealt with. */
static enum reel_code walk(struct page *page, struct reel_statement *statement,
                           const struct reel_list_bound *bound, struct reel_list_end *end,
                           struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    for (uint64_t rows = 0; code == REEL_OK && reel_statement_next(statement); rows++) {
        struct reel_cursor here;
        bool matches = reel_plan_take(statement, &here), taken = true;

        if (statement->contradicts)
            break;
        end->more = is_over(bound, rows) || (matches && page->shown == page->plan->limit);
        if (matches && !end->more) {
            code = show(page, here.rowid, &taken, err_out);
            end->more = !taken;
        }
        if (end->more)
            break;
        end->after = here;
    }
    return code;
}

enum reel_code reel_catalog_list(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                 const struct reel_list_bound *bound, reel_reader_row_fn *row,
                                 void *user, struct reel_list_end *end_out,
                                 struct reel_error *err_out)
{
    struct page page = {.catalog = catalog, .plan = plan, .row = row, .user = user};
    struct reel_list_end end = {.more = false, .after = plan->cursor};
    struct reel_statement statement;
    struct reel_plan_texts texts;
    struct reel_error error;
    bool opened;
    enum reel_code code = reel_catalog_snapshot(catalog, &opened, err_out), ended;

    if (code != REEL_OK)
        return code;
    reel_plan_start(catalog, plan, &texts, &statement);
    code = walk(&page, &statement, bound, &end, &error);
    ended = reel_statement_end(&statement, doing, code == REEL_OK ? &error : NULL);
    reel_catalog_snapshot_end(catalog, opened);
    if (code == REEL_OK)
        code = ended;
    if (code == REEL_OK)
        *end_out = end;
    else if (err_out)
        *err_out = error;
    return code;
}

enum reel_code reel_catalog_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                  const struct reel_list_bound *bound, uint64_t *count_out,
                                  bool *is_minimum_out, struct reel_error *err_out)
{
    struct reel_statement statement;
    struct reel_plan_texts texts;
    uint64_t count = 0;
    bool is_minimum = false;
    enum reel_code code;

    reel_plan_start_count(catalog, plan, &texts, &statement);
    for (uint64_t rows = 0; !is_minimum && reel_statement_next(&statement); rows++) {
        bool matches = reel_take_bool(&statement);

        is_minimum = is_over(bound, rows) || (matches && count == REEL_LIST_COUNT_MAX);
        count += matches && !is_minimum;
    }
    code = reel_statement_end(&statement, "counting recordings", err_out);
    if (code != REEL_OK)
        return code;
    *count_out = count;
    *is_minimum_out = is_minimum;
    return REEL_OK;
}
