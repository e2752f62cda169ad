/* Human: figures as text. */
#include "cli/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reel_human_duration(double seconds, char out[REEL_HUMAN_BYTES])
{
    uint64_t tenths = (uint64_t)(seconds * 10 + 0.5);
    uint64_t whole = tenths / 10;

    if (seconds < 60)
        snprintf(out, REEL_HUMAN_BYTES, "%.2f s", seconds);
    else if (whole < 3600)
        snprintf(out, REEL_HUMAN_BYTES, "%" PRIu64 ":%02" PRIu64 ".%" PRIu64, whole / 60,
                 whole % 60, tenths % 10);
    else
        snprintf(out, REEL_HUMAN_BYTES, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600,
                 whole / 60 % 60, whole % 60);
}

void reel_human_bytes(uint64_t bytes, char out[REEL_HUMAN_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out, REEL_HUMAN_BYTES, "%" PRIu64 " B", bytes);
        return;
    }
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, REEL_HUMAN_BYTES, "%.1f %s", value, units[unit]);
}

void reel_human_time(const char *text, char out[REEL_HUMAN_BYTES])
{
    if (text && strlen(text) >= 20 && text[10] == 'T')
        snprintf(out, REEL_HUMAN_BYTES, "%.10s %.8sZ", text, text + 11);
    else
        snprintf(out, REEL_HUMAN_BYTES, "%.40s", text && *text ? text : "-");
}

const char *reel_member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

double reel_member_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

void reel_human_format(const json_t *recording, char out[REEL_HUMAN_BYTES])
{
    const char *encoding = reel_member_text(recording, "encoding");
    int pcm = strcmp(encoding, "pcm") == 0;

    snprintf(out, REEL_HUMAN_BYTES, "%.0f Hz, %.0f ch, %.0f bit%s%.16s",
             reel_member_number(recording, "rate"), reel_member_number(recording, "channels"),
             8 * reel_member_number(recording, "sample_size"), pcm ? "" : " ", pcm ? "" : encoding);
}

const char *reel_human_member(const json_t *object, const char *name, char *out, size_t capacity)
{
    const json_t *value = json_object_get(object, name);
    char *json;

    if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ||
        (json_is_array(value) && !json_array_size(value)) ||
        (json_is_object(value) && !json_object_size(value))) {
        snprintf(out, capacity, "-");
    } else if (json_is_string(value)) {
        snprintf(out, capacity, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, capacity, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        json = json_dumps(value, JSON_ENCODE_ANY);
        snprintf(out, capacity, "%s", json ? json : "?");
        free(json);
    }
    return out;
}
