/* Counters: what the sink has done since it started, counted by the ingest thread and read by the
 * query thread for status and metrics. */
#ifndef REEL_DAEMON_COUNTERS_H
#define REEL_DAEMON_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

/* How often something had which size, by bounds that belong to the histogram (metrics.c): counted
 * by one thread, each count for itself. */
enum { REEL_BUCKETS = 12 };
struct reel_histogram {
    _Atomic uint64_t counts[REEL_BUCKETS + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum;
};

struct reel_counters {
    _Atomic uint64_t fragments;      /* stored, repeats not among them */
    _Atomic uint64_t fragment_bytes; /* audio of these */
    _Atomic uint64_t duplicates;     /* repeats */
    _Atomic uint64_t rejected;       /* refused, in all and by code */
    _Atomic uint64_t rejected_by_code[REEL_CODE_COUNT];
    _Atomic uint64_t gaps;             /* noted */
    _Atomic uint64_t gap_frames;       /* noted; not less when they are filled */
    _Atomic uint64_t acknowledgements; /* sent to recorders */
    _Atomic uint64_t commits;
    _Atomic uint64_t commit_us;           /* spent in them */
    struct reel_histogram sync_us;        /* of that, on waiting for the disk */
    struct reel_histogram batch_messages; /* that a batch took in */
    _Atomic uint64_t batch_bytes;         /* of their payloads, and of silence put in */
    _Atomic uint64_t commit_failures;
    _Atomic uint64_t connects;      /* of the ingest connection */
    _Atomic uint64_t sessions_lost; /* times that the broker came back without ours */
    _Atomic uint64_t recordings_started;
    _Atomic uint64_t recordings_completed;
    _Atomic uint64_t recordings_open;    /* now */
    _Atomic uint64_t recordings_deleted; /* asked for, or by retention */
    _Atomic uint64_t deleted_bytes;      /* of their files */
    _Atomic uint64_t unlinking_bytes;    /* of these not unlinked yet */
    _Atomic uint64_t requests;
    _Atomic uint64_t request_us; /* spent on them */
    _Atomic uint64_t request_errors;
    _Atomic uint64_t events;
    _Atomic uint64_t events_dropped; /* the query thread did not keep up */
};

static inline void reel_count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static inline void reel_discount(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_sub_explicit(counter, by, memory_order_relaxed);
}

static inline uint64_t reel_counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Count one of `value` in the histogram of these bounds, which rise. */
static inline void reel_count_into(struct reel_histogram *histogram,
                                   const uint64_t bounds[REEL_BUCKETS], uint64_t value)
{
    unsigned bucket = 0;

    while (bucket < REEL_BUCKETS && value > bounds[bucket])
        bucket++;
    reel_count(&histogram->counts[bucket], 1);
    reel_count(&histogram->sum, value);
}

#endif
