/* Ask: wait for the answer with our number. */
#include "cli/ask.h"

#include <string.h>

#include "io/loop.h"

struct question {
    uint32_t number;
    bool raw; /* bytes are an answer */
    bool answered;
    bool refused;
    enum reel_code code;
    json_t *data;
    struct reel_buffer *bytes;
    struct reel_error *err_out;
};

const char *reel_ask_confined(const struct reel_common *common, const char *device)
{
    return device && common->username && strcmp(common->username, device) == 0 ? device : NULL;
}

const char *reel_ask_unnamed(const struct reel_common *common)
{
    bool named = common->username || (!common->cert && !common->psk);

    return named ? "" : "; say with --username whose certificate or key it is";
}

void reel_ask_text(json_t *request, const char *name, const char *text)
{
    if (text)
        json_object_set_new(request, name, json_string(text));
}

enum reel_code reel_answer_error(const json_t *document, struct reel_error *err_out)
{
    const json_t *error = json_object_get(document, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *field = json_string_value(json_object_get(error, "field"));
    enum reel_code known = code ? reel_code_from_name(code) : REEL_CODE_COUNT;

    if (known == REEL_OK || known == REEL_CODE_COUNT)
        known = REEL_E_INTERNAL;
    return reel_error_set(err_out, known, field, "%s",
                          message ? message : "the sink names an error without a message");
}

enum reel_code reel_answer_decode(const struct reel_bus_message *message, json_t **data_out,
                                  struct reel_error *err_out)
{
    enum reel_document_kind kind;
    const char *status;
    json_t *document, *data;
    enum reel_code code = reel_document_decode_response(message->payload, message->payload_bytes,
                                                        &document, &kind, err_out);

    if (code)
        return code;
    status = json_string_value(json_object_get(document, "status"));
    data = json_object_get(document, "data");
    if (status && strcmp(status, "ok") == 0 && json_is_object(data))
        *data_out = json_incref(data);
    else
        code = reel_answer_error(document, err_out);
    json_decref(document);
    return code;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct question *question = user;
    const char *status = reel_client_property(message, "status");

    if (question->answered || reel_client_number(message) != question->number)
        return;
    question->answered = true;
    if (question->raw && status && strcmp(status, "ok") == 0)
        question->code =
            reel_buffer_append(question->bytes, message->payload, message->payload_bytes)
                ? REEL_OK
                : reel_error_set(question->err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else
        question->code = reel_answer_decode(message, &question->data, question->err_out);
}

static void on_refused(void *user, int publication_id)
{
    (void)publication_id;
    ((struct question *)user)->refused = true;
}

static enum reel_code refusal(const struct reel_common *common, const char *op, const char *device,
                              struct reel_error *err_out)
{
    return reel_error_set(
        err_out, REEL_E_NOT_ALLOWED, NULL, "the broker does not let us ask %s/request/%s%s%s%s%s",
        common->prefix, op, device ? "/" : "", device ? device : "",
        device ? "" : "; a device's own account asks with --device", reel_ask_unnamed(common));
}

static enum reel_code wait_answer(struct reel_client *client, const struct reel_common *common,
                                  const struct question *question, const char *op,
                                  const char *device, struct reel_error *err_out)
{
    int64_t deadline_us = reel_monotonic_us() + (int64_t)(common->timeout.value * 1e6);

    while (!question->answered) {
        enum reel_code code = reel_client_run(client, NULL, 0, deadline_us, err_out);

        if (question->refused) /* some brokers close the connection besides */
            return refusal(common, op, device, err_out);
        if (code)
            return code;
        if (!question->answered && reel_monotonic_us() >= deadline_us)
            return reel_error_set(err_out, REEL_E_STALLED, NULL,
                                  "no sink answered `%s` under %s within %g s%s%s", op,
                                  common->prefix, common->timeout.value,
                                  reel_client_presence(client), reel_ask_unnamed(common));
    }
    return question->code;
}

static enum reel_code ask(struct reel_client *client, const struct reel_common *common,
                          const char *op, const char *device, const json_t *request,
                          struct question *question, struct reel_error *err_out)
{
    const struct reel_client_handlers handlers = {
        .user = question, .message = on_message, .refused = on_refused};
    enum reel_code code;

    question->err_out = err_out;
    reel_client_handle(client, &handlers);
    code = reel_client_request(client, op, device, request, &question->number, err_out);
    if (!code)
        code = wait_answer(client, common, question, op, device, err_out);
    reel_client_handle(client, &(struct reel_client_handlers){0});
    return code;
}

enum reel_code reel_ask(struct reel_client *client, const struct reel_common *common,
                        const char *op, const char *device, const json_t *request,
                        json_t **data_out, struct reel_error *err_out)
{
    struct question question = {0};
    enum reel_code code = ask(client, common, op, device, request, &question, err_out);

    if (!code)
        *data_out = question.data;
    return code;
}

enum reel_code reel_ask_bytes(struct reel_client *client, const struct reel_common *common,
                              const char *op, const json_t *request, struct reel_buffer *bytes,
                              struct reel_error *err_out)
{
    struct question question = {.raw = true, .bytes = bytes};
    enum reel_code code = ask(client, common, op, NULL, request, &question, err_out);

    json_decref(question.data);
    return code;
}

enum reel_code reel_ask_once(const struct reel_common *common, const char *op, const char *device,
                             const json_t *request, json_t **data_out, struct reel_error *err_out)
{
    struct reel_client *client = NULL;
    enum reel_code code = reel_client_create(common, device, &client, err_out);

    if (!code)
        code = reel_client_connect(client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, err_out);
    if (!code)
        code = reel_ask(client, common, op, device, request, data_out, err_out);
    reel_client_destroy(&client);
    return code;
}

enum reel_code reel_ask_info(const struct reel_common *common, const char *device,
                             const char *session, json_t **info_out, struct reel_error *err_out)
{
    json_t *request = json_pack("{s:s, s:s}", "device", device, "session", session);
    enum reel_code code = reel_ask_once(common, "info", reel_ask_confined(common, device), request,
                                        info_out, err_out);

    json_decref(request);
    return code;
}
