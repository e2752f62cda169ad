/* reel replay: publish a stored recording again, as fragments, as its recorder did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/delivery.h"
#include "cli/feed.h"
#include "cli/fetch.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/report.h"
#include "cli/tags.h"
#include "core/timestamp.h"
#include "io/loop.h"
#include "wire/topic.h"

#define SUFFIX "-replay"

/* So much faster that nobody waits; and slow enough for a clock of microseconds. */
#define SPEED_MAX   1000.0
#define SPEED_LEAST 0.001

struct values {
    const char *as, *speed, *to_prefix;
    struct reel_seconds_option from, to;
    struct reel_uint_option fragment_ms;
    bool realtime, original_time, no_ack;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "as", "DEVICE/SESSION", REEL_OPTION_TEXT, FIELD(as),
     "what it becomes (SESSION-replay of its device)", NULL},
    {0, "realtime", NULL, REEL_OPTION_FLAG, FIELD(realtime), "as fast as it plays, not faster",
     NULL},
    {0, "speed", "FACTOR", REEL_OPTION_TEXT, FIELD(speed), "so many times as fast as it plays",
     NULL},
    {0, "from", "TIME", REEL_OPTION_SECONDS, FIELD(from), "seconds, or HH:MM:SS", NULL},
    {0, "to", "TIME", REEL_OPTION_SECONDS, FIELD(to), "seconds, or HH:MM:SS", NULL},
    {0, "fragment-ms", "N", REEL_OPTION_UINT, FIELD(fragment_ms),
     "audio in one message (250; 100 at a speed)", NULL},
    {0, "original-time", NULL, REEL_OPTION_FLAG, FIELD(original_time),
     "captured when it was, not now", NULL},
    {0, "to-prefix", "TOPIC", REEL_OPTION_TEXT, FIELD(to_prefix),
     "publish under it instead of --prefix", NULL},
    {0, "no-ack", NULL, REEL_OPTION_FLAG, FIELD(no_ack),
     "no sink listens there: done is what the broker has", NULL},
    {0},
};

static const char help[] =
    "So a pipeline can be tried with yesterday's audio. It is fetched as it goes and published\n"
    "with numbers, tags, an end, and capture times that begin now; what is missing in it comes as\n"
    "silence. It ends with 0 when the sink has acknowledged all as durable, as `reel publish`\n"
    "does; what it becomes must not exist yet.\n"
    "\n"
    "  reel replay mic1/day1 --realtime --from 12:00 --to 13:00\n"
    "  reel replay mic1/day1 --to-prefix lab --no-ack     a pipeline that listens to lab/audio/#\n";

struct replay {
    const struct reel_common *common;
    struct reel_common to; /* the same, under the prefix to publish to */
    const struct values *values;
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    char to_device[REEL_NAME_BYTES];
    char name[2 * REEL_NAME_BYTES]; /* of what is replayed */
    json_t *info, *view;
    struct reel_tags tags;
    struct reel_sending sending; /* has the session that it becomes */
};

static enum reel_exit speed_take(const struct values *values, double *speed_out)
{
    *speed_out = values->realtime ? 1 : 0;
    if (!values->speed)
        return REEL_EXIT_OK;
    if (values->realtime)
        return reel_report_usage("--realtime, or --speed");
    *speed_out = strtod(values->speed, NULL);
    if (strspn(values->speed, "0123456789.") == strlen(values->speed) &&
        *speed_out >= SPEED_LEAST && *speed_out <= SPEED_MAX)
        return REEL_EXIT_OK;
    return reel_report_usage("--speed: %g to %g", SPEED_LEAST, SPEED_MAX);
}

/* The names of what is replayed, and of what it becomes. */
static enum reel_exit names_take(struct replay *replay, const struct reel_arguments *arguments)
{
    const struct values *values = replay->values;
    char *as = (char *)(uintptr_t)values->as, *session = replay->sending.session;
    const struct reel_arguments to = {&as, 1};
    struct reel_error error;

    if (reel_name_pair(arguments, replay->device, replay->session, &error) ||
        (values->as && reel_name_pair(&to, replay->to_device, session, &error)))
        return reel_report_usage("%s", error.message);
    snprintf(replay->name, sizeof replay->name, "%s/%s", replay->device, replay->session);
    if (!values->as) {
        strcpy(replay->to_device, replay->device);
        strcpy(session, replay->session);
        if (!values->to_prefix && strlen(session) + strlen(SUFFIX) >= REEL_NAME_BYTES)
            return reel_report_usage("%s%s is too long a name: --as", session, SUFFIX);
        if (!values->to_prefix)
            strcat(session, SUFFIX);
    }
    if (strcmp(replay->to.prefix, replay->common->prefix) == 0 &&
        strcmp(replay->to_device, replay->device) == 0 && strcmp(session, replay->session) == 0)
        return reel_report_usage("%s cannot be replayed onto itself: --as", replay->name);
    return REEL_EXIT_OK;
}

