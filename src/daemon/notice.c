/* Notice: made by one thread, released by another. */
#include "daemon/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

/* With room for `more_bytes` behind the text and its terminator. */
static struct reel_notice *create(enum reel_notice_kind kind, const char *text, size_t text_bytes,
                                  size_t more_bytes)
{
    struct reel_notice *notice = calloc(1, sizeof *notice + text_bytes + 1 + more_bytes);

    if (!notice)
        return NULL;
    notice->kind = kind;
    notice->text_bytes = text_bytes;
    memcpy(notice->text, text, text_bytes);
    return notice;
}

size_t reel_notice_bytes(const struct reel_notice *notice)
{
    size_t topic_bytes = notice->topic ? strlen(notice->topic) + 1 : 0;

    return sizeof *notice + notice->text_bytes + topic_bytes + notice->correlation_bytes;
}

struct reel_notice *reel_notice_event(const char *device, const char *session, json_t *event)
{
    struct reel_buffer buffer = {0};
    struct reel_notice *notice = NULL;

    if (event && reel_document_encode(event, REEL_DOCUMENT_JSON, NULL, 0, &buffer))
        notice = create(REEL_NOTICE_EVENT, (const char *)buffer.bytes, buffer.size, 0);
    reel_buffer_finish(&buffer);
    json_decref(event);
    if (!notice)
        return NULL;
    snprintf(notice->device, sizeof notice->device, "%s", device[0] ? device : "-");
    snprintf(notice->session, sizeof notice->session, "%s", session[0] ? session : "-");
    return notice;
}

struct reel_notice *reel_notice_ingest(bool subscribed, bool stalled, const char *reason)
{
    struct reel_notice *notice = create(REEL_NOTICE_INGEST, reason, strlen(reason), 0);

    if (!notice)
        return NULL;
    notice->subscribed = subscribed;
    notice->stalled = stalled;
    return notice;
}

struct reel_notice *reel_notice_answer(const struct reel_notice_answer *answer)
{
    size_t topic_bytes = strlen(answer->topic) + 1;
    struct reel_notice *notice =
        create(REEL_NOTICE_ANSWER, (const char *)answer->payload, answer->payload_bytes,
               topic_bytes + answer->correlation_bytes);
    char *more;

    if (!notice)
        return NULL;
    more = notice->text + answer->payload_bytes + 1;
    memcpy(more, answer->topic, topic_bytes);
    notice->topic = more;
    notice->content_type = answer->content_type;
    notice->status = answer->status;
    if (answer->correlation) {
        memcpy(more + topic_bytes, answer->correlation, answer->correlation_bytes);
        notice->correlation = (uint8_t *)more + topic_bytes;
        notice->correlation_bytes = answer->correlation_bytes;
    }
    return notice;
}

void reel_notice_destroy(struct reel_notice *notice)
{
    free(notice);
}
