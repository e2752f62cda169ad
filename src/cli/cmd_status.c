/* reel status: how the sink is. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/report.h"

struct values {
    const char *device;
};

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, offsetof(struct values, device),
     "ask by that device's own topic", NULL},
    {0},
};

/* Members line by line; an object's own below it, with its name before theirs. */
static void show(const json_t *object, const char *before)
{
    const char *name;
    json_t *value;
    char label[64], text[256];

    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        snprintf(label, sizeof label, "%s%s", before, name);
        if (json_is_object(value) && !*before) {
            strncat(label, ".", sizeof label - strlen(label) - 1);
            show(value, label);
        } else {
            reel_report_line("%-34s %s", label, reel_human_member(object, name, text, sizeof text));
        }
    }
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct reel_error error;
    json_t *status = NULL;

    (void)arguments;
    if (reel_ask_once(common, "status", values->device, NULL, &status, &error))
        return reel_report_failed(&error);
    if (common->json)
        reel_report_json(status);
    else
        show(status, "");
    json_decref(status);
    return REEL_EXIT_OK;
}

const struct reel_command reel_cmd_status = {
    .name = "status",
    .arguments = "",
    .summary = "show how the sink is: version, state, limits, disk, counters",
    .options = options,
    .values_bytes = sizeof(struct values),
    .timeout_s = 10,
    .run = run,
};
