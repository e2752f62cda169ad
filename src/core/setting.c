/* Setting: text to a member of a struct. */
#include "core/setting.h"

#include <stdio.h>
#include <string.h>

static void *member(const struct reel_setting *setting, void *values)
{
    return (char *)values + setting->offset;
}

static size_t member_bytes(const struct reel_setting *setting)
{
    switch (setting->kind) {
    case REEL_SETTING_NUMBER:
        return sizeof(uint64_t);
    case REEL_SETTING_LIST:
        return sizeof(struct reel_choices);
    default:
        return setting->capacity;
    }
}

/* Digits and nothing else, at most `most`. */
static bool read_number(const char *text, size_t length, uint64_t most, uint64_t *number_out)
{
    uint64_t number = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        if (digit > 9 || number > (most - digit % 10) / 10)
            return false;
        number = 10 * number + digit;
    }
    *number_out = number;
    return length > 0;
}

static enum reel_code set_number(const struct reel_setting *setting, void *values, const char *text,
                                 struct reel_error *err_out)
{
    unsigned long long least = setting->least;
    unsigned long long most = setting->most;
    uint64_t number;

    if (read_number(text, strlen(text), most, &number) && number >= least) {
        memcpy(member(setting, values), &number, sizeof number);
        return REEL_OK;
    }
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                          "%s must be %s %llu %s %llu, not \"%.40s\"", setting->name,
                          most - least == 1 ? "either" : "a whole number from", least,
                          most - least == 1 ? "or" : "to", most, text);
}

static enum reel_code set_text(const struct reel_setting *setting, void *values, const char *text,
                               struct reel_error *err_out)
{
    size_t length = strlen(text);

    if (length >= setting->capacity)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                              "%s is longer than %zu characters", setting->name,
                              setting->capacity - 1);
    memcpy(member(setting, values), text, length + 1);
    return REEL_OK;
}

/* ---- lists ---- */

static bool read_value(const struct reel_setting *setting, const char *text, size_t length,
                       uint32_t *value_out)
{
    uint64_t number;

    for (number = setting->least; setting->word && number <= setting->most; number++) {
        const char *word = setting->word((uint32_t)number);

        if (strlen(word) == length && memcmp(word, text, length) == 0)
            break;
    }
    if (!setting->word && !read_number(text, length, setting->most, &number))
        return false;
    *value_out = (uint32_t)number;
    return number >= setting->least && number <= setting->most;
}

/* What a list's values may be, for a message. */
static void say_values(const struct reel_setting *setting, char *out, size_t capacity)
{
    size_t used = 0;

    if (!setting->word) {
        snprintf(out, capacity, "whole numbers from %llu to %llu",
                 (unsigned long long)setting->least, (unsigned long long)setting->most);
        return;
    }
    for (uint64_t value = setting->least; value <= setting->most && used < capacity; value++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%s", used ? ", " : "",
                                 setting->word((uint32_t)value));
}

static bool named(const struct reel_choices *choices, uint32_t value)
{
    for (uint32_t i = 0; i < choices->count; i++) {
        if (choices->values[i] == value)
            return true;
    }
    return false;
}

bool reel_choices_allow(const struct reel_choices *choices, uint32_t value)
{
    return choices->count == 0 || named(choices, value);
}

static enum reel_code set_list(const struct reel_setting *setting, void *values, const char *text,
                               struct reel_error *err_out)
{
    static const char separators[] = ", \t";
    struct reel_choices choices = {.count = 0};
    char known[REEL_ERROR_MESSAGE_BYTES];
    uint32_t value;

    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);

        if (!read_value(setting, text, length, &value)) {
            say_values(setting, known, sizeof known);
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                                  "%s is a list of %.100s; \"%.*s\" is none", setting->name, known,
                                  (int)(length < 40 ? length : 40), text);
        }
        text += length;
        if (named(&choices, value))
            continue;
        if (choices.count == REEL_CHOICES_MAX)
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                                  "%s names more than %d", setting->name, REEL_CHOICES_MAX);
        choices.values[choices.count++] = value;
    }
    memcpy(member(setting, values), &choices, sizeof choices);
    return REEL_OK;
}

/* ---- tables ---- */

enum reel_code reel_setting_set(const struct reel_setting *setting, void *values, const char *text,
                                struct reel_error *err_out)
{
    switch (setting->kind) {
    case REEL_SETTING_NUMBER:
        return set_number(setting, values, text, err_out);
    case REEL_SETTING_LIST:
        return set_list(setting, values, text, err_out);
    default:
        return set_text(setting, values, text, err_out);
    }
}

void reel_settings_default(const struct reel_setting *settings, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        if (settings[i].kind == REEL_SETTING_NUMBER)
            memcpy(member(&settings[i], values), &settings[i].standard, sizeof(uint64_t));
        else /* the tables' own texts are right */
            (void)reel_setting_set(&settings[i], values, settings[i].text, NULL);
    }
}

size_t reel_settings_find(const struct reel_setting *settings, size_t count, const char *name)
{
    size_t at = 0;

    while (at < count && strcmp(settings[at].name, name) != 0)
        at++;
    return at;
}

void reel_setting_copy(const struct reel_setting *setting, void *to, const void *from)
{
    memcpy(member(setting, to), (const char *)from + setting->offset, member_bytes(setting));
}

bool reel_setting_equal(const struct reel_setting *setting, const void *a, const void *b)
{
    const char *ours = (const char *)a + setting->offset;
    const char *theirs = (const char *)b + setting->offset;

    if (setting->kind == REEL_SETTING_TEXT)
        return strcmp(ours, theirs) == 0;
    return memcmp(ours, theirs, member_bytes(setting)) == 0;
}

static void show_list(const struct reel_setting *setting, const struct reel_choices *choices,
                      char *out, size_t capacity)
{
    size_t used = 0;

    for (uint32_t i = 0; i < choices->count && used < capacity; i++) {
        const char *comma = i > 0 ? ", " : "";
        uint32_t value = choices->values[i];

        used += (size_t)(setting->word ? snprintf(out + used, capacity - used, "%s%s", comma,
                                                  setting->word(value))
                                       : snprintf(out + used, capacity - used, "%s%u", comma,
                                                  (unsigned)value));
    }
}

void reel_setting_show(const struct reel_setting *setting, const void *values, char *out,
                       size_t capacity)
{
    const char *from = (const char *)values + setting->offset;
    struct reel_choices choices;
    uint64_t number;

    out[0] = '\0';
    switch (setting->kind) {
    case REEL_SETTING_NUMBER:
        memcpy(&number, from, sizeof number);
        snprintf(out, capacity, "%llu", (unsigned long long)number);
        return;
    case REEL_SETTING_LIST:
        memcpy(&choices, from, sizeof choices);
        show_list(setting, &choices, out, capacity);
        return;
    default:
        snprintf(out, capacity, "%s", from);
    }
}
