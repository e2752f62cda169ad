/* Ring, for recorder firmware: the fragments that the sink has not acknowledged yet, and which of
 * them to send when.
 *
 * C99, no allocation, no other library, no clock: memory is the caller's and time an argument,
 * microseconds of any clock that never goes back. A ring holds one boot of one recording; fragments
 * stand in it in the order of their `seq` and leave it once they are on the sink's stable storage.
 *
 *   static struct reel_ring_slot slots[256];
 *   static uint8_t storage[512 * 1024];
 *   const struct reel_ring_config config = {
 *       .slots = slots, .slots_count = 256, .storage = storage, .storage_bytes = sizeof storage,
 *       .session = "s1", .window_fragments = 32, .first_alone = true,
 *       .send = publish_to_broker,
 *   };
 *   reel_ring_init(&ring, &config);
 *
 *   for each fragment:
 *       size_t bytes = reel_recorder_encode(NULL, 0, &fragment);
 *       void *room;
 *       while (!(room = reel_ring_reserve(&ring, bytes)) && reel_ring_drop_oldest(&ring))
 *           continue;                       (or keep the old ones and skip this one)
 *       if (room && reel_recorder_encode(room, bytes, &fragment))
 *           reel_ring_push(&ring, fragment.seq, frames, room, bytes);
 *       fragment.seq++;                     (also of one that was skipped: a gap then shows)
 *   after connecting:        reel_ring_connected(&ring, now_us());
 *   after losing that:       connect again at reel_ring_disconnected(&ring, now_us());
 *   for what comes on the reply topic:
 *       ack.oldest_seq = reel_ring_oldest(&ring);
 *       if (reel_recorder_ack_decode(payload, bytes, &ack))
 *           reel_ring_acknowledge(&ring, &ack, now_us());
 *   in the loop:             reel_ring_run(&ring, now_us());
 *                            sleep until reel_ring_wake_us(&ring, now_us()) or an event
 */
#ifndef REEL_RING_H
#define REEL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reel/ack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum reel_ring_state {
    REEL_RING_GONE, /* the slot is empty */
    REEL_RING_DUE,  /* to be sent, at `at_us` or later */
    REEL_RING_SENT  /* under way since `at_us`, not acknowledged */
};

/* A fragment. For the caller to read: only the ring writes. */
struct reel_ring_slot {
    uint64_t seq;
    const void *payload;
    size_t bytes;
    uint32_t frames;
    uint32_t times; /* it was sent */
    int64_t at_us;
    enum reel_ring_state state;
};

/* Why a fragment leaves. */
enum reel_ring_end {
    REEL_RING_DURABLE, /* the sink has it on stable storage */
    REEL_RING_LOST,    /* the sink has given it up */
    REEL_RING_DROPPED  /* the caller has */
};

struct reel_ring_config {
    struct reel_ring_slot *slots; /* the most fragments it can hold; at least one */
    size_t slots_count;
    /* Where the payloads are kept. NULL and 0: each push brings memory of its own that stays as it
     * is until `forgotten`. */
    void *storage;
    size_t storage_bytes;
    /* What an acknowledgement must name to be taken; NULL: not compared. Borrowed. */
    const char *session;
    const char *boot; /* a number as its digits */
    /* What may be under way unacknowledged, so that the sink sets the pace; 0: all of the ring.
     * A single fragment may be larger. */
    size_t window_fragments;
    size_t window_bytes;
    /* Send the oldest alone until the sink has answered for the first time. Set it where a
     * recording goes on over several boots: once the sink has heard of a boot, what comes before
     * the first that it got of it has no place any more, and a broker may drop one and pass the
     * next on. */
    bool first_alone;
    /* A fragment that is said to be missing is sent again, but not within this time: what was said
     * may be older than what was sent. 0: 2 s. */
    int64_t patience_us;
    /* How long to wait for the sink, a busy one, or the broker, before trying again: at first, and
     * at most after doubling each time. 0: 2 s and 60 s. */
    int64_t retry_least_us;
    int64_t retry_most_us;
    void *user;
    /* Publish it at QoS 1, from within reel_ring_run. False: not now (a full queue); it stays due.
     */
    bool (*send)(void *user, const struct reel_ring_slot *slot);
    /* It leaves the ring; may be NULL. Neither of the two may call the ring. */
    void (*forgotten)(void *user, const struct reel_ring_slot *slot, enum reel_ring_end end);
};

