/* Part memory: of long sessions the last part, so that it need not be looked for with each
 * fragment. What it says may be out of date: the store knows. Bounded; a session whose place
 * another takes is looked for again. */
#ifndef REEL_DAEMON_PART_MEMORY_H
#define REEL_DAEMON_PART_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

struct reel_part_memory;

/* What is remembered of one session. */
struct reel_parts {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    char last[REEL_NAME_BYTES]; /* the session of its last part */
    bool has_owing;             /* these were looked for: */
    size_t owing_count;         /* parts before the last with gaps worth filling, oldest first */
    char owing[REEL_EARLIER_PARTS_MAX][REEL_NAME_BYTES];
};

struct reel_part_memory *reel_part_memory_create(void); /* NULL if memory ran out */
void reel_part_memory_destroy(struct reel_part_memory **memory);

/* NULL if nothing is remembered. Borrowed until the next call that notes. */
struct reel_parts *reel_part_memory_find(struct reel_part_memory *memory, const char *device,
                                         const char *session);

/* Remember the last part; what was known of the session goes. Borrowed in the same way. */
struct reel_parts *reel_part_memory_note(struct reel_part_memory *memory, const char *device,
                                         const char *session, const char *last);

#endif
