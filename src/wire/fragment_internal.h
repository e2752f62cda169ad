/* Fragment, internal: what the three forms of a fragment share. Only for src/wire/fragment*.c.
 *
 * A form walks its document and hands each value to the table of fields as a token of
 * wire/guard.h. An error does not stop the walk: the first is kept, so that the numbers are known
 * to the answer wherever they stand. reel_fragment_complete then checks what all forms must meet
 * and turns the data into samples. */
#ifndef REEL_WIRE_FRAGMENT_INTERNAL_H
#define REEL_WIRE_FRAGMENT_INTERNAL_H

#include "wire/fragment.h"
#include "wire/guard.h"
#include "wire/token.h"

enum reel_field_id {
    REEL_FIELD_METADATA,
    REEL_FIELD_SESSION,
    REEL_FIELD_AUDIO,
    REEL_FIELD_SESSION_ID,
    REEL_FIELD_SEQ,
    REEL_FIELD_FRAME,
    REEL_FIELD_BOOT,
    REEL_FIELD_TIME,
    REEL_FIELD_END,
    REEL_FIELD_REPLY_TO,
    REEL_FIELD_CHANNELS,
    REEL_FIELD_RATE,
    REEL_FIELD_SAMPLE_SIZE,
    REEL_FIELD_ENCODING,
    REEL_FIELD_TAGS,
    REEL_FIELD_DATA,
    REEL_FIELD_COUNT
};

/* The maps of the document that have known fields; a leaf opens none. */
enum reel_section { REEL_LEAF, REEL_ROOT, REEL_IN_METADATA, REEL_IN_SESSION, REEL_IN_AUDIO };

/* Numbers of a `data` array, one after another, from either form. */
struct reel_numbers_source {
    size_t count;
    bool (*next)(struct reel_numbers_source *source, struct reel_token *token_out);
    struct reel_token_reader reader; /* MessagePack */
    const json_t *array;             /* JSON */
    size_t index;
};

enum reel_data_kind { REEL_DATA_NONE, REEL_DATA_BYTES, REEL_DATA_NUMBERS, REEL_DATA_BASE64 };

struct reel_data_source {
    enum reel_data_kind kind;
    const uint8_t *bytes; /* BYTES, BASE64 */
    size_t size;
    struct reel_numbers_source numbers;
    bool size_unknown; /* a WAV chunk whose declared size says nothing: half a frame may go */
};

struct reel_decoding {
    struct reel_fragment *out;
    struct reel_scratch *scratch;
    struct reel_data_source data;
    uint32_t seen;         /* bit by reel_field_id: its key was met */
    uint32_t present;      /* a value other than nil was given */
    struct reel_error err; /* the first */
};

struct reel_field {
    const char *key;
    const char *path;
    enum reel_section in;
    enum reel_section opens; /* REEL_LEAF for a value */
    enum reel_field_id id;
    /* Check and store a leaf; NULL for sections, tags and data, which the forms walk. */
    void (*take)(struct reel_decoding *decoding, const char *path, const struct reel_token *value);
};

/* Keep an error, unless there is one already. */
void reel_fragment_fail(struct reel_decoding *decoding, enum reel_code code, const char *path,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "must be WANTED, not a string". */
void reel_fragment_fail_type(struct reel_decoding *decoding, const char *path, const char *wanted,
                             const struct reel_token *value);

/* The known field of that key in that map, or NULL. */
const struct reel_field *reel_field_find(enum reel_section in, const char *key, size_t key_bytes);

/* Note that the field's key was met, under the name `path`; false, with an error, the second
 * time. */
bool reel_field_see(struct reel_decoding *decoding, const struct reel_field *field,
                    const char *path);

/* The field by its id. */
const struct reel_field *reel_field_get(enum reel_field_id id);

/* Take a leaf's value under the name `path`; nil is as if the field were absent. */
void reel_field_take(struct reel_decoding *decoding, const struct reel_field *field,
                     const char *path, const struct reel_token *value);

/* Note that a section, `tags` or `data` is present. */
void reel_field_mark(struct reel_decoding *decoding, const struct reel_field *field);

/* Take one tag; the object is made with the first. */
void reel_tag_take(struct reel_decoding *decoding, const char *name, size_t name_bytes,
                   const struct reel_token *value);

/* Turn decoding->data into the fragment's data and count its frames; the format is checked. */
void reel_fragment_take_data(struct reel_decoding *decoding);

/* The forms. Each walks `payload` and leaves decoding->data; only JSON calls `complete` itself,
 * because the data lies in its tree. */
void reel_fragment_walk_msgpack(struct reel_decoding *decoding, const uint8_t *payload,
                                size_t bytes);
void reel_fragment_walk_json(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes);
void reel_fragment_walk_wav(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes,
                            const struct reel_envelope *envelope);

/* Check that what must be there is, that the format exists, and take the data. */
void reel_fragment_complete(struct reel_decoding *decoding);

#endif
