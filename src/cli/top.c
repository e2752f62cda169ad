/* Top: rows, what they differ by from those before, and their text. */
#include "cli/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/timestamp.h"

enum { SECOND_US = 1000000, CELL_BYTES = REEL_HUMAN_BYTES + REEL_NAME_BYTES };

const char *const reel_top_sort_names[REEL_TOP_SORTS] = {"device", "heard", "rate",
                                                         "size",   "gaps",  "wrong"};

const struct reel_column reel_top_columns[REEL_TOP_COLUMNS] = {
    {"DEVICE", false}, {"STATE", false}, {"HEARD", true},   {"RATE", true},
    {"FRAG/S", true},  {"SIZE", true},   {"MISSING", true}, {"REFUSED", true},
};

void reel_top_init(struct reel_top *top, enum reel_top_sort sort)
{
    *top = (struct reel_top){.sort = sort};
}

void reel_top_finish(struct reel_top *top)
{
    free(top->shown.items);
    free(top->before.items);
    free(top->coming.items);
    json_decref(top->status);
    json_decref(top->status_before);
}

void reel_top_take_status(struct reel_top *top, json_t *status, int64_t monotonic_us)
{
    json_decref(top->status_before);
    top->status_before = top->status;
    top->status_before_us = top->status_us;
    top->status = status;
    top->status_us = monotonic_us;
}

/* ---- a look ---- */

void reel_top_begin(struct reel_top *top)
{
    top->coming.count = 0;
}

static struct reel_top_row *add(struct reel_top_rows *rows)
{
    if (rows->count == rows->capacity) {
        size_t wanted = rows->capacity ? 2 * rows->capacity : 256;
        struct reel_top_row *grown = reallocarray(rows->items, wanted, sizeof *grown);

        if (!grown)
            return NULL;
        rows->items = grown;
        rows->capacity = wanted;
    }
    return &rows->items[rows->count++];
}

static struct reel_top_row row_of(const json_t *item)
{
    struct reel_top_row row = {
        .grows = json_is_string(json_object_get(item, "session")),
        .silent = json_is_true(json_object_get(item, "silent")),
        .bytes = reel_member_number(item, "bytes"),
        .fragments = reel_member_number(item, "fragments"),
        .gap_frames = reel_member_number(item, "gap_frames"),
        .refused = reel_human_refused(item),
    };

    snprintf(row.device, sizeof row.device, "%s", reel_member_text(item, "device"));
    row.has_heard = reel_time_parse(reel_member_text(item, "heard_at"), &row.heard_us);
    return row;
}

bool reel_top_take_page(struct reel_top *top, const json_t *page)
{
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(page, "devices"), i, item) {
        struct reel_top_row *row = add(&top->coming);

        if (!row)
            return false;
        *row = row_of(item);
    }
    return true;
}

static int by_device(const void *a, const void *b)
{
    const struct reel_top_row *left = a;
    const struct reel_top_row *right = b;

    return strcmp(left->device, right->device);
}

/* What is deleted makes less of it: that is no rate. */
static double rate(double now, double before, double seconds)
{
    return now > before && seconds > 0 ? (now - before) / seconds : 0;
}

static void compare(struct reel_top *top, struct reel_top_row *row, double seconds)
{
    const struct reel_top_row *before = NULL;

    if (top->before.count > 0)
        before = bsearch(row, top->before.items, top->before.count, sizeof *row, by_device);
    row->has_rate = top->looked_us > 0;
    row->bytes_per_s = rate(row->bytes, before ? before->bytes : 0, seconds);
    row->fragments_per_s = rate(row->fragments, before ? before->fragments : 0, seconds);
}

static double key_of(const struct reel_top_row *row, enum reel_top_sort sort)
{
    switch (sort) {
    case REEL_TOP_HEARD:
        return row->has_heard ? (double)row->heard_us : 0;
    case REEL_TOP_RATE:
        return row->bytes_per_s;
    case REEL_TOP_SIZE:
        return row->bytes;
    case REEL_TOP_GAPS:
        return row->gap_frames;
    case REEL_TOP_REFUSED:
        return row->refused;
    default:
        return 0;
    }
}

/* The greatest first; where they are alike, by name. */
static int by_key(const void *a, const void *b, void *user)
{
    const enum reel_top_sort *sort = user;
    double left = key_of(a, *sort);
    double right = key_of(b, *sort);

    if (left != right)
        return left > right ? -1 : 1;
    return by_device(a, b);
}

void reel_top_sort_by(struct reel_top *top, enum reel_top_sort sort)
{
    top->sort = sort;
    if (top->shown.count > 0)
        qsort_r(top->shown.items, top->shown.count, sizeof *top->shown.items, by_key, &top->sort);
}

