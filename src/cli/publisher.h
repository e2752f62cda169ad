/* Publisher: sends recordings to the sink until it has acknowledged every fragment as durable.
 *
 * Fragments leave at QoS 1, with the client's reply topic as Response Topic. Those that the sink
 * has not acknowledged are kept, at most a window's worth, so the sink sets the pace; they are sent
 * again when it says they are missing, when the connection was lost, and the oldest now and then
 * while nothing is heard (acknowledgements come at QoS 0). */
#ifndef REEL_CLI_PUBLISHER_H
#define REEL_CLI_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/options.h"
#include "cli/sending.h"

struct reel_publisher_config {
    const struct reel_common *common;
    const char *device;
    const struct reel_source_raw *raw;
    unsigned fragment_ms; /* 0: what suits each source */
    bool broker_only;     /* no sink is asked: what the broker has is done */
};

/* Send them one after another, the next one beginning while the last acknowledgements of those
 * before are awaited. Each `sendings[i]` has session, topic, and what its cutter wants of the
 * caller set; the rest is zero. Returns when each is DONE or FAILED; the caller finishes them. An
 * error here concerns all that are neither: STALLED (no broker, no acknowledgement for --timeout),
 * NOT_ALLOWED (the broker refuses); `*interrupted_out`: a signal ended it. */
enum reel_code reel_publisher_run(const struct reel_publisher_config *config,
                                  struct reel_sending *sendings, size_t count,
                                  bool *interrupted_out, struct reel_error *err_out);

#endif
