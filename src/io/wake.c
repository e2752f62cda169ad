/* Wake: an eventfd. */
#include "io/wake.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int reel_wake_open(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void reel_wake_raise(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) != (ssize_t)sizeof one)
        abort(); /* an eventfd takes 2^64-2 of these */
}

void reel_wake_lower(int fd)
{
    uint64_t counted;

    if (read(fd, &counted, sizeof counted) < 0)
        return; /* it was not raised */
}
