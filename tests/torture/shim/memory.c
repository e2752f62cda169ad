/* Memory: preloaded, it lets allocations of one process fail: those whose number lies in a range that
 * a mapped file gives. They are counted there too. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static struct control {
    _Atomic int64_t count, from, to, failed;
} *control; /* NULL until the program proper begins */

/* Where it crashed; the addresses are what `addr2line` takes. */
static void crashed(int number)
{
    void *frames[32];

    backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((constructor)) static void begin(void)
{
    void *frame;
    const char *path = getenv("REEL_MEMORY_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED
                          : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (mapped == MAP_FAILED)
        abort(); /* a test in which no memory runs out is worth nothing */
    close(fd);
    backtrace(&frame, 1); /* loads what it needs while there is memory */
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    control = mapped;
}

static int runs_out(void)
{
    int64_t number;

    if (!control)
        return 0;
    number = atomic_fetch_add(&control->count, 1);
    if (number < control->from || number >= control->to)
        return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    return runs_out() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return runs_out() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return runs_out() ? NULL : __libc_realloc(old, bytes);
}
