/* The recorder's ring over random histories of loss, late and reordered acknowledgements,
 * reconnections, a busy sink and a full ring, against lists that know everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reel/ring.h"

enum { SLOTS = 40, STORAGE = 900, WINDOW = 12, WINDOW_BYTES = 400, SEQS = 600, SECOND = 1000000 };

/* The world: a recorder's list, a line to the sink that loses, a sink, and a heap of
 * acknowledgements on their way back in any order. */

/* What was so when the sink wrote it. */
struct reply {
    struct reel_recorder_ack ack;
    bool stored[SEQS], given_up[SEQS];
};

struct world {
    struct reel_ring_slot slots[SLOTS];
    uint8_t *storage;
    struct reel_ring ring;
    bool pushed[SEQS], ended[SEQS], dropped[SEQS], stored[SEQS], given_up[SEQS], sent[SEQS];
    bool under_way[SEQS];
    uint64_t next_seq, last_first;
    size_t line[64];
    size_t line_count;
    struct reply replies[8];
    size_t reply_count;
    int64_t now_us;
    bool connected;
    unsigned trouble; /* in a hundred: how often something goes wrong */
    unsigned seed;
};

static unsigned chance(struct world *world, unsigned below)
{
    world->seed = world->seed * 1103515245u + 12345u;
    return (world->seed >> 16) % below;
}

static bool trouble(struct world *world)
{
    return chance(world, 100) < world->trouble;
}

static size_t size_of(uint64_t seq)
{
    return 1 + (size_t)(seq * 37 % 90);
}

static size_t count_under_way(const struct world *world, size_t *bytes_out)
{
    size_t count = 0;

    *bytes_out = 0;
    for (uint64_t seq = 0; seq < world->next_seq; seq++) {
        count += world->under_way[seq];
        *bytes_out += world->under_way[seq] ? size_of(seq) : 0;
    }
    return count;
}

static bool world_send(void *user, const struct reel_ring_slot *slot)
{
    struct world *world = user;
    const uint8_t *payload = slot->payload;
    size_t bytes;

    assert_true(world->connected);
    assert_true(world->pushed[slot->seq] && !world->ended[slot->seq]);
    assert_int_equal(slot->bytes, size_of(slot->seq));
    for (size_t i = 0; i < slot->bytes; i++)
        assert_int_equal(payload[i], (uint8_t)(slot->seq + i));
    if (!world->sent[slot->seq]) {
        assert_true(slot->seq >= world->last_first);
        world->last_first = slot->seq;
    }
    if (world->line_count == sizeof world->line / sizeof *world->line || trouble(world))
        return false;
    world->sent[slot->seq] = world->under_way[slot->seq] = true;
    assert_true(count_under_way(world, &bytes) <= WINDOW + 1); /* the one that is sent alone */
    assert_true(bytes <= WINDOW_BYTES + 2 * 90);
    world->line[world->line_count++] = (size_t)slot->seq;
    return true;
}

static void world_forgotten(void *user, const struct reel_ring_slot *slot, enum reel_ring_end end)
{
    struct world *world = user;

    assert_false(world->ended[slot->seq]);
    assert_true(end != REEL_RING_DURABLE || world->stored[slot->seq]);
    assert_true(end != REEL_RING_LOST || world->given_up[slot->seq]);
    world->ended[slot->seq] = true;
    world->under_way[slot->seq] = false;
}

static void range_add(struct reel_recorder_ranges *ranges, uint64_t seq)
{
    if (ranges->count > 0 && ranges->count <= ranges->capacity &&
        ranges->at[ranges->count - 1].last + 1 == seq) {
        ranges->at[ranges->count - 1].last = seq;
        return;
    }
    if (ranges->count < ranges->capacity)
        ranges->at[ranges->count] = (struct reel_recorder_range){seq, seq};
    ranges->count++;
}

static struct reply *reply_new(struct world *world)
{
    size_t i = world->reply_count;