static enum reel_exit values_take(struct replay *replay, const struct reel_arguments *arguments)
{
    const struct values *values = replay->values;
    struct reel_sending *sending = &replay->sending;
    enum reel_exit status = speed_take(values, &sending->cutter.speed);

    if (values->to_prefix)
        replay->to.prefix = values->to_prefix;
    if (!status)
        status = names_take(replay, arguments);
    if (status)
        return status;
    if (values->from.given && values->to.given && values->to.value < values->from.value)
        return reel_report_usage("--to lies before --from");
    if (values->fragment_ms.given &&
        (values->fragment_ms.value == 0 || values->fragment_ms.value > 60000))
        return reel_report_usage("--fragment-ms: 1 to 60000");
    if (!reel_topic_build(sending->topic, sizeof sending->topic, replay->to.prefix, "audio",
                          replay->to_device, sending->session))
        return reel_report_usage("--prefix is too long");
    return REEL_EXIT_OK;
}

/* What it becomes is a recording of its own, equal to the first. */
static enum reel_code check_free(const struct replay *replay, struct reel_error *err_out)
{
    json_t *info = NULL;
    enum reel_code code =
        reel_ask_info(&replay->to, replay->to_device, replay->sending.session, &info, err_out);

    json_decref(info);
    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    return code ? code
                : reel_error_set(err_out, REEL_E_CONFLICT, "session",
                                 "%s/%s exists: --as names another, `reel rm` removes it",
                                 replay->to_device, replay->sending.session);
}

/* When the first frame of the view was captured: now, or when it was. */
static void time_take(struct replay *replay)
{
    struct reel_cutter *cutter = &replay->sending.cutter;
    const char *captured = reel_member_text(replay->info, "captured_from");

    if (!*captured)
        captured = reel_member_text(replay->info, "started_at");
    cutter->has_first_time = true;
    cutter->first_time_us = reel_wall_us();
    if (replay->values->original_time && reel_time_parse(captured, &cutter->first_time_us))
        cutter->first_time_us += (int64_t)(replay->values->from.value * 1e6);
}

static enum reel_code source_open(struct replay *replay, struct reel_error *err_out)
{
    const struct values *values = replay->values;
    struct reel_feed *feed = NULL;
    enum reel_code code;

    replay->view = reel_fetch_view(replay->device, replay->session, &values->from, &values->to);
    if (!replay->view ||
        !reel_tags_of_document(json_object_get(replay->info, "tags"), &replay->tags))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    code = reel_feed_open(replay->common, replay->view, &feed, err_out);
    if (!code)
        code = reel_source_open_feed(feed, &replay->sending.cutter.source, err_out);
    return code;
}

static enum reel_exit deliver(struct replay *replay)
{
    const struct reel_source_raw raw = {0};
    const struct reel_publisher_config config = {
        .common = &replay->to,
        .device = replay->to_device,
        .raw = &raw,
        .fragment_ms = (unsigned)replay->values->fragment_ms.value,
        .broker_only = replay->values->no_ack,
    };

    replay->sending.cutter.path = replay->name;
    replay->sending.cutter.tags = replay->tags.items;
    replay->sending.cutter.tags_count = replay->tags.count;
    time_take(replay);
    return reel_deliver(&config, &replay->sending, 1, "--as names another one to replay into");
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    struct replay replay = {.common = common, .to = *common, .values = given};
    struct reel_error error;
    enum reel_exit status = values_take(&replay, arguments);

    if (status)
        return status;
    if (reel_ask_info(common, replay.device, replay.session, &replay.info, &error))
        status = reel_report_failed_of(replay.device, replay.session, &error);
    else if (!replay.values->no_ack && check_free(&replay, &error))
        status = reel_report_failed(&error);
    else if (source_open(&replay, &error))
        status = reel_report_failed_of(replay.device, replay.session, &error);
    else
        status = deliver(&replay);
    reel_sending_finish(&replay.sending);
    reel_tags_finish(&replay.tags);
    json_decref(replay.view);
    json_decref(replay.info);
    return status;
}

const struct reel_command reel_cmd_replay = {
    .name = "replay",
    .arguments = "DEVICE/SESSION|DEVICE SESSION",
    .summary = "publish a stored recording again, to try a pipeline with it",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 1,
    .arguments_max = 2,
    .timeout_s = 60,
    .run = run,
};
