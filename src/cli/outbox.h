/* Outbox: the fragments of one session that the sink has not acknowledged yet. No I/O; time is an
 * argument. */
#ifndef REEL_CLI_OUTBOX_H
#define REEL_CLI_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reel/ack.h"

struct reel_outbox_item {
    uint64_t seq;
    uint32_t frames;
    uint8_t *payload;
    size_t payload_bytes;
    bool due;       /* to be sent, at `at_us` or later */
    int64_t at_us;  /* while not due: when it was sent */
    uint32_t times; /* it was sent */
    struct reel_outbox_item *prev, *next;
};

/* Zero-initialise. Items stand in the order of their numbers. */
struct reel_outbox {
    struct reel_outbox_item *items;
    size_t count;
    size_t bytes;
    uint64_t acknowledged_frames;
    uint64_t resent; /* sendings after an item's first */
};

/* Put a fragment in, due now. `payload` is taken over; false (and released) if memory ran out. */
bool reel_outbox_push(struct reel_outbox *outbox, uint64_t seq, uint32_t frames, uint8_t *payload,
                      size_t payload_bytes);
void reel_outbox_finish(struct reel_outbox *outbox);

/* The first item that is due at `now_us`, NULL if none is; and note that it was sent. */
struct reel_outbox_item *reel_outbox_due(struct reel_outbox *outbox, int64_t now_us);
void reel_outbox_sent(struct reel_outbox *outbox, struct reel_outbox_item *item, int64_t now_us);

/* Take a good acknowledgement of these items' boot: what is durable leaves, what is missing falls
 * due unless it was sent within the last `patience_us`, when it may still be under way, and what is
 * lost leaves too. Returns how many items left; `*lost_out` counts the lost among them. */
size_t reel_outbox_acknowledge(struct reel_outbox *outbox, const struct reel_recorder_ack *ack,
                               int64_t now_us, int64_t patience_us, size_t *lost_out);

/* Make an item due again at `at_us`: the one with that number, or all, or the last. */
void reel_outbox_again(struct reel_outbox *outbox, uint64_t seq, int64_t at_us);
void reel_outbox_again_all(struct reel_outbox *outbox, int64_t at_us);
void reel_outbox_again_last(struct reel_outbox *outbox, int64_t at_us);

#endif
