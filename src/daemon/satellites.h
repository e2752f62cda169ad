/* Satellites: which recording the frames of a site go to, whose topic names none. As many as such
 * recordings are open. */
#ifndef REEL_DAEMON_SATELLITES_H
#define REEL_DAEMON_SATELLITES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct reel_satellites;

struct reel_satellites *reel_satellites_create(void);              /* NULL if memory ran out */
void reel_satellites_destroy(struct reel_satellites **satellites); /* accepts a pointer to NULL */

/* The session that the device's frames go to; NULL if there is none. Borrowed until the next call
 * that changes something. */
const char *reel_satellites_find(const struct reel_satellites *satellites, const char *device);

/* Let them go to that session from now on, unless it began before the one that they go to. Without
 * memory nothing is noted: the next frame then begins a recording of its own. */
void reel_satellites_note(struct reel_satellites *satellites, const char *device,
                          const char *session, int64_t started_us);

/* The session is over; nothing is done where the frames go elsewhere. */
void reel_satellites_forget(struct reel_satellites *satellites, const char *device,
                            const char *session);
void reel_satellites_forget_all(struct reel_satellites *satellites);

#endif
