/* Turns: how ingest tells the responder that the store was closed or opened anew, and learns that
 * the reader has let go of what it had open then. SQLite's locks belong to the process: one that
 * could not be let go of stays until no connection of the process is left, so after a failure both
 * sides close theirs before either opens one. */
#ifndef REEL_DAEMON_TURNS_H
#define REEL_DAEMON_TURNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct reel_turns {
    _Atomic uint64_t store;  /* written by ingest alone */
    _Atomic uint64_t reader; /* by the responder alone */
};

/* Ingest: the store was closed, or opened anew. */
static inline void reel_turns_take(struct reel_turns *turns)
{
    atomic_fetch_add(&turns->store, 1);
}

/* Either: whether the reader has yet to renew what it has open. */
static inline bool reel_turns_behind(const struct reel_turns *turns)
{
    return atomic_load(&turns->store) != atomic_load(&turns->reader);
}

/* Responder: the reader has closed what it had open when `turn` (reel_turns_now) was the last. */
static inline uint64_t reel_turns_now(const struct reel_turns *turns)
{
    return atomic_load(&turns->store);
}

static inline void reel_turns_follow(struct reel_turns *turns, uint64_t turn)
{
    atomic_store(&turns->reader, turn);
}

#endif
