/* Reload: reads the settings again while the sink runs. */
#ifndef REEL_DAEMON_RELOAD_H
#define REEL_DAEMON_RELOAD_H

#include "base/log.h"
#include "daemon/config_share.h"

/* All is borrowed. */
struct reel_reload {
    const struct reel_config_sources *sources;
    struct reel_config_share *share;
    struct reel_log *log; /* log.level holds at once */
};

/* Read them and hand them to the share's followers; what has changed is logged, and what only a
 * restart can change. Bad settings are logged and change nothing. Returns whether they were
 * handed over. */
bool reel_reload_run(const struct reel_reload *reload);

#endif
