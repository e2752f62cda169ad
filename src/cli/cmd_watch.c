/* reel watch: what happens at the sink, line by line, as it happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "io/loop.h"
#include "wire/topic.h"

struct values {
    const char *device;
    struct reel_uint_option count;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "of that device only", NULL},
    {0, "count", "N", REEL_OPTION_UINT, FIELD(count), "end after so many events", NULL},
    {0},
};

struct watching {
    const struct reel_common *common;
    uint64_t left;
    char events[512]; /* filters */
    char presence[512];
    char shown[512]; /* the last that was said of a sink's presence */
};

/* What an event says besides its kind, time and recording. */
static void rest_format(const json_t *event, char *out, size_t capacity)
{
    const char *name;
    json_t *value;
    char text[256];
    size_t used = 0;

    out[0] = '\0';
    json_object_foreach ((json_t *)(uintptr_t)event, name, value) {
        if (strcmp(name, "event") == 0 || strcmp(name, "time") == 0 ||
            strcmp(name, "recording") == 0 || used >= capacity)
            continue;
        reel_human_member(event, name, text, sizeof text);
        used += (size_t)snprintf(out + used, capacity - used, "  %s %s", name, text);
    }
}

/* The member of the recording that an event is about, "" where it speaks for itself. */
static const char *subject(const char *event)
{
    static const struct {
        const char *event;
        const char *member;
    } known[] = {{"completed", "end_reason"}, {"kept", "kept"}, {"tagged", "tags"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].event, event) == 0)
            return known[i].member;
    }
    return "";
}

static void event_print(const json_t *event)
{
    const json_t *recording = json_object_get(event, "recording");
    const char *kind = reel_member_text(event, "event"), *about = subject(kind);
    char time[REEL_HUMAN_BYTES], length[REEL_HUMAN_BYTES] = "", value[512], rest[1024];

    reel_human_time(reel_member_text(event, "time"), time);
    if (json_object_get(recording, "duration"))
        reel_human_duration(reel_member_number(recording, "duration"), length);
    rest_format(event, rest, sizeof rest);
    reel_human_member(recording, about, value, sizeof value);
    reel_report_line("%s  %-13s %s/%s  %s%s%s%s%s%s", time, kind,
                     reel_member_text(recording, "device"), reel_member_text(recording, "session"),
                     length, *about ? "  " : "", about, *about ? " " : "", *about ? value : "",
                     rest);
}

/* Say how a sink is where that is news: it says so itself once a minute. */
static void presence_print(struct watching *watching, const char *sink, const json_t *status)
{
    char time[REEL_HUMAN_BYTES], now[sizeof watching->shown];
    bool online = json_is_true(json_object_get(status, "online"));
    const char *reason = reel_member_text(status, "reason");

    snprintf(now, sizeof now, "%-13s sink %s  %s%s%s", online ? "online" : "offline", sink,
             reel_member_text(status, "state"), *reason ? ": " : "", reason);
    if (strcmp(now, watching->shown) == 0)
        return;
    memcpy(watching->shown, now, sizeof now);
    reel_human_time(reel_member_text(status, online ? "time" : "connected_at"), time);
    reel_report_line("%s  %s", time, now);
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct watching *watching = user;
    bool event = reel_topic_matches(watching->events, message->topic);
    json_t *document;

    if (watching->left == 0 || (!event && !reel_topic_matches(watching->presence, message->topic)))
        return;
    document = json_loadb((const char *)message->payload, message->payload_bytes, 0, NULL);
    if (!document)
        return;
    if (event && watching->common->json)
        reel_report_json(document);
    else if (event)
        event_print(document);
    else if (!watching->common->json)
        presence_print(watching, strrchr(message->topic, '/') + 1, document);
    if (event)
        watching->left--;
    fflush(stdout);
    json_decref(document);
}

static enum reel_code watch(struct watching *watching, struct reel_client *client,
                            struct reel_error *err_out)
{
    struct pollfd also = {.fd = reel_interrupt_open(), .events = POLLIN};
    int64_t patience_us = (int64_t)(watching->common->timeout.value * 1e6);
    enum reel_code code = REEL_OK;

    while (!code && watching->left && !ferror(stdout)) {
        code = reel_client_run(client, &also, 1, reel_monotonic_us() + 1000000, err_out);
        if (code == REEL_E_STALLED)
            code = reel_client_reconnect(client, reel_monotonic_us() + patience_us, err_out);
        if (reel_interrupt_take(also.fd))
            break;
    }
    reel_interrupt_close(also.fd);
    return code;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct watching watching = {.common = common,
                                .left = values->count.given ? values->count.value : UINT64_MAX};
    const char *filters[] = {watching.events};
    const struct reel_client_follow follow = {filters, 1, false};
    const struct reel_client_handlers handlers = {.user = &watching, .message = on_message};
    struct reel_client *client = NULL;
    struct reel_error error;
    enum reel_code code;

    (void)arguments;
    if (values->device && !reel_name_valid(values->device, strlen(values->device)))
        return reel_report_usage("--device: not a device's name");
    if (!reel_topic_build(watching.events, sizeof watching.events, common->prefix, "event",
                          values->device ? values->device : "+", "+") ||
        !reel_topic_build(watching.presence, sizeof watching.presence, common->prefix, "status",
                          "+", NULL))
        return reel_report_usage("--prefix is too long");
    code = reel_client_create(common, NULL, &client, &error);
    if (!code) {
        reel_client_handle(client, &handlers);
        reel_client_follow(client, &follow);
        code = reel_client_connect(client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, &error);
    }
    if (!code)
        code = watch(&watching, client, &error);
    reel_client_destroy(&client);
    return code ? reel_report_failed(&error) : REEL_EXIT_OK;
}

const struct reel_command reel_cmd_watch = {
    .name = "watch",
    .arguments = "",
    .summary = "show what happens as it happens, until Ctrl-C",
    .help = "How the sink itself is it says at first, and again when that changes. --json leaves "
            "that out,\n"
            "and writes each event as the sink sent it, one a line. --timeout is how long it "
            "tries to come\n"
            "back to a broker that has gone.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .timeout_s = 3600,
    .run = run,
};
