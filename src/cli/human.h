/* Human: the figures of the protocol as people read them, and members of documents as texts. */
#ifndef REEL_CLI_HUMAN_H
#define REEL_CLI_HUMAN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { REEL_HUMAN_BYTES = 64 };

/* "3.42 s", "12:03.4", "1:02:03". */
void reel_human_duration(double seconds, char out[REEL_HUMAN_BYTES]);

/* "512 B", "1.2 MB" (powers of ten). */
void reel_human_bytes(uint64_t bytes, char out[REEL_HUMAN_BYTES]);

/* "2026-01-02 03:04:05Z" from RFC 3339 in UTC; "-" for NULL. */
void reel_human_time(const char *text, char out[REEL_HUMAN_BYTES]);

/* "16000 Hz, 1 ch, 16 bit" of a recording; "..., float", "..., alaw" where it is not PCM. */
void reel_human_format(const json_t *recording, char out[REEL_HUMAN_BYTES]);

/* What sets a recording apart: "kept, part 2 of day, site=roof, gain=3"; "-" where nothing does.
 * Cut where it does not fit. */
void reel_human_notes(const json_t *recording, char *out, size_t capacity);

/* A member as text: a string as it is, a number in digits, "yes", "no", "-" for null, nothing or
 * what is empty, "name=value, ..." of an object, else JSON. Cut where it does not fit. Returns
 * `out`. */
const char *reel_human_member(const json_t *object, const char *name, char *out, size_t capacity);

/* A member's text or number; "" or 0 where there is none. */
const char *reel_member_text(const json_t *object, const char *name);
double reel_member_number(const json_t *object, const char *name);

/* Fragments of a device that were refused: those for no recording are in quarantine alone. */
double reel_human_refused(const json_t *device);

#endif