    if (i == sizeof world->replies / sizeof *world->replies)
        i = chance(world, (unsigned)i); /* that one got lost */
    else
        world->reply_count++;
    memset(&world->replies[i], 0, sizeof world->replies[i]);
    return &world->replies[i];
}

static uint64_t sink_highest(const struct world *world)
{
    uint64_t highest = 0;

    for (uint64_t seq = 0; seq < world->next_seq; seq++)
        highest = world->stored[seq] ? seq : highest;
    return highest;
}

/* The sink commits: everything up to the highest stored is there, missing or given up. */
static void sink_acknowledges(struct world *world)
{
    struct reply *reply = reply_new(world);

    reply->ack.ok = true;
    reply->ack.seq = sink_highest(world);
    reply->ack.has_seq = world->stored[reply->ack.seq];
    memcpy(reply->stored, world->stored, sizeof reply->stored);
    memcpy(reply->given_up, world->given_up, sizeof reply->given_up);
}

static void sink_refuses(struct world *world, uint64_t seq)
{
    static const char *const codes[] = {"busy", "stalled", "jump"};
    struct reply *reply = reply_new(world);

    reply->ack.has_seq = true;
    reply->ack.seq = seq;
    strcpy(reply->ack.code, codes[chance(world, 3)]);
}

static void line_moves(struct world *world)
{
    size_t count = chance(world, 8);
    bool any = false;

    count = count < world->line_count ? count : world->line_count;
    for (size_t i = 0; i < count; i++) {
        size_t seq = world->line[i];

        if (trouble(world))
            continue; /* lost */
        if (trouble(world)) {
            sink_refuses(world, seq);
        } else {
            any = true;
            world->given_up[seq] = world->given_up[seq] && seq < sink_highest(world);
            world->stored[seq] = !world->given_up[seq];
        }
    }
    world->line_count -= count;
    memmove(world->line, world->line + count, world->line_count * sizeof *world->line);
    if (any && !trouble(world))
        sink_acknowledges(world);
}

/* One of those on their way, not always the oldest, arrives; or gets lost; or comes twice. */
static void reply_arrives(struct world *world)
{
    struct reel_recorder_range missing[3], lost[3];
    struct reel_recorder_ack ack;
    const struct reply *reply;
    size_t i;

    if (world->reply_count == 0)
        return;
    i = chance(world, (unsigned)world->reply_count);
    reply = &world->replies[i];
    ack = reply->ack;
    ack.missing = (struct reel_recorder_ranges){missing, 3, 0};
    ack.lost = (struct reel_recorder_ranges){lost, 3, 0};
    for (uint64_t seq = reel_ring_oldest(&world->ring); ack.ok && seq < ack.seq; seq++) {
        if (!reply->stored[seq])
            range_add(reply->given_up[seq] ? &ack.lost : &ack.missing, seq);
    }
    if (!trouble(world)) {
        world->replies[i] = world->replies[--world->reply_count];
        if (trouble(world))
            return;
    }
    reel_ring_acknowledge(&world->ring, &ack, world->now_us);
}

static void recorder_pushes(struct world *world)
{
    uint64_t seq = world->next_seq;
    uint8_t bytes[91];
    enum reel_ring_pushed pushed;

    if (seq == SEQS)
        return;
    for (size_t i = 0; i < size_of(seq); i++)
        bytes[i] = (uint8_t)(seq + i);
    pushed = reel_ring_push(&world->ring, seq, 1, bytes, size_of(seq));
    assert_true(pushed == REEL_RING_PUSHED || world->ring.fragments > 0);
    if (pushed == REEL_RING_FULL && chance(world, 2)) {
        for (uint64_t oldest = 0; oldest < seq; oldest++) {
            if (world->pushed[oldest] && !world->ended[oldest]) {
                assert_true(reel_ring_drop_oldest(&world->ring));
                assert_true(world->ended[oldest]);
                world->dropped[oldest] = true;
                return;
            }
        }
        fail_msg("a full ring without a fragment");
    }
    if (pushed == REEL_RING_FULL && chance(world, 4) > 0)
        return; /* wait */
    world->pushed[seq] = pushed == REEL_RING_PUSHED;
    world->dropped[seq] = pushed != REEL_RING_PUSHED;
    world->next_seq++;
}

