/* Sink: the threads of reeld, wired together and taken down in reverse order. */
#ifndef REEL_DAEMON_SINK_H
#define REEL_DAEMON_SINK_H

#include "base/err.h"
#include "base/log.h"
#include "daemon/config.h"

struct reel_sink;

/* Open the store (which recovers it) and make everything; nothing runs yet. */
enum reel_code reel_sink_create(const struct reel_config *config, const char *password,
                                const struct reel_log *log, struct reel_sink **sink_out,
                                struct reel_error *err_out);

/* Run until SIGTERM or SIGINT (OK) or until a thread ends for good (its error). The signals must
 * be blocked in the calling thread. */
enum reel_code reel_sink_run(struct reel_sink *sink, struct reel_error *err_out);

void reel_sink_destroy(struct reel_sink **sink); /* accepts a pointer to NULL */

#endif
