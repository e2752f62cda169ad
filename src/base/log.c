/* Log: one write a line. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

void reel_log_init(struct reel_log *log, enum reel_log_priority most)
{
    atomic_init(&log->most, most);
    log->prefix = !isatty(STDERR_FILENO);
}

void reel_log_set(struct reel_log *log, enum reel_log_priority most)
{
    atomic_store(&log->most, most);
}

void reel_log_write(const struct reel_log *log, enum reel_log_priority priority, const char *format,
                    ...)
{
    char line[LINE_BYTES];
    va_list args;
    size_t start = 0;
    size_t end;

    if (!log || (int)priority > atomic_load(&log->most))
        return;
    if (log->prefix)
        start = (size_t)snprintf(line, sizeof line, "<%d>", (int)priority);
    va_start(args, format);
    vsnprintf(line + start, sizeof line - start - 1, format, args);
    va_end(args);
    end = strlen(line);
    for (size_t i = start; i < end; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[end++] = '\n';
    /* A log that cannot be written has nowhere to say so. */
    if (write(STDERR_FILENO, line, end) < 0)
        return;
}
