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

int reel_announce(struct reel_bus *bus, const struct reel_log *log, const char *prefix,
                  enum reel_announcement kind, const char *a, const char *b, json_t *document)
{
    const struct manner *manner = &manners[kind];
    struct reel_buffer payload = {0};
    char topic[TOPIC_BYTES];
    struct reel_bus_publication what = {
        .topic = topic,
        .qos = manner->qos,
        .retain = manner->retain,
        .expiry_s = manner->expiry_s,
        .content_type = reel_document_content_type(REEL_DOCUMENT_JSON),
    };
    struct reel_error error;
    int publication_id = 0;

    reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
    if (document && reel_topic_build(topic, sizeof topic, prefix, manner->kind, a, b) &&
        reel_document_encode(document, REEL_DOCUMENT_JSON, NULL, 0, &payload)) {
        what.payload = payload.bytes;
        what.payload_bytes = payload.size;
        error.code = reel_bus_publish(bus, &what, &publication_id, &error);
    }
    if (error.code)
        reel_log_write(log, REEL_LOG_WARNING, "%s/%s was not published: %s", manner->kind, a,
                       error.message);
    reel_buffer_finish(&payload);
    json_decref(document);
    return error.code ? 0 : publication_id;
}
