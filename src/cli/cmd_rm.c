/* reel rm: delete recordings, by name or all that filters pick. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/each.h"
#include "cli/filters.h"
#include "cli/human.h"
#include "cli/report.h"

struct values {
    struct reel_filters filters;
    bool all, dry_run, force, yes;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "all", NULL, REEL_OPTION_FLAG, FIELD(all), "everything", NULL},
    {0, "dry-run", NULL, REEL_OPTION_FLAG, FIELD(dry_run), "only show what would go", NULL},
    {0, "force", NULL, REEL_OPTION_FLAG, FIELD(force), "kept ones too", NULL},
    {0, "yes", NULL, REEL_OPTION_FLAG, FIELD(yes), "do not ask", NULL},
    REEL_FILTERS_OPTIONS(FIELD(filters)),
    {0},
};

static const char help[] =
    "Recordings are named, or picked by the filters of `reel list`, all of which must match. "
    "Where\n"
    "filters pick several, and standard input is a terminal, it asks before they go. A kept one\n"
    "that is named is refused, one that is picked is spared, but with --force. It ends with 0 "
    "once\n"
    "they are gone from the sink's disk and catalog.\n"
    "\n"
    "  reel rm --device mic1 --until 2026-01-01T00:00:00Z --dry-run\n";

static uint64_t count_of(const json_t *answer, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(answer, name));
}

static const char *verb(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "dry_run")) ? "would be deleted" : "deleted";
}

static void tell_one(const char *device, const char *session, const json_t *answer)
{
    char text[REEL_HUMAN_BYTES];

    if (count_of(answer, "deleted") == 0) {
        reel_report_line("%s/%s: was deleted before", device, session);
        return;
    }
    reel_human_bytes(count_of(answer, "bytes"), text);
    reel_report_line("%s/%s: %s, %s", device, session, verb(answer), text);
}

static void tell_all(const json_t *answer)
{
    const json_t *recordings = json_object_get(answer, "recordings"), *item;
    uint64_t deleted = count_of(answer, "deleted"), spared = count_of(answer, "spared");
    char text[REEL_HUMAN_BYTES], kept[REEL_HUMAN_BYTES] = "";
    size_t i;

    json_array_foreach (recordings, i, item) {
        reel_human_bytes(count_of(item, "bytes"), text);
        reel_report_line("%s/%s: %s, %s", reel_member_text(item, "device"),
                         reel_member_text(item, "session"), verb(answer), text);
    }
    if (deleted > json_array_size(recordings))
        reel_report_line("... and %" PRIu64 " more",
                         deleted - (uint64_t)json_array_size(recordings));
    if (spared)
        snprintf(kept, sizeof kept, "; %" PRIu64 " stay%s, being kept", spared,
                 spared == 1 ? "s" : "");
    reel_human_bytes(count_of(answer, "bytes"), text);
    reel_report_line("%" PRIu64 " recording%s, %s, %s%s", deleted, deleted == 1 ? "" : "s", text,
                     verb(answer), kept);
}

static enum reel_code ask(const struct reel_common *common, const struct values *values,
                          json_t *request, bool dry_run, json_t **answer_out,
                          struct reel_error *err_out)
{
    json_object_set_new(request, "dry_run", json_boolean(dry_run));
    return reel_ask_once(common, "delete", reel_ask_confined(common, values->filters.device),
                         request, answer_out, err_out);
}

/* Somebody looks on: let them see how many before they go. False: they had better not. */
static enum reel_code confirm(const struct reel_common *common, const struct values *values,
                              json_t *request, bool *go_out, struct reel_error *err_out)
{
    json_t *answer = NULL;
    char text[REEL_HUMAN_BYTES], reply[8];
    uint64_t count;
    enum reel_code code;

    *go_out = values->yes || values->dry_run || !isatty(STDIN_FILENO);
    if (*go_out)
        return REEL_OK;
    code = ask(common, values, request, true, &answer, err_out);
    if (code)
        return code;
    count = count_of(answer, "deleted");
    *go_out = count <= 1;
    if (!*go_out) {
        reel_human_bytes(count_of(answer, "bytes"), text);
        fprintf(stderr, "reel: delete %" PRIu64 " recordings, %s? [y/N] ", count, text);
        *go_out = fgets(reply, sizeof reply, stdin) && (*reply == 'y' || *reply == 'Y');
    }
    json_decref(answer);
    return REEL_OK;
}

static enum reel_exit rm_picked(const struct reel_common *common, const struct values *values,
                                json_t *request)
{
    struct reel_error error;
    json_t *answer = NULL;
    bool go;
    enum reel_code code = confirm(common, values, request, &go, &error);

    if (!code && !go) {
        reel_report_note("nothing was deleted");
        return REEL_EXIT_FAILED;
    }
    if (!code)
        code = ask(common, values, request, values->dry_run, &answer, &error);
    if (code)
        return reel_report_failed(&error);
    if (common->json)
        reel_report_json(answer);
    else if (!common->quiet)
        tell_all(answer);
    json_decref(answer);
    return REEL_EXIT_OK;
}

static enum reel_exit check(const struct values *values, const struct reel_arguments *arguments,
                            size_t filters_count)
{
    int ways = (arguments->count > 0) + (filters_count > 0) + values->all;

    if (ways == 0)
        return reel_report_usage("which ones? DEVICE/SESSION, filters, or --all");
    if (ways > 1)
        return reel_report_usage("DEVICE/SESSION, or filters, or --all");
    if (values->filters.device && values->filters.session)
        return reel_report_usage("--device and --session: name the recording instead, %s/%s",
                                 values->filters.device, values->filters.session);
    return REEL_EXIT_OK;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct reel_each each = {.op = "delete", .tell = tell_one};
    json_t *request;
    enum reel_exit status = reel_filters_take(&values->filters, &request);

    if (status)
        return status;
    status = check(values, arguments, json_object_size(request));
    if (values->all)
        json_object_set_new(request, "all", json_true());
    json_object_set_new(request, "force", json_boolean(values->force));
    json_object_set_new(request, "dry_run", json_boolean(values->dry_run));
    each.request = request;
    if (!status)
        status = arguments->count > 0 ? reel_each_run(common, &each, arguments)
                                      : rm_picked(common, values, request);
    json_decref(request);
    return status;
}

const struct reel_command reel_cmd_rm = {
    .name = "rm",
    .arguments = "[DEVICE/SESSION]...",
    .summary = "delete recordings",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_max = SIZE_MAX,
    .timeout_s = 60,
    .run = run,
};
