/* Lanes: the boots of recordings whose fragments are under way from the spool to the sink, each
 * with its outbox. */
#ifndef REEL_CLI_LANES_H
#define REEL_CLI_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/outbox.h"
#include "cli/spool.h"

enum { REEL_LANES_MAX = 64 };

struct reel_lane {
    struct reel_spool_lane state; /* as it was when the lane was opened */
    uint64_t next_seq;            /* to be put in */
    uint64_t fragments;           /* that were put in */
    uint64_t missing;             /* that were not there to be */
    char topic[512];
    struct reel_outbox outbox; /* without slots: the lane is free */
    uint64_t refused;          /* fragments, to be counted by who drops them */
};

/* What became of one boot's fragments in this run. Figures are of this run. */
struct reel_drained {
    const char *session;
    uint64_t fragments;
    uint64_t frames;
    uint64_t resent;
    uint64_t refused; /* given up: the sink refuses them (and keeps them in its quarantine) */
    uint64_t lost;    /* the sink has given them up */
    uint64_t missing; /* not in the spool: left out while it was full, or damaged */
};

/* Zero-initialise but for what stands first; all of it is borrowed. */
struct reel_lanes {
    struct reel_spool *spool;
    struct reel_client *client;
    const char *prefix;
    void *user;
    void (*drained)(void *user, const struct reel_drained *drained); /* when a lane is closed */

    struct reel_lane at[REEL_LANES_MAX];
    bool closing;
    uint64_t frames; /* acknowledged, of lanes that were closed */
};

/* Whether the window has room. */
bool reel_lanes_open(const struct reel_lanes *lanes);

/* Put what was taken out of the spool into its lane; its memory is taken over then. False: not yet.
 * A boot waits until the one before it of the same recording is all acknowledged, because the sink
 * takes nothing of an earlier boot once a later one has begun. */
bool reel_lanes_place(struct reel_lanes *lanes, const struct reel_spool_item *item);

/* The lane with that number, NULL if it is not under way. */
struct reel_lane *reel_lanes_find(struct reel_lanes *lanes, uint32_t number);

/* Send what is due; and after connecting anew. Errors as reel_outbox_run has them. */
enum reel_code reel_lanes_run(struct reel_lanes *lanes, int64_t now_us, struct reel_error *err_out);
void reel_lanes_reconnected(struct reel_lanes *lanes, int64_t now_us);

/* Fragments under way; and frames that were acknowledged in all. */
uint64_t reel_lanes_count(const struct reel_lanes *lanes, uint64_t *frames_out);

/* Let the spool note how far the sink is. */
void reel_lanes_note(struct reel_lanes *lanes);

/* Close all; what is under way stays in the spool. */
void reel_lanes_close(struct reel_lanes *lanes);

#endif
