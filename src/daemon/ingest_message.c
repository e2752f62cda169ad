/* Ingest: one message from the bus, read and handed on: a fragment to its recording, an upload to
 * ingest_upload.c, a block of one to ingest_block.c. */
#include <string.h>

#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

/* What samples were unpacked into is kept for the next message, unless it was a strange one. */
enum { SCRATCH_KEPT_BYTES = 1 << 20 };

/* The values of such a text are so many small pieces of memory that it is worth to give back the
 * room they leave. */
enum { LARGE_JSON_BYTES = 64 << 10 };

/* The session that a fragment belongs to: the topic's, or on `audio/{device}` the payload's. */
static enum reel_code find_session(struct reel_arrival *arrival, struct reel_error *err_out)
{
    const char *field = "metadata.session.id";
    char *topic_session = arrival->topic.session;
    const char *payload_session = arrival->fragment.session;

    if (topic_session[0] == '\0' && payload_session[0] == '\0')
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "neither the topic nor the payload names a session");
    if (topic_session[0] && payload_session[0] && strcmp(topic_session, payload_session) != 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "the payload names session %s, the topic %s", payload_session,
                              topic_session);
    if (topic_session[0] == '\0')
        memcpy(topic_session, payload_session, sizeof arrival->fragment.session);
    return REEL_OK;
}

/* Topic, flags, size, document, session. */
static enum reel_code read_message(struct reel_ingest *ingest, struct reel_arrival *arrival,
                                   struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    uint64_t most = ingest->links.config->max_fragment_bytes;
    enum reel_code code = arrival->topic_code;

    if (code) {
        *err_out = arrival->topic_error;
        return code;
    }
    if (message->retain)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "retain",
                              "a fragment must not be published with the retain flag");
    if (message->payload_bytes > most)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "payload",
                              "the fragment has %zu bytes, and %llu are allowed",
                              message->payload_bytes, (unsigned long long)most);
    code = arrival->satellite
               ? reel_ingest_hermes_decode(ingest, arrival, err_out)
               : reel_fragment_decode(message->payload, message->payload_bytes, &message->envelope,
                                      &ingest->scratch, &arrival->fragment, err_out);
    if (code == REEL_E_STALLED || code == REEL_E_INTERNAL) /* ours, not the sender's */
        return reel_ingest_fail(ingest, err_out);
    if (code)
        return code;
    return arrival->satellite ? reel_ingest_hermes_session(ingest, arrival)
                              : find_session(arrival, err_out);
}

/* Refuse what was not looked at for its place. The recording that it was for, if there is one,
 * counts it: `*entry`, or where nothing of the payload could be believed the topic's. */
static void refuse_whole(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                         struct reel_entry *entry, const struct reel_error *error)
{
    const struct reel_topic *topic = &arrival->topic;
    struct reel_error failure;

    if (!entry && topic->device[0] && topic->session[0]) {
        enum reel_code code =
            reel_ingest_last(ingest, topic->device, topic->session, &entry, &failure);

        if (ingest->failed)
            return;
        entry = code ? NULL : entry;
    }
    if (reel_ingest_refuse(ingest, arrival, entry, error) && entry)
        reel_entry_recording(entry)->rejected++;
}

static bool is_large_json(const struct reel_bus_message *message)
{
    return message->payload_bytes >= LARGE_JSON_BYTES &&
           reel_payload_kind_of(message->payload, message->payload_bytes) == REEL_PAYLOAD_JSON;
}

static void take(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    struct reel_entry *entry = NULL;
    struct reel_error error;
    enum reel_code code;

    code = read_message(ingest, arrival, &error);
    if (is_large_json(arrival->message))
        ingest->batch.large_json = true;
    if (arrival->fragment.data_bytes > arrival->message->payload_bytes)
        ingest->batch.bytes += arrival->fragment.data_bytes - arrival->message->payload_bytes;
    if (arrival->topic.device[0])
        reel_ingest_find_reply_place(ingest, arrival);
    if (code == REEL_OK) {
        reel_ingest_rules_hear(ingest, arrival);
        code = reel_ingest_find_recording(ingest, arrival, &entry, &error);
    }
    if (ingest->failed)
        return;
    if (code) {
        refuse_whole(ingest, arrival, entry, &error);
        return;
    }
    if (entry)
        reel_ingest_place(ingest, arrival, entry);
}

void reel_ingest_message(void *user, const struct reel_bus_message *message)
{
    struct reel_ingest *ingest = user;
    struct reel_arrival arrival;

    if (ingest->failed)
        return; /* the connection is about to be dropped; it comes again */
    if (reel_ingest_hermes_ignores(ingest, message->topic))
        return;
    memset(&arrival, 0, sizeof arrival);
    arrival.message = message;
    arrival.wall_us = reel_wall_us();
    arrival.monotonic_us = reel_monotonic_us();
    if (!reel_ingest_hermes_topic(&arrival))
        arrival.topic_code = reel_topic_parse(ingest->links.config->broker_prefix, message->topic,
                                              &arrival.topic, &arrival.topic_error);
    if (arrival.topic.kind == REEL_TOPIC_OTHER)
        return;
    reel_ingest_note_delivery(ingest, &arrival);
    if (arrival.topic.kind == REEL_TOPIC_UPLOAD)
        reel_ingest_upload(ingest, &arrival);
    else if (arrival.topic.kind == REEL_TOPIC_BLOCK)
        reel_ingest_block(ingest, &arrival);
    else
        take(ingest, &arrival);
    reel_fragment_finish(&arrival.fragment);
    if (ingest->scratch.capacity > SCRATCH_KEPT_BYTES)
        reel_scratch_finish(&ingest->scratch);
}
