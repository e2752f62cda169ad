/* Message: documents in and out, in either encoding, and the form of a response. */
#include "wire/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/json.h"
#include "wire/message_internal.h"

uint8_t *reel_buffer_reserve(struct reel_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    uint8_t *grown;

    if (size > SIZE_MAX / 2 - buffer->size)
        return NULL;
    while (capacity < buffer->size + size)
        capacity *= 2;
    if (capacity != buffer->capacity) {
        grown = realloc(buffer->bytes, capacity);
        if (!grown)
            return NULL;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

bool reel_buffer_append(struct reel_buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *room;

    if (size == 0)
        return true;
    room = reel_buffer_reserve(buffer, size);
    if (!room)
        return false;
    memcpy(room, bytes, size);
    buffer->size += size;
    return true;
}

void reel_buffer_finish(struct reel_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct reel_buffer){0};
}

static enum reel_code decode(const uint8_t *payload, size_t bytes, enum reel_bin bin,
                             json_t **document_out, enum reel_document_kind *kind_out,
                             struct reel_error *err_out)
{
    struct reel_error err = {.code = REEL_OK};
    json_t *document;

    *kind_out =
        bytes == 0 || reel_json_begins(payload, bytes) ? REEL_DOCUMENT_JSON : REEL_DOCUMENT_MSGPACK;
    if (bytes == 0)
        document = json_object();
    else if (*kind_out == REEL_DOCUMENT_JSON)
        document = reel_json_load(payload, bytes, SIZE_MAX, &err);
    else
        document = reel_msgpack_load(payload, bytes, bin, &err);
    if (document) {
        *document_out = document;
        return REEL_OK;
    }
    if (err.code == REEL_OK)
        reel_error_set(&err, REEL_E_STALLED, NULL, "out of memory");
    if (err_out)
        *err_out = err;
    return err.code;
}

enum reel_code reel_document_decode(const uint8_t *payload, size_t bytes, json_t **document_out,
                                    enum reel_document_kind *kind_out, struct reel_error *err_out)
{
    if (bytes > REEL_REQUEST_MAX_BYTES) {
        *kind_out = reel_json_begins(payload, bytes) ? REEL_DOCUMENT_JSON : REEL_DOCUMENT_MSGPACK;
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "payload",
                              "a request has at most %llu bytes", REEL_REQUEST_MAX_BYTES);
    }
    return decode(payload, bytes, REEL_BIN_TEXT, document_out, kind_out, err_out);
}

enum reel_code reel_document_decode_response(const uint8_t *payload, size_t bytes,
                                             json_t **document_out,
                                             enum reel_document_kind *kind_out,
                                             struct reel_error *err_out)
{
    return decode(payload, bytes, REEL_BIN_BASE64, document_out, kind_out, err_out);
}

/* Say whether 15 digits, as people write them, keep the real's value. */
static bool is_short(double real)
{
    char text[32];
    double again;

    snprintf(text, sizeof text, "%.15g", real);
    again = strtod(text, NULL);
    return memcmp(&again, &real, sizeof real) == 0;
}

static bool reals_are_short(const json_t *json)
{
    const char *key;
    json_t *value;

    if (json_is_real(json))
        return is_short(json_real_value(json));
    json_object_foreach (reel_json_unconst(json), key, value) {
        if (!reals_are_short(value))
            return false;
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (!reals_are_short(json_array_get(json, i)))
            return false;
    }
    return true;
}

static int write_to_buffer(const char *text, size_t bytes, void *data)
{
    return reel_buffer_append(data, text, bytes) ? 0 : -1;
}

bool reel_value_dump(const json_t *value, bool sorted, struct reel_buffer *out)
{
    size_t digits = reals_are_short(value) ? 15 : 17;
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits);

    return json_dump_callback(value, write_to_buffer, out,
                              sorted ? flags | JSON_SORT_KEYS : flags) == 0;
}

static bool dump_json(const json_t *document, struct reel_buffer *out)
{
    return reel_value_dump(document, false, out);
}

static bool dump_text(const char *text, struct reel_buffer *out)
{
    return reel_buffer_append(out, text, strlen(text));
}

/* `first` is what parts it from the member before. */
static bool dump_key(const char *first, const char *key, struct reel_buffer *out)
{
    return dump_text(first, out) && dump_text("\"", out) && dump_text(key, out) &&
           dump_text("\":", out);
}

static bool dump_elements(const struct reel_elements *elements, struct reel_buffer *out)
{
    const struct reel_buffer *encoded = elements->encoded;
    bool dumped = dump_text("[", out);

    if (encoded && dumped)
        dumped = reel_buffer_append(out, encoded->bytes, encoded->size);
    for (size_t i = 0; !encoded && dumped && i < elements->count; i++) {
        json_t *element = elements->next(elements->user);

        dumped = element && (i == 0 || dump_text(",", out)) && dump_json(element, out);
        json_decref(element);
    }
    return dumped && dump_text("]", out);
}

