/* Delete plan: the filters of `list`, and what a deletion asks for beside them. */
#include "core/delete_plan.h"

#include <string.h>

#include "core/fields.h"

/* Those of every request, the filters of list, and what a deletion has beside them. */
static const char *const known[] = {
    "reply_to", "transaction", "device", "session",  "state",       "min_duration", "max_duration",
    "since",    "until",       "rate",   "channels", "sample_size", "end_reason",   "has_gaps",
    "kept",     "tags",        "all",    "force",    "dry_run",
};

static bool is_known(const char *field)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i], field) == 0)
            return true;
    }
    return false;
}

/* A filter that is misspelled would be none, and more would go than was meant. */
static void refuse_unknown(struct reel_fields *fields, json_t *request)
{
    const char *field;
    json_t *value;

    json_object_foreach (request, field, value) {
        if (!is_known(field))
            reel_fields_fail(fields, REEL_E_BAD_REQUEST, field,
                             "delete does not know this field: more would go than was meant");
    }
}

static void refuse_paging(struct reel_fields *fields)
{
    static const char *const paging[] = {"limit", "cursor", "sort"};

    for (size_t i = 0; i < sizeof paging / sizeof paging[0]; i++) {
        if (json_object_get(fields->document, paging[i]))
            reel_fields_fail(fields, REEL_E_BAD_REQUEST, paging[i],
                             "delete takes all that its filters match: it has no %s", paging[i]);
    }
}

static unsigned count_filters(const struct reel_list_plan *plan)
{
    const bool has[] = {
        plan->has_device,       plan->has_session_prefix, plan->has_state,
        plan->has_min_duration, plan->has_max_duration,   plan->has_since,
        plan->has_until,        plan->has_rate,           plan->has_channels,
        plan->has_sample_bytes, plan->has_end_reason,     plan->has_gaps,
        plan->has_kept,         plan->tags != NULL,
    };
    unsigned count = 0;

    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        count += has[i];
    return count;
}

static void check_filters(struct reel_fields *fields, bool confined, bool all,
                          const struct reel_delete_plan *plan)
{
    unsigned filters = count_filters(&plan->list);

    if (plan->one && (filters > 2 || all))
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "session",
                         "device and session name one recording: nothing goes with them but force "
                         "and dry_run");
    else if (!all && filters == confined)
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "all",
                         "a delete without a filter: name a recording, or at least one filter of "
                         "list, or all: true");
}

enum reel_code reel_delete_plan_decode(json_t *request, bool confined, struct reel_delete_plan *out,
                                       struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request, .err_out = err_out};
    struct reel_delete_plan plan = {0};
    bool all = false;

    refuse_paging(&fields);
    refuse_unknown(&fields, request);
    reel_fields_bool(&fields, "all", &all);
    reel_fields_bool(&fields, "force", &plan.force);
    reel_fields_bool(&fields, "dry_run", &plan.dry_run);
    if (fields.code == REEL_OK)
        fields.code = reel_list_plan_decode(request, NULL, &plan.list, err_out);
    if (fields.code != REEL_OK)
        return fields.code;
    plan.list.sort = REEL_SORT_NAME;
    plan.one = plan.list.has_device && plan.list.has_session_prefix;
    check_filters(&fields, confined, all, &plan);
    if (fields.code == REEL_OK)
        *out = plan;
    else
        reel_list_plan_finish(&plan.list);
    return fields.code;
}

void reel_delete_plan_finish(struct reel_delete_plan *plan)
{
    reel_list_plan_finish(&plan->list);
}
