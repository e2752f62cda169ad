/* Setting, near: which one a name that is none was meant to be. */
#include <stdio.h>
#include <string.h>

#include "core/setting.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One row of the table at a time: row[k] is the distance of what was seen of `a` to the first k
 * letters of `b`. */
size_t reel_setting_distance(const char *a, const char *b)
{
    size_t row[REEL_SETTING_BYTES];
    size_t length = strlen(b);

    if (length >= REEL_SETTING_BYTES || strlen(a) >= REEL_SETTING_BYTES)
        return SIZE_MAX;
    for (size_t k = 0; k <= length; k++)
        row[k] = k;
    for (size_t i = 0; a[i]; i++) {
        size_t before = row[0]; /* of one letter less of both */

        row[0] = i + 1;
        for (size_t k = 0; k < length; k++) {
            size_t changed = before + (a[i] != b[k]);

            before = row[k + 1];
            row[k + 1] = least(changed, 1 + least(row[k], row[k + 1]));
        }
    }
    return row[length];
}

const struct reel_setting *reel_settings_near(const struct reel_setting *settings, size_t count,
                                              const char *name)
{
    size_t most = strlen(name) < 12 ? 2 : 3;
    const struct reel_setting *near = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = reel_setting_distance(name, settings[i].name);

        if (distance > most)
            continue;
        near = &settings[i];
        most = distance > 0 ? distance - 1 : 0;
    }
    return near;
}

static const char *key_of(const char *name)
{
    const char *point = strrchr(name, '.');

    return point ? point + 1 : name;
}

const struct reel_setting *reel_settings_same_key(const struct reel_setting *settings, size_t count,
                                                  const char *name)
{
    size_t at = 0;

    while (at < count && strcmp(key_of(name), key_of(settings[at].name)) != 0)
        at++;
    return at < count ? &settings[at] : NULL;
}
