/* Config, devices: sections `NAME "PATTERN"`, which stand for the devices whose names match. */
#include <stdio.h>
#include <string.h>

#include "core/pattern.h"
#include "daemon/config_internal.h"

static enum reel_code set_device(const struct reel_config *config,
                                 struct reel_device_settings *settings, const char *name,
                                 const char *text, int line, struct reel_error *err_out)
{
    size_t at = reel_settings_find(reel_device_settings_table, REEL_DEVICE_SETTINGS, name);
    enum reel_code code;

    if (at == REEL_DEVICE_SETTINGS)
        return reel_config_unknown(name, err_out);
    code = reel_config_note_line(config, &settings->lines[at], name, line, err_out);
    return code ? code : reel_setting_set(&reel_device_settings_table[at], settings, text, err_out);
}

enum reel_code reel_config_set_base(struct reel_config *config, const char *name, const char *text,
                                    int line, struct reel_error *err_out)
{
    return set_device(config, &config->base, name, text, line, err_out);
}

/* Take `NAME "PATTERN"` apart. */
static bool read_section(const char *section, char name_out[REEL_SETTING_BYTES],
                         char pattern_out[REEL_NAME_BYTES])
{
    const char *space = strchr(section, ' ');
    const char *pattern = space ? space + strspn(space, " ") : "";
    size_t length = strlen(pattern);

    if (length < 2 || pattern[0] != '"' || pattern[length - 1] != '"' ||
        length - 2 >= REEL_NAME_BYTES)
        return false;
    snprintf(name_out, REEL_SETTING_BYTES, "%.*s", (int)(space - section), section);
    snprintf(pattern_out, REEL_NAME_BYTES, "%.*s", (int)(length - 2), pattern + 1);
    return reel_pattern_valid(pattern_out);
}

/* The override that the section's lines go to: the last, where it has that pattern. The order of
 * sections says which wins, so an earlier one is not taken up again. NULL: there are too many. */
static struct reel_override *find_override(struct reel_config *config, const char *pattern)
{
    size_t count = config->overrides_count;

    if (count > 0 && strcmp(config->overrides[count - 1].pattern, pattern) == 0)
        return &config->overrides[count - 1];
    if (count == REEL_OVERRIDES_MAX)
        return NULL;
    snprintf(config->overrides[count].pattern, sizeof config->overrides[count].pattern, "%s",
             pattern);
    return &config->overrides[config->overrides_count++];
}

enum reel_code reel_config_set_override(struct reel_config *config, const char *section,
                                        const char *key, const char *text, int line,
                                        struct reel_error *err_out)
{
    char pattern[REEL_NAME_BYTES];
    char name[REEL_SETTING_BYTES];
    char full_name[2 * REEL_SETTING_BYTES];
    struct reel_override *override;

    if (!read_section(section, name, pattern))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "a section for devices is [NAME \"PATTERN\"], at most 49 characters, "
                              "its pattern of A-Z a-z 0-9 . _ - * ?");
    override = find_override(config, pattern);
    if (!override)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "there are more than %d sections for devices", REEL_OVERRIDES_MAX);
    snprintf(full_name, sizeof full_name, "%s.%s", name, key);
    return set_device(config, &override->settings, full_name, text, line, err_out);
}

void reel_config_device(const struct reel_config *config, const char *device,
                        struct reel_device_settings *settings_out)
{
    reel_device_settings_resolve(&config->base, config->overrides, config->overrides_count, device,
                                 settings_out);
}

void reel_config_rules(const struct reel_config *config, const char *device,
                       struct reel_rules *rules_out)
{
    struct reel_device_settings settings;

    reel_config_device(config, device, &settings);
    *rules_out = settings.rules;
}

void reel_config_retention(const struct reel_config *config, const char *device,
                           struct reel_retention *retention_out)
{
    struct reel_device_settings base = config->base;
    struct reel_device_settings settings;

    base.retention.max_bytes = 0;
    reel_device_settings_resolve(&base, config->overrides, config->overrides_count, device,
                                 &settings);
    *retention_out = settings.retention;
}

/* ---- rules that contradict each other ---- */

static int line_of(const struct reel_config *config, const struct reel_device_settings *settings,
                   const char *name)
{
    size_t at = reel_settings_find(reel_device_settings_table, REEL_DEVICE_SETTINGS, name);

    return at < REEL_DEVICE_SETTINGS ? settings->lines[at] : reel_config_line(config, name);
}

/* Tell of both, with where they stand: a default stands nowhere. A contradiction that was told of
 * other devices is not told again. */
static void tell(const struct reel_config *config, const struct reel_device_settings *settings,
                 const struct reel_contradiction *what, const char *device,
                 struct reel_complaints *complaints)
{
    char at[2][REEL_LOCATION_BYTES] = {"", ""};
    char text[2 * REEL_LOCATION_BYTES + REEL_ERROR_MESSAGE_BYTES + 16];
    const char *names[2] = {what->settings[0], what->settings[1] ? what->settings[1] : ""};

    for (int i = 0; i < 2; i++)
        reel_config_location(config, line_of(config, settings, names[i]), at[i]);
    snprintf(text, sizeof text, "%s%s%s: %s%s%s: %s", at[0], at[0][0] && at[1][0] ? " and " : "",
             at[1], names[0], names[1][0] ? " and " : "", names[1], what->message);
    if (!reel_complaints_has(complaints, text))
        reel_complain(complaints, "", "%s%s%s", text, device[0] ? ", of device " : "", device);
}

static void check_device(const struct reel_config *config, const char *device,
                         struct reel_complaints *complaints)
{
    const struct reel_rules_limits limits = {
        .max_fragment_bytes = config->max_fragment_bytes,
        .session_max_duration_s = config->session_max_duration_s,
    };
    struct reel_device_settings settings;
    struct reel_contradiction what;

    reel_config_device(config, device, &settings);
    if (reel_rules_contradict(&settings.rules, &limits, &what))
        tell(config, &settings, &what, device, complaints);
}

/* A device without a section, and for each pair of patterns one that both are for. A pattern makes
 * a pair with itself, too. */
void reel_config_check_rules(const struct reel_config *config, struct reel_complaints *complaints)
{
    char device[REEL_NAME_BYTES];

    check_device(config, "", complaints);
    for (size_t i = 0; i < config->overrides_count; i++) {
        for (size_t k = 0; k <= i; k++) {
            if (reel_pattern_common(config->overrides[i].pattern, config->overrides[k].pattern,
                                    device))
                check_device(config, device, complaints);
        }
    }
}
