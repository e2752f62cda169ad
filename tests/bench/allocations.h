/* Allocations: how many pieces of memory the program has asked for. A program that includes this
 * has its own malloc, calloc and realloc, which hand on to the C library's; where a sanitizer has
 * taken their place, that tells. */
#ifndef REEL_TESTS_BENCH_ALLOCATIONS_H
#define REEL_TESTS_BENCH_ALLOCATIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static _Atomic uint64_t allocations;

static inline uint64_t allocations_so_far(void)
{
    return atomic_load_explicit(&allocations, memory_order_relaxed);
}

static inline void count_allocation(void)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

#ifdef __SANITIZE_ADDRESS__

void __sanitizer_malloc_hook(const volatile void *memory, size_t bytes);
void __sanitizer_malloc_hook(const volatile void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
    count_allocation();
}

#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);

void *malloc(size_t bytes)
{
    count_allocation();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    count_allocation();
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    count_allocation();
    return __libc_realloc(memory, bytes);
}

#endif

#endif
