/* Human: figures as text. */
#include "cli/human.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/figure.h"

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
    reel_figure_bytes(bytes, out);
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

double reel_human_refused(const json_t *device)
{
    double rejected = reel_member_number(device, "rejected");
    double quarantined = reel_member_number(device, "quarantined");

    return rejected > quarantined ? rejected : quarantined;
}

void reel_human_format(const json_t *recording, char out[REEL_HUMAN_BYTES])
{
    const char *encoding = reel_member_text(recording, "encoding");
    int pcm = strcmp(encoding, "pcm") == 0;

    snprintf(out, REEL_HUMAN_BYTES, "%.0f Hz, %.0f ch, %.0f bit%s%.16s",
             reel_member_number(recording, "rate"), reel_member_number(recording, "channels"),
             8 * reel_member_number(recording, "sample_size"), pcm ? "" : " ", pcm ? "" : encoding);
}

/* Append at `used`, which never passes the capacity. */
static void put(char *out, size_t capacity, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void put(char *out, size_t capacity, size_t *used, const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = vsnprintf(out + *used, capacity - *used, format, args);
    va_end(args);
    if (bytes > 0)
        *used += (size_t)bytes < capacity - *used ? (size_t)bytes : capacity - *used - 1;
}

static void put_value(char *out, size_t capacity, size_t *used, const json_t *value)
{
    char *json;

    if (json_is_string(value)) {
        put(out, capacity, used, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        put(out, capacity, used, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        json = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        put(out, capacity, used, "%s", json ? json : "?");
        free(json);
    }
}

static void put_object(char *out, size_t capacity, size_t *used, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        put(out, capacity, used, "%s%s=", *used ? ", " : "", name);
        put_value(out, capacity, used, value);
    }
}

void reel_human_notes(const json_t *recording, char *out, size_t capacity)
{
    const char *part_of = reel_member_text(recording, "part_of");
    size_t used = 0;

    if (json_is_true(json_object_get(recording, "kept")))
        put(out, capacity, &used, "kept");
    if (*part_of)
        put(out, capacity, &used, "%spart %.0f of %s", used ? ", " : "",
            reel_member_number(recording, "part"), part_of);
    put_object(out, capacity, &used, json_object_get(recording, "tags"));
    if (!used)
        put(out, capacity, &used, "-");
}

const char *reel_human_member(const json_t *object, const char *name, char *out, size_t capacity)
{
    const json_t *value = json_object_get(object, name);
    size_t used = 0;

    if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ||
        (json_is_array(value) && !json_array_size(value)) ||
        (json_is_object(value) && !json_object_size(value)))
        put(out, capacity, &used, "-");
    else if (json_is_object(value))
        put_object(out, capacity, &used, value);
    else
        put_value(out, capacity, &used, value);
    return out;
}
