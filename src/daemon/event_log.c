/* Event log: a table of priorities, and the member of each event that says most. */
#include "daemon/event_log.h"

#include <stddef.h>
#include <string.h>

struct manner {
    const char *event;
    enum reel_log_priority priority;
    const char *member; /* a text or a number; NULL: the name says all */
};

static const struct manner manners[] = {
    {"gap", REEL_LOG_NOTICE, "frames"},    {"discontinuity", REEL_LOG_NOTICE, "reason"},
    {"restarted", REEL_LOG_NOTICE, NULL},  {"silent", REEL_LOG_NOTICE, "heard_at"},
    {"back", REEL_LOG_NOTICE, "heard_at"}, {"gap_filled", REEL_LOG_INFO, "frames"},
    {"deleted", REEL_LOG_INFO, "reason"},
};

static struct manner manner_of(const char *name)
{
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        if (strcmp(manners[i].event, name) == 0)
            return manners[i];
    }
    return (struct manner){name, REEL_LOG_DEBUG, NULL};
}

void reel_event_log(const struct reel_log *log, const char *device, const char *session,
                    const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "event"));
    struct reel_log_subject subject = {.device = device, .session = session, .reason = name};
    struct manner manner;
    const json_t *value;

    if (!name)
        return;
    manner = manner_of(name);
    value = manner.member ? json_object_get(event, manner.member) : NULL;
    if (json_is_string(value))
        reel_log_write_about(log, manner.priority, &subject, "%s/%s: %s, %s %s", device, session,
                             name, manner.member, json_string_value(value));
    else if (json_is_integer(value))
        reel_log_write_about(log, manner.priority, &subject, "%s/%s: %s, %s %" JSON_INTEGER_FORMAT,
                             device, session, name, manner.member, json_integer_value(value));
    else
        reel_log_write_about(log, manner.priority, &subject, "%s/%s: %s", device, session, name);
}
