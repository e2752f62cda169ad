/* Memory: an allocator for jansson that does not fail, what the GNU library does by itself only at
 * the end of a heap, and what the kernel says that the process takes. */
#include "io/memory.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *allocate(size_t bytes)
{
    void *allocated = malloc(bytes);

    if (allocated)
        return allocated;
    fputs("out of memory\n", stderr); /* unbuffered, and allocates nothing */
    _exit(REEL_EXIT_MEMORY);
}

void reel_memory_guard_json(void)
{
    json_set_alloc_funcs(allocate, free);
}

void reel_memory_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

uint64_t reel_memory_resident_bytes(void)
{
    char text[128] = "";
    unsigned long long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%*u %llu", &pages) != 1)
        pages = 0;
    close(fd);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
