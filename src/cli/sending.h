/* Sending: one recording on its way to the sink: its source, its numbers, what is not acknowledged
 * yet. Reads the source, does no other I/O. */
#ifndef REEL_CLI_SENDING_H
#define REEL_CLI_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/outbox.h"
#include "cli/source.h"
#include "reel/fragment.h"

enum reel_sending_state {
    REEL_SENDING_READING,  /* the source has not ended */
    REEL_SENDING_DRAINING, /* it has; not all is acknowledged */
    REEL_SENDING_DONE,     /* all is durable */
    REEL_SENDING_FAILED,   /* `error` says why */
};

struct reel_sending {
    enum reel_sending_state state;
    struct reel_error error;
    const char *path;
    char session[REEL_NAME_BYTES];
    char topic[512];
    struct reel_source *source;
    struct reel_format format;
    const struct reel_recorder_tag *tags; /* go with the first fragment; borrowed */
    size_t tags_count;
    struct reel_outbox outbox;
    uint64_t boot;
    uint64_t next_seq;
    uint64_t next_frame;
    uint64_t total_frames; /* 0: not known */
    bool realtime;
    bool stop;          /* take what is there as the end of the source */
    int64_t started_us; /* monotonic, when the first fragment was read; for realtime */
    uint8_t *fragment;  /* the one that is being filled */
    uint32_t fragment_frames;
    uint64_t have_frames;
    int64_t busy_since_us;  /* the sink refuses for now; 0: it does not */
    uint64_t stored_frames; /* the recording's length, as last acknowledged */
};

/* Open the source and prepare; `session` and `topic` have been set. `fragment_ms` 0: what suits
 * the source. Errors as reel_source_open has them; the caller finishes in any case. */
enum reel_code reel_sending_open(struct reel_sending *sending, const struct reel_source_raw *raw,
                                 unsigned fragment_ms, struct reel_error *err_out);
void reel_sending_finish(struct reel_sending *sending);

/* When the next read is worth while: monotonic; 0 for now. */
int64_t reel_sending_next_us(const struct reel_sending *sending);

/* Read on, and put a fragment into the outbox once it is whole; the last one says so. After an
 * error what was read before it is sent, without the mark of the last. */
void reel_sending_read(struct reel_sending *sending, int64_t now_us, int64_t wall_us);

/* What is to be sent at `now_us`, NULL if nothing is. While the sink is busy that is its first
 * fragment alone, now and then, so that the others are not refused as well. */
struct reel_outbox_item *reel_sending_due(struct reel_sending *sending, int64_t now_us);

/* Take an acknowledgement that came for it. True if it moved anything forward, or the sink is
 * there and busy, for at most five minutes. */
bool reel_sending_acknowledge(struct reel_sending *sending, const struct reel_recorder_ack *ack,
                              int64_t now_us);

/* Give it up. */
void reel_sending_fail(struct reel_sending *sending, const struct reel_error *error);

#endif
