/* Line limit: of lines that repeat the first few are written, and of the others how many there
 * were: a device that sends rubbish sixty times a second must not fill the journal. Time is an
 * argument. Pure.
 *
 * Lines repeat where they are of one kind and about one device. Bounded: over 512 pairs, those of a
 * kind share one place, and those about no device one in all. So that nobody who makes up names
 * crowds them out, errors about no device always pass. */
#ifndef REEL_CORE_LINE_LIMIT_H
#define REEL_CORE_LINE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* So many are written, and then none until so long after the first. */
enum { REEL_LINES_AT_ONCE = 5, REEL_LINES_WINDOW_S = 60 };

struct reel_line_limit;

/* A line, as far as it matters here. Borrowed for the call. */
struct reel_repeating_line {
    const char *device; /* "": it is about none */
    const char *kind;   /* what lines of its kind have in common; digits in it do not count */
    const char *text;
    int priority; /* as syslog's: 3 an error, less is worse */
};

/* What was left out: how many, and the last of them, cut where it does not fit. */
struct reel_left_out {
    uint64_t count;
    int priority;                 /* of the last */
    char device[REEL_NAME_BYTES]; /* "": of no device, or of several */
    char text[256];
};

struct reel_line_limit *reel_line_limit_create(void);         /* NULL if memory ran out */
void reel_line_limit_destroy(struct reel_line_limit **limit); /* accepts a pointer to NULL */

/* Whether the line is to be written at `now_us` (monotonic); else it is counted. */
bool reel_line_limit_passes(struct reel_line_limit *limit, const struct reel_repeating_line *line,
                            int64_t now_us);

/* Take what was left out of one kind whose time is over, or with `all` of any; false where nothing
 * is to be told. */
bool reel_line_limit_take(struct reel_line_limit *limit, int64_t now_us, bool all,
                          struct reel_left_out *out);

#endif
