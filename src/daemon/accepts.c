/* Accepts: the settings that bound what is taken in, as JSON. */
#include "daemon/accepts.h"

#include <string.h>

#include "core/object.h"

static const char section[] = "rules.";
enum { SECTION_LENGTH = sizeof section - 1 };

static const void *member(const struct reel_device_settings *settings, size_t at)
{
    return (const char *)settings + reel_device_settings_table[at].offset;
}

static json_t *list(const struct reel_setting *setting, const struct reel_choices *choices)
{
    json_t *values = json_array();

    for (uint32_t i = 0; i < choices->count; i++) {
        uint32_t value = choices->values[i];

        reel_array_append(&values,
                          setting->word ? json_string(setting->word(value)) : json_integer(value));
    }
    return values;
}

/* The rules that were set, by their keys. */
static json_t *rules(const struct reel_device_settings *settings)
{
    struct reel_object object;

    reel_object_init(&object);
    for (size_t i = 0; i < REEL_DEVICE_SETTINGS; i++) {
        const struct reel_setting *setting = &reel_device_settings_table[i];
        const char *key = setting->name + SECTION_LENGTH;

        if (settings->lines[i] == 0 || strncmp(setting->name, section, SECTION_LENGTH) != 0)
            continue;
        if (setting->kind == REEL_SETTING_LIST)
            reel_object_put(&object, key, list(setting, member(settings, i)));
        else
            reel_object_put_uint(&object, key, *(const uint64_t *)member(settings, i));
    }
    return reel_object_take(&object);
}

static json_t *overrides(const struct reel_config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->overrides_count; i++) {
        json_t *of = rules(&config->overrides[i].settings);

        if (of && json_object_size(of) == 0) /* it sets other things */
            json_decref(of);
        else
            reel_array_append(&array, json_pack("{s:s, s:o}", "pattern",
                                                config->overrides[i].pattern, "rules", of));
    }
    return array;
}

static json_t *formats(reel_containers containers)
{
    json_t *names = json_array();

    for (unsigned i = 0; i < REEL_CONTAINER_COUNT; i++) {
        if (containers & REEL_CONTAINER_BIT(i))
            reel_array_append(&names, json_string(reel_container_name((enum reel_container)i)));
    }
    return names;
}

/* Of uploads: in one message, and in blocks. */
static json_t *uploads(const struct reel_config *config)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put(&object, "formats", formats(config->upload_formats));
    reel_object_put_uint(&object, "max_message_bytes", config->max_upload_bytes);
    reel_object_put_uint(&object, "max_bytes", config->upload_max_bytes);
    reel_object_put_uint(&object, "max_audio_bytes", config->upload_max_audio_bytes);
    reel_object_put_uint(&object, "block_bytes", config->upload_block_bytes);
    return reel_object_take(&object);
}

json_t *reel_accepts(const struct reel_config *config)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_uint(&object, "max_fragment_bytes", config->max_fragment_bytes);
    reel_object_put_uint(&object, "max_gap_s", config->max_gap_s);
    reel_object_put_uint(&object, "max_gap_bytes", config->max_gap_bytes);
    reel_object_put_uint(&object, "max_response_bytes", config->max_response_bytes);
    reel_object_put_uint(&object, "max_channels", REEL_CHANNELS_MAX);
    reel_object_put_uint(&object, "max_rate", REEL_RATE_MAX);
    reel_object_put(&object, "encodings",
                    json_pack("{s:[i,i,i,i], s:[i,i], s:[i], s:[i]}", "pcm", 1, 2, 3, 4, "float", 4,
                              8, "alaw", 1, "ulaw", 1));
    reel_object_put(&object, "uploads", uploads(config));
    reel_object_put(&object, "rules", rules(&config->base));
    reel_object_put(&object, "devices", overrides(config));
    return reel_object_take(&object);
}
