/* Event log: what happens to recordings, as lines for who reads the journal. */
#ifndef REEL_DAEMON_EVENT_LOG_H
#define REEL_DAEMON_EVENT_LOG_H

#include <jansson.h>

#include "base/log.h"

/* Write the line of an event (events.h; NULL: none) about that recording. What somebody should know
 * of is a notice (a gap, a discontinuity, a restart), what was deleted is information, the rest is
 * for debugging. */
void reel_event_log(const struct reel_log *log, const char *device, const char *session,
                    const json_t *event);

#endif
