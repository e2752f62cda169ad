/* Acks: noted by entry and topic, rendered before the commit, published after it. */
#include "daemon/acks.h"

#include <stdlib.h>
#include <string.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/* What the acknowledgements of one batch may take. Where they would take more, those that have much
 * to say are left out, and the recorder asks again. */
enum { RENDERED_MAX_BYTES = 8 << 20, SMALL_BYTES = 1024 };
enum { KEY_MAX_BYTES = sizeof(struct reel_entry *) + REEL_REPLY_TOPIC_MAX_BYTES + 1 };

struct ack {
    struct ack *next; /* in the order they were first noted */
    struct ack *prev;
    struct reel_entry *entry; /* NULL: a document of its own, which is rendered when noted */
    struct reel_boot boot;
    struct reel_earlier_parts earlier;
    bool refusal; /* that is what the document says */
    struct reel_buffer payload;
    enum reel_document_kind kind;
    bool has_correlation;
    char *correlation; /* kept for the next one, where it has room */
    size_t correlation_bytes;
    size_t correlation_capacity;
    UT_hash_handle hh; /* by entry and topic */
    size_t key_bytes;
    char key[]; /* the entry's address, then the topic with its terminator */
};

struct reel_acks {
    struct ack *list;
    struct ack *table;
    size_t bytes; /* of what is noted, about */
};

struct reel_acks *reel_acks_create(void)
{
    return calloc(1, sizeof(struct reel_acks));
}

size_t reel_acks_bytes(const struct reel_acks *acks)
{
    return acks->bytes;
}

static const char *ack_topic(const struct ack *ack)
{
    return ack->key + sizeof(struct reel_entry *);
}

static void ack_destroy(struct ack *ack)
{
    if (!ack)
        return;
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
    acks->bytes = 0;
}

void reel_acks_destroy(struct reel_acks **acks)
{
    if (!*acks)
        return;
    reel_acks_drop(*acks);
    free(*acks);
    *acks = NULL;
}

static size_t key_bytes_of(const char *topic)
{
    return sizeof(struct reel_entry *) + strlen(topic) + 1;
}

static void key_put(char *key, size_t key_bytes, const struct reel_entry *entry, const char *topic)
{
    memcpy(key, &entry, sizeof entry);
    memcpy(key + sizeof entry, topic, key_bytes - sizeof entry);
}

static struct ack *ack_create(struct reel_entry *entry, const char *topic)
{
    size_t key_bytes = key_bytes_of(topic);
    struct ack *ack = calloc(1, sizeof *ack + key_bytes);

    if (!ack)
        return NULL;
    ack->entry = entry;
    ack->key_bytes = key_bytes;
    key_put(ack->key, key_bytes, entry, topic);
    return ack;
}

/* What is noted for that entry and topic, or NULL. Most fragments find one, so it takes no memory.
 */
static struct ack *ack_find(const struct reel_acks *acks, const struct reel_entry *entry,
                            const char *topic)
{
    size_t key_bytes = key_bytes_of(topic);
    char key[KEY_MAX_BYTES];
    struct ack *ack;

    if (key_bytes > sizeof key)
        return NULL;
    key_put(key, key_bytes, entry, topic);
    HASH_FIND(hh, acks->table, key, key_bytes, ack);
    return ack;
}

/* The latest fragment's correlation and encoding are the answer's. False, and nothing changed, if
 * memory ran out. */
static bool ack_address(struct ack *ack, const struct reel_ack_place *place)
{
    if (place->correlation && place->correlation_bytes >= ack->correlation_capacity) {
        char *grown = realloc(ack->correlation, place->correlation_bytes + 1);

        if (!grown)
            return false;
        ack->correlation = grown;
        ack->correlation_capacity = place->correlation_bytes + 1;
    }
    ack->has_correlation = place->correlation != NULL;
    ack->correlation_bytes = place->correlation ? place->correlation_bytes : 0;
    if (place->correlation)
        memcpy(ack->correlation, place->correlation, place->correlation_bytes);
    ack->kind = place->kind;
    return true;
}

