/* Acknowledgements, for recorder firmware: what the sink has on stable storage.
 *
 * C99, no allocation, no other library. An acknowledgement comes in the encoding of the fragment
 * that asked for it; this reads MessagePack.
 *
 *   struct reel_recorder_range missing[8];
 *   struct reel_recorder_ack ack = {.missing = {missing, 8, 0}};
 *   if (reel_recorder_ack_decode(payload, bytes, &ack) && ack.ok)
 *       while (spool_has(oldest) &&
 *              reel_recorder_ack_fate(&ack, oldest) == REEL_RECORDER_DURABLE)
 *           spool_forget(oldest++);
 */
#ifndef REEL_ACK_H
#define REEL_ACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { REEL_RECORDER_NAME_BYTES = 65, REEL_RECORDER_TEXT_BYTES = 128 };

struct reel_recorder_range {
    uint64_t first;
    uint64_t last; /* inclusive for sequence numbers, exclusive for frames */
};

/* Ranges in ascending order. The caller sets `at` and `capacity` (NULL and 0 where it does not
 * care); `count` is how many there are, which may be more than were stored. */
struct reel_recorder_ranges {
    struct reel_recorder_range *at;
    size_t capacity;
    size_t count;
};

struct reel_recorder_ack {
    /* Set by the caller beforehand. */
    struct reel_recorder_ranges missing;        /* [first, last] of seq: worth sending again */
    struct reel_recorder_ranges missing_frames; /* [first, last) of frames: the same */
    struct reel_recorder_ranges lost;           /* [first, last] of seq: given up */
    /* The least seq that is still of interest: ranges of seq that end before it are passed over, so
     * that old ones, which the sink goes on naming, take no place. */
    uint64_t oldest_seq;

    bool ok; /* else the error below, about the fragment with that seq or frame */
    char device[REEL_RECORDER_NAME_BYTES];
    char session[REEL_RECORDER_NAME_BYTES];
    char boot[REEL_RECORDER_NAME_BYTES]; /* a number as its digits; "" where none was sent */
    bool has_seq;
    bool has_frame;
    bool has_next_frame;
    uint64_t seq;        /* ok: the highest that is stored of this boot */
    uint64_t frame;      /* error: the fragment's */
    uint64_t next_frame; /* ok, for who counts in frames: where the stored audio ends */
    uint64_t frames;     /* length of the recording */
    char code[24];       /* "bad-request", "conflict", "busy", ... */
    char field[REEL_RECORDER_TEXT_BYTES];
    char message[REEL_RECORDER_TEXT_BYTES]; /* cut where it is longer */
};

/* Read an acknowledgement. False if the payload is none: broken MessagePack, no map, no status, or
 * a known field of another type; then nothing in `ack` but what the caller set means anything. */
bool reel_recorder_ack_decode(const void *payload, size_t bytes, struct reel_recorder_ack *ack);

enum reel_recorder_fate {
    REEL_RECORDER_DURABLE, /* on stable storage: may be forgotten */
    REEL_RECORDER_MISSING, /* send it again */
    REEL_RECORDER_LOST,    /* the sink has given it up: sending it again does not help */
    REEL_RECORDER_UNKNOWN  /* not covered by this acknowledgement: keep it */
};

/* What a good acknowledgement says of the fragment with that number, of the same boot. Where more
 * ranges came than were stored, what lies past the last stored one is UNKNOWN. */
enum reel_recorder_fate reel_recorder_ack_fate(const struct reel_recorder_ack *ack, uint64_t seq);

#ifdef __cplusplus
}
#endif

#endif
