/* Test documents: written as JSON, sent as MessagePack (packed by msgpack-c) or as JSON. A string
 * that begins "hex:" becomes a bin. */
#ifndef REEL_TESTS_UNIT_DOCUMENTS_H
#define REEL_TESTS_UNIT_DOCUMENTS_H

#include <jansson.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void document_pack_string(msgpack_packer *packer, const char *text, size_t bytes)
{
    unsigned byte;

    if (strncmp(text, "hex:", 4) != 0) {
        msgpack_pack_str(packer, bytes);
        msgpack_pack_str_body(packer, text, bytes);
        return;
    }
    msgpack_pack_bin(packer, (bytes - 4) / 2);
    for (size_t i = 4; i + 1 < bytes; i += 2) {
        if (sscanf(text + i, "%2x", &byte) != 1)
            abort();
        msgpack_pack_bin_body(packer, &(char){(char)byte}, 1);
    }
}

static inline void document_pack(msgpack_packer *packer, json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        msgpack_pack_map(packer, json_object_size(json));
        json_object_foreach (json, key, value) {
            document_pack_string(packer, key, strlen(key));
            document_pack(packer, value);
        }
        break;
    case JSON_ARRAY:
        msgpack_pack_array(packer, json_array_size(json));
        json_array_foreach (json, i, value)
            document_pack(packer, value);
        break;
    case JSON_STRING:
        document_pack_string(packer, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(packer, json_integer_value(json));
        break;
    case JSON_REAL:
        msgpack_pack_double(packer, json_real_value(json));
        break;
    case JSON_TRUE:
        msgpack_pack_true(packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(packer);
        break;
    case JSON_NULL:
        msgpack_pack_nil(packer);
        break;
    }
}

/* Pack the JSON text into a buffer that the caller destroys. */
static inline msgpack_sbuffer document_from_text(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    msgpack_sbuffer buffer;
    msgpack_packer packer;

    if (!json) {
        fprintf(stderr, "the test's document is no JSON: %s\n", text);
        abort();
    }
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    document_pack(&packer, json);
    json_decref(json);
    return buffer;
}

#endif
