/* reel devices: what the sink knows of each device. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/pages.h"

struct values {
    const char *device;
    struct reel_uint_option limit;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "that one alone", NULL},
    {0, "limit", "N", REEL_OPTION_UINT, FIELD(limit), "at most so many (all)", NULL},
    {0},
};

static const struct reel_column columns[] = {
    {"DEVICE", false}, {"HEARD", false}, {"NOW", false},    {"RECORDINGS", true},
    {"SIZE", true},    {"FRAMES", true}, {"MISSING", true}, {"REFUSED", true},
};

/* What grows, or that nothing does: silent once that was told. */
static const char *now(const json_t *item)
{
    const char *session = reel_member_text(item, "session");

    if (*session)
        return session;
    return json_is_true(json_object_get(item, "silent")) ? "(silent)" : "-";
}

static void row(struct reel_table *table, const json_t *item)
{
    char text[REEL_HUMAN_BYTES];

    reel_table_cell(table, "%s", reel_member_text(item, "device"));
    reel_human_time(json_string_value(json_object_get(item, "heard_at")), text);
    reel_table_cell(table, "%s", text);
    reel_table_cell(table, "%s", now(item));
    reel_table_cell(table, "%.0f", reel_member_number(item, "recordings"));
    reel_human_bytes((uint64_t)reel_member_number(item, "bytes"), text);
    reel_table_cell(table, "%s", text);
    reel_table_cell(table, "%.0f", reel_member_number(item, "frames"));
    reel_table_cell(table, "%.0f", reel_member_number(item, "gap_frames"));
    reel_table_cell(table, "%.0f", reel_human_refused(item));
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    json_t *request = json_object();
    const struct reel_pages pages = {.op = "devices",
                                     .member = "devices",
                                     .device = values->device,
                                     .request = request,
                                     .limit = values->limit,
                                     .columns = columns,
                                     .columns_count = sizeof columns / sizeof *columns,
                                     .row = row};
    enum reel_exit status;

    (void)arguments;
    reel_ask_text(request, "device", values->device);
    status = reel_pages_show(common, &pages);
    json_decref(request);
    return status;
}

const struct reel_command reel_cmd_devices = {
    .name = "devices",
    .arguments = "",
    .summary = "show each device: when it was heard, what it records, what is missing",
    .help = "MISSING counts frames of silence that stand for audio that did not come.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .timeout_s = 10,
    .run = run,
};
