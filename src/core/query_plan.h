/* Query plan: what `list`, `rejects` and `devices` ask, checked and normalised (protocol.md,
 * "Requests and responses"). Pure: no SQL here, store/catalog turns it into some. */
#ifndef REEL_CORE_QUERY_PLAN_H
#define REEL_CORE_QUERY_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"

enum reel_sort { REEL_SORT_STARTED, REEL_SORT_DURATION, REEL_SORT_NAME };

/* Where a page ends and the next begins: the sort's value of the last row, and its row. Only what
 * the sort needs is kept: `integer` for started, `real` for duration, the names for name. */
struct reel_cursor {
    double real;     /* duration */
    int64_t integer; /* started */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    uint64_t rowid;
};

struct reel_list_plan {
    bool has_device, has_session_prefix, has_state, has_min_duration, has_max_duration, has_since,
        has_until, has_rate, has_channels, has_sample_bytes, has_end_reason, has_gaps, has_kept;
    char device[REEL_NAME_BYTES];
    char session_prefix[REEL_NAME_BYTES];
    enum reel_state state;
    double min_duration_s, max_duration_s; /* both inclusive */
    int64_t since_us, until_us;            /* started_at: since inclusive, until exclusive */
    uint64_t rate, channels, sample_bytes;
    enum reel_end_reason end_reason;
    bool gaps, kept;
    json_t *tags; /* object, owned: every one must match; NULL if none */

    enum reel_sort sort;
    bool descending;
    uint32_t limit;
    bool count;
    bool has_cursor;
    struct reel_cursor cursor;
    uint32_t fingerprint; /* of filters and sort; a cursor carries it */
};

/* Read the request's document; `confined_device` (NULL: none) narrows it to that device.
 * BAD_REQUEST with the field: a wrong type, a value out of range, a name that is none, a cursor
 * that we did not make or that belongs to another question. NOT_ALLOWED (field "device") where a
 * confined request names another device. Unknown fields are ignored. Default sort: started. */
enum reel_code reel_list_plan_decode(const json_t *request, const char *confined_device,
                                     struct reel_list_plan *out, struct reel_error *err_out);
void reel_list_plan_finish(struct reel_list_plan *plan);

enum { REEL_CURSOR_TEXT_BYTES = 320 };

/* The text of a cursor after the row described (base64url, with a check sum). */
void reel_cursor_encode(const struct reel_list_plan *plan, const struct reel_cursor *cursor,
                        char out[REEL_CURSOR_TEXT_BYTES]);

struct reel_rejects_plan {
    bool has_device, has_session, has_code, has_since, has_until;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    enum reel_code code;
    int64_t since_us, until_us;
    uint32_t limit;
    bool has_before;
    uint64_t before_id;   /* newest first: only ids below this */
    uint32_t fingerprint; /* of the filters; a cursor carries it */
};

/* The same for `rejects`: device, session (whole names), code, since, until, limit, cursor. */
enum reel_code reel_rejects_plan_decode(const json_t *request, const char *confined_device,
                                        struct reel_rejects_plan *out, struct reel_error *err_out);

/* The text of a cursor after the quarantined fragment `last_id`. */
void reel_rejects_cursor_encode(const struct reel_rejects_plan *plan, uint64_t last_id,
                                char out[REEL_CURSOR_TEXT_BYTES]);

struct reel_devices_plan {
    bool has_device;
    char device[REEL_NAME_BYTES];
    uint32_t limit;
    char after[REEL_NAME_BYTES]; /* by name: only those behind; "": all */
};

/* The same for `devices`: device, limit, cursor. */
enum reel_code reel_devices_plan_decode(const json_t *request, const char *confined_device,
                                        struct reel_devices_plan *out, struct reel_error *err_out);

/* The text of a cursor after the device `last`. */
void reel_devices_cursor_encode(const char *last, char out[REEL_CURSOR_TEXT_BYTES]);

#endif
