/* Notice: made by one thread, released by another. */
#include "daemon/notice.h"

#include <stdio.h>
#include <stdlib.h>

struct reel_notice *reel_notice_event(const char *device, const char *session, json_t *event)
{
    struct reel_notice *notice = event ? calloc(1, sizeof *notice) : NULL;

    if (!notice) {
        json_decref(event);
        return NULL;
    }
    notice->kind = REEL_NOTICE_EVENT;
    notice->event = event;
    snprintf(notice->device, sizeof notice->device, "%s", device[0] ? device : "-");
    snprintf(notice->session, sizeof notice->session, "%s", session[0] ? session : "-");
    return notice;
}

struct reel_notice *reel_notice_ingest(bool subscribed, bool stalled, const char *reason)
{
    struct reel_notice *notice = calloc(1, sizeof *notice);

    if (!notice)
        return NULL;
    notice->kind = REEL_NOTICE_INGEST;
    notice->subscribed = subscribed;
    notice->stalled = stalled;
    snprintf(notice->reason, sizeof notice->reason, "%s", reason);
    return notice;
}

void reel_notice_destroy(struct reel_notice *notice)
{
    if (!notice)
        return;
    json_decref(notice->event);
    free(notice);
}
