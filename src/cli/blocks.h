/* Blocks: which blocks of a file the sink has, which are on their way to it, which to send next.
 * What the sink says is missing counts; what was sent is only hoped for. No I/O, no clock. */
#ifndef REEL_CLI_BLOCKS_H
#define REEL_CLI_BLOCKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be on its way: two of the sink's batches, as with fragments; and far fewer messages than
 * a broker queues for a sink that is away. */
#define REEL_BLOCKS_WINDOW_BYTES ((uint64_t)8 * 1024 * 1024)

struct reel_blocks {
    uint64_t size_bytes; /* of the file */
    uint64_t block_bytes;
    uint64_t count;
    uint8_t *state;   /* of each */
    int64_t *sent_us; /* of those under way */
    uint64_t held;    /* by the sink */
    uint64_t wanted;  /* to be sent */
    uint64_t under_way;
    uint64_t next; /* where the search for one goes on */
};

/* Begin with nothing known: no block is sent before the sink has said what is missing. False if
 * memory ran out, or the numbers cannot be. */
bool reel_blocks_init(struct reel_blocks *blocks, uint64_t size_bytes, uint64_t block_bytes);
void reel_blocks_finish(struct reel_blocks *blocks); /* accepts one that is all zero */

/* Take what the sink says is missing, ranges [first, last]: all else it has. What is under way is
 * waited for, `patience_us` from its sending. True if the sink has more than it was known to have.
 */
bool reel_blocks_missing(struct reel_blocks *blocks, const json_t *ranges, int64_t now_us,
                         int64_t patience_us);

/* What is under way may be lost: it is to be sent again unless the sink has it. */
void reel_blocks_doubt(struct reel_blocks *blocks);

/* The next one to send, which is under way then; false where there is none, or no room for it. */
bool reel_blocks_take(struct reel_blocks *blocks, int64_t now_us, uint64_t *block_out);

/* Bytes of one, and of all that the sink has. */
size_t reel_blocks_bytes(const struct reel_blocks *blocks, uint64_t block);
uint64_t reel_blocks_stored_bytes(const struct reel_blocks *blocks);

#endif
