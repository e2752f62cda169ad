/* Rules: what is checked of a recording. Rules that contradict each other are in
 * rules_contradict.c. */
#include "core/rules.h"

#include <stdio.h>

static void say_choices(const struct reel_choices *choices, reel_setting_word_fn *word, char *out,
                        size_t capacity)
{
    size_t used = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < choices->count && used < capacity; i++) {
        const char *before = i > 0 ? ", " : "";
        uint32_t value = choices->values[i];

        if (word)
            used += (size_t)snprintf(out + used, capacity - used, "%s%s", before, word(value));
        else
            used += (size_t)snprintf(out + used, capacity - used, "%s%u", before, (unsigned)value);
    }
}

static enum reel_code check_number(const struct reel_choices *choices, const char *field,
                                   const char *what, uint32_t value, struct reel_error *err_out)
{
    char allowed[REEL_ERROR_MESSAGE_BYTES / 2];

    if (reel_choices_allow(choices, value))
        return REEL_OK;
    say_choices(choices, NULL, allowed, sizeof allowed);
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, field,
                          "its %s is %u, and the rules allow %s", what, (unsigned)value, allowed);
}

static const char *encoding_word(uint32_t value)
{
    return reel_encoding_name((enum reel_encoding)value);
}

static enum reel_code check_encoding(const struct reel_rules *rules, enum reel_encoding encoding,
                                     struct reel_error *err_out)
{
    char allowed[REEL_ERROR_MESSAGE_BYTES / 2];

    if (reel_choices_allow(&rules->encodings, encoding))
        return REEL_OK;
    say_choices(&rules->encodings, encoding_word, allowed, sizeof allowed);
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.encodings",
                          "its encoding is %s, and the rules allow %s",
                          reel_encoding_name(encoding), allowed);
}

enum reel_code reel_rules_check_format(const struct reel_rules *rules,
                                       const struct reel_format *format, struct reel_error *err_out)
{
    enum reel_code code = check_number(&rules->rates, "rules.rates", "rate", format->rate, err_out);

    if (code == REEL_OK)
        code = check_number(&rules->sample_sizes, "rules.sample_sizes", "sample size in bytes",
                            format->sample_bytes, err_out);
    if (code == REEL_OK)
        code = check_number(&rules->channels, "rules.channels", "number of channels",
                            format->channels, err_out);
    return code ? code : check_encoding(rules, format->encoding, err_out);
}

enum reel_code reel_rules_check_longest(const struct reel_rules *rules,
                                        const struct reel_format *format, uint64_t frames,
                                        struct reel_error *err_out)
{
    if (rules->max_duration_s == 0 || frames <= rules->max_duration_s * format->rate)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.max_duration_s",
                          "the recording would become longer than %llu s",
                          (unsigned long long)rules->max_duration_s);
}

enum reel_code reel_rules_check_shortest(const struct reel_rules *rules,
                                         const struct reel_format *format, uint64_t frames,
                                         struct reel_error *err_out)
{
    if (frames >= rules->min_duration_s * format->rate)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.min_duration_s",
                          "the recording is shorter than %llu s",
                          (unsigned long long)rules->min_duration_s);
}

enum reel_code reel_rules_check_whole(const struct reel_rules *rules,
                                      const struct reel_format *format, uint64_t frames,
                                      struct reel_error *err_out)
{
    enum reel_code code = reel_rules_check_format(rules, format, err_out);

    if (code == REEL_OK)
        code = reel_rules_check_longest(rules, format, frames, err_out);
    return code ? code : reel_rules_check_shortest(rules, format, frames, err_out);
}

/* Whether `more` may come to what is used: it always may where it is nothing. */
static bool has_room(uint64_t most, uint64_t used, uint64_t more)
{
    return most == 0 || more == 0 || (used <= most && more <= most - used);
}

enum reel_code reel_rules_check_usage(const struct reel_rules *rules,
                                      const struct reel_usage *usage, const struct reel_usage *more,
                                      struct reel_error *err_out)
{
    if (!has_room(rules->max_recordings, usage->recordings, more->recordings))
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.max_recordings",
                              "the device has %llu recordings, and the rules allow %llu",
                              (unsigned long long)usage->recordings,
                              (unsigned long long)rules->max_recordings);
    if (!has_room(rules->max_bytes, usage->bytes, more->bytes))
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.max_bytes",
                              "the device's recordings take %llu bytes, and the rules allow %llu",
                              (unsigned long long)usage->bytes,
                              (unsigned long long)rules->max_bytes);
    return REEL_OK;
}
