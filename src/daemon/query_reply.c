/* Query, replies: where a response goes, its encoding, and sending it. */
#include <stdio.h>
#include <string.h>

#include "daemon/query_request.h"
#include "io/memory.h"

enum { LARGE_BYTES = 1 << 20 };

const char *reel_request_device(const struct reel_request *request)
{
    return request->topic.confined ? request->topic.device : NULL;
}

void reel_request_default_place(struct reel_request *request)
{
    const struct reel_topic *topic = &request->topic;
    const char *device = *topic->device ? topic->device : "-";

    request->has_response_topic = false;
    reel_topic_build(request->place, sizeof request->place, request->links->config->broker_prefix,
                     "response", *topic->op ? topic->op : "-", topic->confined ? device : NULL);
}

static enum reel_code take_place(struct reel_request *request, const char *topic, const char *field,
                                 struct reel_error *err_out)
{
    const struct reel_config *config = request->links->config;
    enum reel_code code =
        reel_reply_check(config->broker_prefix, config->broker_reply_allow,
                         reel_request_device(request), topic, strlen(topic), field, err_out);

    if (code == REEL_OK)
        snprintf(request->place, sizeof request->place, "%s", topic);
    return code;
}

enum reel_code reel_request_place(struct reel_request *request, struct reel_error *err_out)
{
    const json_t *reply_to = json_object_get(request->document, "reply_to");
    const char *response_topic = request->message->response_topic;
    enum reel_code code;

    reel_request_default_place(request);
    if (response_topic) {
        code = take_place(request, response_topic, "response_topic", err_out);
        request->has_response_topic = code == REEL_OK;
        return code;
    }
    if (!reply_to)
        return REEL_OK;
    if (!json_is_string(reply_to))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "reply_to", "reply_to must be a string");
    return take_place(request, json_string_value(reply_to), "reply_to", err_out);
}

void reel_request_reply_raw(struct reel_request *request, const void *bytes, size_t size,
                            const char *content_type, const struct reel_property *properties,
                            size_t properties_count)
{
    const struct reel_bus_message *message = request->message;
    const struct reel_query_links *links = request->links;
    struct reel_bus_publication what = {
        .topic = request->place,
        .payload = bytes,
        .payload_bytes = size,
        .content_type = content_type,
        .properties = properties,
        .properties_count = properties_count,
    };

    if (message->correlation && message->correlation_bytes <= REEL_CORRELATION_MAX_BYTES) {
        what.correlation = message->correlation;
        what.correlation_bytes = message->correlation_bytes;
    }
    request->answered = true;
    if (!links->publish(&what, links->user))
        reel_log_write(links->log, REEL_LOG_WARNING, "a response to %s could not be sent",
                       request->topic.op);
}

static void send_document(struct reel_request *request, const struct reel_buffer *buffer,
                          const char *status)
{
    const struct reel_property property = {"status", status};

    reel_request_reply_raw(request, buffer->bytes, buffer->size,
                           reel_document_content_type(request->kind), &property, 1);
}

/* What the values of a large answer took goes back before its text is copied. (What a download
 * carries is no such thing, and is asked for too often.) */
static void give_back(const struct reel_buffer *buffer)
{
    if (buffer->size >= LARGE_BYTES)
        reel_memory_give_back();
}

/* Send what was encoded, if it was. */
static enum reel_code reply_encoded(struct reel_request *request, bool encoded,
                                    struct reel_buffer *buffer, uint64_t max_bytes,
                                    struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    if (!encoded)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else if (buffer->size > max_bytes)
        code = reel_error_set(err_out, REEL_E_TOO_LARGE, NULL,
                              "the response would be larger than limits.max_response_bytes (%llu)",
                              (unsigned long long)max_bytes);
    else
        send_document(request, buffer, "ok");
    reel_buffer_finish(buffer);
    return code;
}

static enum reel_code reply(struct reel_request *request, json_t *data, const void *blob,
                            size_t blob_bytes, uint64_t max_bytes, struct reel_error *err_out)
{
    json_t *document = data ? reel_response(data, request->transaction) : NULL;
    struct reel_buffer buffer = {0};
    bool encoded =
        document && reel_document_encode(document, request->kind, blob, blob_bytes, &buffer);

    json_decref(document); /* it takes more than its text, which is copied next */
    if (!blob)
        give_back(&buffer);
    return reply_encoded(request, encoded, &buffer, max_bytes, err_out);
}

enum reel_code reel_request_reply(struct reel_request *request, json_t *data,
                                  struct reel_error *err_out)
{
    return reply(request, data, NULL, 0, request->links->config->max_response_bytes, err_out);
}

enum reel_code reel_request_reply_blob(struct reel_request *request, json_t *data, const void *blob,
                                       size_t blob_bytes, struct reel_error *err_out)
{
    return reply(request, data, blob, blob_bytes, UINT64_MAX, err_out);
}

enum reel_code reel_request_reply_elements(struct reel_request *request, json_t *data,
                                           const struct reel_elements *elements,
                                           struct reel_error *err_out)
{
    json_t *document = data ? reel_response(data, request->transaction) : NULL;
    struct reel_buffer buffer = {0};
    bool encoded =
        document && reel_document_encode_elements(document, request->kind, elements, &buffer);

    json_decref(document);
    give_back(&buffer);
    return reply_encoded(request, encoded, &buffer, request->links->config->max_response_bytes,
                         err_out);
}

void reel_request_refuse(struct reel_request *request, const struct reel_error *error)
{
    json_t *document = reel_response_error(error, request->transaction);
    struct reel_buffer buffer = {0};

    if (document && reel_document_encode(document, request->kind, NULL, 0, &buffer))
        send_document(request, &buffer, "error");
    else
        reel_log_write(request->links->log, REEL_LOG_ERROR, "request %s: out of memory",
                       request->topic.op);
    reel_buffer_finish(&buffer);
    json_decref(document);
}
