/* Query, `list`: one page of recordings. */
#include "core/describe.h"
#include "core/object.h"
#include "core/query_plan.h"
#include "daemon/query_page.h"
#include "io/loop.h"

/* A walk by recordings that do not match stops then: other requests wait, and so does the catalog's
 * log, which grows while a reader stands in it. */
enum { SCAN_MOST_US = 50000 };

static bool is_past(void *user)
{
    const int64_t *deadline_us = user;

    return reel_monotonic_us() >= *deadline_us;
}

static bool add_row(const struct reel_recording *recording, void *user)
{
    return reel_page_add(user, reel_describe_recording(recording));
}

static enum reel_code put_total(struct reel_object *data, struct reel_reader *reader,
                                const struct reel_list_plan *plan, struct reel_error *err_out)
{
    int64_t deadline_us = reel_monotonic_us() + SCAN_MOST_US;
    const struct reel_list_bound bound = {.expired = is_past, .user = &deadline_us};
    uint64_t total;
    bool is_minimum;
    enum reel_code code = reel_reader_count(reader, plan, &bound, &total, &is_minimum, err_out);

    if (code != REEL_OK)
        return code;
    reel_object_put_uint(data, "total", total);
    reel_object_put_bool(data, "total_is_minimum", is_minimum);
    return REEL_OK;
}

static enum reel_code list(struct reel_request *request, const struct reel_list_plan *plan,
                           struct reel_error *err_out)
{
    int64_t deadline_us = reel_monotonic_us() + SCAN_MOST_US;
    const struct reel_list_bound bound = {.expired = is_past, .user = &deadline_us};
    struct reel_reader *reader = request->links->reader;
    struct reel_list_end end = {.more = false};
    struct reel_object data;
    struct reel_page page;
    enum reel_code code;

    reel_page_init(&page, request, "recordings");
    code = reel_reader_list(reader, plan, &bound, add_row, &page, &end, err_out);
    if (end.more)
        reel_cursor_encode(plan, &end.after, page.cursor);
    reel_object_init(&data);
    if (code == REEL_OK && plan->count)
        code = put_total(&data, reader, plan, err_out);
    if (code == REEL_OK)
        return reel_page_reply(&page, request, reel_object_take(&data), end.more, err_out);
    json_decref(reel_object_take(&data));
    reel_page_finish(&page);
    return code;
}

enum reel_code reel_query_list(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_list_plan plan;
    enum reel_code code =
        reel_list_plan_decode(request->document, reel_request_device(request), &plan, err_out);

    if (code != REEL_OK)
        return code;
    code = list(request, &plan, err_out);
    reel_list_plan_finish(&plan);
    return code;
}
