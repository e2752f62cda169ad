/* Devices: something remembered of each device, in bounded memory: strangers make up names. The
 * devices stand in an order, and where there are too many the first goes. */
#ifndef REEL_CORE_DEVICES_H
#define REEL_CORE_DEVICES_H

#include <stddef.h>

struct reel_devices;

/* `note_bytes` is the size of what is remembered of each. NULL if memory ran out. */
struct reel_devices *reel_devices_create(size_t note_bytes);
void reel_devices_destroy(struct reel_devices **devices); /* accepts a pointer to NULL */

/* What is remembered of a device, to be changed at will until it is forgotten; NULL if nothing. */
void *reel_devices_find(struct reel_devices *devices, const char *device);

/* Remember something of one of which nothing is, as the last: zeroed. NULL if memory ran out. */
void *reel_devices_add(struct reel_devices *devices, const char *device);

/* Of how many something is. */
size_t reel_devices_count(struct reel_devices *devices);

/* What is remembered of the first; NULL if there is none. */
void *reel_devices_first(struct reel_devices *devices);

/* Put one last, or forget it. */
void reel_devices_put_last(struct reel_devices *devices, void *note);
void reel_devices_forget(struct reel_devices *devices, void *note);

#endif
