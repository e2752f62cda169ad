/* Query, `rejects` and `reject`: what is in quarantine, and one payload from there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fields.h"
#include "core/object.h"
#include "core/query_plan.h"
#include "daemon/query_page.h"

enum { TOPIC_BYTES = 257 }; /* of a stranger's topic, as far as it is told */

struct walk {
    const struct reel_rejects_plan *plan;
    struct reel_page page;
};

static json_t *describe(const struct reel_reject *reject)
{
    struct reel_object object;
    char topic[TOPIC_BYTES];

    reel_printable(topic, sizeof topic, reject->topic, strlen(reject->topic));
    reel_object_init(&object);
    reel_object_put_uint(&object, "quarantine_id", reject->quarantine_id);
    reel_object_put_text_or_null(&object, "device", reject->device);
    reel_object_put_text_or_null(&object, "session", reject->session);
    reel_object_put_text(&object, "topic", topic);
    reel_object_put_text(&object, "code", reel_code_name(reject->error.code));
    reel_object_put_text(&object, "message", reject->error.message);
    reel_object_put_text_or_null(&object, "field", reject->error.field);
    reel_object_put_uint(&object, "size", reject->bytes);
    reel_object_put_time_or_null(&object, "time", true, reject->time_us);
    return reel_object_take(&object);
}

static bool add_row(const struct reel_reject *reject, void *user)
{
    struct walk *walk = user;

    if (!reel_page_add(&walk->page, describe(reject)))
        return false;
    reel_rejects_cursor_encode(walk->plan, reject->quarantine_id, walk->page.cursor);
    return true;
}

enum reel_code reel_query_rejects(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_rejects_plan plan;
    struct walk walk = {.plan = &plan};
    bool more = false;
    enum reel_code code =
        reel_rejects_plan_decode(request->document, reel_request_device(request), &plan, err_out);

    if (code != REEL_OK)
        return code;
    reel_page_init(&walk.page, request, "rejects");
    code = reel_reader_rejects(request->links->reader, &plan, add_row, &walk, &more, err_out);
    if (code == REEL_OK)
        return reel_page_reply(&walk.page, request, json_object(), more, err_out);
    reel_page_finish(&walk.page);
    return code;
}

static enum reel_code send_payload(struct reel_request *request, uint64_t quarantine_id,
                                   const struct reel_buffer *payload, struct reel_error *err_out)
{
    struct reel_object data;
    char id[24];
    const struct reel_property properties[] = {{"status", "ok"}, {"quarantine_id", id}};

    if (request->has_response_topic) {
        snprintf(id, sizeof id, "%" PRIu64, quarantine_id);
        reel_request_reply_raw(request, payload->bytes, payload->size, "application/octet-stream",
                               properties, 2);
        return REEL_OK;
    }
    reel_object_init(&data);
    reel_object_put_uint(&data, "quarantine_id", quarantine_id);
    reel_object_put_uint(&data, "size", payload->size);
    return reel_request_reply_blob(request, reel_object_take(&data),
                                   payload->size > 0 ? (const void *)payload->bytes : "",
                                   payload->size, err_out);
}

enum reel_code reel_query_reject(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request->document, .err_out = err_out};
    struct reel_buffer payload = {0};
    uint64_t max_bytes = request->links->config->max_response_bytes;
    uint64_t id = 0;
    enum reel_code code;

    reel_fields_need(&fields, "quarantine_id",
                     reel_fields_uint(&fields, "quarantine_id", 1, REEL_NUMBER_MAX, &id));
    if (fields.code != REEL_OK)
        return fields.code;
    code = reel_reader_reject(request->links->reader, id, reel_request_device(request), &payload,
                              err_out);
    if (code == REEL_OK && payload.size > max_bytes)
        code = reel_error_set(err_out, REEL_E_TOO_LARGE, NULL,
                              "the payload is larger than limits.max_response_bytes (%" PRIu64 ")",
                              max_bytes);
    if (code == REEL_OK)
        code = send_payload(request, id, &payload, err_out);
    reel_buffer_finish(&payload);
    return code;
}
