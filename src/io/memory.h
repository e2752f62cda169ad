/* Memory: what happens where a library cannot say that there is none. */
#ifndef REEL_IO_MEMORY_H
#define REEL_IO_MEMORY_H

/* The exit status then: EX_OSERR. */
enum { REEL_EXIT_MEMORY = 71 };

/* From now on the process ends, with a message on standard error, where jansson gets no memory. Its
 * version 2.14 drops characters of a string and members of a copy when a single allocation fails,
 * and goes on: audio would be stored that nobody sent. For main, before jansson is used. */
void reel_memory_guard_json(void);

#endif
