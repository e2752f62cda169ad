/* Exposition: metrics in the text format of Prometheus, as node_exporter's textfile collector reads
 * it (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure. */
#ifndef REEL_CORE_EXPOSITION_H
#define REEL_CORE_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/message.h"

enum reel_metric_type { REEL_METRIC_COUNTER, REEL_METRIC_GAUGE, REEL_METRIC_HISTOGRAM };

struct reel_exposition {
    struct reel_buffer text; /* what was written; the caller finishes it */
    bool no_memory;          /* then it is not whole */
};

/* A number as it is counted: whole, or microseconds that are told as seconds. */
struct reel_metric_number {
    uint64_t value;
    bool is_us;
};

enum { REEL_METRIC_NUMBER_BYTES = 32 };
void reel_metric_number_format(struct reel_metric_number number,
                               char out[REEL_METRIC_NUMBER_BYTES]);

/* Begin a family: the samples of that name follow. `help` is one line; what the format has another
 * meaning for is escaped. */
void reel_exposition_family(struct reel_exposition *out, const char *name,
                            enum reel_metric_type type, const char *help);

/* One sample, with a label unless `label` is NULL; the value of the label is escaped. */
void reel_exposition_sample(struct reel_exposition *out, const char *name, const char *label,
                            const char *label_value, struct reel_metric_number number);

/* The samples of a histogram: `counts` of what was at most each of `bounds`, one more for what was
 * above all, not added up; and their sum. Bounds and sum are alike in unit. */
void reel_exposition_histogram(struct reel_exposition *out, const char *name,
                               const uint64_t *bounds, const uint64_t *counts, size_t bounds_count,
                               struct reel_metric_number sum);

#endif
