/* Notice: made by one thread, released by another. */
#include "daemon/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

static struct reel_notice *create(enum reel_notice_kind kind, const char *text, size_t text_bytes)
{
    struct reel_notice *notice = calloc(1, sizeof *notice + text_bytes + 1);

    if (!notice)
        return NULL;
    notice->kind = kind;
    notice->text_bytes = text_bytes;
    memcpy(notice->text, text, text_bytes);
    return notice;
}

size_t reel_notice_bytes(const struct reel_notice *notice)
{
    return sizeof *notice + notice->text_bytes;
}

struct reel_notice *reel_notice_event(const char *device, const char *session, json_t *event)
{
    struct reel_buffer buffer = {0};
    struct reel_notice *notice = NULL;

    if (event && reel_document_encode(event, REEL_DOCUMENT_JSON, NULL, 0, &buffer))
        notice = create(REEL_NOTICE_EVENT, (const char *)buffer.bytes, buffer.size);
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
    struct reel_notice *notice = create(REEL_NOTICE_INGEST, reason, strlen(reason));

    if (!notice)
        return NULL;
    notice->subscribed = subscribed;
    notice->stalled = stalled;
    return notice;
}

void reel_notice_destroy(struct reel_notice *notice)
{
    free(notice);
}
