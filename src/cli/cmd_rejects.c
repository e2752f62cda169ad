/* reel rejects: what the sink has refused, and the payloads as they came. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "io/loop.h"

struct values {
    const char *device, *session, *code, *since, *until, *out;
    struct reel_uint_option limit;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "from that device", NULL},
    {0, "session", "NAME", REEL_OPTION_TEXT, FIELD(session), "of that session", NULL},
    {0, "code", "CODE", REEL_OPTION_TEXT, FIELD(code), "refused for that: bad-request, ...", NULL},
    {0, "since", "TIME", REEL_OPTION_TEXT, FIELD(since), "then or later (RFC 3339)", NULL},
    {0, "until", "TIME", REEL_OPTION_TEXT, FIELD(until), "before", NULL},
    {0, "limit", "N", REEL_OPTION_UINT, FIELD(limit), "at most so many (all)", NULL},
    {'o', "out", "FILE", REEL_OPTION_TEXT, FIELD(out), "where ID's payload goes; - is stdout",
     NULL},
    {0},
};

static const struct reel_column columns[] = {
    {"ID", true},     {"TIME", false}, {"FROM", false},    {"CODE", false},
    {"FIELD", false}, {"SIZE", true},  {"MESSAGE", false},
};

static void row(struct reel_table *table, const json_t *item)
{
    char text[REEL_HUMAN_BYTES];

    reel_table_cell(table, "%.0f", reel_member_number(item, "quarantine_id"));
    reel_human_time(reel_member_text(item, "time"), text);
    reel_table_cell(table, "%s", text);
    reel_table_cell(table, "%s/%s", reel_member_text(item, "device"),
                    reel_member_text(item, "session"));
    reel_table_cell(table, "%s", reel_member_text(item, "code"));
    reel_table_cell(table, "%s", reel_member_text(item, "field"));
    reel_human_bytes((uint64_t)reel_member_number(item, "size"), text);
    reel_table_cell(table, "%s", text);
    reel_table_cell(table, "%s", reel_member_text(item, "message"));
}

static enum reel_exit list(const struct reel_common *common, const struct values *values)
{
    json_t *request = json_object();
    const struct reel_pages pages = {.op = "rejects",
                                     .member = "rejects",
                                     .device = values->device,
                                     .request = request,
                                     .limit = values->limit,
                                     .columns = columns,
                                     .columns_count = sizeof columns / sizeof *columns,
                                     .row = row};
    enum reel_exit status;

    reel_ask_text(request, "device", values->device);
    reel_ask_text(request, "session", values->session);
    reel_ask_text(request, "code", values->code);
    reel_ask_text(request, "since", values->since);
    reel_ask_text(request, "until", values->until);
    status = reel_pages_show(common, &pages);
    json_decref(request);
    return status;
}

static enum reel_code payload_write(const char *path, const struct reel_buffer *payload,
                                    struct reel_error *err_out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
    bool good;

    if (!file)
        return reel_report_open_error(path, err_out);
    good = payload->size == 0 || fwrite(payload->bytes, 1, payload->size, file) == payload->size;
    good = (file == stdout ? fflush(file) : fclose(file)) == 0 && good;
    return good ? REEL_OK : reel_error_errno(err_out, errno, "%s", path);
}

static enum reel_exit fetch(const struct reel_common *common, const struct values *values,
                            const char *id)
{
    struct reel_client *client = NULL;
    struct reel_buffer payload = {0};
    struct reel_error error;
    json_t *request;
    enum reel_code code;
    char *end;
    unsigned long long number = strtoull(id, &end, 10);

    if (*id < '0' || *id > '9' || *end || number == 0 || number > INT64_MAX)
        return reel_report_usage("\"%s\" is no ID: the list's first column has them", id);
    if (!values->out)
        return reel_report_usage("--out says where the payload goes; - is standard output");
    request = json_pack("{s:I}", "quarantine_id", (json_int_t)number);
    code = reel_client_create(common, NULL, &client, &error);
    if (!code)
        code = reel_client_connect(client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, &error);
    if (!code)
        code = reel_ask_bytes(client, common, "reject", request, &payload, &error);
    if (!code)
        code = payload_write(values->out, &payload, &error);
    reel_client_destroy(&client);
    reel_buffer_finish(&payload);
    json_decref(request);
    return code ? reel_report_failed(&error) : REEL_EXIT_OK;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;

    if (arguments->count)
        return fetch(common, values, arguments->items[0]);
    if (values->out)
        return reel_report_usage("--out goes with an ID");
    return list(common, values);
}

const struct reel_command reel_cmd_rejects = {
    .name = "rejects",
    .arguments = "[ID --out FILE]",
    .summary = "show what was refused and why, or fetch a refused payload",
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_max = 1,
    .timeout_s = 10,
    .run = run,
};
