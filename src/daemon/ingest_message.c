/* Ingest: one message from its topic to its recording: what is checked before it is placed.
 * (Uploads go to ingest_upload.c.) */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "core/describe.h"
#include "daemon/events.h"
#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

/* What samples were unpacked into is kept for the next message, unless it was a strange one. */
enum { SCRATCH_KEPT_BYTES = 1 << 20 };

/* The values of such a text are so many small pieces of memory that it is worth to give back the
 * room they leave. */
enum { LARGE_JSON_BYTES = 64 << 10 };

static uint64_t message_hash(const struct reel_bus_message *message)
{
    uint64_t topic_hash = XXH3_64bits(message->topic, strlen(message->topic));

    return XXH3_64bits_withSeed(message->payload, message->payload_bytes, topic_hash);
}

/* The message as a durable batch took it in, whose acknowledgement the broker may not have seen;
 * NULL if none did. Those come first and in order, so the first other one ends it. */
static const struct reel_delivery *recognise(struct reel_redelivery *redelivery,
                                             const struct reel_delivery *delivery)
{
    for (size_t i = redelivery->at; i < redelivery->count; i++) {
        if (redelivery->deliveries[i].packet_id == delivery->packet_id &&
            redelivery->deliveries[i].hash == delivery->hash) {
            redelivery->at = i + 1;
            return &redelivery->deliveries[i];
        }
    }
    redelivery->at = redelivery->count;
    return NULL;
}

static void note_delivery(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const struct reel_bus_message *message = arrival->message;
    struct reel_batch *batch = &ingest->batch;
    struct reel_delivery delivery = {.packet_id = message->packet_id};
    const struct reel_delivery *before;

    reel_batch_open(batch, arrival->monotonic_us);
    batch->messages++;
    batch->bytes += message->payload_bytes;
    batch->kept_bytes += message->correlation_bytes;
    if (message->packet_id == 0)
        return;
    delivery.hash = message_hash(message);
    before = recognise(&ingest->redelivery, &delivery);
    arrival->redelivered = before != NULL;
    arrival->refused = before && before->refused;
    /* What is recognised is noted already, in its order. */
    if (!before && batch->deliveries_count < REEL_BATCH_MESSAGES_MAX)
        batch->deliveries[batch->deliveries_count++] = delivery;
}

/* The message under way, which note_delivery put last, was refused. */
static void note_refusal(struct reel_batch *batch, const struct reel_arrival *arrival)
{
    if (arrival->message->packet_id != 0 && batch->deliveries_count > 0)
        batch->deliveries[batch->deliveries_count - 1].refused = true;
}

/* Where answers go, if a place was named: the Response Topic, else the payload's. */
static enum reel_code choose_reply_place(const struct reel_config *config,
                                         struct reel_arrival *arrival, struct reel_error *err_out)
{
    const char *in_payload = "metadata.session.reply_to";
    const char *response_topic = arrival->message->response_topic;
    const char *topic = response_topic ? response_topic : arrival->fragment.reply_to;
    enum reel_code code;

    if (!response_topic && arrival->fragment.reply_to_unusable)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, in_payload,
                              "it is over %d bytes long, or no text that a topic may be",
                              REEL_REPLY_TOPIC_MAX_BYTES);
    if (!response_topic && topic[0] == '\0')
        return REEL_OK;
    code = reel_reply_check(config->broker_prefix, config->broker_reply_allow,
                            arrival->topic.device, topic, strlen(topic),
                            response_topic ? "response_topic" : in_payload, err_out);
    if (code == REEL_OK)
        snprintf(arrival->reply_topic, sizeof arrival->reply_topic, "%s", topic);
    return code;
}

/* Note where answers go. A place that is not allowed is refused on the response topic, and the
 * fragment goes its way. */
static void find_reply_place(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const struct reel_config *config = ingest->links.config;
    struct reel_ack_place refusal_place = {.kind = arrival->reply_kind};
    struct reel_error error;
    char refusal_topic[REEL_REPLY_TOPIC_MAX_BYTES + 1];

    if (choose_reply_place(config, arrival, &error) == REEL_OK ||
        !reel_topic_build(refusal_topic, sizeof refusal_topic, config->broker_prefix, "response",
                          "audio", arrival->topic.device))
        return;
    refusal_place.topic = refusal_topic;
    reel_acks_note_document(ingest->acks, reel_response_error(&error, NULL), &refusal_place);
}

struct reel_ack_place reel_arrival_place(const struct reel_arrival *arrival)
{
    struct reel_ack_place place = {
        .topic = arrival->reply_topic,
        .kind = arrival->reply_kind,
        .correlation = arrival->message->correlation,
        .correlation_bytes = arrival->message->correlation_bytes,
    };

