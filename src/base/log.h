/* Log: lines to standard error, with the journal's priority prefix when it is not a terminal. */
#ifndef REEL_BASE_LOG_H
#define REEL_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

/* Priorities as syslog numbers them. */
enum reel_log_priority {
    REEL_LOG_ERROR = 3,
    REEL_LOG_WARNING = 4,
    REEL_LOG_NOTICE = 5,
    REEL_LOG_INFO = 6,
    REEL_LOG_DEBUG = 7,
};

struct reel_log {
    _Atomic int most; /* lines of a higher number are not written */
    bool prefix;      /* "<N>" before each line, for the journal */
};

/* Set `log` to write to standard error lines up to `most`. */
void reel_log_init(struct reel_log *log, enum reel_log_priority most);

/* Let it write up to `most` from now on. Safe while other threads write. */
void reel_log_set(struct reel_log *log, enum reel_log_priority most);

/* Write one line, with one call, so that lines of several threads do not mix. Control characters
 * in it become '?'. A NULL `log` writes nothing. Safe from any thread. */
void reel_log_write(const struct reel_log *log, enum reel_log_priority priority, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

#endif
