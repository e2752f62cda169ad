/* reel info: all that is known of one recording. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/report.h"
#include "cli/table.h"

static const struct reel_column gap_columns[] = {
    {"GAP FROM", true},     {"TO FRAME", true},        {"BOOT", false},
    {"MISSING SEQ", false}, {"MISSING FRAMES", false}, {"INFERRED", false},
};
static const struct reel_column stretch_columns[] = {
    {"STRETCH FROM", true}, {"TO FRAME", true}, {"BOOT", false},
    {"FIRST SEQ", true},    {"SEQS", true},     {"WHY", false},
};

static void line(const char *name, const char *value)
{
    reel_report_line("%-14s %s", name, value);
}

static void members(const json_t *info)
{
    static const struct {
        const char *label;
        const char *name;
    } shown[] = {{"id", "id"},
                 {"boot", "boot"},
                 {"next seq", "next_seq"},
                 {"fragments", "fragments"},
                 {"repeats", "duplicates"},
                 {"refused", "rejected"},
                 {"kept", "kept"},
                 {"part of", "part_of"},
                 {"part", "part"},
                 {"tags", "tags"},
                 {"lost", "lost"},
                 {"sha256", "sha256"}};
    char text[512];

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        line(shown[i].label, reel_human_member(info, shown[i].name, text, sizeof text));
}

static void head(const json_t *info)
{
    char text[REEL_HUMAN_BYTES], missing[REEL_HUMAN_BYTES] = "";
    const char *reason = reel_member_text(info, "end_reason");

    reel_report_line("%-14s %s/%s", "recording", reel_member_text(info, "device"),
                     reel_member_text(info, "session"));
    reel_report_line("%-14s %s%s%s%s", "state", reel_member_text(info, "state"),
                     *reason ? " (" : "", reason, *reason ? ")" : "");
    reel_human_format(info, text);
    line("format", text);
    reel_human_duration(reel_member_number(info, "duration"), text);
    if (reel_member_number(info, "gap_frames") > 0)
        snprintf(missing, sizeof missing, ", %.0f of them missing",
                 reel_member_number(info, "gap_frames"));
    reel_report_line("%-14s %s, %.0f frames%s", "length", text, reel_member_number(info, "frames"),
                     missing);
    reel_human_bytes((uint64_t)reel_member_number(info, "bytes"), text);
    line("size", text);
    reel_human_time(reel_member_text(info, "started_at"), text);
    line("started", text);
    reel_human_time(reel_member_text(info, "updated_at"), text);
    line("updated", text);
    reel_human_time(reel_member_text(info, "captured_from"), text);
    line("captured from", text);
    reel_human_time(reel_member_text(info, "captured_to"), text);
    line("captured to", text);
}

static void rows(const json_t *items, const struct reel_column *columns, size_t count,
                 const char *const *names)
{
    struct reel_table *table = json_array_size(items) ? reel_table_create(columns, count) : NULL;
    const json_t *item;
    char text[128];
    size_t i;

    if (!table)
        return;
    json_array_foreach (items, i, item) {
        for (size_t column = 0; column < count; column++)
            reel_table_cell(table, "%s", reel_human_member(item, names[column], text, sizeof text));
    }
    putchar('\n');
    reel_table_print(table, true);
    reel_table_destroy(&table);
}

static void show(const json_t *info)
{
    static const char *const gap_names[] = {"from_frame", "to_frame",       "boot",
                                            "missing",    "missing_frames", "inferred"};
    static const char *const stretch_names[] = {"from_frame", "to_frame", "boot",
                                                "first_seq",  "seqs",     "reason"};

    head(info);
    members(info);
    rows(json_object_get(info, "gaps"), gap_columns, 6, gap_names);
    if (json_array_size(json_object_get(info, "stretches")) > 1)
        rows(json_object_get(info, "stretches"), stretch_columns, 6, stretch_names);
}

static enum reel_exit run(const struct reel_common *common, const void *values,
                          const struct reel_arguments *arguments)
{
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct reel_error error;
    json_t *info = NULL;
    enum reel_code code;

    (void)values;
    if (reel_name_pair(arguments, device, session, &error))
        return reel_report_usage("%s", error.message);
    code = reel_ask_info(common, device, session, &info, &error);
    if (code)
        return reel_report_failed_of(device, session, &error);
    if (common->json)
        reel_report_json(info);
    else
        show(info);
    json_decref(info);
    return REEL_EXIT_OK;
}

const struct reel_command reel_cmd_info = {
    .name = "info",
    .arguments = "DEVICE/SESSION|DEVICE SESSION",
    .summary = "show all that is known of a recording",
    .arguments_min = 1,
    .arguments_max = 2,
    .timeout_s = 10,
    .run = run,
};