/* For the caller to read: the counts and totals. */
struct reel_ring {
    struct reel_ring_config config;
    size_t first; /* index of the oldest slot */
    size_t used;  /* slots from there, empty ones between others included */
    bool connected;
    bool answered; /* the sink knows the boot: it stored something of it, or refused to */
    bool careful;  /* the sink is silent or busy: the oldest alone is sent */
    bool probing;  /* careful because of silence, with `probe_seq` */
    uint64_t probe_seq;
    int64_t quiet_us;   /* since when nothing is heard of what is under way */
    int64_t retry_us;   /* the next wait for the sink */
    int64_t connect_us; /* the next wait for the broker */
    uint64_t next_seq;  /* the least that may be pushed */

    size_t fragments; /* in it */
    size_t bytes;     /* of their payloads */
    size_t under_way;
    size_t under_way_bytes;
    uint64_t durable_frames;
    uint64_t resent; /* sendings after a fragment's first */
    uint64_t lost;   /* fragments */
    uint64_t dropped;
};

/* Begin with an empty ring that is not connected. The config is copied, the memory borrowed. */
void reel_ring_init(struct reel_ring *ring, const struct reel_ring_config *config);

/* Room for a payload in the storage, contiguous, which the next push of it takes; nothing changes
 * until then. NULL where the ring is full, or has no storage. */
void *reel_ring_reserve(const struct reel_ring *ring, size_t bytes);

enum reel_ring_pushed {
    REEL_RING_PUSHED,
    REEL_RING_FULL, /* drop the oldest, or do without this one */
    REEL_RING_UNFIT /* no payload, larger than all of the storage, or `seq` not above the last */
};

/* Put a fragment in, due at once. With storage the payload is what was reserved, or is copied. On
 * failure the ring is as it was. */
enum reel_ring_pushed reel_ring_push(struct reel_ring *ring, uint64_t seq, uint32_t frames,
                                     const void *payload, size_t bytes);

/* Give the oldest fragment up, or the one with that number; its audio will be a gap. False if
 * there is none. */
bool reel_ring_drop_oldest(struct reel_ring *ring);
bool reel_ring_drop(struct reel_ring *ring, uint64_t seq);

/* The number of the oldest fragment; in an empty ring of what may be pushed next. Set it as
 * `oldest_seq` of an acknowledgement before decoding. */
uint64_t reel_ring_oldest(const struct reel_ring *ring);

/* The connection stands and the reply topic is subscribed to: everything unacknowledged is due
 * again, in order. */
void reel_ring_connected(struct reel_ring *ring, int64_t now_us);

/* The connection is lost, or connecting failed: nothing is sent. Returns when to connect next. */
int64_t reel_ring_disconnected(struct reel_ring *ring, int64_t now_us);

enum reel_ring_heard {
    REEL_RING_OTHER,    /* of another session or boot: not taken */
    REEL_RING_NOTHING,  /* good, and nothing left the ring */
    REEL_RING_PROGRESS, /* good, and fragments left it: `lost` says whether any for the worse */
    REEL_RING_BUSY,     /* the sink cannot for now, or waits for the next to confirm a jump: the
                         * fragment is sent again by itself */
    REEL_RING_REFUSED   /* for good: drop the fragment (`ack->seq`), or all */
};

/* Take a decoded acknowledgement: what is durable or lost leaves, what is missing falls due. */
enum reel_ring_heard reel_ring_acknowledge(struct reel_ring *ring,
                                           const struct reel_recorder_ack *ack, int64_t now_us);

/* Send what is due, in order, as far as the window and `send` let it. Acknowledgements may get
 * lost: where nothing is heard for too long the oldest fragment is sent again, alone, until the
 * sink answers. Returns how many were sent. */
size_t reel_ring_run(struct reel_ring *ring, int64_t now_us);

/* When running it is next of use: `now_us` if something could be sent at once, INT64_MAX if only
 * an event (a push, an acknowledgement, a connection) changes anything. */
int64_t reel_ring_wake_us(const struct reel_ring *ring, int64_t now_us);

#ifdef __cplusplus
}
#endif

#endif
