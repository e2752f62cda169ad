/* Sink: the threads of reeld, wired together and taken down in reverse order. */
#ifndef REEL_DAEMON_SINK_H
#define REEL_DAEMON_SINK_H

#include "base/err.h"
#include "base/log.h"
#include "daemon/config_share.h"

struct reel_sink;

/* All is borrowed and outlives it. */
struct reel_sink_links {
    struct reel_config_share *settings;
    const struct reel_config_sources *sources; /* of the settings, to be read again */
    const char *password;                      /* "" for none */
    struct reel_log *log;
};

/* Open the store (which recovers it) and make everything; nothing runs yet. A store that may be
 * well later is no failure. Else its error; INTERNAL or STALLED without memory or descriptors. */
enum reel_code reel_sink_create(const struct reel_sink_links *links, struct reel_sink **sink_out,
                                struct reel_error *err_out);

/* Run until SIGTERM or SIGINT (OK) or until a thread ends for good (its error); SIGHUP reads the
 * settings again. The signals must be blocked in the calling thread. */
enum reel_code reel_sink_run(struct reel_sink *sink, struct reel_error *err_out);

void reel_sink_destroy(struct reel_sink **sink); /* accepts a pointer to NULL */

#endif
