/* Pattern: which devices a section of the settings is for. `*` stands for any characters, also
 * none, `?` for one. */
#ifndef REEL_CORE_PATTERN_H
#define REEL_CORE_PATTERN_H

#include <stdbool.h>

#include "base/limits.h"

/* Whether there are names that it matches: 1 to 64 characters of a name's or `*` and `?`. */
bool reel_pattern_valid(const char *pattern);

bool reel_pattern_matches(const char *pattern, const char *name);

/* A name that both patterns match, which are valid; false if there is none. The stars stand for as
 * little as they can. */
bool reel_pattern_common(const char *a, const char *b, char name_out[REEL_NAME_BYTES]);

#endif
