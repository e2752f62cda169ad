/* Answer: kept as a document until it is told, so that it can still become another. */
#include "daemon/answer.h"

#include <stdlib.h>
#include <string.h>

/* What a document takes beside its text, about. */
enum { DOCUMENT_BYTES = 4096 };

struct reel_answer {
    enum reel_document_kind kind;
    json_t *transaction;
    json_t *document; /* the response; NULL if memory ran out */
    bool failed;
    size_t correlation_bytes;
    uint8_t *correlation; /* behind the topic; NULL: none */
    char topic[];
};

struct reel_answer *reel_answer_create(const struct reel_answer_place *place)
{
    size_t topic_bytes = strlen(place->topic) + 1;
    struct reel_answer *answer =
        calloc(1, sizeof *answer + topic_bytes + place->correlation_bytes + 1);

    if (!answer)
        return NULL;
    answer->kind = place->kind;
    memcpy(answer->topic, place->topic, topic_bytes);
    if (place->correlation) {
        answer->correlation = (uint8_t *)answer->topic + topic_bytes;
        answer->correlation_bytes = place->correlation_bytes;
        memcpy(answer->correlation, place->correlation, place->correlation_bytes);
    }
    if (place->transaction) {
        answer->transaction = json_deep_copy(place->transaction);
        if (!answer->transaction) {
            free(answer);
            return NULL;
        }
    }
    return answer;
}

void reel_answer_destroy(struct reel_answer *answer)
{
    if (!answer)
        return;
    json_decref(answer->transaction);
    json_decref(answer->document);
    free(answer);
}

void reel_answer_data(struct reel_answer *answer, json_t *data)
{
    struct reel_error error;

    if (!data) {
        reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
        reel_answer_error(answer, &error);
        return;
    }
    json_decref(answer->document);
    answer->document = reel_response(data, answer->transaction);
    answer->failed = false;
}

void reel_answer_error(struct reel_answer *answer, const struct reel_error *error)
{
    json_decref(answer->document);
    answer->document = reel_response_error(error, answer->transaction);
    answer->failed = true;
}

size_t reel_answer_bytes(const struct reel_answer *answer)
{
    return sizeof *answer + strlen(answer->topic) + answer->correlation_bytes + DOCUMENT_BYTES;
}

struct reel_notice *reel_answer_notice(const struct reel_answer *answer)
{
    struct reel_buffer payload = {0};
    struct reel_notice *notice = NULL;

    if (answer->document &&
        reel_document_encode(answer->document, answer->kind, NULL, 0, &payload)) {
        const struct reel_notice_answer what = {
            .topic = answer->topic,
            .content_type = reel_document_content_type(answer->kind),
            .status = answer->failed ? "error" : "ok",
            .correlation = answer->correlation,
            .correlation_bytes = answer->correlation_bytes,
            .payload = payload.bytes,
            .payload_bytes = payload.size,
        };

        notice = reel_notice_answer(&what);
    }
    reel_buffer_finish(&payload);
    return notice;
}