    return place;
}

void reel_ingest_note_rejected(struct reel_ingest *ingest, const char *device, const char *session,
                               const struct reel_numbers *numbers, const struct reel_error *error,
                               uint64_t quarantine_id)
{
    struct reel_rejection rejection = {.error = *error, .quarantine_id = quarantine_id};
    const struct reel_log_subject subject = {
        .device = device,
        .session = session,
        .reason = reel_code_name(error->code),
        .has_seq = numbers && numbers->has_seq,
        .seq = numbers ? numbers->seq : 0,
    };

    reel_count(&ingest->links.counters->rejected, 1);
    reel_count(&ingest->links.counters->rejected_by_code[error->code], 1);
    reel_log_write_about(ingest->links.log, REEL_LOG_NOTICE, &subject, "%s/%s: refused: %s%s%s",
                         device[0] ? device : "-", session[0] ? session : "-", error->message,
                         error->field[0] ? ": " : "", error->field);
    snprintf(rejection.device, sizeof rejection.device, "%s", device);
    snprintf(rejection.session, sizeof rejection.session, "%s", session);
    reel_reject_limit_note(ingest->rejects, &rejection);
}

uint64_t reel_ingest_reject(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_error *error)
{
    const struct reel_topic *topic = &arrival->topic;
    const struct reel_reject reject = {
        .topic = arrival->message->topic,
        .device = topic->device,
        .session = topic->session,
        .error = *error,
        .time_us = arrival->wall_us,
        .bytes = arrival->message->payload_bytes,
    };
    struct reel_error failure;
    uint64_t quarantine_id;

    note_refusal(&ingest->batch, arrival);
    if (reel_store_quarantine(ingest->store, &reject, arrival->message->payload, &quarantine_id,
                              &failure)) {
        reel_ingest_fail(ingest, &failure);
        return 0;
    }
    reel_ingest_note_rejected(ingest, topic->device, topic->session, &arrival->fragment.numbers,
                              error, quarantine_id);
    return quarantine_id;
}

uint64_t reel_ingest_refuse(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_entry *entry, const struct reel_error *error)
{
    const struct reel_topic *topic = &arrival->topic;
    struct reel_ack_place place = reel_arrival_place(arrival);
    uint64_t quarantine_id;

    if (arrival->reply_topic[0])
        reel_acks_note_document(
            ingest->acks,
            reel_describe_refusal(error, topic->device, topic->session, &arrival->fragment.numbers),
            &place);
    if (arrival->redelivered)
        return 0; /* it was refused before */
    quarantine_id = reel_ingest_reject(ingest, arrival, error);
    if (quarantine_id != 0 && entry)
        reel_store_touch(ingest->store, entry, arrival->monotonic_us);
    return quarantine_id;
}

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

static enum reel_code check_open_limit(struct reel_ingest *ingest, struct reel_error *err_out)
{
    struct reel_store_stats stats;

    reel_store_stats(ingest->store, &stats);
    if (stats.open_recordings >= ingest->links.config->max_recordings_open)
        return reel_error_set(err_out, REEL_E_BUSY, "limits.max_recordings_open",
                              "%llu recordings are open, and no more are taken",
                              (unsigned long long)stats.open_recordings);
    return REEL_OK;
}

enum reel_code reel_ingest_create_recording(struct reel_ingest *ingest,
                                            const struct reel_arrival *arrival, const char *session,
                                            struct reel_entry **entry_out,
                                            struct reel_error *err_out)
{
    struct reel_error failure;
    enum reel_code code =
        reel_store_create(ingest->store, arrival->topic.device, session, &arrival->fragment.format,
                          arrival->wall_us, entry_out, &failure);

    if (code == REEL_E_NOT_ALLOWED)
        *err_out = failure;
    else if (code)
        reel_ingest_fail(ingest, &failure);
    else
        reel_count(&ingest->links.counters->recordings_started, 1);
    return code;
}

static enum reel_code begin_recording(struct reel_ingest *ingest,
                                      const struct reel_arrival *arrival,
                                      struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_topic *topic = &arrival->topic;
    enum reel_code code = reel_ingest_rules_begin(ingest, arrival, err_out);

    if (code == REEL_OK)
        code = check_open_limit(ingest, err_out);
    if (code)
        return code;
    if (!reel_rate_take(ingest->beginnings, topic->device, arrival->monotonic_us))
        return reel_error_set(err_out, REEL_E_BUSY, "limits.new_recordings_per_minute",
                              "the device has begun %llu recordings within a minute",
                              (unsigned long long)ingest->links.config->new_recordings_per_minute);
    code = reel_ingest_create_recording(ingest, arrival, topic->session, entry_out, err_out);
    if (code)
        return code;
    if (arrival->timed)
        reel_ingest_hermes_began(ingest, arrival, reel_entry_recording(*entry_out));
    reel_ingest_event(
        ingest, topic->device, topic->session,
        reel_event_plain("started", reel_entry_recording(*entry_out), arrival->wall_us));
    return REEL_OK;
}

