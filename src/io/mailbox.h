/* Mailbox: hands pointers from many threads to one, with a descriptor that wakes its poll. */
#ifndef REEL_IO_MAILBOX_H
#define REEL_IO_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct reel_mailbox;

/* NULL if memory or descriptors ran out. It holds at most `capacity` items. */
struct reel_mailbox *reel_mailbox_create(size_t capacity);

/* What is still in it is released with `release` (may be NULL). Accepts NULL. */
void reel_mailbox_destroy(struct reel_mailbox **mailbox, void (*release)(void *item));

/* Put an item in; false when it is full (the caller keeps the item). Any thread. */
bool reel_mailbox_post(struct reel_mailbox *mailbox, void *item);

/* Take the oldest item out; NULL when it is empty. The receiving thread only. */
void *reel_mailbox_take(struct reel_mailbox *mailbox);

/* Readable while there are items. */
int reel_mailbox_fd(const struct reel_mailbox *mailbox);

#endif
