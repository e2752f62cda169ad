/* Fill a store with recordings, and leave it as a sink does that is killed.
 *
 *   bench_fill DIR RECORDINGS OPEN
 *
 * Recording N is `mic{N % 100}/s{N}`, N as six digits: 16 kHz, 16 bits, one channel, one fragment.
 * The last OPEN of them go on, the others are complete and have their sums. Sample I of recording N
 * is what `sample` says; row_start.py says the same. */
#include <inttypes.h>

#include "bench/load.h"
#include "store/hash.h"

enum { DEVICES = 100, BATCH = 5000 };

struct fill {
    struct reel_store *store;
    const char *dir;
    int64_t now_us;
};

static int16_t sample(uint64_t number, uint64_t at)
{
    return (int16_t)(uint16_t)(number * 31 + at * 7);
}

static void record(struct fill *fill, uint64_t number, bool open)
{
    static const struct reel_format format = {16000, 1, 2, REEL_PCM};
    int16_t frames[FRAGMENT_FRAMES];
    struct reel_entry *entry;
    struct reel_error error;
    char session[32];
    char device[32];

    for (uint64_t i = 0; i < FRAGMENT_FRAMES; i++)
        frames[i] = sample(number, i);
    snprintf(session, sizeof session, "s%06" PRIu64, number);
    demand_ok(reel_store_create(fill->store, device_of(number % DEVICES, device), session, &format,
                                fill->now_us, &entry, &error),
              &error);
    load_append(fill->store, entry, 0, frames, fill->now_us);
    if (!open)
        reel_recording_complete(reel_entry_recording(entry), REEL_END_END, fill->now_us);
}

static void commit(struct fill *fill)
{
    struct reel_error error;

    fill->now_us += 1000000;
    demand_ok(reel_store_commit(fill->store, NULL, 0, fill->now_us, &error), &error);
}

/* As the hasher does it. */
static void hash_all(struct fill *fill)
{
    struct reel_hash_job job;
    struct reel_error error;

    while (reel_store_next_hash(fill->store, &job)) {
        demand_ok(reel_hash_file(fill->dir, &job, &error), &error);
        demand_ok(reel_store_hashed(fill->store, &job, &error), &error);
    }
    commit(fill);
}

int main(int argc, char **argv)
{
    struct reel_store_config config = {
        .batch_max_bytes = 64 * MIB,
        .sync_way = REEL_SYNC_AUTO,
        .clock = monotonic_us,
        .held_max_bytes = HELD_MAX_BYTES,
    };
    struct fill fill = {.now_us = INT64_C(1767323045000000)};
    struct reel_error error;
    uint64_t recordings;
    uint64_t open;

    demand(argc == 4, "bench_fill DIR RECORDINGS OPEN");
    fill.dir = config.dir = argv[1];
    recordings = strtoull(argv[2], NULL, 10);
    open = strtoull(argv[3], NULL, 10);
    allow_many_descriptors();
    demand_ok(reel_store_open(&config, fill.now_us, &fill.store, NULL, &error), &error);
    for (uint64_t number = 0; number < recordings; number++) {
        record(&fill, number, number + open >= recordings);
        if ((number + 1) % BATCH != 0 && number + 1 != recordings)
            continue;
        commit(&fill);
        hash_all(&fill);
    }
    _exit(0); /* nothing is closed */
}
