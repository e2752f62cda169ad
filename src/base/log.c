/* Log: a line is made, and handed to where lines go. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PREFIX_BYTES = 8 };

void reel_log_init(struct reel_log *log, enum reel_log_priority most)
{
    atomic_init(&log->most, (int)most);
    log->prefix = !isatty(STDERR_FILENO);
    log->sink = NULL;
    log->user = NULL;
}

void reel_log_set(struct reel_log *log, enum reel_log_priority most)
{
    atomic_store(&log->most, (int)most);
}

void reel_log_to_stderr(const struct reel_log_line *line, bool prefix)
{
    char text[REEL_LOG_LINE_BYTES + PREFIX_BYTES];
    int length = prefix ? snprintf(text, sizeof text, "<%d>%s\n", (int)line->priority, line->text)
                        : snprintf(text, sizeof text, "%s\n", line->text);

    if (length < 0)
        return;
    if ((size_t)length >= sizeof text)
        length = (int)sizeof text - 1;
    /* A log that cannot be written has nowhere to say so. */
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        return;
}

__attribute__((format(printf, 4, 0))) static void write_line(const struct reel_log *log,
                                                             enum reel_log_priority priority,
                                                             const struct reel_log_subject *subject,
                                                             const char *format, va_list args)
{
    char text[REEL_LOG_LINE_BYTES];
    const struct reel_log_line line = {priority, text, subject, format};

    if (!log || (int)priority > atomic_load_explicit(&log->most, memory_order_relaxed))
        return;
    vsnprintf(text, sizeof text, format, args);
    for (char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    if (log->sink)
        log->sink(&line, log->user);
    else
        reel_log_to_stderr(&line, log->prefix);
}

void reel_log_write(const struct reel_log *log, enum reel_log_priority priority, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    write_line(log, priority, NULL, format, args);
    va_end(args);
}

void reel_log_write_about(const struct reel_log *log, enum reel_log_priority priority,
                          const struct reel_log_subject *subject, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(log, priority, subject, format, args);
    va_end(args);
}
