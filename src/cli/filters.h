/* Filters: the options that pick recordings, for every command that takes them. */
#ifndef REEL_CLI_FILTERS_H
#define REEL_CLI_FILTERS_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/commands.h"
#include "cli/options.h"

struct reel_filters {
    const char *device, *session, *state, *since, *until, *end_reason;
    struct reel_seconds_option min_duration, max_duration;
    struct reel_uint_option rate, channels, sample_size;
    struct reel_texts_option tags;
    bool has_gaps, no_gaps, kept, not_kept;
};

/* Their lines in a command's table of options; `base` is where its values have the filters. */
#define REEL_FILTERS_OPTIONS(base)                                                                 \
    REEL_FILTER("device", "NAME", TEXT, (base), device, "of that device"),                         \
        REEL_FILTER("session", "PREFIX", TEXT, (base), session, "whose session begins so"),        \
        REEL_FILTER("state", "STATE", TEXT, (base), state, "that is recording or complete"),       \
        REEL_FILTER("end-reason", "WHY", TEXT, (base), end_reason,                                 \
                    "that ended so: end, idle, upload, limit"),                                    \
        REEL_FILTER("min-duration", "SECONDS", SECONDS, (base), min_duration, "at least so long"), \
        REEL_FILTER("max-duration", "SECONDS", SECONDS, (base), max_duration, "at most so long"),  \
        REEL_FILTER("since", "TIME", TEXT, (base), since, "started then or later (RFC 3339)"),     \
        REEL_FILTER("until", "TIME", TEXT, (base), until, "started before"),                       \
        REEL_FILTER("rate", "HZ", UINT, (base), rate, "of that rate"),                             \
        REEL_FILTER("channels", "N", UINT, (base), channels, "of so many channels"),               \
        REEL_FILTER("sample-size", "BYTES", UINT, (base), sample_size,                             \
                    "of so many bytes a sample"),                                                  \
        REEL_FILTER("has-gaps", NULL, FLAG, (base), has_gaps, "with audio missing"),               \
        REEL_FILTER("no-gaps", NULL, FLAG, (base), no_gaps, "with none missing"),                  \
        REEL_FILTER("kept", NULL, FLAG, (base), kept, "that retention spares"),                    \
        REEL_FILTER("not-kept", NULL, FLAG, (base), not_kept, "that it does not"),                 \
        REEL_FILTER("tag", "NAME=VALUE", TEXTS, (base), tags, "with that tag; repeatable")

#define REEL_FILTER(name, argument, kind, base, member, help)                                      \
    {                                                                                              \
        0, name, argument, REEL_OPTION_##kind, base + offsetof(struct reel_filters, member), help, \
            NULL                                                                                   \
    }

/* Make a request of those that are given, which the caller owns. USAGE, with a line on standard
 * error, for one and its opposite or a bad tag. */
enum reel_exit reel_filters_take(const struct reel_filters *filters, json_t **request_out);

#endif
