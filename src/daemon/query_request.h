/* Query, inside: one request on its way to its response, and the handlers, one for each op. */
#ifndef REEL_DAEMON_QUERY_REQUEST_H
#define REEL_DAEMON_QUERY_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/query.h"
#include "wire/message.h"
#include "wire/topic.h"

/* A response's topic: the prefix is a setting, so longer than what a requester may name. */
enum { REEL_PLACE_BYTES = REEL_SETTING_BYTES + REEL_REPLY_TOPIC_MAX_BYTES };

struct reel_request {
    const struct reel_query_links *links;
    const struct reel_bus_message *message;
    int64_t wall_us; /* now */
    struct reel_topic topic;
    json_t *document; /* owned; NULL where it could not be read. A confined one holds `device` */
    enum reel_document_kind kind;
    const json_t *transaction; /* of the document; NULL if none, or none that is echoed */
    char place[REEL_PLACE_BYTES];
    bool has_response_topic; /* `place` is the MQTT 5 Response Topic */
    bool answered;           /* a message of the response was sent, or was to be */
};

/* The device that the topic confines the request to, or NULL. */
const char *reel_request_device(const struct reel_request *request);

/* Set `place` to `response/{op}` or `response/{op}/{device}`; `-` stands for an invalid name. */
void reel_request_default_place(struct reel_request *request);

/* Choose `place`: the MQTT 5 Response Topic, else the document's `reply_to`, else the default.
 * On failure (NOT_ALLOWED or BAD_REQUEST with the field) it is the default, where the refusal
 * goes. */
enum reel_code reel_request_place(struct reel_request *request, struct reel_error *err_out);

/* Answer with `data`, whose reference is taken over (NULL: memory ran out, INTERNAL). TOO_LARGE,
 * and nothing sent, over limits.max_response_bytes. */
enum reel_code reel_request_reply(struct reel_request *request, json_t *data,
                                  struct reel_error *err_out);

/* The same with the blob as `bytes` in `data`; the caller has bounded it. */
enum reel_code reel_request_reply_blob(struct reel_request *request, json_t *data, const void *blob,
                                       size_t blob_bytes, struct reel_error *err_out);

/* The same with one more array in `data`. */
enum reel_code reel_request_reply_elements(struct reel_request *request, json_t *data,
                                           const struct reel_elements *elements,
                                           struct reel_error *err_out);

/* Answer with raw bytes, for a request with a Response Topic. `properties` say the status among
 * other things. */
void reel_request_reply_raw(struct reel_request *request, const void *bytes, size_t size,
                            const char *content_type, const struct reel_property *properties,
                            size_t properties_count);

/* Answer with an error. */
void reel_request_refuse(struct reel_request *request, const struct reel_error *error);

/* One op. OK: it has answered. Otherwise it has not, and the error is to be told. After STALLED it
 * may be called again, with the same request. */
typedef enum reel_code reel_query_handler_fn(struct reel_request *request,
                                             struct reel_error *err_out);
reel_query_handler_fn reel_query_list;
reel_query_handler_fn reel_query_info;
reel_query_handler_fn reel_query_download;
reel_query_handler_fn reel_query_rejects;
reel_query_handler_fn reel_query_reject;
reel_query_handler_fn reel_query_status;
reel_query_handler_fn reel_query_devices;
reel_query_handler_fn reel_query_change; /* of all that change the store */

#endif
