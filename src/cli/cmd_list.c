/* reel list: the recordings, filtered and sorted by the sink, page by page. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/tags.h"

/* Of the table's last column: enough to tell recordings apart by. */
enum { NOTES_BYTES = 160 };

struct values {
    const char *device, *session, *state, *since, *until, *end_reason, *sort;
    struct reel_seconds_option min_duration, max_duration;
    struct reel_uint_option rate, channels, sample_size, limit;
    struct reel_texts_option tags;
    bool has_gaps, no_gaps, kept, not_kept, count;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "of that device", NULL},
    {0, "session", "PREFIX", REEL_OPTION_TEXT, FIELD(session), "whose session begins so", NULL},
    {0, "state", "STATE", REEL_OPTION_TEXT, FIELD(state), "recording or complete", NULL},
    {0, "end-reason", "WHY", REEL_OPTION_TEXT, FIELD(end_reason), "end, idle, upload, limit", NULL},
    {0, "min-duration", "SECONDS", REEL_OPTION_SECONDS, FIELD(min_duration), "at least so long",
     NULL},
    {0, "max-duration", "SECONDS", REEL_OPTION_SECONDS, FIELD(max_duration), "at most so long",
     NULL},
    {0, "since", "TIME", REEL_OPTION_TEXT, FIELD(since), "started then or later (RFC 3339)", NULL},
    {0, "until", "TIME", REEL_OPTION_TEXT, FIELD(until), "started before", NULL},
    {0, "rate", "HZ", REEL_OPTION_UINT, FIELD(rate), "of that rate", NULL},
    {0, "channels", "N", REEL_OPTION_UINT, FIELD(channels), "of so many channels", NULL},
    {0, "sample-size", "BYTES", REEL_OPTION_UINT, FIELD(sample_size), "of so many bytes a sample",
     NULL},
    {0, "has-gaps", NULL, REEL_OPTION_FLAG, FIELD(has_gaps), "with audio missing", NULL},
    {0, "no-gaps", NULL, REEL_OPTION_FLAG, FIELD(no_gaps), "with none missing", NULL},
    {0, "kept", NULL, REEL_OPTION_FLAG, FIELD(kept), "that retention spares", NULL},
    {0, "not-kept", NULL, REEL_OPTION_FLAG, FIELD(not_kept), "that it does not", NULL},
    {0, "tag", "NAME=VALUE", REEL_OPTION_TEXTS, FIELD(tags), "with that tag; repeatable", NULL},
    {0, "sort", "KEY", REEL_OPTION_TEXT, FIELD(sort),
     "started, duration, name; with - before it the other way round", NULL},
    {0, "limit", "N", REEL_OPTION_UINT, FIELD(limit), "at most so many (all)", NULL},
    {0, "count", NULL, REEL_OPTION_FLAG, FIELD(count), "tell how many there are, too", NULL},
    {0},
};

static const struct reel_column columns[] = {
    {"RECORDING", false}, {"STATE", false}, {"STARTED", false}, {"LENGTH", true},
    {"FORMAT", false},    {"SIZE", true},   {"MISSING", true},  {"NOTES", false},
};

static void member_text(json_t *request, const char *name, const char *text)
{
    if (text)
        json_object_set_new(request, name, json_string(text));
}

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

static json_t *request_make(const struct values *values, const struct reel_tags *tags)
{
    json_t *request = json_object();

    if (!request)
        return NULL;
    member_text(request, "device", values->device);
    member_text(request, "session", values->session);
    member_text(request, "state", values->state);
    member_text(request, "end_reason", values->end_reason);
    member_text(request, "since", values->since);
    member_text(request, "until", values->until);
    member_text(request, "sort", values->sort);
    member_seconds(request, "min_duration", &values->min_duration);
    member_seconds(request, "max_duration", &values->max_duration);
    member_uint(request, "rate", &values->rate);
    member_uint(request, "channels", &values->channels);
    member_uint(request, "sample_size", &values->sample_size);
    if (values->has_gaps || values->no_gaps)
        json_object_set_new(request, "has_gaps", json_boolean(values->has_gaps));
    if (values->kept || values->not_kept)
        json_object_set_new(request, "kept", json_boolean(values->kept));
    if (values->count)
        json_object_set_new(request, "count", json_true());
    if (tags->count)
        json_object_set_new(request, "tags", reel_tags_document(tags));
    return request;
}

static void row(struct reel_table *table, const json_t *recording)
{
    char text[REEL_HUMAN_BYTES], notes[NOTES_BYTES];
    double rate = reel_member_number(recording, "rate");
    double gap_frames = reel_member_number(recording, "gap_frames");

    reel_table_cell(table, "%s/%s", reel_member_text(recording, "device"),
                    reel_member_text(recording, "session"));
    reel_table_cell(table, "%s", reel_member_text(recording, "state"));
    reel_human_time(reel_member_text(recording, "started_at"), text);
    reel_table_cell(table, "%s", text);
    reel_human_duration(reel_member_number(recording, "duration"), text);
    reel_table_cell(table, "%s", text);
    reel_human_format(recording, text);
    reel_table_cell(table, "%s", text);
    reel_human_bytes((uint64_t)reel_member_number(recording, "bytes"), text);
    reel_table_cell(table, "%s", text);
    if (gap_frames > 0 && rate > 0)
        reel_human_duration(gap_frames / rate, text);
    reel_table_cell(table, "%s", gap_frames > 0 ? text : "-");
    reel_human_notes(recording, notes, sizeof notes);
    reel_table_cell(table, "%s", notes);
}

static void total_print(const json_t *first_page)
{
    const json_t *total = json_object_get(first_page, "total");

    if (total)
        printf("%s%" JSON_INTEGER_FORMAT " in all\n",
               json_is_true(json_object_get(first_page, "total_is_minimum")) ? "at least " : "",
               json_integer_value(total));
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct reel_tags tags = {0};
    struct reel_pages pages = {.op = "list",
                               .member = "recordings",
                               .device = values->device,
                               .limit = values->limit,
                               .columns = columns,
                               .columns_count = sizeof columns / sizeof *columns,
                               .row = row,
                               .after = total_print};
    enum reel_exit status;

    (void)arguments;
    if ((values->has_gaps && values->no_gaps) || (values->kept && values->not_kept))
        return reel_report_usage("an option and its opposite");
    status = reel_tags_take(values->tags.items, values->tags.count, &tags);
    if (status)
        return status;
    pages.request = request_make(values, &tags);
    status = reel_pages_show(common, &pages);
    json_decref(pages.request);
    reel_tags_finish(&tags);
    return status;
}

const struct reel_command reel_cmd_list = {
    .name = "list",
    .arguments = "",
    .summary = "show the recordings",
    .help =
        "The table's MISSING is how much silence stands for audio that did not come, its NOTES\n"
        "whether retention spares it, what it is a part of, and its tags. --json gives the\n"
        "protocol's own answer, all pages as one.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .timeout_s = 10,
    .run = run,
};
