/* Ingest, uploads as they come: a whole file in one message. What can be told of it at once is; the
 * rest is the importing thread's to find out (ingest_install.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tags.h"
#include "daemon/ingest_changes.h"
#include "store/upload.h"

/* What comes in user properties. */
struct wishes {
    bool overwrite;
    json_t *tags; /* owned; NULL: none */
};

static enum reel_code take_overwrite(const char *value, bool *out, struct reel_error *err_out)
{
    *out = strcmp(value, "true") == 0;
    if (*out || strcmp(value, "false") == 0)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, "overwrite", "must be true or false");
}

enum reel_code reel_ingest_check_overwrite(const struct reel_config *config, bool overwrite,
                                           struct reel_error *err_out)
{
    if (!overwrite || config->upload_overwrite)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "upload.overwrite",
                          "uploads replace nothing here: upload under another name, or have the "
                          "recording deleted first");
}

static enum reel_code take_tag(json_t *given, const char *name, const char *value,
                               struct reel_error *err_out)
{
    json_t *text = json_string(value);

    if (!text)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "tags", "a value is no UTF-8");
    if (json_object_set_new(given, name, text) != 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "tags", "a name is no UTF-8");
    return REEL_OK;
}

static enum reel_code read_wishes(const struct reel_envelope *envelope, struct wishes *out,
                                  struct reel_error *err_out)
{
    static const char tag_prefix[] = "tag.";
    json_t *given = json_object();
    enum reel_code code = REEL_OK;

    if (!given)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "out of memory");
    for (size_t i = 0; i < envelope->properties_count && code == REEL_OK; i++) {
        const struct reel_property *property = &envelope->properties[i];

        if (strcmp(property->name, "overwrite") == 0)
            code = take_overwrite(property->value, &out->overwrite, err_out);
        else if (strncmp(property->name, tag_prefix, strlen(tag_prefix)) == 0)
            code = take_tag(given, property->name + strlen(tag_prefix), property->value, err_out);
    }
    if (code == REEL_OK)
        code = reel_tags_change(NULL, given, false, &out->tags, err_out);
    json_decref(given);
    return code;
}

/* Where the answer goes: the Response Topic, if it may, else the device's own. */
static void choose_place(const struct reel_ingest *ingest, const struct reel_arrival *arrival,
                         char out[REEL_ANSWER_TOPIC_BYTES])
{
    const struct reel_config *config = ingest->links.config;
    const char *device = arrival->topic.device;
    const char *topic = arrival->message->response_topic;

    if (topic && device[0] &&
        reel_reply_check(config->broker_prefix, config->broker_reply_allow, device, topic,
                         strlen(topic), "response_topic", NULL) == REEL_OK)
        snprintf(out, REEL_ANSWER_TOPIC_BYTES, "%s", topic);
    else
        reel_topic_build(out, REEL_ANSWER_TOPIC_BYTES, config->broker_prefix, "response", "upload",
                         device[0] ? device : "-");
}

/* Too long to be echoed, it is left away. */
static size_t correlation_bytes(const struct reel_bus_message *message)
{
    return message->correlation_bytes <= REEL_CORRELATION_MAX_BYTES ? message->correlation_bytes
                                                                    : 0;
}

void reel_ingest_refuse_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                               const struct reel_error *error)
{
    const struct reel_bus_message *message = arrival->message;
    char topic[REEL_ANSWER_TOPIC_BYTES];
    const struct reel_answer_place place = {
        .topic = topic,
        .kind = REEL_DOCUMENT_JSON,
        .correlation = correlation_bytes(message) > 0 ? message->correlation : NULL,
        .correlation_bytes = correlation_bytes(message),
    };
    struct reel_answer *answer;

    choose_place(ingest, arrival, topic);
    answer = reel_answer_create(&place);
    if (answer) {
        reel_answer_error(answer, error);
        reel_ingest_answer(ingest, answer);
    }
    if (!arrival->redelivered)
        reel_ingest_reject(ingest, arrival, error);
}

static enum reel_code check_message(const struct reel_ingest *ingest,
                                    const struct reel_arrival *arrival, struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    const struct reel_config *config = ingest->links.config;

    if (arrival->topic_code != REEL_OK) {
        *err_out = arrival->topic_error;
        return arrival->topic_code;
    }
    if (message->retain)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "retain",
                              "an upload must not be published with the retain flag");
    if (message->payload_bytes == 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload", "the file is empty");
    if (message->payload_bytes > config->max_upload_bytes)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "payload",
                              "the file has %zu bytes, and %llu are taken in one message",
                              message->payload_bytes, (unsigned long long)config->max_upload_bytes);
    return reel_container_check(reel_container_of(message->payload, message->payload_bytes),
                                config->upload_formats, "payload", err_out);
}

enum reel_code reel_ingest_may_replace(struct reel_ingest *ingest, const char *device,
                                       const char *session, bool overwrite,
                                       struct reel_error *err_out)
{
    struct reel_error error;
    enum reel_code code =
        reel_store_upload_may_take(ingest->store, device, session, overwrite, &error);

