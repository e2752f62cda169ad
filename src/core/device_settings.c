/* Device settings: their table, and the one way to put sections over each other. */
#include "core/device_settings.h"

#include "core/pattern.h"

#define NUMBER_SETTING(name, member, most, about)                                                  \
    REEL_NUMBER_SETTING(name, struct reel_device_settings, member, 0, most, 0, REEL_SETTING_LIVE,  \
                        about)
#define LIST_SETTING(name, member, least, most, word, about)                                       \
    REEL_LIST_SETTING(name, struct reel_device_settings, member, least, most, word, "",            \
                      REEL_SETTING_LIVE, about)

#define YEARS_100_S (100ull * 31557600)
#define EIB         (1ull << 60)

static const char *encoding_word(uint32_t value)
{
    return reel_encoding_name((enum reel_encoding)value);
}

const struct reel_setting reel_device_settings_table[REEL_DEVICE_SETTINGS] = {
    LIST_SETTING("rules.rates", rules.rates, 1, REEL_RATE_MAX, NULL,
                 "sample rates that are taken, in Hz; lists are separated by commas or spaces, and "
                 "an empty one allows all"),
    LIST_SETTING("rules.sample_sizes", rules.sample_sizes, 1, REEL_SAMPLE_BYTES_MAX, NULL,
                 "sizes of a sample that are taken, in bytes"),
    LIST_SETTING("rules.channels", rules.channels, 1, REEL_CHANNELS_MAX, NULL,
                 "numbers of channels that are taken"),
    LIST_SETTING("rules.encodings", rules.encodings, 0, REEL_ENCODING_COUNT - 1, encoding_word,
                 "encodings that are taken: `pcm`, `float`, `alaw`, `ulaw`"),
    NUMBER_SETTING("rules.min_duration_s", rules.min_duration_s, YEARS_100_S,
                   "a recording that ends shorter, its gaps counted, is removed, unless it is "
                   "kept; 0: no bound"),
    NUMBER_SETTING("rules.max_duration_s", rules.max_duration_s, YEARS_100_S,
                   "audio that would make a recording longer is refused; 0: no bound"),
    NUMBER_SETTING("rules.max_bytes", rules.max_bytes, EIB,
                   "what the WAV files of all of a device's recordings may take together; 0: no "
                   "bound"),
    NUMBER_SETTING("rules.max_recordings", rules.max_recordings, 1000000000,
                   "how many recordings a device may have; 0: no bound"),
    NUMBER_SETTING("rules.max_fragments_per_s", rules.max_fragments_per_s, 1000000,
                   "fragments of a device for each second of time or of their audio, whichever is "
                   "more, and ten seconds' worth at once; 0: no bound"),
    NUMBER_SETTING("rules.max_requests_per_s", rules.max_requests_per_s, 1000000,
                   "requests of a device a second, and ten seconds' worth at once; 0: no bound"),
    NUMBER_SETTING("retention.max_age_s", retention.max_age_s, YEARS_100_S,
                   "a recording is deleted so long after its end, unless it is kept; 0: no "
                   "bound"),
    NUMBER_SETTING("retention.max_bytes", retention.max_bytes, EIB,
                   "what the complete recordings may take, of all or, in a section for devices, of "
                   "each of them; those that ended longest ago go first; 0: no bound"),
    NUMBER_SETTING(
        "device.silent_after_s", silent_after_s, YEARS_100_S,
        "after so long without audio from a device that had sent some the event `silent` "
        "is told, and `back` when it sends again; 0: neither"),
};

bool reel_device_settings_has(const struct reel_device_settings *settings, const char *name)
{
    size_t at = reel_settings_find(reel_device_settings_table, REEL_DEVICE_SETTINGS, name);

    return at < REEL_DEVICE_SETTINGS && settings->lines[at] != 0;
}

void reel_device_settings_resolve(const struct reel_device_settings *base,
                                  const struct reel_override *overrides, size_t count,
                                  const char *device, struct reel_device_settings *settings_out)
{
    *settings_out = *base;
    for (size_t i = 0; i < count; i++) {
        const struct reel_device_settings *over = &overrides[i].settings;

        if (!reel_pattern_matches(overrides[i].pattern, device))
            continue;
        for (size_t k = 0; k < REEL_DEVICE_SETTINGS; k++) {
            if (over->lines[k] == 0)
                continue;
            reel_setting_copy(&reel_device_settings_table[k], settings_out, over);
            settings_out->lines[k] = over->lines[k];
        }
    }
}
