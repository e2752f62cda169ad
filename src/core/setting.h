/* Setting: a member of a struct that a text sets. Tables of them say all there is to say of the
 * settings: names, bounds, defaults, what each is for. Manual, README and the file of defaults are
 * made of them. */
#ifndef REEL_CORE_SETTING_H
#define REEL_CORE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { REEL_SETTING_BYTES = 256 }; /* a name or a text, with its terminator */

/* Values out of which one may be chosen, in the order in which they were named. None: any. */
enum { REEL_CHOICES_MAX = 16 };
struct reel_choices {
    uint32_t values[REEL_CHOICES_MAX];
    uint32_t count;
};

enum reel_setting_kind { REEL_SETTING_TEXT, REEL_SETTING_NUMBER, REEL_SETTING_LIST };

/* When another value holds: at once, or after a restart. */
enum reel_setting_change { REEL_SETTING_LIVE, REEL_SETTING_RESTART };

/* The name of a list's value; "" for what is none. */
typedef const char *reel_setting_word_fn(uint32_t value);

struct reel_setting {
    const char *name; /* section.key */
    enum reel_setting_kind kind;
    size_t offset;              /* of the member: text, uint64_t, or struct reel_choices */
    size_t capacity;            /* TEXT */
    uint64_t least, most;       /* NUMBER; LIST: of each value */
    uint64_t standard;          /* NUMBER: the default */
    const char *text;           /* TEXT, LIST: the default */
    reel_setting_word_fn *word; /* LIST of words; NULL: of numbers */
    enum reel_setting_change change;
    const char *about; /* what it is for: a line of text, literals in `...` */
};

#define REEL_TEXT_SETTING(name, type, member, text, change, about)                                 \
    {                                                                                              \
        name, REEL_SETTING_TEXT, offsetof(type, member), sizeof(((type *)0)->member), 0, 0, 0,     \
            text, NULL, change, about                                                              \
    }
#define REEL_NUMBER_SETTING(name, type, member, least, most, standard, change, about)              \
    {                                                                                              \
        name, REEL_SETTING_NUMBER, offsetof(type, member), 0, least, most, standard, NULL, NULL,   \
            change, about                                                                          \
    }
#define REEL_LIST_SETTING(name, type, member, least, most, word, text, change, about)              \
    {                                                                                              \
        name, REEL_SETTING_LIST, offsetof(type, member), 0, least, most, 0, text, word, change,    \
            about                                                                                  \
    }

/* Set all of a table's members of `values`, its struct, to their defaults. */
void reel_settings_default(const struct reel_setting *settings, size_t count, void *values);

/* The index of the setting of that name; `count` if there is none. */
size_t reel_settings_find(const struct reel_setting *settings, size_t count, const char *name);

/* How many letters apart two names are: the fewest that are put in, left out or changed to make the
 * one the other. SIZE_MAX where one is longer than a setting's name may be. */
size_t reel_setting_distance(const char *a, const char *b);

/* The setting that `name` may have been meant to be: the nearest that is a few letters from it, or
 * the first that has its key in another section. NULL if there is none. */
const struct reel_setting *reel_settings_near(const struct reel_setting *settings, size_t count,
                                              const char *name);
const struct reel_setting *reel_settings_same_key(const struct reel_setting *settings, size_t count,
                                                  const char *name);

/* Set its member of `values`. A list is separated by commas or white space. BAD_REQUEST, with the
 * setting as field; nothing is changed then. */
enum reel_code reel_setting_set(const struct reel_setting *setting, void *values, const char *text,
                                struct reel_error *err_out);

/* Copy its member from one struct to another. */
void reel_setting_copy(const struct reel_setting *setting, void *to, const void *from);

/* Whether its member is the same in both; the text that stands there, cut to `capacity`. */
bool reel_setting_equal(const struct reel_setting *setting, const void *a, const void *b);
void reel_setting_show(const struct reel_setting *setting, const void *values, char *out,
                       size_t capacity);

/* Whether it is one of those named; always, where none is. */
bool reel_choices_allow(const struct reel_choices *choices, uint32_t value);

#endif
