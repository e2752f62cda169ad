/* Rules, contradictions: settings under which nothing could ever be taken, or of which one could
 * never take effect. */
#include <stdarg.h>
#include <stdio.h>

#include "core/rules.h"
#include "core/wav_header.h"

static bool found(struct reel_contradiction *what, const char *first, const char *second,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool found(struct reel_contradiction *what, const char *first, const char *second,
                  const char *format, ...)
{
    va_list args;

    what->settings[0] = first;
    what->settings[1] = second;
    va_start(args, format);
    vsnprintf(what->message, sizeof what->message, format, args);
    va_end(args);
    return true;
}

static bool durations_contradict(const struct reel_rules *rules,
                                 const struct reel_rules_limits *limits,
                                 struct reel_contradiction *what)
{
    unsigned long long least_s = rules->min_duration_s;
    unsigned long long most_s = rules->max_duration_s;
    unsigned long long part_s = limits->session_max_duration_s;

    if (most_s && least_s > most_s)
        return found(what, "rules.min_duration_s", "rules.max_duration_s",
                     "no recording is both %llu s and at most %llu s long", least_s, most_s);
    if (part_s && least_s > part_s)
        return found(what, "rules.min_duration_s", "session.max_duration_s",
                     "no recording grows to %llu s, since it goes on in another after %llu s",
                     least_s, part_s);
    if (part_s && most_s >= part_s)
        return found(what, "rules.max_duration_s", "session.max_duration_s",
                     "no recording is refused after %llu s, since it goes on in another after "
                     "%llu s",
                     most_s, part_s);
    return false;
}

/* Whether an encoding that is allowed has samples of that size. */
static bool size_exists(const struct reel_choices *encodings, uint32_t sample_bytes)
{
    struct reel_format format = {.rate = 1, .channels = 1, .sample_bytes = (uint8_t)sample_bytes};

    for (unsigned encoding = 0; encoding < REEL_ENCODING_COUNT; encoding++) {
        format.encoding = (enum reel_encoding)encoding;
        if (reel_choices_allow(encodings, encoding) && reel_format_check(&format, NULL) == REEL_OK)
            return true;
    }
    return false;
}

static bool formats_contradict(const struct reel_rules *rules, struct reel_contradiction *what)
{
    const struct reel_choices *sizes = &rules->sample_sizes;
    bool any = rules->encodings.count == 0;

    for (uint32_t i = 0; i < sizes->count; i++) {
        if (!size_exists(&rules->encodings, sizes->values[i]))
            return found(what, "rules.sample_sizes", any ? NULL : "rules.encodings",
                         "no encoding%s has samples of %u bytes", any ? "" : " that is allowed",
                         (unsigned)sizes->values[i]);
    }
    return false;
}

static uint64_t least_of(const struct reel_choices *choices)
{
    uint32_t least = choices->count ? choices->values[0] : 1;

    for (uint32_t i = 1; i < choices->count; i++)
        least = choices->values[i] < least ? choices->values[i] : least;
    return least;
}

/* What a second of audio takes at least, in any format that is allowed. */
static uint64_t least_bytes_per_s(const struct reel_rules *rules)
{
    uint64_t sample_bytes = least_of(&rules->sample_sizes);

    while (!size_exists(&rules->encodings, (uint32_t)sample_bytes) &&
           sample_bytes < REEL_SAMPLE_BYTES_MAX)
        sample_bytes++;
    return least_of(&rules->rates) * least_of(&rules->channels) * sample_bytes;
}

static bool amounts_contradict(const struct reel_rules *rules,
                               const struct reel_rules_limits *limits,
                               struct reel_contradiction *what)
{
    uint64_t bytes_per_s = least_bytes_per_s(rules);
    uint64_t least_bytes = REEL_WAV_DATA_OFFSET + rules->min_duration_s * bytes_per_s;

    if (rules->max_bytes && rules->max_bytes < least_bytes)
        return found(what, "rules.max_bytes", rules->min_duration_s ? "rules.min_duration_s" : NULL,
                     "no recording fits: the shortest takes %llu bytes",
                     (unsigned long long)least_bytes);
    if (rules->max_fragments_per_s && limits->max_fragment_bytes &&
        rules->max_fragments_per_s * limits->max_fragment_bytes < bytes_per_s)
        return found(what, "rules.max_fragments_per_s", "limits.max_fragment_bytes",
                     "no device keeps up: a second of what is allowed takes %llu bytes at least",
                     (unsigned long long)bytes_per_s);
    return false;
}

bool reel_rules_contradict(const struct reel_rules *rules, const struct reel_rules_limits *limits,
                           struct reel_contradiction *what_out)
{
    return durations_contradict(rules, limits, what_out) || formats_contradict(rules, what_out) ||
           amounts_contradict(rules, limits, what_out);
}
