/* Query: from a message to its handler, and the refusals on the way. */
#include "daemon/query.h"

#include <string.h>

#include "daemon/query_request.h"
#include "io/loop.h"

struct op {
    const char *name;
    reel_query_handler_fn *handler;
};

static const struct op ops[] = {
    {"list", reel_query_list},           {"info", reel_query_info},
    {"download", reel_query_download},   {"rejects", reel_query_rejects},
    {"reject", reel_query_reject},       {"status", reel_query_status},
    {"devices", reel_query_devices},     {"delete", reel_query_change},
    {"keep", reel_query_change},         {"tag", reel_query_change},
    {"upload-begin", reel_query_change}, {"upload-end", reel_query_change},
};

static enum reel_code find_handler(const char *name, reel_query_handler_fn **handler_out,
                                   struct reel_error *err_out)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(ops[i].name, name) != 0)
            continue;
        *handler_out = ops[i].handler;
        return REEL_OK;
    }
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, "op",
                          "no such request: there are list, info, download, delete, keep, tag, "
                          "upload-begin, upload-end, rejects, reject, devices and status");
}

/* What is echoed goes into each message of the response, so it is bounded. */
static enum reel_code check_echoes(struct reel_request *request, struct reel_error *err_out)
{
    const json_t *transaction = json_object_get(request->document, "transaction");
    size_t bytes = transaction ? json_dumpb(transaction, NULL, 0, JSON_ENCODE_ANY) : 0;

    if (bytes > REEL_CORRELATION_MAX_BYTES)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "transaction",
                              "transaction has at most %d bytes", REEL_CORRELATION_MAX_BYTES);
    request->transaction = transaction;
    if (request->message->correlation_bytes > REEL_CORRELATION_MAX_BYTES)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "correlation_data",
                              "Correlation Data has at most %d bytes", REEL_CORRELATION_MAX_BYTES);
    return REEL_OK;
}

/* A confined request is about its device, whether it says so or not. */
static enum reel_code confine(struct reel_request *request, struct reel_error *err_out)
{
    const char *device = reel_request_device(request);
    const json_t *named = json_object_get(request->document, "device");

    if (!device)
        return REEL_OK;
    if (!named) {
        if (json_object_set_new(request->document, "device", json_string(device)) == 0)
            return REEL_OK;
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    if (!json_is_string(named))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "device", "device must be a string");
    if (strcmp(json_string_value(named), device) != 0)
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "device",
                              "the request's topic confines it to another device");
    return REEL_OK;
}

/* Read what was asked, and where the answer goes. The place is chosen before anything else is
 * found wrong, so that who asked is told there. */
static enum reel_code read_request(struct reel_request *request, struct reel_error *err_out)
{
    const struct reel_bus_message *message = request->message;
    struct reel_error payload_error = {.code = REEL_OK};
    enum reel_code code;

    reel_document_decode(message->payload, message->payload_bytes, &request->document,
                         &request->kind, &payload_error);
    if (message->retain)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "retain",
                              "a request must not be retained: it would be carried out again");
    code = reel_request_place(request, err_out);
    if (code == REEL_OK)
        code = check_echoes(request, err_out);
    if (code == REEL_OK && payload_error.code != REEL_OK) {
        *err_out = payload_error;
        code = payload_error.code;
    }
    return code;
}

/* Nothing is sent twice: a response that has begun is not begun again. */
static enum reel_code handle(struct reel_request *request, reel_query_handler_fn *handler,
                             struct reel_error *err_out)
{
    const struct reel_query_links *links = request->links;
    enum reel_code code = handler(request, err_out);

    for (unsigned tries = 1;
         code == REEL_E_STALLED && !request->answered && links->again(tries, links->user); tries++)
        code = handler(request, err_out);
    return code;
}

/* A device that asks too often is told so before anything is looked up. */
static enum reel_code check_rate(const struct reel_request *request, struct reel_error *err_out)
{
    const struct reel_query_links *links = request->links;
    const char *device = reel_request_device(request);
    struct reel_rules rules;

    if (!device)
        return REEL_OK;
    reel_config_rules(links->config, device, &rules);
    if (reel_allowance_take(links->requests, device, rules.max_requests_per_s, 0,
                            reel_monotonic_us()))
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.max_requests_per_s",
                          "the device asks more than %llu times a second: ask again later",
                          (unsigned long long)rules.max_requests_per_s);
}

static enum reel_code answer(struct reel_request *request, struct reel_error *err_out)
{
    reel_query_handler_fn *handler = NULL;
    enum reel_code code = read_request(request, err_out);

    if (code == REEL_OK)
        code = check_rate(request, err_out);
    if (code == REEL_OK)
        code = find_handler(request->topic.op, &handler, err_out);
    if (code == REEL_OK)
        code = confine(request, err_out);
    if (code == REEL_OK)
        code = handle(request, handler, err_out);
    return code;
}

static void log_failure(const struct reel_request *request, const struct reel_error *error)
{
    bool ours = error->code == REEL_E_INTERNAL || error->code == REEL_E_STALLED;

    reel_log_write(request->links->log, ours ? REEL_LOG_ERROR : REEL_LOG_DEBUG,
                   "request %s: %s: %s", request->topic.op, reel_code_name(error->code),
                   error->message);
}

/* What the sink itself took: the way through the broker is not in it. */
static void note_time(const struct reel_request *request, int64_t began_us)
{
    int64_t us = reel_monotonic_us() - began_us;

    reel_count(&request->links->counters->request_us, (uint64_t)us);
    reel_log_write(request->links->log, REEL_LOG_DEBUG, "request %s: took %lld us",
                   request->topic.op, (long long)us);
}

void reel_query_answer(const struct reel_query_links *links, const struct reel_bus_message *message,
                       int64_t wall_us)
{
    struct reel_request request = {.links = links, .message = message, .wall_us = wall_us};
    int64_t began_us = reel_monotonic_us();
    struct reel_error error = {.code = REEL_OK};
    enum reel_code code =
        reel_topic_parse(links->config->broker_prefix, message->topic, &request.topic, &error);

    if (request.topic.kind != REEL_TOPIC_REQUEST)
        return;
    reel_count(&links->counters->requests, 1);
    reel_request_default_place(&request);
    if (code == REEL_OK)
        code = answer(&request, &error);
    if (code != REEL_OK) {
        reel_count(&links->counters->request_errors, 1);
        log_failure(&request, &error);
        reel_request_refuse(&request, &error);
    }
    json_decref(request.document);
    note_time(&request, began_us);
}
