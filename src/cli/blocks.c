/* Blocks: a state for each. */
#include "cli/blocks.h"

#include <stdlib.h>
#include <string.h>

enum state { HELD, WANTED, UNDER_WAY, DOUBTED };

/* A file of so many blocks is no file. */
#define COUNT_MAX ((uint64_t)1 << 24)

bool reel_blocks_init(struct reel_blocks *blocks, uint64_t size_bytes, uint64_t block_bytes)
{
    *blocks = (struct reel_blocks){.size_bytes = size_bytes, .block_bytes = block_bytes};
    if (block_bytes == 0 || size_bytes == 0 || (size_bytes - 1) / block_bytes >= COUNT_MAX)
        return false;
    blocks->count = (size_bytes - 1) / block_bytes + 1;
    blocks->state = malloc((size_t)blocks->count);
    blocks->sent_us = calloc((size_t)blocks->count, sizeof *blocks->sent_us);
    if (!blocks->state || !blocks->sent_us) {
        reel_blocks_finish(blocks);
        return false;
    }
    memset(blocks->state, DOUBTED, (size_t)blocks->count);
    return true;
}

void reel_blocks_finish(struct reel_blocks *blocks)
{
    free(blocks->state);
    free(blocks->sent_us);
    *blocks = (struct reel_blocks){0};
}

static void count(struct reel_blocks *blocks)
{
    blocks->held = blocks->wanted = blocks->under_way = 0;
    for (uint64_t i = 0; i < blocks->count; i++) {
        blocks->held += blocks->state[i] == HELD;
        blocks->wanted += blocks->state[i] == WANTED;
        blocks->under_way += blocks->state[i] == UNDER_WAY;
    }
}

static void lack(struct reel_blocks *blocks, uint64_t block, int64_t now_us, int64_t patience_us)
{
    if (blocks->state[block] != UNDER_WAY || now_us >= blocks->sent_us[block] + patience_us)
        blocks->state[block] = WANTED;
}

bool reel_blocks_missing(struct reel_blocks *blocks, const json_t *ranges, int64_t now_us,
                         int64_t patience_us)
{
    uint64_t before = blocks->held, at = 0;
    const json_t *range;
    size_t i;

    json_array_foreach (ranges, i, range) {
        json_int_t first = json_integer_value(json_array_get(range, 0));
        json_int_t last = json_integer_value(json_array_get(range, 1));

        for (; at < blocks->count && (json_int_t)at < first; at++)
            blocks->state[at] = HELD;
        for (; at < blocks->count && (json_int_t)at <= last; at++)
            lack(blocks, at, now_us, patience_us);
    }
    for (; at < blocks->count; at++)
        blocks->state[at] = HELD;
    blocks->next = 0;
    count(blocks);
    return blocks->held > before;
}

void reel_blocks_doubt(struct reel_blocks *blocks)
{
    for (uint64_t i = 0; i < blocks->count; i++) {
        if (blocks->state[i] == UNDER_WAY || blocks->state[i] == WANTED)
            blocks->state[i] = DOUBTED;
    }
    count(blocks);
}

bool reel_blocks_take(struct reel_blocks *blocks, int64_t now_us, uint64_t *block_out)
{
    uint64_t most = REEL_BLOCKS_WINDOW_BYTES / blocks->block_bytes;

    if (blocks->wanted == 0 || blocks->under_way >= (most ? most : 1))
        return false;
    while (blocks->state[blocks->next] != WANTED)
        blocks->next = (blocks->next + 1) % blocks->count;
    blocks->state[blocks->next] = UNDER_WAY;
    blocks->sent_us[blocks->next] = now_us;
    blocks->wanted--;
    blocks->under_way++;
    *block_out = blocks->next;
    return true;
}

size_t reel_blocks_bytes(const struct reel_blocks *blocks, uint64_t block)
{
    uint64_t left = blocks->size_bytes - block * blocks->block_bytes;

    return (size_t)(left < blocks->block_bytes ? left : blocks->block_bytes);
}

uint64_t reel_blocks_stored_bytes(const struct reel_blocks *blocks)
{
    uint64_t bytes = blocks->held * blocks->block_bytes;

    return bytes < blocks->size_bytes ? bytes : blocks->size_bytes;
}
