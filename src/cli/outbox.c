/* Outbox: what is not durable yet, and what must be sent again. */
#include "cli/outbox.h"

#include <stdlib.h>
#include <utlist.h>

bool reel_outbox_push(struct reel_outbox *outbox, uint64_t seq, uint32_t frames, uint8_t *payload,
                      size_t payload_bytes)
{
    struct reel_outbox_item *item = calloc(1, sizeof *item);

    if (!item) {
        free(payload);
        return false;
    }
    item->seq = seq;
    item->frames = frames;
    item->payload = payload;
    item->payload_bytes = payload_bytes;
    item->due = true;
    DL_APPEND(outbox->items, item);
    outbox->count++;
    outbox->bytes += payload_bytes;
    return true;
}

static void item_remove(struct reel_outbox *outbox, struct reel_outbox_item *item)
{
    DL_DELETE(outbox->items, item);
    outbox->count--;
    outbox->bytes -= item->payload_bytes;
    free(item->payload);
    free(item);
}

void reel_outbox_finish(struct reel_outbox *outbox)
{
    while (outbox->items)
        item_remove(outbox, outbox->items);
}

struct reel_outbox_item *reel_outbox_due(struct reel_outbox *outbox, int64_t now_us)
{
    struct reel_outbox_item *item;

    DL_FOREACH (outbox->items, item) {
        if (item->due && item->at_us <= now_us)
            return item;
    }
    return NULL;
}

void reel_outbox_sent(struct reel_outbox *outbox, struct reel_outbox_item *item, int64_t now_us)
{
    item->due = false;
    item->at_us = now_us;
    if (item->times++)
        outbox->resent++;
}

static void item_again(struct reel_outbox_item *item, int64_t at_us)
{
    item->due = true;
    item->at_us = at_us;
}

size_t reel_outbox_acknowledge(struct reel_outbox *outbox, const struct reel_recorder_ack *ack,
                               int64_t now_us, int64_t patience_us, size_t *lost_out)
{
    struct reel_outbox_item *item, *next;
    size_t left = 0;

    *lost_out = 0;
    DL_FOREACH_SAFE (outbox->items, item, next) {
        switch (reel_recorder_ack_fate(ack, item->seq)) {
        case REEL_RECORDER_UNKNOWN:
            break;
        case REEL_RECORDER_MISSING:
            if (!item->due && now_us - item->at_us >= patience_us)
                item_again(item, now_us);
            break;
        case REEL_RECORDER_LOST:
            ++*lost_out;
            item_remove(outbox, item);
            left++;
            break;
        case REEL_RECORDER_DURABLE:
            outbox->acknowledged_frames += item->frames;
            item_remove(outbox, item);
            left++;
            break;
        }
    }
    return left;
}

void reel_outbox_again(struct reel_outbox *outbox, uint64_t seq, int64_t at_us)
{
    struct reel_outbox_item *item;

    DL_FOREACH (outbox->items, item) {
        if (item->seq == seq)
            item_again(item, at_us);
    }
}

void reel_outbox_again_all(struct reel_outbox *outbox, int64_t at_us)
{
    struct reel_outbox_item *item;

    DL_FOREACH (outbox->items, item)
        item_again(item, at_us);
}

void reel_outbox_again_last(struct reel_outbox *outbox, int64_t at_us)
{
    if (outbox->items)
        item_again(outbox->items->prev, at_us); /* utlist: the head's prev is the tail */
}
