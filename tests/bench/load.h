/* Load: a store in a folder, recordings in it, and numbered fragments for them. What fails ends the
 * program. */
#ifndef REEL_TESTS_BENCH_LOAD_H
#define REEL_TESTS_BENCH_LOAD_H

#include <stdlib.h>

#include "bench/counted.h"
#include "bench/folder.h"
#include "core/place.h"
#include "store/store.h"

enum { FRAGMENT_BYTES = 1920, FRAGMENT_FRAMES = FRAGMENT_BYTES / 2, MIB = 1 << 20 };
enum { HELD_MAX_BYTES = 12 * MIB }; /* held as by the sink */

struct load {
    struct reel_store *store;
    uint64_t *next_seq;
    size_t count;
    int64_t now_us; /* wall clock, a parameter of the store */
};

static inline const char *device_of(size_t which, char device[32])
{
    snprintf(device, 32, "mic%zu", which);
    return device;
}

static int64_t load_ahead_us; /* how far simulated time is ahead of the real one */

static inline int64_t load_clock(void)
{
    return monotonic_us() + load_ahead_us;
}

/* `count` recordings of 16 bits, one channel, `rate_hz`; nothing is committed yet. */
static inline void load_open(struct load *load, const char *dir, enum reel_sync_way way,
                             size_t count, uint32_t rate_hz)
{
    const struct reel_store_config config = {
        .dir = dir,
        .batch_max_bytes = 64 * MIB,
        .sync_way = way,
        .clock = load_clock,
        .held_max_bytes = HELD_MAX_BYTES,
    };
    const struct reel_format format = {rate_hz, 1, 2, REEL_PCM};
    struct reel_entry *entry;
    struct reel_error error;
    char device[32];

    *load = (struct load){.count = count, .now_us = INT64_C(1767323045000000)};
    demand_ok(reel_store_open(&config, load->now_us, &load->store, NULL, &error), &error);
    load->next_seq = calloc(count, sizeof *load->next_seq);
    demand(load->next_seq != NULL, "memory");
    for (size_t i = 0; i < count; i++)
        demand_ok(reel_store_create(load->store, device_of(i, device), "s1", &format, load->now_us,
                                    &entry, &error),
                  &error);
}

static inline void load_close(struct load *load)
{
    reel_store_close(load->store);
    free(load->next_seq);
}

/* What a fragment holds: no two are alike. */
static inline void load_frames(size_t which, uint64_t seq, int16_t out[FRAGMENT_FRAMES])
{
    const uint64_t numbers[] = {which, seq};

    memset(out, 0, FRAGMENT_BYTES);
    memcpy(out, numbers, sizeof numbers);
}

/* FRAGMENT_FRAMES frames, numbered `seq`, behind what the recording holds: placed and written as
 * ingest does. */
static inline void load_append(struct reel_store *store, struct reel_entry *entry, uint64_t seq,
                               const int16_t *frames, int64_t now_us)
{
    const struct reel_place_limits limits = {3600, 256 * MIB};
    const struct reel_numbers numbers = {.has_seq = true,
                                         .has_frame = true,
                                         .seq = seq,
                                         .frame = seq * FRAGMENT_FRAMES,
                                         .frames = FRAGMENT_FRAMES};
    struct reel_recording *recording = reel_entry_recording(entry);
    struct reel_placement placement;
    struct reel_error error;

    reel_place(recording, &numbers, &limits, &placement);
    demand(placement.row == REEL_PLACE_APPEND && placement.fill_frames == 0, "place");
    demand_ok(reel_store_write(store, entry, placement.at_frame, frames, FRAGMENT_FRAMES, &error),
              &error);
    demand(reel_place_apply(recording, &numbers, &placement, 0), "memory");
    recording->updated_us = now_us;
    reel_store_touch(store, entry, now_us);
}

/* The next fragment of one recording. */
static inline void load_fragment(struct load *load, size_t which)
{
    const uint64_t seq = load->next_seq[which]++;
    int16_t frames[FRAGMENT_FRAMES];
    struct reel_entry *entry;
    struct reel_error error;
    char device[32];

    load_frames(which, seq, frames);
    demand_ok(reel_store_get(load->store, device_of(which, device), "s1", &entry, &error), &error);
    load_append(load->store, entry, seq, frames, load->now_us);
}

/* What the commit took. */
static inline int64_t load_commit(struct load *load, const struct reel_delivery *deliveries,
                                  size_t count)
{
    int64_t began_us = monotonic_us();
    struct reel_error error;

    demand_ok(reel_store_commit(load->store, deliveries, count, load->now_us, &error), &error);
    return monotonic_us() - began_us;
}

static inline int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* The value below which that share of them lies, in ms; sorts them. */
static inline double at_share_ms(int64_t *values_us, size_t count, double share)
{
    qsort(values_us, count, sizeof *values_us, compare_times);
    return (double)values_us[(size_t)(share * (double)(count - 1))] / 1000;
}

#endif
