/* Pages: follow the cursor. */
#include "cli/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/report.h"
#include "io/loop.h"

enum { PAGE_MAX = 500 };

static void page_print_json(const struct reel_pages *pages, const json_t *page, bool first)
{
    const json_t *item;
    size_t i;

    if (first)
        printf("{\"%s\": [", pages->member);
    json_array_foreach (json_object_get(page, pages->member), i, item) {
        fputs(first && i == 0 ? "\n" : ",\n", stdout);
        json_dumpf(item, stdout, JSON_COMPACT);
    }
}

/* What stands beside the array: the last page's cursor, the first page's count. */
static void rest_print_json(const json_t *first_page, const json_t *last_page)
{
    static const char *const counts[] = {"total", "total_is_minimum"};

    fputs("\n], \"next_cursor\": ", stdout);
    json_dumpf(json_object_get(last_page, "next_cursor"), stdout, JSON_ENCODE_ANY);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const json_t *count = json_object_get(first_page, counts[i]);

        if (count) {
            printf(", \"%s\": ", counts[i]);
            json_dumpf(count, stdout, JSON_ENCODE_ANY);
        }
    }
    fputs("}\n", stdout);
}

static void page_print(const struct reel_pages *pages, struct reel_table *table, const json_t *page,
                       bool first)
{
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(page, pages->member), i, item)
        pages->row(table, item);
    reel_table_print(table, first);
}

/* Ask for the next page, at most `left` items; true if another one follows it. */
static enum reel_code page_ask(struct reel_client *client, const struct reel_common *common,
                               const struct reel_pages *pages, uint64_t *left, json_t **page_out,
                               bool *more_out, struct reel_error *err_out)
{
    uint64_t limit = *left < PAGE_MAX ? *left : PAGE_MAX;
    json_t *cursor;
    enum reel_code code;

    json_object_set_new(pages->request, "limit", json_integer((json_int_t)limit));
    code = reel_ask(client, common, pages->op, reel_ask_confined(common, pages->device),
                    pages->request, page_out, err_out);
    if (code)
        return code;
    *left -= json_array_size(json_object_get(*page_out, pages->member));
    cursor = json_object_get(*page_out, "next_cursor");
    json_object_set(pages->request, "cursor", cursor);
    json_object_del(pages->request, "count"); /* once is enough */
    *more_out = json_is_string(cursor) && *left > 0 && *left <= UINT64_MAX / 2;
    return REEL_OK;
}

static enum reel_code show(struct reel_client *client, const struct reel_common *common,
                           const struct reel_pages *pages, struct reel_table *table,
                           struct reel_error *err_out)
{
    uint64_t left = pages->limit.given ? pages->limit.value : UINT64_MAX / 2;
    json_t *first = NULL, *page = NULL;
    bool more = true;
    enum reel_code code = REEL_OK;

    while (more) {
        json_decref(page);
        page = NULL;
        code = page_ask(client, common, pages, &left, &page, &more, err_out);
        if (code)
            break;
        if (common->json)
            page_print_json(pages, page, !first);
        else
            page_print(pages, table, page, !first);
        if (!first)
            first = json_incref(page);
    }
    if (!code && common->json)
        rest_print_json(first, page);
    else if (!code && pages->after)
        pages->after(first);
    json_decref(first);
    json_decref(page);
    return code;
}

enum reel_exit reel_pages_show(const struct reel_common *common, const struct reel_pages *pages)
{
    struct reel_client *client = NULL;
    struct reel_table *table = reel_table_create(pages->columns, pages->columns_count);
    struct reel_error error;
    enum reel_code code;

    if (!table || !pages->request)
        code = reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
    else if (pages->limit.given && pages->limit.value == 0)
        code = reel_error_set(&error, REEL_E_BAD_REQUEST, NULL, "--limit: 1 and above");
    else
        code =
            reel_client_create(common, reel_ask_confined(common, pages->device), &client, &error);
    if (!code)
        code = reel_client_connect(client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, &error);
    if (!code)
        code = show(client, common, pages, table, &error);
    reel_client_destroy(&client);
    reel_table_destroy(&table);
    return code ? reel_report_failed(&error) : REEL_EXIT_OK;
}
