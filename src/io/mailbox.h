/* Mailbox: hands pointers from many threads to one, with a descriptor that wakes its poll. */
#ifndef REEL_IO_MAILBOX_H
#define REEL_IO_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct reel_mailbox;

/* NULL if memory or descriptors ran out. It holds at most `capacity` items, and such as have a size
 * up to `max_bytes` together. */
struct reel_mailbox *reel_mailbox_create(size_t capacity, size_t max_bytes);

/* What is still in it is released with `release` (may be NULL). Accepts NULL. */
void reel_mailbox_destroy(struct reel_mailbox **mailbox, void (*release)(void *item));

/* Put an item of `bytes` in; false when it is full (the caller keeps the item). One of 0 bytes goes
 * in whatever the others take. Any thread. */
bool reel_mailbox_post(struct reel_mailbox *mailbox, void *item, size_t bytes);

/* Take the oldest item out; NULL when it is empty. The receiving thread only. */
void *reel_mailbox_take(struct reel_mailbox *mailbox);

/* How many items are in it, and their bytes (`bytes_out` may be NULL). Any thread. */
size_t reel_mailbox_count(struct reel_mailbox *mailbox, size_t *bytes_out);

/* Readable while there are items. */
int reel_mailbox_fd(const struct reel_mailbox *mailbox);

#endif
