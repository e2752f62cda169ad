/* Fragment: one payload of audio, from its three forms into one struct (protocol.md,
 * "Fragments"): a MessagePack map, the same document as JSON, or a small WAV file whose numbers
 * come as MQTT 5 user properties. */
#ifndef REEL_WIRE_FRAGMENT_H
#define REEL_WIRE_FRAGMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "wire/format.h"

enum reel_payload_kind { REEL_PAYLOAD_MSGPACK, REEL_PAYLOAD_JSON, REEL_PAYLOAD_WAV };

/* The form of a payload, by its first bytes; it need not be sound. */
enum reel_payload_kind reel_payload_kind_of(const uint8_t *payload, size_t bytes);

/* One run of a recorder. `text` is empty where none was sent; a uint is its decimal digits, and
 * 7 and "7" name the same run. `is_uint` only remembers how to send it back: it is false for a
 * uint of 2^63 and more, which a JSON document cannot hold, so that goes back as its digits. */
struct reel_boot {
    char text[REEL_NAME_BYTES];
    bool is_uint;
};

/* The numbers that say where a fragment goes. */
struct reel_numbers {
    bool has_seq;
    bool has_frame;
    bool end;
    uint64_t seq;   /* below REEL_NUMBER_MAX */
    uint64_t frame; /* below REEL_NUMBER_MAX */
    struct reel_boot boot;
    uint32_t frames; /* length of the data */
};

struct reel_fragment {
    enum reel_payload_kind kind;
    char session[REEL_NAME_BYTES]; /* "" where the payload names none */
    struct reel_numbers numbers;
    bool has_time;
    uint64_t time_us; /* capture of the first frame, microseconds since 1970 UTC */
    char reply_to[REEL_REPLY_TOPIC_MAX_BYTES + 1]; /* "" where none; not yet checked */
    bool reply_to_unusable; /* one was sent that is over 256 bytes, or no text that a topic may be:
                               kept out; to be reported, but no reason to refuse the fragment */
    struct reel_format format;
    json_t *tags;        /* object of strings and numbers, owned by the fragment; NULL if none */
    const uint8_t *data; /* numbers.frames frames as WAV stores them; into payload or scratch */
    size_t data_bytes;
};

/* Memory for data that must be converted (arrays, base64); grows, and is used again and again. */
struct reel_scratch {
    uint8_t *bytes;
    size_t capacity;
};

struct reel_property {
    const char *name;
    const char *value;
};

/* What the MQTT 5 message says besides its payload. */
struct reel_envelope {
    const char *content_type;               /* NULL if none */
    const struct reel_property *properties; /* user properties */
    size_t properties_count;
};

/* Decode one payload; `envelope` may be NULL. What it held before is not released. `out->data`
 * points into `payload` or `scratch` and lives as long as they stay untouched; `out->tags` is
 * released by reel_fragment_finish. A document that ends its recording may leave `data` out.
 *
 * A WAV payload gives its session, seq, frame, boot, time, end (true, 1, false, 0) and reply_to as
 * user properties of those names; the errors name the property. Of its audio the smaller of
 * declared and present is taken; a declared size of 0 or 0xFFFFFFFF (or past the end) says
 * nothing, so what is present counts and half a frame at its end is left away. Half a frame within
 * a size that is true is an error, as in the other forms.
 *
 * BAD_REQUEST with the field at fault (its dotted path, "metadata.audio.rate"; "payload" for what
 * is no document at all; "content_type" for a Content Type that contradicts the bytes). Then `out`
 * still holds kind, session, seq, frame, end, boot and reply_to as far as they could be read (the
 * others are zero), for the answer; it holds no tags. STALLED, in the same state, where memory ran
 * out. */
enum reel_code reel_fragment_decode(const uint8_t *payload, size_t payload_bytes,
                                    const struct reel_envelope *envelope,
                                    struct reel_scratch *scratch, struct reel_fragment *out,
                                    struct reel_error *err_out);

/* Its data from that frame on. */
const uint8_t *reel_fragment_at(const struct reel_fragment *fragment, uint32_t offset_frames);

/* Release what the fragment owns; it may be decoded into again. */
void reel_fragment_finish(struct reel_fragment *fragment);

void reel_scratch_finish(struct reel_scratch *scratch);

#endif
