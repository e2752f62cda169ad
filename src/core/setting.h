/* Setting: a member of a struct that a text sets. Tables of them say what settings there are: their
 * names, bounds and defaults. */
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
};

#define REEL_TEXT_SETTING(name, type, member, text)                                                \
    {                                                                                              \
        name, REEL_SETTING_TEXT, offsetof(type, member), sizeof(((type *)0)->member), 0, 0, 0,     \
            text, NULL                                                                             \
    }
#define REEL_NUMBER_SETTING(name, type, member, least, most, standard)                             \
    {                                                                                              \
        name, REEL_SETTING_NUMBER, offsetof(type, member), 0, least, most, standard, NULL, NULL    \
    }
#define REEL_LIST_SETTING(name, type, member, least, most, word, text)                             \
    {                                                                                              \
        name, REEL_SETTING_LIST, offsetof(type, member), 0, least, most, 0, text, word             \
    }

/* Set all of a table's members of `values`, its struct, to their defaults. */
void reel_settings_default(const struct reel_setting *settings, size_t count, void *values);

/* The index of the setting of that name; `count` if there is none. */
size_t reel_settings_find(const struct reel_setting *settings, size_t count, const char *name);

/* Set its member of `values`. A list is separated by commas or white space. BAD_REQUEST, with the
 * setting as field; nothing is changed then. */
enum reel_code reel_setting_set(const struct reel_setting *setting, void *values, const char *text,
                                struct reel_error *err_out);

/* Copy its member from one struct to another. */
void reel_setting_copy(const struct reel_setting *setting, void *to, const void *from);

/* Whether it is one of those named; always, where none is. */
bool reel_choices_allow(const struct reel_choices *choices, uint32_t value);

#endif
