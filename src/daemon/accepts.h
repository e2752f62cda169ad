/* Accepts: what a recorder should know before it sends, as the status says it. */
#ifndef REEL_DAEMON_ACCEPTS_H
#define REEL_DAEMON_ACCEPTS_H

#include <jansson.h>

#include "daemon/config.h"

/* Bounds, encodings, and the rules that were set: `rules` of all devices, `devices` of those whose
 * names match a pattern, in the order of the settings: the last that sets a key wins. NULL if
 * memory ran out. */
json_t *reel_accepts(const struct reel_config *config);

#endif