/* As base64, in slices: whole it would take the memory of two more copies. */
static bool dump_blob(const uint8_t *blob, size_t bytes, struct reel_buffer *out)
{
    enum { SLICE_BYTES = 3 * 1024, TEXT_BYTES = 4 * 1024 };
    char text[TEXT_BYTES + 1];
    bool dumped = dump_text("\"", out);

    for (size_t at = 0; dumped && at < bytes; at += SLICE_BYTES) {
        size_t slice = bytes - at < SLICE_BYTES ? bytes - at : SLICE_BYTES;

        reel_base64_encode(blob + at, slice, text);
        dumped = reel_buffer_append(out, text, 4 * ((slice + 2) / 3));
    }
    return dumped && dump_text("\"", out);
}

static bool dump_tail(const char *first, const struct reel_tail *tail, struct reel_buffer *out)
{
    return tail->elements
               ? dump_key(first, tail->elements->name, out) && dump_elements(tail->elements, out)
               : dump_key(first, "bytes", out) && dump_blob(tail->blob, tail->blob_bytes, out);
}

static bool dump_data(const json_t *data, const struct reel_tail *tail, struct reel_buffer *out)
{
    const char *first = "{";
    const char *key;
    json_t *value;

    json_object_foreach (reel_json_unconst(data), key, value) {
        if (!dump_key(first, key, out) || !dump_json(value, out))
            return false;
        first = ",";
    }
    return dump_tail(first, tail, out) && dump_text("}", out);
}

static bool dump_with_tail(const json_t *document, const struct reel_tail *tail,
                           struct reel_buffer *out)
{
    const char *first = "{";
    const char *key;
    json_t *value;

    json_object_foreach (reel_json_unconst(document), key, value) {
        bool dumped =
            dump_key(first, key, out) &&
            (strcmp(key, "data") == 0 ? dump_data(value, tail, out) : dump_json(value, out));

        if (!dumped)
            return false;
        first = ",";
    }
    return dump_text("}", out);
}

/* `tail` may be NULL. On failure `out` is as it was. */
static bool encode(const json_t *document, enum reel_document_kind kind,
                   const struct reel_tail *tail, struct reel_buffer *out)
{
    size_t size_before = out->size;
    bool encoded;

    if (kind == REEL_DOCUMENT_MSGPACK)
        encoded = reel_msgpack_dump(document, tail, out);
    else
        encoded = tail ? dump_with_tail(document, tail, out) : dump_json(document, out);
    if (!encoded)
        out->size = size_before;
    return encoded;
}

bool reel_document_encode(const json_t *document, enum reel_document_kind kind, const void *blob,
                          size_t blob_bytes, struct reel_buffer *out)
{
    const struct reel_tail tail = {.blob = blob, .blob_bytes = blob_bytes};

    return encode(document, kind, blob ? &tail : NULL, out);
}

bool reel_element_encode(struct reel_elements *elements, const json_t *element,
                         enum reel_document_kind kind, struct reel_buffer *encoded)
{
    bool parted = kind == REEL_DOCUMENT_JSON && elements->count > 0;
    size_t size_before = encoded->size;

    if ((parted && !dump_text(",", encoded)) || !encode(element, kind, NULL, encoded)) {
        encoded->size = size_before;
        return false;
    }
    elements->count++;
    return true;
}

bool reel_document_encode_elements(const json_t *document, enum reel_document_kind kind,
                                   const struct reel_elements *elements, struct reel_buffer *out)
{
    const struct reel_tail tail = {.elements = elements};

    return encode(document, kind, &tail, out);
}

const char *reel_document_content_type(enum reel_document_kind kind)
{
    return kind == REEL_DOCUMENT_JSON ? "application/json" : "application/msgpack";
}

static json_t *with_transaction(json_t *response, const json_t *transaction)
{
    if (!response || !transaction)
        return response;
    if (json_object_set(response, "transaction", reel_json_unconst(transaction)) == 0)
        return response;
    json_decref(response);
    return NULL;
}

json_t *reel_response(json_t *data, const json_t *transaction)
{
    json_t *response = json_pack("{s:s, s:o}", "status", "ok", "data", data ? data : json_object());

    return with_transaction(response, transaction);
}

json_t *reel_error_document(const struct reel_error *error)
{
    return json_pack("{s:s, s:s, s:s?}", "code", reel_code_name(error->code), "message",
                     error->message, "field", error->field[0] ? error->field : NULL);
}

json_t *reel_response_error(const struct reel_error *error, const json_t *transaction)
{
    json_t *response = json_pack("{s:s, s:o, s:{}}", "status", "error", "error",
                                 reel_error_document(error), "data");

    return with_transaction(response, transaction);
}
