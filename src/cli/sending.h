/* Sending: one recording on its way to the sink: what cuts it into fragments, and those that are
 * not acknowledged yet. */
#ifndef REEL_CLI_SENDING_H
#define REEL_CLI_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "cli/cutter.h"
#include "cli/outbox.h"

enum reel_sending_state {
    REEL_SENDING_READING,  /* the source has not ended */
    REEL_SENDING_DRAINING, /* it has; not all is acknowledged */
    REEL_SENDING_DONE,     /* all is durable */
    REEL_SENDING_FAILED,   /* `error` says why */
};

struct reel_sending {
    enum reel_sending_state state;
    struct reel_error error;
    char session[REEL_NAME_BYTES];
    char topic[512];
    struct reel_cutter cutter;
    struct reel_outbox outbox;
};

/* Open the source and prepare; `session`, `topic` and the cutter's first fields have been set.
 * `number` is the outbox's. Errors as reel_cutter_open has them; the caller finishes in any case.
 */
enum reel_code reel_sending_open(struct reel_sending *sending, struct reel_client *client,
                                 uint32_t number, const struct reel_source_raw *raw,
                                 unsigned fragment_ms, struct reel_error *err_out);
void reel_sending_finish(struct reel_sending *sending);

/* Read on, and put a fragment into the outbox once it is whole; the last one says so. After an
 * error what was read before it is sent, without the mark of the last. */
void reel_sending_read(struct reel_sending *sending, int64_t now_us, int64_t wall_us);

/* Take a message that came for it. True if it moved anything forward, or the sink is there and
 * busy. */
bool reel_sending_hear(struct reel_sending *sending, const struct reel_bus_message *message,
                       int64_t now_us);

/* The broker has a publication, which may have been this one's. */
void reel_sending_published(struct reel_sending *sending, int publication_id, int64_t now_us);

/* Give it up. */
void reel_sending_fail(struct reel_sending *sending, const struct reel_error *error);

#endif