/* One for an entry and a topic that has none yet; NULL if memory ran out. */
static struct ack *ack_add(struct reel_acks *acks, struct reel_entry *entry,
                           const struct reel_ack_place *place)
{
    struct ack *ack = ack_create(entry, place->topic);

    if (!ack || !ack_address(ack, place)) {
        ack_destroy(ack);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, acks->table, ack->key, ack->key_bytes, ack);
    if (!ack->hh.tbl) {
        ack_destroy(ack);
        return NULL;
    }
    DL_APPEND(acks->list, ack);
    return ack;
}

bool reel_acks_note(struct reel_acks *acks, struct reel_entry *entry, const struct reel_boot *boot,
                    const struct reel_earlier_parts *earlier, const struct reel_ack_place *place)
{
    struct ack *ack = ack_find(acks, entry, place->topic);

    if (ack) {
        if (!ack_address(ack, place))
            return false;
    } else {
        ack = ack_add(acks, entry, place);
        if (!ack)
            return false;
        acks->bytes += sizeof *ack + ack->key_bytes +
                       reel_describe_ack_bytes(reel_entry_recording(entry), boot, earlier);
    }
    ack->boot = *boot;
    ack->earlier = *earlier;
    return true;
}

static bool render(struct ack *ack, const json_t *document)
{
    return document && reel_document_encode(document, ack->kind, NULL, 0, &ack->payload);
}

bool reel_acks_note_document(struct reel_acks *acks, json_t *document,
                             const struct reel_ack_place *place)
{
    struct ack *ack = document ? ack_create(NULL, place->topic) : NULL;
    bool noted = ack && ack_address(ack, place) && render(ack, document);

    if (noted)
        ack->refusal = json_object_get(document, "error") != NULL;
    json_decref(document);
    if (noted) {
        DL_APPEND(acks->list, ack);
        acks->bytes += sizeof *ack + ack->key_bytes + ack->payload.size;
    } else {
        ack_destroy(ack);
    }
    return noted;
}

static bool render_state(struct ack *ack)
{
    json_t *document =
        reel_describe_ack(reel_entry_recording(ack->entry), &ack->boot, &ack->earlier);
    bool rendered = render(ack, document);

    json_decref(document);
    return rendered;
}

bool reel_acks_render(struct reel_acks *acks, const struct reel_log *log)
{
    size_t rendered_bytes = 0, left_out = 0;
    struct ack *ack;
    struct ack *next;

    DL_FOREACH_SAFE (acks->list, ack, next) {
        size_t bytes = ack->entry ? reel_describe_ack_bytes(reel_entry_recording(ack->entry),
                                                            &ack->boot, &ack->earlier)
                                  : ack->payload.size;

        if (rendered_bytes + bytes > RENDERED_MAX_BYTES && bytes > SMALL_BYTES) {
            if (ack->entry)
                HASH_DELETE(hh, acks->table, ack);
            DL_DELETE(acks->list, ack);
            ack_destroy(ack);
            left_out++;
            continue;
        }
        if (ack->entry && !render_state(ack))
            return false;
        rendered_bytes += ack->payload.size;
    }
    if (left_out)
        reel_log_write(log, REEL_LOG_WARNING,
                       "%zu acknowledgements of one batch were left out: "
                       "they have too much to say",
                       left_out);
    return true;
}

static void publish(const struct ack *ack, struct reel_bus *bus, const struct reel_log *log)
{
    struct reel_property status = {"status", ack->refusal ? "error" : "ok"};
    struct reel_bus_publication what = {
        .topic = ack_topic(ack),
        .payload = ack->payload.bytes,
        .payload_bytes = ack->payload.size,
        .content_type = reel_document_content_type(ack->kind),
        .correlation = ack->has_correlation ? (const uint8_t *)ack->correlation : NULL,
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
    struct ack *next;
    size_t count = 0;

    HASH_CLEAR(hh, acks->table);
    DL_FOREACH_SAFE (acks->list, ack, next) {
        publish(ack, bus, log); /* which copies it */
        DL_DELETE(acks->list, ack);
        ack_destroy(ack);
        count++;
    }
    acks->bytes = 0;
    return count;
}
