/* Probe: a connection of `reeld --check-broker`, which does one thing after the other and waits for
 * what becomes of each. Its client ids are no running sink's; what it publishes stands at `$check`,
 * where no sink looks (wire/topic.h). */
#ifndef REEL_DAEMON_PROBE_H
#define REEL_DAEMON_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/config.h"
#include "io/bus.h"

struct reel_probe;

/* Who looks for what, the same for all probes of a run. Borrowed. */
struct reel_probe_run {
    const struct reel_config *config;
    const char *password;
    uint64_t number; /* random, in what is published: nobody else's is taken for it */
};

/* What a message is: one of several, or the last. */
enum reel_probe_mark { REEL_PROBE_ONE, REEL_PROBE_LAST, REEL_PROBE_MARKS };

struct reel_probe_counts {
    size_t sent;         /* at QoS 1 */
    size_t acknowledged; /* of these, those refused among them */
    size_t refused;
    int refusal;                    /* the last reason */
    size_t heard[REEL_PROBE_MARKS]; /* that came back, of this run */
    size_t subscribed;
    size_t denied; /* of these */
};

/* Connect as `reeld-{sink}-check{suffix}` and wait until the broker has let us in. With an expiry
 * of 0 what an earlier session of that name held is gone, else it goes on. The error says why not;
 * `*refusal_out` is CONNACK's reason, or 0. */
enum reel_code reel_probe_open(const struct reel_probe_run *run, const char *suffix,
                               uint32_t session_expiry_s, struct reel_probe **probe_out,
                               int *refusal_out, struct reel_error *err_out);
void reel_probe_close(struct reel_probe **probe); /* says good-bye; accepts a pointer to NULL */

const struct reel_bus_terms *reel_probe_terms(const struct reel_probe *probe);
bool reel_probe_session_present(const struct reel_probe *probe);
const struct reel_probe_counts *reel_probe_counts(const struct reel_probe *probe);

/* Whether to write nothing, acknowledgements among it. So it is from the beginning where a session
 * goes on, and what waits in it can be counted. */
void reel_probe_hold(struct reel_probe *probe, bool hold);

/* Queue a publication of `mark`, blown up to `bytes` if that is more than it has. An empty one
 * (`bytes` 0, retained) takes back what is retained. TOO_LARGE for one that the broker has
 * announced that it does not take. */
struct reel_probe_message {
    const char *topic;
    enum reel_probe_mark mark;
    size_t bytes;
    int qos;
    bool retain;
};
enum reel_code reel_probe_send(struct reel_probe *probe, const struct reel_probe_message *message,
                               struct reel_error *err_out);

/* Run until `until` holds. NOT_FOUND if it does not, and nothing has changed for `patience_s`;
 * STALLED if the connection ended. */
enum { REEL_PROBE_PATIENCE_S = 5 };
typedef bool reel_probe_until_fn(const struct reel_probe_counts *counts, size_t wanted);
enum reel_code reel_probe_await(struct reel_probe *probe, reel_probe_until_fn *until, size_t wanted,
                                unsigned patience_s, struct reel_error *err_out);

/* What one often waits for: all that was sent has been acknowledged; so many have come back. */
bool reel_probe_all_acknowledged(const struct reel_probe_counts *counts, size_t ignored);
bool reel_probe_heard_one(const struct reel_probe_counts *counts, size_t wanted);
bool reel_probe_heard_last(const struct reel_probe_counts *counts, size_t wanted);

/* Subscribe, and wait until that is answered: what was refused is counted as denied. Errors of
 * reel_probe_await. */
enum reel_code reel_probe_subscribe(struct reel_probe *probe, const char *filter,
                                    struct reel_error *err_out);

/* Send, and wait until all that was sent has been acknowledged. Errors of both. */
enum reel_code reel_probe_deliver(struct reel_probe *probe,
                                  const struct reel_probe_message *message, unsigned patience_s,
                                  struct reel_error *err_out);

#endif
