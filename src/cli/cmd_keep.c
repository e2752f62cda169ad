/* reel keep: have retention spare recordings, or no more. */
#include "cli/commands.h"
#include "cli/each.h"
#include "cli/report.h"

struct values {
    bool off;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "off", NULL, REEL_OPTION_FLAG, FIELD(off), "no more: let it go in its turn", NULL},
    {0},
};

static void tell(const char *device, const char *session, const json_t *recording)
{
    bool kept = json_is_true(json_object_get(recording, "kept"));

    reel_report_line("%s/%s: %s", device, session, kept ? "kept" : "no longer kept");
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    json_t *request = json_pack("{s:b}", "keep", !values->off);
    const struct reel_each each = {.op = "keep", .request = request, .tell = tell};
    enum reel_exit status = reel_each_run(common, &each, arguments);

    json_decref(request);
    return status;
}

const struct reel_command reel_cmd_keep = {
    .name = "keep",
    .arguments = "DEVICE/SESSION...",
    .summary = "have retention spare recordings",
    .help = "`reel rm` does not take a kept recording either, but with --force.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 1,
    .arguments_max = SIZE_MAX,
    .timeout_s = 10,
    .run = run,
};
