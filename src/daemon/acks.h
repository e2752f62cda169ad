/* Acks: what recorders are told after a commit: one acknowledgement for each recording and reply
 * topic of the batch, and each refusal (protocol.md, "Acknowledgement"). */
#ifndef REEL_DAEMON_ACKS_H
#define REEL_DAEMON_ACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/describe.h"
#include "io/bus.h"
#include "store/store.h"
#include "wire/fragment.h"
#include "wire/message.h"

struct reel_acks;

/* Where an answer goes, and how. Borrowed for the calls. */
struct reel_ack_place {
    const char *topic;
    enum reel_document_kind kind;
    const uint8_t *correlation; /* NULL: none */
    size_t correlation_bytes;
};

struct reel_acks *reel_acks_create(void); /* NULL if memory ran out */
void reel_acks_destroy(struct reel_acks **acks);

/* The recording's state of `boot` is to be told there once the batch is durable, with what
 * `earlier` parts of its session miss; a further one for the same entry and topic takes its place.
 * The recordings of `earlier` stay until then. False if memory ran out. */
bool reel_acks_note(struct reel_acks *acks, struct reel_entry *entry, const struct reel_boot *boot,
                    const struct reel_earlier_parts *earlier, const struct reel_ack_place *place);

/* A refusal, or an acknowledgement that is of no entry, to be told there as it is now; takes over
 * the reference (NULL: false). */
bool reel_acks_note_document(struct reel_acks *acks, json_t *document,
                             const struct reel_ack_place *place);

/* About what is noted and will be rendered takes: it counts for the batch as audio does. */
size_t reel_acks_bytes(const struct reel_acks *acks);

/* Render all noted while the entries are still there: before the commit that may let them go. What
 * they take is bounded; those that have much to say are left out where it is too much. False if
 * memory ran out. */
bool reel_acks_render(struct reel_acks *acks, const struct reel_log *log);

/* After the commit: publish what was rendered (QoS 0) and forget it; returns how many. */
size_t reel_acks_publish(struct reel_acks *acks, struct reel_bus *bus, const struct reel_log *log);

/* Forget everything, because the batch failed or nobody is there to be told. */
void reel_acks_drop(struct reel_acks *acks);

#endif
