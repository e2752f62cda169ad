/* Top: what `reel top` shows: the sink, and a row for each device with what came of it since the
 * look before. It neither asks nor draws; time is an argument. */
#ifndef REEL_CLI_TOP_H
#define REEL_CLI_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "cli/human.h"
#include "cli/table.h"

enum reel_top_sort {
    REEL_TOP_DEVICE,
    REEL_TOP_HEARD, /* what was heard last comes first, as with the others the greatest */
    REEL_TOP_RATE,
    REEL_TOP_SIZE,
    REEL_TOP_GAPS,
    REEL_TOP_REFUSED,
    REEL_TOP_SORTS
};

/* The name of each, for --sort; its first letter is its key. */
extern const char *const reel_top_sort_names[REEL_TOP_SORTS];

struct reel_top_row {
    char device[REEL_NAME_BYTES];
    bool has_heard;
    int64_t heard_us; /* wall clock */
    bool grows;
    bool silent;
    double bytes;
    double fragments;
    double gap_frames;
    double refused;
    bool has_rate; /* it was there at the look before */
    double bytes_per_s;
    double fragments_per_s;
};

struct reel_top_rows {
    struct reel_top_row *items;
    size_t count;
    size_t capacity;
};

struct reel_top {
    enum reel_top_sort sort;
    struct reel_top_rows shown;  /* sorted */
    struct reel_top_rows before; /* by device, as the sink lists them */
    struct reel_top_rows coming; /* the same, of the look under way */
    int64_t looked_us;           /* monotonic: when the last look was over; 0: there was none */
    json_t *status;              /* of the sink, NULL as long as it has not answered */
    json_t *status_before;
    int64_t status_us; /* monotonic */
    int64_t status_before_us;
};

void reel_top_init(struct reel_top *top, enum reel_top_sort sort);
void reel_top_finish(struct reel_top *top);

/* Take in the answer to `status`, whose reference is taken over. */
void reel_top_take_status(struct reel_top *top, json_t *status, int64_t monotonic_us);

/* Begin a look; take in a page of `devices`; end it. What was shown stays until then. False: memory
 * ran out. */
void reel_top_begin(struct reel_top *top);
bool reel_top_take_page(struct reel_top *top, const json_t *page);
bool reel_top_end(struct reel_top *top, int64_t monotonic_us);

void reel_top_sort_by(struct reel_top *top, enum reel_top_sort sort);

/* Lines about the sink, above the rows. */
enum { REEL_TOP_HEAD_LINES = 3, REEL_TOP_LINE_BYTES = 256 };
void reel_top_head(const struct reel_top *top,
                   char lines_out[REEL_TOP_HEAD_LINES][REEL_TOP_LINE_BYTES]);

/* The cells of a row, under these titles; all but the first are aligned at their right. */
enum { REEL_TOP_COLUMNS = 8 };
extern const struct reel_column reel_top_columns[REEL_TOP_COLUMNS];
void reel_top_cells(const struct reel_top_row *row, int64_t wall_us,
                    char cells_out[REEL_TOP_COLUMNS][REEL_HUMAN_BYTES + REEL_NAME_BYTES]);

#endif
