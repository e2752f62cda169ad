/* Topic: names and topics of the protocol, parsed and built (protocol.md, "Names", "Topics"). */
#ifndef REEL_WIRE_TOPIC_H
#define REEL_WIRE_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

enum reel_topic_kind {
    REEL_TOPIC_OTHER = 0, /* not of this prefix, or not one the sink takes */
    REEL_TOPIC_AUDIO,     /* audio/{device} (session empty) or audio/{device}/{session} */
    REEL_TOPIC_UPLOAD,    /* upload/{device}/{session} */
    REEL_TOPIC_BLOCK,     /* upload/{device}/{session}/{upload}/{offset} */
    REEL_TOPIC_REQUEST,   /* request/{op} (device empty) or request/{op}/{device} */
    REEL_TOPIC_STATUS,    /* status/{sink}; the sink's name is in `device` */
};

/* Below each kind stands what `reeld --check-broker` sends to itself: no name begins so. */
#define REEL_TOPIC_CHECK "$check"

enum { REEL_OP_BYTES = 32 };

struct reel_topic {
    enum reel_topic_kind kind;
    bool confined; /* a request's topic names a device */
    char op[REEL_OP_BYTES];
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    uint64_t upload; /* of a block: which upload's it is */
    uint64_t offset; /* ... and where it begins, in bytes */
};

/* Say whether `text` (`bytes` long) is a name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter
 * or digit. */
bool reel_name_valid(const char *text, size_t bytes);

/* Take `topic` apart below `prefix` (no trailing slash). Returns OK with kind OTHER for a topic
 * that is none of ours, or a check's. BAD_REQUEST with field "device" or "session" (or "op",
 * "upload", "offset") for one of ours with a bad or missing name or number or too many levels: then
 * `out->kind` is right, and the names that are valid are filled in, so that the event and the
 * response can say where it came from. An upload's session loses what an audio file's name ends in
 * (".wav"). */
enum reel_code reel_topic_parse(const char *prefix, const char *topic, struct reel_topic *out,
                                struct reel_error *err_out);

/* Build `{prefix}/{a}/{b}/{c}` into `out`; b and c may be NULL or "" and are then left away.
 * Returns false, `out` empty, if it does not fit. */
bool reel_topic_build(char *out, size_t capacity, const char *prefix, const char *a, const char *b,
                      const char *c);

/* Where a response may go. `confined_device` is the device that the request's or fragment's topic
 * names, or NULL for `request/{op}`; `allow` has the filters of `broker.reply_allow`, parted by
 * commas or spaces (they may hold + and #). NOT_ALLOWED for a place outside them, BAD_REQUEST for a
 * topic that is none: over 256 bytes or 16 levels, not UTF-8, a wildcard, a leading `$`, a control
 * character (C0, DEL, C1), U+0000 or a noncharacter, empty. `field` names where it was given:
 * "response_topic" or "reply_to". For a confined device also `response/{any op}/{device}` passes.
 */
enum reel_code reel_reply_check(const char *prefix, const char *allow, const char *confined_device,
                                const char *reply_topic, size_t reply_topic_bytes,
                                const char *field, struct reel_error *err_out);

/* Say whether `topic` matches the MQTT filter. */
bool reel_topic_matches(const char *filter, const char *topic);

/* The next filter of a list, parted by commas or white space, within `*list`, which moves behind
 * it: of `*bytes_out` bytes, without an end. NULL: there is none. */
const char *reel_topic_next_filter(const char **list, size_t *bytes_out);

#endif
