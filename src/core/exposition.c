/* Exposition: families and samples, a line each. */
#include "core/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const types[] = {
    [REEL_METRIC_COUNTER] = "counter",
    [REEL_METRIC_GAUGE] = "gauge",
    [REEL_METRIC_HISTOGRAM] = "histogram",
};

static void put(struct reel_exposition *out, const char *text)
{
    if (!out->no_memory && !reel_buffer_append(&out->text, text, strlen(text)))
        out->no_memory = true;
}

/* Backslash and line feed are escaped in both, the quote in the value of a label alone. */
static void put_escaped(struct reel_exposition *out, const char *text, bool is_label)
{
    for (; *text; text++) {
        char plain[2] = {*text, '\0'};

        if (*text == '\n')
            put(out, "\\n");
        else if (*text == '\\')
            put(out, "\\\\");
        else if (*text == '"' && is_label)
            put(out, "\\\"");
        else
            put(out, plain);
    }
}

void reel_metric_number_format(struct reel_metric_number number, char out[REEL_METRIC_NUMBER_BYTES])
{
    if (number.is_us)
        snprintf(out, REEL_METRIC_NUMBER_BYTES, "%" PRIu64 ".%06" PRIu64, number.value / 1000000,
                 number.value % 1000000);
    else
        snprintf(out, REEL_METRIC_NUMBER_BYTES, "%" PRIu64, number.value);
}

void reel_exposition_family(struct reel_exposition *out, const char *name,
                            enum reel_metric_type type, const char *help)
{
    put(out, "# HELP ");
    put(out, name);
    put(out, " ");
    put_escaped(out, help, false);
    put(out, "\n# TYPE ");
    put(out, name);
    put(out, " ");
    put(out, types[type]);
    put(out, "\n");
}

void reel_exposition_sample(struct reel_exposition *out, const char *name, const char *label,
                            const char *label_value, struct reel_metric_number number)
{
    char value[REEL_METRIC_NUMBER_BYTES];

    put(out, name);
    if (label) {
        put(out, "{");
        put(out, label);
        put(out, "=\"");
        put_escaped(out, label_value, true);
        put(out, "\"}");
    }
    reel_metric_number_format(number, value);
    put(out, " ");
    put(out, value);
    put(out, "\n");
}

/* The whole number as the format writes bounds, without zeros behind the point. */
static void format_bound(struct reel_metric_number bound, char out[REEL_METRIC_NUMBER_BYTES])
{
    size_t length;

    reel_metric_number_format(bound, out);
    length = strlen(out);
    while (bound.is_us && length > 0 && out[length - 1] == '0')
        out[--length] = '\0';
    if (bound.is_us && length > 0 && out[length - 1] == '.')
        out[--length] = '\0';
}

void reel_exposition_histogram(struct reel_exposition *out, const char *name,
                               const uint64_t *bounds, const uint64_t *counts, size_t bounds_count,
                               struct reel_metric_number sum)
{
    struct reel_metric_number so_far = {0, false};
    char sample[128];

    snprintf(sample, sizeof sample, "%s_bucket", name);
    for (size_t i = 0; i <= bounds_count; i++) {
        char bound[REEL_METRIC_NUMBER_BYTES] = "+Inf";

        if (i < bounds_count)
            format_bound((struct reel_metric_number){bounds[i], sum.is_us}, bound);
        so_far.value += counts[i];
        reel_exposition_sample(out, sample, "le", bound, so_far);
    }
    snprintf(sample, sizeof sample, "%s_sum", name);
    reel_exposition_sample(out, sample, NULL, NULL, sum);
    snprintf(sample, sizeof sample, "%s_count", name);
    reel_exposition_sample(out, sample, NULL, NULL, so_far);
}
