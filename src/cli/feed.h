/* Feed: a stored recording as a pipe. A thread with a connection of its own fetches it block by
 * block, no faster than the pipe is read, so little of it is in memory at any time. */
#ifndef REEL_CLI_FEED_H
#define REEL_CLI_FEED_H

#include <jansson.h>

#include "base/err.h"
#include "cli/options.h"

struct reel_feed;

/* Begin to fetch the view (device, session; from, to) as a WAV file whose sizes are true. `common`
 * and `view` are borrowed until the feed is closed. STALLED where there are no descriptors or
 * threads. */
enum reel_code reel_feed_open(const struct reel_common *common, const json_t *view,
                              struct reel_feed **feed_out, struct reel_error *err_out);

/* Stop fetching and release. Accepts NULL. */
void reel_feed_close(struct reel_feed **feed);

/* The end of the pipe to read from; the feed's. */
int reel_feed_fd(const struct reel_feed *feed);

/* The pipe has been read to its end: whether that was the recording's, too. Errors as
 * reel_fetch_run has them. */
enum reel_code reel_feed_outcome(struct reel_feed *feed, struct reel_error *err_out);

#endif