/* The field of the first difference between two formats. */
static const char *format_difference(const struct reel_format *a, const struct reel_format *b)
{
    if (a->channels != b->channels)
        return "metadata.audio.channels";
    if (a->rate != b->rate)
        return "metadata.audio.rate";
    if (a->sample_bytes != b->sample_bytes)
        return "metadata.audio.sample_size";
    return "metadata.audio.encoding";
}

static enum reel_code check_against(const struct reel_recording *recording,
                                    const struct reel_arrival *arrival, struct reel_error *err_out)
{
    const struct reel_fragment *fragment = &arrival->fragment;
    const struct reel_format *is = &recording->format;

    if (recording->part_of[0] && strcmp(recording->part_of, arrival->topic.session) != 0)
        return reel_error_set(err_out, REEL_E_CONFLICT, "metadata.session.id",
                              "the recording is part %llu of session %s, which is published to",
                              (unsigned long long)recording->part, recording->part_of);
    if (!reel_format_equal(is, &fragment->format))
        return reel_error_set(err_out, REEL_E_CONFLICT, format_difference(is, &fragment->format),
                              "the recording is %s of %u bytes, %u channels, %u frames a second, "
                              "and a recording has one format",
                              reel_encoding_name(is->encoding), (unsigned)is->sample_bytes,
                              (unsigned)is->channels, (unsigned)is->rate);
    if (recording->state == REEL_STATE_COMPLETE && recording->end_reason == REEL_END_UPLOAD)
        return reel_error_set(err_out, REEL_E_CONFLICT, "metadata.session.id",
                              "the recording was uploaded whole and is not appended to");
    return REEL_OK;
}

/* There is none of that name (any more): a new one, unless the fragment comes once more of one that
 * was deleted. */
static enum reel_code begin_or_drop(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                    struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_tombstone tombstone;
    enum reel_code code = reel_ingest_tombstone(ingest, arrival, &tombstone);

    if (code == REEL_E_NOT_FOUND)
        return begin_recording(ingest, arrival, entry_out, err_out);
    if (code)
        return code;
    if (!reel_ingest_drop_repeat(ingest, arrival, &tombstone))
        code = begin_recording(ingest, arrival, entry_out, err_out);
    if (code == REEL_OK && *entry_out)
        reel_ingest_begin_behind(reel_entry_recording(*entry_out), &tombstone,
                                 &arrival->fragment.numbers);
    reel_tombstone_finish(&tombstone);
    return code;
}

/* The recording, or a new one, NULL where the fragment was dropped; on failure the error is a
 * refusal unless the batch failed. */
static enum reel_code find_recording(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                     struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_topic *topic = &arrival->topic;
    enum reel_code code;
    struct reel_error failure;

    code = reel_ingest_last(ingest, topic->device, topic->session, entry_out, &failure);
    if (code == REEL_E_NOT_FOUND)
        return begin_or_drop(ingest, arrival, entry_out, err_out);
    return code ? code : check_against(reel_entry_recording(*entry_out), arrival, err_out);
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

/* Answers have the encoding of the fragment; to a WAV file they are JSON. */
static enum reel_document_kind reply_kind(const struct reel_bus_message *message)
{
    if (reel_payload_kind_of(message->payload, message->payload_bytes) == REEL_PAYLOAD_MSGPACK)
        return REEL_DOCUMENT_MSGPACK;
    return REEL_DOCUMENT_JSON;
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

    arrival->reply_kind = reply_kind(arrival->message);
    code = read_message(ingest, arrival, &error);
    if (is_large_json(arrival->message))
        ingest->batch.large_json = true;
    if (arrival->fragment.data_bytes > arrival->message->payload_bytes)
        ingest->batch.bytes += arrival->fragment.data_bytes - arrival->message->payload_bytes;
    if (arrival->topic.device[0])
        find_reply_place(ingest, arrival);
    if (code == REEL_OK) {
        reel_ingest_rules_hear(ingest, arrival);
        code = find_recording(ingest, arrival, &entry, &error);
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
    note_delivery(ingest, &arrival);
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
