/* Outbox: the fragments of one boot that the sink has not acknowledged yet, and their way to it
 * over a client. What is sent when is the ring's (reel/ring.h); the payloads are from malloc. */
#ifndef REEL_CLI_OUTBOX_H
#define REEL_CLI_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/client.h"
#include "reel/ack.h"
#include "reel/ring.h"

/* What may be unacknowledged: two of the sink's batches; and fewer messages than a broker with
 * default settings queues for a sink that is away. */
#define REEL_OUTBOX_WINDOW_BYTES     ((size_t)8 * 1024 * 1024)
#define REEL_OUTBOX_WINDOW_FRAGMENTS ((size_t)800)

struct reel_outbox {
    struct reel_ring ring;
    struct reel_ring_slot *slots;
    int *publications; /* of each slot, where the broker's word is the last; else NULL */
    struct reel_client *client;
    const char *topic;
    uint32_t number;
    bool patient;           /* never give a busy sink up; may be set */
    int64_t busy_since_us;  /* the sink refuses for now; 0: it does not */
    uint64_t stored_frames; /* the recording's length, as last acknowledged */
    struct reel_error error;
    /* Called instead of free() for the payload of a fragment that leaves; may be set. */
    void (*forgotten)(void *user, const uint8_t *payload);
    void *user;
};

/* Make an outbox for at most `fragments`, connected from the start. `client` and `topic` are
 * borrowed; `number` tells its acknowledgements from those of others (reel_client_number). False
 * if memory ran out. */
bool reel_outbox_init(struct reel_outbox *outbox, struct reel_client *client, const char *topic,
                      uint32_t number, size_t fragments, int64_t now_us);
/* Where no sink listens: ask none for acknowledgements, and take the broker's for them. To be
 * called before the first push; false if memory ran out. */
bool reel_outbox_trust_broker(struct reel_outbox *outbox);
void reel_outbox_finish(struct reel_outbox *outbox); /* accepts one that is all zero */

/* Put a fragment in. `payload` is taken over; false where the outbox is full, or the number is not
 * above the last: then it is still the caller's. Full is where `ring.used` is all the slots: what
 * left between others is no room yet. */
bool reel_outbox_push(struct reel_outbox *outbox, uint64_t seq, uint32_t frames, uint8_t *payload,
                      size_t payload_bytes);

/* Publish what is due at `now_us`. Errors as reel_client_publish has them. */
enum reel_code reel_outbox_run(struct reel_outbox *outbox, int64_t now_us,
                               struct reel_error *err_out);

/* The client has connected anew: what is not acknowledged is due again. */
void reel_outbox_reconnected(struct reel_outbox *outbox, int64_t now_us);

enum reel_outbox_heard {
    REEL_OUTBOX_NONE,    /* no acknowledgement */
    REEL_OUTBOX_NOTHING, /* nothing new */
    REEL_OUTBOX_ALIVE,   /* something left, or the sink is there and busy */
    REEL_OUTBOX_REFUSED, /* `error` says why, `*refused_out` which where that is known */
};

struct reel_outbox_refused {
    bool has_seq;
    uint64_t seq;
};

/* The broker has a publication: where it is the one to trust, what was sent up to it leaves. */
void reel_outbox_published(struct reel_outbox *outbox, int publication_id, int64_t now_us);

/* Take a message that came for this outbox. A sink that is busy for more than five minutes
 * refuses, unless the outbox is patient. */
enum reel_outbox_heard reel_outbox_hear(struct reel_outbox *outbox,
                                        const struct reel_bus_message *message, int64_t now_us,
                                        struct reel_outbox_refused *refused_out);

#endif
