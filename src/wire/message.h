/* Message: requests, responses and acknowledgements as documents, in MessagePack or JSON
 * (protocol.md, "Requests and responses"). A document is a jansson value. */
#ifndef REEL_WIRE_MESSAGE_H
#define REEL_WIRE_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/fragment.h"

enum reel_document_kind { REEL_DOCUMENT_JSON, REEL_DOCUMENT_MSGPACK };

/* Bytes that grow; `bytes` is NULL while empty. Zero-initialise; reel_buffer_finish releases. */
struct reel_buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

/* Append; false if memory ran out (the buffer is as it was). */
bool reel_buffer_append(struct reel_buffer *buffer, const void *bytes, size_t size);
/* Make room for `size` bytes behind what there is, for the caller to fill and to add to `size`;
 * NULL if memory ran out (the buffer is as it was). */
uint8_t *reel_buffer_reserve(struct reel_buffer *buffer, size_t size);
void reel_buffer_finish(struct reel_buffer *buffer);

/* Decode a request: a map in MessagePack or JSON; an empty payload is an empty JSON map. JSON is
 * what begins, after white space or a BOM, with `{`. Strings must be UTF-8 without U+0000,
 * MessagePack keys strings, a `bin` is taken as a string if it is UTF-8 (refused otherwise), ext
 * refused; its whole floats up to 2^53 become integers (some encoders know no others). A duplicate
 * key is refused, and an integer of 2^63 or more. `*document_out` is an object that the caller
 * owns. BAD_REQUEST (field "payload") otherwise; then `*kind_out` says in which encoding to answer
 * all the same. TOO_LARGE over REEL_REQUEST_MAX_BYTES. STALLED where memory ran out. */
enum reel_code reel_document_decode(const uint8_t *payload, size_t bytes, json_t **document_out,
                                    enum reel_document_kind *kind_out, struct reel_error *err_out);

/* The same without the bound on the size, for what a client receives; a `bin` value becomes a
 * string of base64. */
enum reel_code reel_document_decode_response(const uint8_t *payload, size_t bytes,
                                             json_t **document_out,
                                             enum reel_document_kind *kind_out,
                                             struct reel_error *err_out);

/* Append the document in that encoding. `blob`, if not NULL, becomes the member `bytes` of the
 * document's member `data` (bin in MessagePack, base64 in JSON), which must be an object without
 * one. Integers keep their value; null, booleans, reals, nesting pass. False if memory ran out. */
bool reel_document_encode(const json_t *document, enum reel_document_kind kind, const void *blob,
                          size_t blob_bytes, struct reel_buffer *out);

/* Append any value as JSON, compact, numbers as people write them; the keys in their order, or
 * `sorted`. False if memory ran out: then `out` holds part of it. */
bool reel_value_dump(const json_t *value, bool sorted, struct reel_buffer *out);

/* An array whose elements are made one at a time, for one that as a tree would take too much, or
 * are encoded already. */
struct reel_elements {
    const char *name; /* of the member that it becomes: plain ASCII */
    size_t count;
    const struct reel_buffer *encoded; /* by reel_element_encode; NULL: they are to be made */
    json_t *(*next)(void *user);       /* a new reference; NULL if memory ran out */
    void *user;
};

/* Append an element to those that `elements` counts, and count it; `encoded` is what it has. False
 * if memory ran out (both are as they were). */
bool reel_element_encode(struct reel_elements *elements, const json_t *element,
                         enum reel_document_kind kind, struct reel_buffer *encoded);

/* The same without a blob; the member `data` gets the array as its last. The keys of both objects
 * are plain ASCII. */
bool reel_document_encode_elements(const json_t *document, enum reel_document_kind kind,
                                   const struct reel_elements *elements, struct reel_buffer *out);

/* "application/json" or "application/msgpack". */
const char *reel_document_content_type(enum reel_document_kind kind);

/* {"status": "ok", "data": data}, or with an error {"status": "error", "error": {code, message,
 * field}, "data": {}}. Takes over the reference to `data` (NULL is {}); copies the reference of
 * `transaction` (NULL: none). Returns a new document, NULL if memory ran out. */
json_t *reel_response(json_t *data, const json_t *transaction);
json_t *reel_response_error(const struct reel_error *error, const json_t *transaction);

/* The member `error` of a response: {code, message, field}; `field` is null where none is at
 * fault. For acknowledgements, which carry the same. NULL if memory ran out. */
json_t *reel_error_document(const struct reel_error *error);

/* Encode `size` bytes as base64 (RFC 4648, padded) into `out`, which holds 4*((size+2)/3)+1. */
void reel_base64_encode(const void *bytes, size_t size, char *out);

/* Decode base64, white space and missing padding allowed, into `out` (capacity at least
 * 3*(size/4)+3). False where a character or the length is wrong. */
bool reel_base64_decode(const char *text, size_t size, uint8_t *out, size_t *size_out);

#endif