bool reel_top_end(struct reel_top *top, int64_t monotonic_us)
{
    double seconds = (double)(monotonic_us - top->looked_us) / SECOND_US;
    struct reel_top_rows before = top->before;

    for (size_t i = 0; i < top->coming.count; i++)
        compare(top, &top->coming.items[i], seconds);
    top->looked_us = monotonic_us;
    top->before = top->coming;
    top->coming = before;
    top->shown.count = 0;
    for (size_t i = 0; i < top->before.count; i++) {
        struct reel_top_row *row = add(&top->shown);

        if (!row)
            return false;
        *row = top->before.items[i];
    }
    reel_top_sort_by(top, top->sort);
    return true;
}

/* ---- as text ---- */

static double counter(const json_t *status, const char *name)
{
    return reel_member_number(json_object_get(status, "counters"), name);
}

static double counter_rate(const struct reel_top *top, const char *name)
{
    if (!top->status_before)
        return 0;
    return rate(counter(top->status, name), counter(top->status_before, name),
                (double)(top->status_us - top->status_before_us) / SECOND_US);
}

static void count_rows(const struct reel_top *top, size_t *grow_out, size_t *silent_out)
{
    *grow_out = *silent_out = 0;
    for (size_t i = 0; i < top->shown.count; i++) {
        *grow_out += top->shown.items[i].grows;
        *silent_out += top->shown.items[i].silent;
    }
}

void reel_top_head(const struct reel_top *top,
                   char lines_out[REEL_TOP_HEAD_LINES][REEL_TOP_LINE_BYTES])
{
    const json_t *disk = json_object_get(top->status, "disk");
    const json_t *store = json_object_get(top->status, "store");
    const char *reason = reel_member_text(top->status, "reason");
    char uptime[REEL_HUMAN_BYTES], free[REEL_HUMAN_BYTES], all[REEL_HUMAN_BYTES];
    char in[REEL_HUMAN_BYTES];
    size_t grow, silent;

    count_rows(top, &grow, &silent);
    reel_human_duration(reel_member_number(top->status, "uptime"), uptime);
    reel_human_bytes((uint64_t)reel_member_number(disk, "free_bytes"), free);
    reel_human_bytes((uint64_t)reel_member_number(disk, "total_bytes"), all);
    reel_human_bytes((uint64_t)counter_rate(top, "fragment_bytes"), in);
    snprintf(lines_out[0], REEL_TOP_LINE_BYTES, "sink %s  %s%s%.120s  up %s  reel %s",
             reel_member_text(top->status, "sink"), reel_member_text(top->status, "state"),
             *reason ? ": " : "", reason, uptime, reel_member_text(top->status, "version"));
    snprintf(lines_out[1], REEL_TOP_LINE_BYTES,
             "disk %s free of %s  recordings %.0f, %.0f grow  devices %zu: %zu record, %zu silent",
             free, all, reel_member_number(store, "recordings"),
             reel_member_number(store, "recordings_open"), top->shown.count, grow, silent);
    snprintf(lines_out[2], REEL_TOP_LINE_BYTES,
             "audio %s/s, %.1f fragments/s  gaps %.0f  refused %.0f  quarantined %.0f", in,
             counter_rate(top, "fragments"), counter(top->status, "gaps"),
             counter(top->status, "rejected"), reel_member_number(store, "quarantined"));
}

static void ago(const struct reel_top_row *row, int64_t wall_us, char *out)
{
    int64_t seconds = (wall_us - row->heard_us) / SECOND_US;

    if (!row->has_heard)
        snprintf(out, CELL_BYTES, "-");
    else if (seconds < 60)
        snprintf(out, CELL_BYTES, "%lld s", (long long)(seconds > 0 ? seconds : 0));
    else if (seconds < 3600)
        snprintf(out, CELL_BYTES, "%lld min", (long long)seconds / 60);
    else if (seconds < 86400)
        snprintf(out, CELL_BYTES, "%lld h", (long long)seconds / 3600);
    else
        snprintf(out, CELL_BYTES, "%lld d", (long long)seconds / 86400);
}

void reel_top_cells(const struct reel_top_row *row, int64_t wall_us,
                    char cells_out[REEL_TOP_COLUMNS][REEL_HUMAN_BYTES + REEL_NAME_BYTES])
{
    char size[REEL_HUMAN_BYTES], bytes[REEL_HUMAN_BYTES];

    reel_human_bytes((uint64_t)row->bytes, size);
    reel_human_bytes((uint64_t)row->bytes_per_s, bytes);
    snprintf(cells_out[0], CELL_BYTES, "%s", row->device);
    snprintf(cells_out[1], CELL_BYTES, "%s", row->silent ? "silent" : row->grows ? "rec" : "-");
    ago(row, wall_us, cells_out[2]);
    snprintf(cells_out[3], CELL_BYTES, row->has_rate ? "%s/s" : "-", bytes);
    snprintf(cells_out[4], CELL_BYTES, row->has_rate ? "%.1f" : "-", row->fragments_per_s);
    snprintf(cells_out[5], CELL_BYTES, "%s", size);
    snprintf(cells_out[6], CELL_BYTES, "%.0f", row->gap_frames);
    snprintf(cells_out[7], CELL_BYTES, "%.0f", row->refused);
}
