/* Catalog way: which index a walk over recordings goes by. Private to catalog*.c.
 *
 * By duration and by name there is one. In the order of their start, which is asked for most, there
 * is one for each filter: a walk by it comes by no recording that the filter keeps out. A range
 * (of durations, or the sessions that begin alike) has another order in its index: its recordings
 * are gathered and sorted where they are few. Where they are many, a walk in the order asked soon
 * has a page of them. */
#ifndef REEL_STORE_CATALOG_WAY_H
#define REEL_STORE_CATALOG_WAY_H

#include "store/catalog_internal.h"

enum reel_way {
    REEL_WAY_ORDER,   /* the sort's, all recordings or a device's */
    REEL_WAY_GROWING, /* those in state recording, sorted */
    REEL_WAY_GAPS,    /* the complete ones with gaps, and the growing ones */
    REEL_WAY_END_REASON,
    REEL_WAY_KEPT,
    REEL_WAY_CHANNELS,
    REEL_WAY_SAMPLE_BYTES,
    REEL_WAY_RATE,
    REEL_WAY_TAG,       /* the first tag asked for */
    REEL_WAY_SESSIONS,  /* gathered */
    REEL_WAY_DURATIONS, /* gathered, of a device if one is named, and the growing ones */
};

/* How many are few: about as many as a walk over a million comes by for a page of a hundred, where
 * so many match. */
enum { REEL_WAY_FEW = 10000 };

/* Choose. `prefix_end` is the first name behind those that begin as the plan asks. Returns SQLite's
 * code. */
int reel_way_choose(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                    const char *prefix_end, enum reel_way *way_out);

/* What the walk selects from, up to and with its WHERE. */
const char *reel_way_source(enum reel_way way, const struct reel_list_plan *plan);

#endif
