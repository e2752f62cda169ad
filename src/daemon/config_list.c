/* Config, listed: the tables of settings as JSON. */
#include "daemon/config_list.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/object.h"
#include "daemon/config.h"

static json_t *words_of(const struct reel_setting *setting)
{
    json_t *words = json_array();

    for (uint64_t value = setting->least; value <= setting->most; value++)
        reel_array_append(&words, json_string(setting->word((uint32_t)value)));
    return words;
}

static json_t *describe(const struct reel_setting *setting, const void *values, bool devices)
{
    static const char *const kinds[] = {
        [REEL_SETTING_TEXT] = "text",
        [REEL_SETTING_NUMBER] = "number",
        [REEL_SETTING_LIST] = "list",
    };
    char standard[REEL_SETTING_BYTES];
    struct reel_object object;

    reel_setting_show(setting, values, standard, sizeof standard);
    reel_object_init(&object);
    reel_object_put_text(&object, "name", setting->name);
    reel_object_put_text(&object, "kind", kinds[setting->kind]);
    reel_object_put_text(&object, "default", standard);
    if (setting->word) {
        reel_object_put(&object, "words", words_of(setting));
    } else if (setting->kind != REEL_SETTING_TEXT) {
        reel_object_put_uint(&object, "least", setting->least);
        reel_object_put_uint(&object, "most", setting->most);
    }
    reel_object_put(&object, "restart", json_boolean(setting->change == REEL_SETTING_RESTART));
    reel_object_put(&object, "devices", json_boolean(devices));
    reel_object_put_text(&object, "about", setting->about);
    return reel_object_take(&object);
}

static void append(json_t **array, const struct reel_setting *settings, size_t count,
                   const void *values, bool devices)
{
    for (size_t i = 0; i < count; i++)
        reel_array_append(array, describe(&settings[i], values, devices));
}

bool reel_config_list(FILE *file)
{
    struct reel_config *config = calloc(1, sizeof *config);
    json_t *array = json_array();
    const struct reel_setting *settings;
    size_t count;
    bool written;

    settings = reel_config_settings(&count);
    if (config) {
        reel_settings_default(settings, count, config);
        append(&array, settings, count, config, false);
        append(&array, reel_device_settings_table, REEL_DEVICE_SETTINGS, &config->base, true);
    }
    written = config && array && json_dumpf(array, file, JSON_INDENT(2)) == 0 &&
              fputc('\n', file) != EOF && fflush(file) == 0;
    json_decref(array);
    reel_config_destroy(&config);
    return written;
}