    if (code == REEL_OK)
        return REEL_OK;
    *err_out = error;
    return code == REEL_E_CONFLICT ? code : reel_ingest_fail(ingest, &error);
}

enum reel_code reel_ingest_may_upload(struct reel_ingest *ingest, const char *device,
                                      const char *session, bool overwrite,
                                      struct reel_error *err_out)
{
    if (reel_store_upload_of(ingest->store, device, session))
        return reel_error_set(err_out, REEL_E_CONFLICT, "session",
                              "another upload to %s/%s is under way", device, session);
    return reel_ingest_may_replace(ingest, device, session, overwrite, err_out);
}

/* Those that came whole wait for the importing thread, which may not keep up. */
static enum reel_code check_waiting(struct reel_ingest *ingest, uint64_t bytes,
                                    struct reel_error *err_out)
{
    struct reel_upload *upload = NULL;
    uint64_t free_bytes;
    unsigned waiting = 0;
    struct reel_error error;

    while ((upload = reel_store_upload_next(ingest->store, upload)) != NULL)
        waiting += upload->block_bytes == 0;
    if (waiting >= REEL_UPLOADS_WAITING_MAX)
        return reel_error_set(err_out, REEL_E_BUSY, NULL,
                              "%u uploads wait to become recordings, and no more are taken",
                              waiting);
    if (reel_store_free_bytes(ingest->store, &free_bytes, &error))
        return reel_ingest_fail(ingest, &error);
    /* Once as it came, and once as a recording. */
    if (free_bytes / 2 < bytes)
        return reel_error_set(err_out, REEL_E_BUSY, NULL,
                              "the disk has %llu bytes left, too few for the file",
                              (unsigned long long)free_bytes);
    return REEL_OK;
}

/* Remember where its answer goes; without memory it goes nowhere. */
static void remember_place(const struct reel_ingest *ingest, const struct reel_arrival *arrival,
                           struct reel_upload *upload)
{
    const struct reel_bus_message *message = arrival->message;
    char topic[REEL_ANSWER_TOPIC_BYTES];

    choose_place(ingest, arrival, topic);
    upload->reply_topic = strdup(topic);
    if (correlation_bytes(message) == 0)
        return;
    upload->correlation = malloc(message->correlation_bytes);
    if (!upload->correlation)
        return;
    memcpy(upload->correlation, message->correlation, message->correlation_bytes);
    upload->correlation_bytes = message->correlation_bytes;
}

/* It does not fit into a file: it is not to be had, and nobody waits for it. */
static void give_up(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                    struct reel_upload *held, const struct reel_error *error)
{
    struct reel_error failure;

    if (reel_store_upload_drop(ingest->store, held, NULL, NULL, &failure))
        reel_ingest_fail(ingest, &failure);
    else
        reel_ingest_refuse_upload(ingest, arrival, error);
}

/* Into the spool, durable with the batch. Takes `tags` over. */
static void spool(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                  const struct wishes *wishes)
{
    const struct reel_bus_message *message = arrival->message;
    struct reel_upload upload = {
        .state = REEL_UPLOAD_WHOLE,
        .overwrite = wishes->overwrite,
        .size_bytes = message->payload_bytes,
        .tags = wishes->tags,
        .begun_us = arrival->wall_us,
        .updated_us = arrival->wall_us,
    };
    struct reel_upload *held;
    struct reel_error failure;
    enum reel_code code;

    memcpy(upload.device, arrival->topic.device, sizeof upload.device);
    memcpy(upload.session, arrival->topic.session, sizeof upload.session);
    remember_place(ingest, arrival, &upload);
    code = reel_store_upload_add(ingest->store, &upload, &held, &failure);
    if (code != REEL_OK)
        reel_upload_finish(&upload);
    else
        code = reel_store_upload_write(ingest->store, held, 0, message->payload,
                                       message->payload_bytes, &failure);
    if (code == REEL_E_TOO_LARGE)
        give_up(ingest, arrival, held, &failure);
    else if (code != REEL_OK)
        reel_ingest_fail(ingest, &failure);
}

void reel_ingest_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival)
{
    const struct reel_topic *topic = &arrival->topic;
    struct wishes wishes = {0};
    struct reel_error error;
    enum reel_code code;

    if (arrival->redelivered && !arrival->refused)
        return; /* it is in the spool, or has been */
    code = check_message(ingest, arrival, &error);
    if (code == REEL_OK)
        code = read_wishes(&arrival->message->envelope, &wishes, &error);
    if (code == REEL_OK)
        code = reel_ingest_check_overwrite(ingest->links.config, wishes.overwrite, &error);
    if (code == REEL_OK)
        code =
            reel_ingest_may_upload(ingest, topic->device, topic->session, wishes.overwrite, &error);
    if (code == REEL_OK)
        code = check_waiting(ingest, arrival->message->payload_bytes, &error);
    if (code == REEL_OK) {
        spool(ingest, arrival, &wishes);
        return;
    }
    json_decref(wishes.tags);
    if (!ingest->failed)
        reel_ingest_refuse_upload(ingest, arrival, &error);
}
