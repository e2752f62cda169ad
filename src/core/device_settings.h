/* Device settings: those that may differ from device to device. A section `NAME "PATTERN"` stands
 * over section `NAME` for the devices whose names match. */
#ifndef REEL_CORE_DEVICE_SETTINGS_H
#define REEL_CORE_DEVICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "core/rules.h"
#include "core/setting.h"

/* How long recordings are held: section `retention`. 0: no bound. */
struct reel_retention {
    uint64_t max_age_s; /* after they ended */
    uint64_t max_bytes; /* of the WAV files of those that are complete, together: of a section for
                           devices, of each of them; else of all devices */
};

enum { REEL_DEVICE_SETTINGS = 13 };

struct reel_device_settings {
    struct reel_rules rules;
    struct reel_retention retention;
    uint64_t silent_after_s;         /* section `device`; 0: that nothing comes is never told */
    int lines[REEL_DEVICE_SETTINGS]; /* where each, in the table's order, was set; 0: nowhere */
};

extern const struct reel_setting reel_device_settings_table[REEL_DEVICE_SETTINGS];

/* What a section says for the devices that match: of `settings` what has a line. */
struct reel_override {
    char pattern[REEL_NAME_BYTES];
    struct reel_device_settings settings;
};

/* Whether a section sets the setting of that name. */
bool reel_device_settings_has(const struct reel_device_settings *settings, const char *name);

/* The settings of a device: `base`, with each override over it that matches, in their order, so
 * that the last that sets a key wins. */
void reel_device_settings_resolve(const struct reel_device_settings *base,
                                  const struct reel_override *overrides, size_t count,
                                  const char *device, struct reel_device_settings *settings_out);

#endif
