/* Log: lines of text with a priority and, where one is about a recording, whose it is. Where they
 * go is the owner's to say: to standard error, with the journal's priority prefix when that is not
 * a terminal, or wherever a function of the owner's puts them. */
#ifndef REEL_BASE_LOG_H
#define REEL_BASE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Priorities as syslog numbers them. */
enum reel_log_priority {
    REEL_LOG_ERROR = 3,
    REEL_LOG_WARNING = 4,
    REEL_LOG_NOTICE = 5,
    REEL_LOG_INFO = 6,
    REEL_LOG_DEBUG = 7,
};

/* What a line is about. NULL and has_seq false: that is not known, or there is no such thing. */
struct reel_log_subject {
    const char *device;
    const char *session;
    const char *reason; /* a word: the code of a refusal, the name of an event */
    bool has_seq;
    uint64_t seq; /* of the fragment */
};

/* Of a recording. */
#define REEL_LOG_OF(device_, session_)                                                             \
    (&(const struct reel_log_subject){.device = (device_), .session = (session_)})

enum { REEL_LOG_LINE_BYTES = 1024 };

struct reel_log_line {
    enum reel_log_priority priority;
    const char *text;                       /* one line, control characters replaced by '?' */
    const struct reel_log_subject *subject; /* NULL: nothing in particular */
    const char *format; /* that the text was made by: lines of one kind share it */
};

/* Put a line somewhere; borrowed for the call. Any thread. */
typedef void reel_log_sink_fn(const struct reel_log_line *line, void *user);

struct reel_log {
    _Atomic int most;       /* lines of a higher number are not written */
    bool prefix;            /* "<N>" before each line of standard error, for the journal */
    reel_log_sink_fn *sink; /* NULL: standard error */
    void *user;             /* of the sink */
};

/* Set `log` to write to standard error lines up to `most`. */
void reel_log_init(struct reel_log *log, enum reel_log_priority most);

/* Let it write up to `most` from now on. Safe while other threads write. */
void reel_log_set(struct reel_log *log, enum reel_log_priority most);

/* Write one line. A NULL `log` writes nothing. Safe from any thread. */
void reel_log_write(const struct reel_log *log, enum reel_log_priority priority, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* The same of one that is about something (may be NULL). */
void reel_log_write_about(const struct reel_log *log, enum reel_log_priority priority,
                          const struct reel_log_subject *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Put a line to standard error, with one call, so that lines of several threads do not mix. */
void reel_log_to_stderr(const struct reel_log_line *line, bool prefix);

#endif
