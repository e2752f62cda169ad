/* Check of the broker, inside: check_broker.c goes from one part to the next, check_ways.c tries
 * the topics, check_size.c how large a message may be, check_queue.c what is kept for a session. */
#ifndef REEL_DAEMON_CHECK_INTERNAL_H
#define REEL_DAEMON_CHECK_INTERNAL_H

#include "daemon/check_report.h"
#include "daemon/probe.h"

struct reel_check {
    struct reel_probe_run run;
    struct reel_check_report report;
    bool asks_itself; /* request/$check is written and read */
    bool answers;     /* reply/ is written */
};

enum { REEL_CHECK_TOPIC_BYTES = 2 * REEL_SETTING_BYTES };

/* {prefix}/{kind}/$check/{the run's number} */
void reel_check_topic(const struct reel_check *check, const char *kind,
                      char out[REEL_CHECK_TOPIC_BYTES]);

/* As whom the sink comes in, for advice. */
const char *reel_check_user(const struct reel_check *check);

/* Let a clean session take the place of what a probe of that name left at the broker. */
void reel_check_forget(struct reel_check *check, const char *suffix);

/* Each topic that the sink reads or writes. */
void reel_check_ways(struct reel_check *check);

/* Messages as large as the settings allow. */
void reel_check_size(struct reel_check *check);

/* What is kept for a session that is away, whether it is, and how much of it comes at once. */
void reel_check_queue(struct reel_check *check);

#endif
