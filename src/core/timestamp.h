/* Timestamp: microseconds since 1970 as the protocol's text, RFC 3339, and back. Pure. */
#ifndef REEL_CORE_TIMESTAMP_H
#define REEL_CORE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

enum { REEL_TIME_BYTES = 32 };

/* Microseconds since 1970 as RFC 3339 in UTC: "2026-01-02T03:04:05.678901Z". A time outside the
 * years 0 to 9999, which RFC 3339 cannot tell, becomes the nearest that it can. */
void reel_time_format(int64_t time_us, char out[REEL_TIME_BYTES]);

/* The same as a name may have it: "20260102T030405Z", `exact` "20260102T030405.678901Z". */
void reel_time_format_name(int64_t time_us, bool exact, char out[REEL_TIME_BYTES]);

/* Say whether the text is one that reel_time_format_name makes. */
bool reel_time_is_name(const char *text);

/* Parse RFC 3339, any offset and any number of fractional digits (those past the sixth are cut).
 * A leap second is the first of the next minute. False where it is none, `*time_us_out` as it
 * was. */
bool reel_time_parse(const char *text, int64_t *time_us_out);

#endif
