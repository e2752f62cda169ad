/* Announce: one table of how each kind travels. */
#include "daemon/announce.h"

#include <stdbool.h>
#include <stdint.h>

#include "daemon/presence.h"
#include "wire/message.h"
#include "wire/topic.h"

enum { TOPIC_BYTES = 512 };

struct manner {
    const char *kind; /* first level below the prefix */
    int qos;
    bool retain;
    uint32_t expiry_s; /* 0: none */
};

static const struct manner manners[] = {
    [REEL_ANNOUNCE_EVENT] = {"event", 1, false, 0},
    [REEL_ANNOUNCE_STATUS] = {"status", 1, true, REEL_STATUS_EXPIRY_S},
    [REEL_ANNOUNCE_LAST_STATUS] = {"status", 1, true, 0},
    [REEL_ANNOUNCE_METRICS] = {"metrics", 0, true, REEL_STATUS_EXPIRY_S},
};

static void not_published(const struct reel_log *log, enum reel_announcement kind, const char *a,
                          const char *why)
{
    reel_log_write(log, REEL_LOG_WARNING, "%s/%s was not published: %s", manners[kind].kind, a,
                   why);
}

int reel_announce_encoded(struct reel_bus *bus, const struct reel_log *log, const char *prefix,
                          enum reel_announcement kind, const char *a, const char *b,
                          const void *payload, size_t payload_bytes)
{
    const struct manner *manner = &manners[kind];
    char topic[TOPIC_BYTES];
    struct reel_bus_publication what = {
        .topic = topic,
        .payload = payload,
        .payload_bytes = payload_bytes,
        .qos = manner->qos,
        .retain = manner->retain,
        .expiry_s = manner->expiry_s,
        .content_type = reel_document_content_type(REEL_DOCUMENT_JSON),
    };
    struct reel_error error = {.message = "its topic is too long"};
    int publication_id;

    if (reel_topic_build(topic, sizeof topic, prefix, manner->kind, a, b) &&
        reel_bus_publish(bus, &what, &publication_id, &error) == REEL_OK)
        return publication_id;
    not_published(log, kind, a, error.message);
    return 0;
}

int reel_announce(struct reel_bus *bus, const struct reel_log *log, const char *prefix,
                  enum reel_announcement kind, const char *a, const char *b, json_t *document)
{
    struct reel_buffer payload = {0};
    int publication_id = 0;

    if (document && reel_document_encode(document, REEL_DOCUMENT_JSON, NULL, 0, &payload))
        publication_id =
            reel_announce_encoded(bus, log, prefix, kind, a, b, payload.bytes, payload.size);
    else
        not_published(log, kind, a, "out of memory");
    reel_buffer_finish(&payload);
    json_decref(document);
    return publication_id;
}
