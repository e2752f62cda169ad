/* Ingest, the answers to a fragment: where they go, and in which encoding. */
#include <stdio.h>
#include <string.h>

#include "daemon/ingest_audio.h"

/* Answers have the encoding of the fragment; to a WAV file they are JSON. */
static enum reel_document_kind reply_kind(const struct reel_bus_message *message)
{
    if (reel_payload_kind_of(message->payload, message->payload_bytes) == REEL_PAYLOAD_MSGPACK)
        return REEL_DOCUMENT_MSGPACK;
    return REEL_DOCUMENT_JSON;
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

void reel_ingest_find_reply_place(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const struct reel_config *config = ingest->links.config;
    struct reel_ack_place refusal_place = {.kind = reply_kind(arrival->message)};
    struct reel_error error;
    char refusal_topic[REEL_REPLY_TOPIC_MAX_BYTES + 1];

    arrival->reply_kind = refusal_place.kind;
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

void reel_ingest_acknowledge(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_target *target)
{
    struct reel_ack_place place = reel_arrival_place(arrival);
    struct reel_earlier_parts earlier;

    if (!arrival->reply_topic[0])
        return;
    reel_ingest_earlier(ingest, target, &earlier);
    if (!ingest->failed && !reel_acks_note(ingest->acks, target->home,
                                           &arrival->fragment.numbers.boot, &earlier, &place))
        reel_log_write_about(ingest->links.log, REEL_LOG_WARNING,
                             REEL_LOG_OF(arrival->topic.device, arrival->topic.session),
                             "no memory for an acknowledgement to %s", arrival->reply_topic);
}
