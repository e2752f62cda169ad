/* Memory: what happens where a library cannot say that there is none, and what goes back. */
#ifndef REEL_IO_MEMORY_H
#define REEL_IO_MEMORY_H

#include <stdint.h>

/* The exit status then: EX_OSERR. */
enum { REEL_EXIT_MEMORY = 71 };

/* From now on the process ends, with a message on standard error, where jansson gets no memory. Its
 * version 2.14 drops characters of a string and members of a copy when a single allocation fails,
 * and goes on: audio would be stored that nobody sent. For main, before jansson is used. */
void reel_memory_guard_json(void);

/* Give the system back what was freed, in every thread's heap: what a large tree took is in small
 * pieces there, among which others stay, and is kept otherwise. It takes some milliseconds. */
void reel_memory_give_back(void);

/* What the process takes of memory now (its resident set); 0 where the system does not say. */
uint64_t reel_memory_resident_bytes(void);

#endif
