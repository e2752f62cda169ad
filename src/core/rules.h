/* Rules: which audio is taken from a device, and how much of it: section `rules` of the settings.
 * A refusal is NOT_ALLOWED, its field the rule's key. */
#ifndef REEL_CORE_RULES_H
#define REEL_CORE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/setting.h"
#include "wire/format.h"

/* What nothing stands in bounds nothing: no choices, or 0. */
struct reel_rules {
    struct reel_choices rates;
    struct reel_choices sample_sizes; /* bytes */
    struct reel_choices channels;
    struct reel_choices encodings; /* enum reel_encoding */
    uint64_t min_duration_s;
    uint64_t max_duration_s;
    uint64_t max_bytes;      /* of the WAV files of all the device's recordings together */
    uint64_t max_recordings; /* of the device */
    uint64_t max_fragments_per_s;
    uint64_t max_requests_per_s;
};

enum reel_code reel_rules_check_format(const struct reel_rules *rules,
                                       const struct reel_format *format,
                                       struct reel_error *err_out);

/* Whether a recording may become `frames` long, with its gaps (rules.max_duration_s). */
enum reel_code reel_rules_check_longest(const struct reel_rules *rules,
                                        const struct reel_format *format, uint64_t frames,
                                        struct reel_error *err_out);

/* Whether a recording that is over may be `frames` short, with its gaps (rules.min_duration_s). */
enum reel_code reel_rules_check_shortest(const struct reel_rules *rules,
                                         const struct reel_format *format, uint64_t frames,
                                         struct reel_error *err_out);

/* Whether a whole recording may be of that format and length: all of the above. */
enum reel_code reel_rules_check_whole(const struct reel_rules *rules,
                                      const struct reel_format *format, uint64_t frames,
                                      struct reel_error *err_out);

/* What the recordings of a device take together. */
struct reel_usage {
    uint64_t recordings;
    uint64_t bytes; /* of their WAV files */
};

/* Whether the device may go on with `more` (rules.max_recordings, rules.max_bytes). */
enum reel_code reel_rules_check_usage(const struct reel_rules *rules,
                                      const struct reel_usage *usage, const struct reel_usage *more,
                                      struct reel_error *err_out);

/* Settings beside the rules that bound what they bound. 0: no bound. */
struct reel_rules_limits {
    uint64_t max_fragment_bytes;     /* limits.max_fragment_bytes */
    uint64_t session_max_duration_s; /* session.max_duration_s */
};

/* Two settings that cannot both be meant. */
struct reel_contradiction {
    const char *settings[2]; /* their names; the second may be NULL: one alone */
    char message[REEL_ERROR_MESSAGE_BYTES];
};

/* Say whether the rules contradict each other or the limits. */
bool reel_rules_contradict(const struct reel_rules *rules, const struct reel_rules_limits *limits,
                           struct reel_contradiction *what_out);

#endif
