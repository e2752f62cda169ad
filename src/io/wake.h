/* Wake: a descriptor that one thread makes readable for another that polls. */
#ifndef REEL_IO_WAKE_H
#define REEL_IO_WAKE_H

/* A new one, not readable; the caller's to close. -1, and errno says why. */
int reel_wake_open(void);

/* Make it readable, whether or not it is. Any thread. */
void reel_wake_raise(int fd);

/* Take that back, whether or not it was. */
void reel_wake_lower(int fd);

#endif
