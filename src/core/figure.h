/* Figure: amounts as people read them. */
#ifndef REEL_CORE_FIGURE_H
#define REEL_CORE_FIGURE_H

#include <stdint.h>

enum { REEL_FIGURE_BYTES = 24 };

/* "512 B", "1.2 MB" (powers of ten). */
void reel_figure_bytes(uint64_t bytes, char out[REEL_FIGURE_BYTES]);

#endif
