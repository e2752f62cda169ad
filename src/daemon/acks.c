/* Acks: noted by entry and topic, rendered before the commit, published after it. */
#include "daemon/acks.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "core/describe.h"

struct ack {
    struct ack *next; /* in the order they were first noted */
    struct ack *prev;
    struct reel_entry *entry; /* NULL: a document of its own */
    struct reel_boot boot;
    json_t *document;
    struct reel_buffer payload;
    enum reel_document_kind kind;
    char *correlation;
    size_t correlation_bytes;
    UT_hash_handle hh; /* by entry and topic */
    size_t key_bytes;
    char key[]; /* the entry's address, then the topic with its terminator */
};

struct reel_acks {
    struct ack *list;
    struct ack *table;
};

struct reel_acks *reel_acks_create(void)
{
    return calloc(1, sizeof(struct reel_acks));
}

static const char *ack_topic(const struct ack *ack)
{
    return ack->key + sizeof(struct reel_entry *);
}

static void ack_destroy(struct ack *ack)
{
    json_decref(ack->document);
    reel_buffer_finish(&ack->payload);
    free(ack->correlation);
    free(ack);
}

void reel_acks_drop(struct reel_acks *acks)
{
    struct ack *ack;
    struct ack *next;

    HASH_CLEAR(hh, acks->table);
    DL_FOREACH_SAFE (acks->list, ack, next)
        ack_destroy(ack);
    acks->list = NULL;
}

void reel_acks_destroy(struct reel_acks **acks)
{
    if (!*acks)
        return;
    reel_acks_drop(*acks);
    free(*acks);
    *acks = NULL;
}

static struct ack *ack_create(struct reel_entry *entry, const char *topic)
{
    size_t topic_bytes = strlen(topic) + 1;
    size_t key_bytes = sizeof entry + topic_bytes;
    struct ack *ack = calloc(1, sizeof *ack + key_bytes);

    if (!ack)
        return NULL;
    ack->entry = entry;
    ack->key_bytes = key_bytes;
    memcpy(ack->key, &entry, sizeof entry);
    memcpy(ack->key + sizeof entry, topic, topic_bytes);
    return ack;
}

static bool ack_address(struct ack *ack, const struct reel_ack_place *place)
{
    char *correlation = NULL;

    if (place->correlation) {
        correlation = malloc(place->correlation_bytes + 1);
        if (!correlation)
            return false;
        memcpy(correlation, place->correlation, place->correlation_bytes);
    }
    free(ack->correlation);
    ack->correlation = correlation;
    ack->correlation_bytes = correlation ? place->correlation_bytes : 0;
    ack->kind = place->kind;
    return true;
}

bool reel_acks_note(struct reel_acks *acks, struct reel_entry *entry, const struct reel_boot *boot,
                    const struct reel_ack_place *place)
{
    struct ack *fresh = ack_create(entry, place->topic);
    struct ack *ack = NULL;

    if (!fresh)
        return false;
    HASH_FIND(hh, acks->table, fresh->key, fresh->key_bytes, ack);
    if (ack) {
        ack_destroy(fresh);
    } else {
        ack = fresh;
        HASH_ADD_KEYPTR(hh, acks->table, ack->key, ack->key_bytes, ack);
        DL_APPEND(acks->list, ack);
    }
    ack->boot = *boot;
    return ack_address(ack, place);
}

bool reel_acks_note_document(struct reel_acks *acks, json_t *document,
                             const struct reel_ack_place *place)
{
    struct ack *ack = document ? ack_create(NULL, place->topic) : NULL;

    if (!ack) {
        json_decref(document);
        return false;
    }
    ack->document = document;
    DL_APPEND(acks->list, ack);
    return ack_address(ack, place);
}

bool reel_acks_render(struct reel_acks *acks)
{
    struct ack *ack;

    DL_FOREACH (acks->list, ack) {
        if (ack->entry)
            ack->document = reel_describe_ack(reel_entry_recording(ack->entry), &ack->boot);
        if (!ack->document ||
            !reel_document_encode(ack->document, ack->kind, NULL, 0, &ack->payload))
            return false;
    }
    return true;
}

static void publish(const struct ack *ack, struct reel_bus *bus, const struct reel_log *log)
{
    struct reel_property status = {"status",
                                   json_string_value(json_object_get(ack->document, "status"))};
    struct reel_bus_publication what = {
        .topic = ack_topic(ack),
        .payload = ack->payload.bytes,
        .payload_bytes = ack->payload.size,
        .content_type = reel_document_content_type(ack->kind),
        .correlation = (const uint8_t *)ack->correlation,
        .correlation_bytes = ack->correlation_bytes,
        .properties = &status,
        .properties_count = 1,
    };
    struct reel_error error;

    if (reel_bus_publish(bus, &what, NULL, &error))
        reel_log_write(log, REEL_LOG_WARNING, "an acknowledgement was not sent: %s", error.message);
}

size_t reel_acks_publish(struct reel_acks *acks, struct reel_bus *bus, const struct reel_log *log)
{
    struct ack *ack;
    size_t count = 0;

    DL_FOREACH (acks->list, ack) {
        publish(ack, bus, log);
        count++;
    }
    reel_acks_drop(acks);
    return count;
}