static void connection_breaks(struct world *world)
{
    if (world->connected) {
        assert_true(reel_ring_disconnected(&world->ring, world->now_us) > world->now_us);
        world->line_count = chance(world, (unsigned)world->line_count + 1);
    } else {
        reel_ring_connected(&world->ring, world->now_us);
    }
    world->connected = !world->connected;
}

static void rings_agree(struct world *world)
{
    size_t fragments = 0, bytes = 0;

    for (uint64_t seq = 0; seq < world->next_seq; seq++) {
        bool in = world->pushed[seq] && !world->ended[seq];

        fragments += in;
        bytes += in ? size_of(seq) : 0;
        world->under_way[seq] = false;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        const struct reel_ring_slot *slot = &world->slots[i];
        size_t at = (i + SLOTS - world->ring.first) % SLOTS;

        if (at < world->ring.used && slot->state == REEL_RING_SENT)
            world->under_way[slot->seq] = true;
    }
    assert_int_equal(world->ring.fragments, fragments);
    assert_int_equal(world->ring.bytes, bytes);
    assert_int_equal(world->ring.under_way, count_under_way(world, &bytes));
    assert_int_equal(world->ring.under_way_bytes, bytes);
}

static void world_step(struct world *world)
{
    unsigned what = chance(world, 10);

    if (what < 4)
        recorder_pushes(world);
    else if (what < 6)
        line_moves(world);
    else if (what < 8)
        reply_arrives(world);
    else if (what == 8 && (world->connected ? trouble(world) : chance(world, 3) == 0))
        connection_breaks(world);
    rings_agree(world);
    if (world->connected && reel_ring_wake_us(&world->ring, world->now_us) > world->now_us)
        assert_int_equal(reel_ring_run(&world->ring, world->now_us), 0);
    else
        reel_ring_run(&world->ring, world->now_us);
    rings_agree(world);
    world->now_us += chance(world, SECOND);
}

/* Everything that nobody gave up is stored, once the trouble is over, without a further push. */
static void world_settles(struct world *world)
{
    world->trouble = 0;
    if (!world->connected)
        connection_breaks(world);
    for (int i = 0; world->ring.fragments > 0; i++) {
        assert_true(i < 20000);
        line_moves(world);
        reply_arrives(world);
        reel_ring_run(&world->ring, world->now_us);
        world->now_us += SECOND / 2;
    }
    for (uint64_t seq = 0; seq < world->next_seq; seq++)
        assert_true(world->stored[seq] || world->given_up[seq] || world->dropped[seq]);
    assert_int_equal(reel_ring_wake_us(&world->ring, world->now_us), INT64_MAX);
}

static void history(unsigned seed)
{
    struct world *world = calloc(1, sizeof *world);
    struct reel_ring_config config = {.slots_count = SLOTS,
                                      .storage_bytes = STORAGE,
                                      .window_fragments = WINDOW,
                                      .window_bytes = WINDOW_BYTES,
                                      .retry_most_us = 8 * SECOND,
                                      .send = world_send,
                                      .forgotten = world_forgotten};

    world->storage = malloc(STORAGE); /* of just that size: a byte past it is seen */
    config.slots = world->slots;
    config.storage = world->storage;
    config.user = world;
    config.first_alone = seed % 3 == 0;
    world->seed = seed;
    world->trouble = seed % 4 * 8;
    reel_ring_init(&world->ring, &config);
    for (uint64_t seq = 0; seq < SEQS; seq++)
        world->given_up[seq] = chance(world, 40) == 0;
    for (int i = 0; i < 1500; i++)
        world_step(world);
    world_settles(world);
    free(world->storage);
    free(world);
}

static void random_histories_lose_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++)
        history(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
