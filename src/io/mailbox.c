/* Mailbox: a ring under a mutex, and an eventfd. */
#include "io/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/wake.h"

struct slot {
    void *item;
    size_t bytes;
};

struct reel_mailbox {
    pthread_mutex_t mutex;
    int wake_fd;
    size_t capacity;
    size_t max_bytes;
    size_t first;
    size_t count;
    size_t bytes;
    struct slot slots[];
};

struct reel_mailbox *reel_mailbox_create(size_t capacity, size_t max_bytes)
{
    struct reel_mailbox *mailbox = calloc(1, sizeof *mailbox + capacity * sizeof(struct slot));

    if (!mailbox)
        return NULL;
    mailbox->capacity = capacity;
    mailbox->max_bytes = max_bytes;
    mailbox->wake_fd = reel_wake_open();
    if (mailbox->wake_fd < 0 || pthread_mutex_init(&mailbox->mutex, NULL) != 0) {
        if (mailbox->wake_fd >= 0)
            close(mailbox->wake_fd);
        free(mailbox);
        return NULL;
    }
    return mailbox;
}

void reel_mailbox_destroy(struct reel_mailbox **mailbox, void (*release)(void *item))
{
    struct reel_mailbox *gone = *mailbox;
    void *item;

    if (!gone)
        return;
    while ((item = reel_mailbox_take(gone)) != NULL) {
        if (release)
            release(item);
    }
    pthread_mutex_destroy(&gone->mutex);
    close(gone->wake_fd);
    free(gone);
    *mailbox = NULL;
}

bool reel_mailbox_post(struct reel_mailbox *mailbox, void *item, size_t bytes)
{
    bool room;

    pthread_mutex_lock(&mailbox->mutex);
    room = mailbox->count < mailbox->capacity &&
           (bytes == 0 ||
            (mailbox->bytes <= mailbox->max_bytes && bytes <= mailbox->max_bytes - mailbox->bytes));
    if (room) {
        mailbox->slots[(mailbox->first + mailbox->count) % mailbox->capacity] =
            (struct slot){item, bytes};
        mailbox->count++;
        mailbox->bytes += bytes;
        reel_wake_raise(mailbox->wake_fd);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return room;
}

void *reel_mailbox_take(struct reel_mailbox *mailbox)
{
    void *item = NULL;

    pthread_mutex_lock(&mailbox->mutex);
    if (mailbox->count > 0) {
        item = mailbox->slots[mailbox->first].item;
        mailbox->bytes -= mailbox->slots[mailbox->first].bytes;
        mailbox->first = (mailbox->first + 1) % mailbox->capacity;
        mailbox->count--;
    }
    if (mailbox->count == 0)
        reel_wake_lower(mailbox->wake_fd);
    pthread_mutex_unlock(&mailbox->mutex);
    return item;
}

size_t reel_mailbox_count(struct reel_mailbox *mailbox, size_t *bytes_out)
{
    size_t count;

    pthread_mutex_lock(&mailbox->mutex);
    count = mailbox->count;
    if (bytes_out)
        *bytes_out = mailbox->bytes;
    pthread_mutex_unlock(&mailbox->mutex);
    return count;
}

int reel_mailbox_fd(const struct reel_mailbox *mailbox)
{
    return mailbox->wake_fd;
}
