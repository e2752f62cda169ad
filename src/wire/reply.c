/* Reply: where an answer may go. The sink can publish where its requester may not, so this is
 * asked before anything is queued (protocol.md, "Topics"). */
#include "wire/topic.h"

#include <string.h>

#include "wire/utf8.h"

static enum reel_code topic_error(struct reel_error *err_out, const char *field, const char *why)
{
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, field, "no topic to answer on: %s", why);
}

static enum reel_code check_form(const char *topic, size_t bytes, const char *field,
                                 struct reel_error *err_out)
{
    size_t levels = 1;

    if (bytes == 0)
        return topic_error(err_out, field, "it is empty");
    if (bytes > REEL_REPLY_TOPIC_MAX_BYTES)
        return topic_error(err_out, field, "it is longer than 256 bytes");
    if (topic[0] == '$')
        return topic_error(err_out, field, "it begins with $");
    for (size_t i = 0; i < bytes; i++) {
        if (topic[i] == '+' || topic[i] == '#')
            return topic_error(err_out, field, "it holds a wildcard");
        levels += topic[i] == '/';
    }
    if (levels > REEL_REPLY_TOPIC_MAX_LEVELS)
        return topic_error(err_out, field, "it has more than 16 levels");
    if (!reel_utf8_clean(topic, bytes))
        return topic_error(err_out, field,
                           "it is not UTF-8 or holds a control character or noncharacter");
    return REEL_OK;
}

/* Return what follows `head` in `text`, or NULL if it does not begin with it. */
static const char *after(const char *text, const char *head)
{
    size_t bytes = strlen(head);

    return text && strncmp(text, head, bytes) == 0 ? text + bytes : NULL;
}

/* {prefix}/reply/{device}/... or {prefix}/response/{any op}/{device} */
static bool is_of_device(const char *prefix, const char *device, const char *topic)
{
    const char *below = after(after(topic, prefix), "/");
    const char *reply = after(after(below, "reply/"), device);
    const char *op = after(below, "response/");
    size_t op_bytes = op ? strcspn(op, "/") : 0;

    if (reply && reply[0] == '/')
        return true;
    return op_bytes > 0 && op[op_bytes] == '/' && strcmp(op + op_bytes + 1, device) == 0;
}

const char *reel_topic_next_filter(const char **list, size_t *bytes_out)
{
    static const char between[] = ", \t";
    const char *filter = *list + strspn(*list, between);

    *bytes_out = strcspn(filter, between);
    *list = filter + *bytes_out;
    return *bytes_out > 0 ? filter : NULL;
}

/* Whether one of the filters matches. */
static bool matches_any(const char *filters, const char *topic)
{
    char filter[REEL_REPLY_TOPIC_MAX_BYTES + 1];
    const char *next;
    size_t bytes;

    while ((next = reel_topic_next_filter(&filters, &bytes)) != NULL) {
        if (bytes >= sizeof filter)
            continue;
        memcpy(filter, next, bytes);
        filter[bytes] = '\0';
        if (reel_topic_matches(filter, topic))
            return true;
    }
    return false;
}

enum reel_code reel_reply_check(const char *prefix, const char *allow, const char *confined_device,
                                const char *reply_topic, size_t reply_topic_bytes,
                                const char *field, struct reel_error *err_out)
{
    char topic[REEL_REPLY_TOPIC_MAX_BYTES + 1];
    enum reel_code code = check_form(reply_topic, reply_topic_bytes, field, err_out);

    if (code != REEL_OK)
        return code;
    memcpy(topic, reply_topic, reply_topic_bytes);
    topic[reply_topic_bytes] = '\0';
    if (confined_device ? is_of_device(prefix, confined_device, topic) : matches_any(allow, topic))
        return REEL_OK;
    if (confined_device)
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, field,
                              "answers for %s go only under reply/%s/", confined_device,
                              confined_device);
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, field,
                          "answers go only to topics that match %s", allow);
}
