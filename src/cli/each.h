/* Each: one request for each recording that a command's arguments name, over one connection. */
#ifndef REEL_CLI_EACH_H
#define REEL_CLI_EACH_H

#include <jansson.h>

#include "cli/commands.h"

struct reel_each {
    const char *op;
    const json_t *request; /* what is asked besides device and session; NULL: memory ran out */
    /* Write a line for people; `device` and `session` are the argument's. With --json the answer
     * itself is written, a line each. */
    void (*tell)(const char *device, const char *session, const json_t *answer);
};

/* Ask for one after another. What the sink refuses of one does not concern the others; where it
 * does not answer, that is the end. USAGE, with nothing asked, for an argument that names no
 * recording; else the status of the last that failed. */
enum reel_exit reel_each_run(const struct reel_common *common, const struct reel_each *each,
                             const struct reel_arguments *arguments);

#endif
