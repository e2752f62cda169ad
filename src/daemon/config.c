/* Config: settings are set one by one, by name, each noting where it stands, and compared. */
#include "daemon/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_internal.h"
#include "wire/topic.h"

void reel_config_name_after_host(char out[REEL_NAME_BYTES])
{
    char host[REEL_NAME_BYTES] = "";

    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        memcpy(host, "sink", sizeof "sink");
    for (size_t i = 0; host[i]; i++) {
        bool fits = reel_name_valid(host + i, 1) || (i > 0 && strchr("._-", host[i]));

        if (!fits)
            host[i] = i > 0 ? '-' : 'x';
    }
    memcpy(out, host, sizeof host);
}

void reel_config_default(struct reel_config *config)
{
    size_t count;
    const struct reel_setting *settings = reel_config_settings(&count);

    memset(config, 0, sizeof *config);
    reel_settings_default(settings, count, config);
    reel_settings_default(reel_device_settings_table, REEL_DEVICE_SETTINGS, &config->base);
    reel_config_name_after_host(config->sink_name);
}

void reel_config_destroy(struct reel_config **config)
{
    free(*config);
    *config = NULL;
}

/* ---- one setting ---- */

/* The setting that was meant; NULL: nobody knows. */
static const struct reel_setting *find_meant(const char *name)
{
    size_t count;
    const struct reel_setting *settings = reel_config_settings(&count);
    const struct reel_setting *devices = reel_device_settings_table;
    const struct reel_setting *one = reel_settings_near(settings, count, name);
    const struct reel_setting *other = reel_settings_near(devices, REEL_DEVICE_SETTINGS, name);

    if (one && other)
        return reel_setting_distance(name, other->name) < reel_setting_distance(name, one->name)
                   ? other
                   : one;
    if (!one && !other) {
        one = reel_settings_same_key(settings, count, name);
        other = reel_settings_same_key(devices, REEL_DEVICE_SETTINGS, name);
    }
    return one ? one : other;
}

enum reel_code reel_config_unknown(const char *name, struct reel_error *err_out)
{
    const struct reel_setting *near = find_meant(name);

    if (name[0] == '.')
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, name,
                              "%.60s stands before the first [section]", name + 1);
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, name, "there is no setting %.80s%s%s%s",
                          name, near ? ": did you mean " : "", near ? near->name : "",
                          near ? "?" : "");
}

enum reel_code reel_config_set(struct reel_config *config, const char *section, const char *key,
                               const char *text, int line, struct reel_error *err_out)
{
    char name[REEL_SETTING_BYTES];
    size_t count;
    const struct reel_setting *settings = reel_config_settings(&count);
    enum reel_code code;
    size_t at;

    if (strchr(section, '"'))
        return reel_config_set_override(config, section, key, text, line, err_out);
    snprintf(name, sizeof name, "%s.%s", section, key);
    at = reel_settings_find(settings, count, name);
    if (at == count)
        return reel_config_set_base(config, name, text, line, err_out);
    code = reel_config_note_line(config, &config->lines[at], name, line, err_out);
    return code ? code : reel_setting_set(&settings[at], config, text, err_out);
}

/* ---- where it stands ---- */

/* The file that the line is of; there is one. */
static const struct reel_config_file *file_of(const struct reel_config *config, int line)
{
    size_t at = config->files_count - 1;

    while (at > 0 && config->files[at].lines_before >= line)
        at--;
    return &config->files[at];
}

void reel_config_location(const struct reel_config *config, int line, char out[REEL_LOCATION_BYTES])
{
    out[0] = '\0';
    if (line == REEL_LINE_OPTION)
        snprintf(out, REEL_LOCATION_BYTES, "-o");
    else if (line > 0)
        snprintf(out, REEL_LOCATION_BYTES, "%s:%d", file_of(config, line)->path,
                 line - file_of(config, line)->lines_before);
}

int reel_config_line(const struct reel_config *config, const char *name)
{
    size_t count;
    const struct reel_setting *settings = reel_config_settings(&count);
    size_t at = reel_settings_find(settings, count, name);

    return at < count ? config->lines[at] : 0;
}

enum reel_code reel_config_note_line(const struct reel_config *config, int *line_at,
                                     const char *name, int line, struct reel_error *err_out)
{
    int lines_before = line > 0 ? file_of(config, line)->lines_before : 0;

    if (line > 0 && *line_at > lines_before)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, name, "%s stands on line %d already",
                              name, *line_at - lines_before);
    *line_at = line;
    return REEL_OK;
}

/* ---- another config ---- */

void reel_config_keep_fixed(const struct reel_config *running, struct reel_config *config,
                            reel_config_change_fn *tell, void *user)
{
    size_t count;
    const struct reel_setting *settings = reel_config_settings(&count);
    char was[REEL_SETTING_BYTES];
    char is[REEL_SETTING_BYTES];

    for (size_t i = 0; i < count; i++) {
        bool stands = running->lines[i] != 0 || config->lines[i] != 0;

        if (stands && !reel_setting_equal(&settings[i], running, config)) {
            reel_setting_show(&settings[i], running, was, sizeof was);
            reel_setting_show(&settings[i], config, is, sizeof is);
            tell(user, &settings[i], was, is);
        }
        if (settings[i].change == REEL_SETTING_RESTART)
            reel_setting_copy(&settings[i], config, running);
    }
}
