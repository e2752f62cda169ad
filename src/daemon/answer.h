/* Answer: the response to what another thread than the query thread carries out: where it goes,
 * remembered when the question is read, and what it says, once that is known. */
#ifndef REEL_DAEMON_ANSWER_H
#define REEL_DAEMON_ANSWER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/notice.h"
#include "wire/message.h"

struct reel_answer;

/* A topic that an answer goes to: the prefix is a setting, so longer than what may be named. */
enum { REEL_ANSWER_TOPIC_BYTES = 512 };

/* Where it goes and how. Borrowed for the call. */
struct reel_answer_place {
    const char *topic; /* checked */
    enum reel_document_kind kind;
    const uint8_t *correlation; /* NULL: none */
    size_t correlation_bytes;   /* at most REEL_CORRELATION_MAX_BYTES */
    const json_t *transaction;  /* echoed; NULL: none */
};

struct reel_answer *reel_answer_create(const struct reel_answer_place *place); /* NULL: no memory */
void reel_answer_destroy(struct reel_answer *answer);                          /* accepts NULL */

/* Say that it went well, with `data` (the reference is taken over; NULL: memory ran out, which is
 * what the answer says then), or why not. The last word counts. */
void reel_answer_data(struct reel_answer *answer, json_t *data);
void reel_answer_error(struct reel_answer *answer, const struct reel_error *error);

/* About what it takes of memory. */
size_t reel_answer_bytes(const struct reel_answer *answer);

/* For the query thread to send; NULL if memory ran out. */
struct reel_notice *reel_answer_notice(const struct reel_answer *answer);

#endif
