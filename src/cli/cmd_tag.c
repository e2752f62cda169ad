/* reel tag: set and remove tags of recordings. */
#include <string.h>

#include "cli/commands.h"
#include "cli/each.h"
#include "cli/human.h"
#include "cli/report.h"
#include "cli/tags.h"

struct values {
    struct reel_texts_option remove;
    bool replace;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "remove", "NAME", REEL_OPTION_TEXTS, FIELD(remove), "take that tag away; repeatable", NULL},
    {0, "replace", NULL, REEL_OPTION_FLAG, FIELD(replace), "take all others away", NULL},
    {0},
};

static void tell(const char *device, const char *session, const json_t *recording)
{
    char text[512];

    reel_report_line("%s/%s: %s", device, session,
                     reel_human_member(recording, "tags", text, sizeof text));
}

/* The recordings stand first; the tags are what has a `=`. */
static struct reel_arguments recordings_of(const struct reel_arguments *arguments)
{
    struct reel_arguments recordings = {arguments->items, 0};

    while (recordings.count < arguments->count && !strchr(arguments->items[recordings.count], '='))
        recordings.count++;
    return recordings;
}

/* NULL if memory ran out. */
static json_t *request_make(const struct values *values, const struct reel_tags *tags)
{
    json_t *changes = reel_tags_document(tags);

    for (size_t i = 0; changes && i < values->remove.count; i++) {
        if (json_object_set_new(changes, values->remove.items[i], json_null())) {
            json_decref(changes);
            return NULL;
        }
    }
    return changes ? json_pack("{s:o, s:b}", "tags", changes, "replace", values->replace) : NULL;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    const struct reel_arguments recordings = recordings_of(arguments);
    const char *const *texts = (const char *const *)arguments->items + recordings.count;
    struct reel_each each = {.op = "tag", .tell = tell};
    struct reel_tags tags = {0};
    json_t *request;
    enum reel_exit status;

    if (recordings.count == 0)
        return reel_report_usage("no recording is named: DEVICE/SESSION, before the tags");
    if (recordings.count == arguments->count && values->remove.count == 0 && !values->replace)
        return reel_report_usage("nothing to change: NAME=VALUE, --remove or --replace");
    status = reel_tags_take(texts, arguments->count - recordings.count, &tags);
    if (status)
        return status;
    each.request = request = request_make(values, &tags);
    status = reel_each_run(common, &each, &recordings);
    json_decref(request);
    reel_tags_finish(&tags);
    return status;
}

const struct reel_command reel_cmd_tag = {
    .name = "tag",
    .arguments = "DEVICE/SESSION... [NAME=VALUE]...",
    .summary = "set and remove tags of recordings",
    .help =
        "The other tags stay as they are, but with --replace. A value that is a number is stored\n"
        "as one. --replace without any NAME=VALUE takes all tags away.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 1,
    .arguments_max = SIZE_MAX,
    .timeout_s = 10,
    .run = run,
};
