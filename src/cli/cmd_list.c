/* reel list: the recordings, filtered and sorted by the sink, page by page. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/human.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/table.h"

/* Of the table's last column: enough to tell recordings apart by. */
enum { NOTES_BYTES = 160 };

struct values {
    struct reel_filters filters;
    const char *sort;
    struct reel_uint_option limit;
    bool count;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    REEL_FILTERS_OPTIONS(FIELD(filters)),
    {0, "sort", "KEY", REEL_OPTION_TEXT, FIELD(sort),
     "by started, duration, name; with - before it the other way round", NULL},
    {0, "limit", "N", REEL_OPTION_UINT, FIELD(limit), "at most so many (all)", NULL},
    {0, "count", NULL, REEL_OPTION_FLAG, FIELD(count), "tell how many there are, too", NULL},
    {0},
};

static const struct reel_column columns[] = {
    {"RECORDING", false}, {"STATE", false}, {"STARTED", false}, {"LENGTH", true},
    {"FORMAT", false},    {"SIZE", true},   {"MISSING", true},  {"NOTES", false},
};

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
    struct reel_pages pages = {.op = "list",
                               .member = "recordings",
                               .device = values->filters.device,
                               .limit = values->limit,
                               .columns = columns,
                               .columns_count = sizeof columns / sizeof *columns,
                               .row = row,
                               .after = total_print};
    enum reel_exit status = reel_filters_take(&values->filters, &pages.request);

    (void)arguments;
    if (status)
        return status;
    reel_ask_text(pages.request, "sort", values->sort);
    if (values->count)
        json_object_set_new(pages.request, "count", json_true());
    status = reel_pages_show(common, &pages);
    json_decref(pages.request);
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
