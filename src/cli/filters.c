/* Filters: from options to members of a request. */
#include "cli/filters.h"

#include "cli/ask.h"
#include "cli/report.h"
#include "cli/tags.h"

static void member_uint(json_t *request, const char *name, const struct reel_uint_option *value)
{
    if (value->given)
        json_object_set_new(request, name, json_integer((json_int_t)value->value));
}

static void member_seconds(json_t *request, const char *name,
                           const struct reel_seconds_option *value)
{
    if (value->given)
        json_object_set_new(request, name, json_real(value->value));
}

/* NULL if memory ran out. */
static json_t *request_make(const struct reel_filters *filters, const struct reel_tags *tags)
{
    json_t *request = json_object();

    if (!request)
        return NULL;
    reel_ask_text(request, "device", filters->device);
    reel_ask_text(request, "session", filters->session);
    reel_ask_text(request, "state", filters->state);
    reel_ask_text(request, "end_reason", filters->end_reason);
    reel_ask_text(request, "since", filters->since);
    reel_ask_text(request, "until", filters->until);
    member_seconds(request, "min_duration", &filters->min_duration);
    member_seconds(request, "max_duration", &filters->max_duration);
    member_uint(request, "rate", &filters->rate);
    member_uint(request, "channels", &filters->channels);
    member_uint(request, "sample_size", &filters->sample_size);
    if (filters->has_gaps || filters->no_gaps)
        json_object_set_new(request, "has_gaps", json_boolean(filters->has_gaps));
    if (filters->kept || filters->not_kept)
        json_object_set_new(request, "kept", json_boolean(filters->kept));
    if (tags->count)
        json_object_set_new(request, "tags", reel_tags_document(tags));
    return request;
}

enum reel_exit reel_filters_take(const struct reel_filters *filters, json_t **request_out)
{
    struct reel_tags tags = {0};
    enum reel_exit status;

    if ((filters->has_gaps && filters->no_gaps) || (filters->kept && filters->not_kept))
        return reel_report_usage("an option and its opposite");
    status = reel_tags_take(filters->tags.items, filters->tags.count, &tags);
    if (status)
        return status;
    *request_out = request_make(filters, &tags);
    reel_tags_finish(&tags);
    return *request_out ? REEL_EXIT_OK : REEL_EXIT_FAILED;
}
