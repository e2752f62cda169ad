/* Memory that runs out: every allocation of the program, in whatever library, comes through here,
 * and one fails when it is told so. For one source file of a program, which then holds its own
 * malloc.
 *
 * The allocations themselves are the C library's, or AddressSanitizer's, which then sees each leak.
 */
#ifndef REEL_TESTS_UNIT_MEMORY_H
#define REEL_TESTS_UNIT_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *old, size_t bytes);

enum { MEMORY_FAILURES_MAX = 20000 };

static bool memory_counts;    /* between begin and end */
static bool memory_stays_out; /* all after the one that fails do too */
static long memory_left;      /* allocations until one fails */
static bool memory_failed;

static bool memory_runs_out(void)
{
    if (!memory_counts)
        return false;
    if (memory_left != 0) {
        memory_left--;
        return false;
    }
    if (!memory_stays_out)
        memory_left = -1;
    memory_failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return memory_runs_out() ? NULL : REAL(malloc)(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return memory_runs_out() ? NULL : REAL(calloc)(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return memory_runs_out() ? NULL : REAL(realloc)(old, bytes);
}

/* These would be the sanitizer's own, and pass us by. */
void *reallocarray(void *old, size_t count, size_t bytes)
{
    if (bytes > 0 && count > SIZE_MAX / bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, count * bytes);
}

char *strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* From here the allocation after `left` more fails, once or with all behind it. */
static inline void memory_begin(long left, bool stays_out)
{
    memory_left = left;
    memory_stays_out = stays_out;
    memory_failed = false;
    memory_counts = true;
}

static inline void memory_end(void)
{
    memory_counts = false;
}

/* Call `attempt` with one allocation more each time, until it does without a failure; once with one
 * that fails, and once with all behind it failing too. The attempt ends with memory_end before it
 * looks at what came of it. Returns how many allocations there were. */
static inline long memory_fails_each(void (*attempt)(const void *argument), const void *argument)
{
    long most = 0;

    for (int stays_out = 0; stays_out < 2; stays_out++) {
        most = 0;
        do {
            memory_begin(most++, stays_out);
            attempt(argument);
            memory_end();
        } while (memory_failed && most < MEMORY_FAILURES_MAX);
        assert_false(memory_failed);
    }
    assert_true(most > 1); /* else none was met */
    return most - 1;
}

#endif
