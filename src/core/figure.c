/* Figure: units by powers of ten. */
#include "core/figure.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

void reel_figure_bytes(uint64_t bytes, char out[REEL_FIGURE_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out, REEL_FIGURE_BYTES, "%" PRIu64 " B", bytes);
        return;
    }
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, REEL_FIGURE_BYTES, "%.1f %s", value, units[unit]);
}
