/* Message, internal: the MessagePack side of a document. Only for src/wire/message*.c. */
#ifndef REEL_WIRE_MESSAGE_INTERNAL_H
#define REEL_WIRE_MESSAGE_INTERNAL_H

#include "wire/message.h"

/* What becomes of a bin: a string if it is UTF-8 (else refused), or base64. */
enum reel_bin { REEL_BIN_TEXT, REEL_BIN_BASE64 };

/* The map that the payload holds as a JSON object that the caller owns; NULL on error: BAD_REQUEST
 * with the field "payload", STALLED where memory ran out. */
json_t *reel_msgpack_load(const uint8_t *payload, size_t bytes, enum reel_bin bin,
                          struct reel_error *err_out);

/* What becomes the last member of `data`: `bytes`, or an array. */
struct reel_tail {
    const void *blob;
    size_t blob_bytes;
    const struct reel_elements *elements; /* NULL: the blob */
};

/* Append the document, and with it the tail (NULL: none). False if memory ran out. */
bool reel_msgpack_dump(const json_t *document, const struct reel_tail *tail,
                       struct reel_buffer *out);

/* jansson's iterators take no const, although they change nothing. */
static inline json_t *reel_json_unconst(const json_t *json)
{
    return (json_t *)(uintptr_t)json;
}

#endif
