/* Check report: what `reeld --check-broker` finds, told line by line or as one JSON document. */
#ifndef REEL_DAEMON_CHECK_REPORT_H
#define REEL_DAEMON_CHECK_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum reel_verdict {
    REEL_VERDICT_OK,
    REEL_VERDICT_NOTE,   /* right, or not to be seen from here: worth knowing */
    REEL_VERDICT_CHANGE, /* the sink cannot do its work, or loses audio */
};

struct reel_check_report {
    json_t *findings; /* NULL: told at once, as text */
    unsigned changes;
    bool failed; /* to be written or remembered */
};

/* False if memory ran out. */
bool reel_check_report_init(struct reel_check_report *report, bool as_json);

/* Tell what was found about something ("queue"). `advice` is what to do, "" for nothing; where it
 * has several lines, each is one of the broker's configuration. */
void reel_check_tell(struct reel_check_report *report, enum reel_verdict verdict, const char *about,
                     const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Tell what it comes to, and let go of the report. STALLED if not all of it could be told. */
enum reel_code reel_check_report_finish(struct reel_check_report *report,
                                        struct reel_error *err_out);

#endif
