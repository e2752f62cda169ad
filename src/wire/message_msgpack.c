/* Message, MessagePack: a JSON value from tokens, and packed by msgpack-c. */
#include "wire/message_internal.h"

#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/guard.h"
#include "wire/utf8.h"

struct loading {
    struct reel_token_reader reader;
    enum reel_bin bin;
    struct reel_error *err_out;
};

static json_t *load_value(struct loading *loading);

static json_t *refuse(struct loading *loading, const char *why)
{
    reel_error_set(loading->err_out, REEL_E_BAD_REQUEST, "payload", "%s", why);
    return NULL;
}

/* NULL with an error unless `json` is there. */
static json_t *unless_null(struct loading *loading, json_t *json)
{
    if (!json)
        reel_error_set(loading->err_out, REEL_E_STALLED, NULL, "out of memory");
    return json;
}

static json_t *load_text(struct loading *loading, const struct reel_token *token)
{
    if (!reel_utf8_valid(token->bytes, token->size))
        return refuse(loading, token->kind == REEL_TOKEN_BIN
                                   ? "holds binary data that is no UTF-8 text"
                                   : "holds a string that is not UTF-8 or holds U+0000");
    return unless_null(loading, json_stringn((const char *)token->bytes, token->size));
}

static json_t *load_base64(struct loading *loading, const struct reel_token *token)
{
    size_t text_bytes = 4 * (((size_t)token->size + 2) / 3);
    char *text = malloc(text_bytes + 1);
    json_t *json = NULL;

    if (text) {
        reel_base64_encode(token->bytes, token->size, text);
        json = json_stringn_nocheck(text, text_bytes);
    }
    free(text);
    return unless_null(loading, json);
}

static json_t *load_number(struct loading *loading, const struct reel_token *token)
{
    if (token->kind == REEL_TOKEN_INT)
        return unless_null(loading, json_integer(token->sint));
    if (token->kind == REEL_TOKEN_UINT) {
        if (token->uint > INT64_MAX)
            return refuse(loading, "holds an integer of 2^63 or more");
        return unless_null(loading, json_integer((json_int_t)token->uint));
    }
    if (!isfinite(token->real))
        return refuse(loading, "holds a number that is not finite");
    if (fabs(token->real) <= REEL_FLOAT_WHOLE_MAX && !(trunc(token->real) < token->real) &&
        !(trunc(token->real) > token->real))
        return unless_null(loading, json_integer((json_int_t)token->real));
    return unless_null(loading, json_real(token->real));
}

static json_t *load_array(struct loading *loading, uint32_t count)
{
    json_t *array = unless_null(loading, json_array());

    for (uint32_t i = 0; array && i < count; i++) {
        json_t *element = load_value(loading);

        if (element && json_array_append_new(array, element) == 0)
            continue;
        if (element)
            unless_null(loading, NULL);
        json_decref(array);
        return NULL;
    }
    return array;
}

/* Load one pair into `object`; false with an error. */
static bool load_pair(struct loading *loading, json_t *object)
{
    struct reel_token key;
    json_t *value;

    if (!reel_token_next(&loading->reader, &key))
        return refuse(loading, "breaks off");
    if (key.kind != REEL_TOKEN_STR || !reel_utf8_valid(key.bytes, key.size))
        return refuse(loading, "has a key that is no string of UTF-8");
    if (json_object_getn(object, (const char *)key.bytes, key.size))
        return refuse(loading, "has a key twice");
    value = load_value(loading);
    if (!value)
        return false;
    return json_object_setn_new(object, (const char *)key.bytes, key.size, value) == 0 ||
           unless_null(loading, NULL);
}

static json_t *load_map(struct loading *loading, uint32_t count)
{
    json_t *object = unless_null(loading, json_object());

    for (uint32_t i = 0; object && i < count; i++) {
        if (load_pair(loading, object))
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Recursion is bounded by the guard. */
static json_t *load_value(struct loading *loading)
{
    struct reel_token token;

    if (!reel_token_next(&loading->reader, &token))
        return refuse(loading, "breaks off");
    switch (token.kind) {
    case REEL_TOKEN_NIL:
        return json_null();
    case REEL_TOKEN_BOOL:
        return json_boolean(token.boolean);
    case REEL_TOKEN_UINT:
    case REEL_TOKEN_INT:
    case REEL_TOKEN_FLOAT:
        return load_number(loading, &token);
    case REEL_TOKEN_STR:
        return load_text(loading, &token);
    case REEL_TOKEN_BIN:
        return loading->bin == REEL_BIN_BASE64 ? load_base64(loading, &token)
                                               : load_text(loading, &token);
    case REEL_TOKEN_ARRAY:
        return load_array(loading, token.count);
    case REEL_TOKEN_MAP:
        return load_map(loading, token.count);
    case REEL_TOKEN_EXT:
        break;
    }
    return refuse(loading, "holds an extension type");
}

json_t *reel_msgpack_load(const uint8_t *payload, size_t bytes, enum reel_bin bin,
                          struct reel_error *err_out)
{
    struct loading loading = {{payload, payload + bytes}, bin, err_out};
    struct reel_token_reader first = loading.reader;
    struct reel_token token;

    if (!reel_token_next(&first, &token) || token.kind != REEL_TOKEN_MAP)
        return refuse(&loading, "is no MessagePack map or JSON object");
    if (reel_guard_check(payload, bytes, err_out) != REEL_OK)
        return NULL;
    return load_value(&loading);
}

static int write_to_buffer(void *data, const char *bytes, size_t size)
{
    return reel_buffer_append(data, bytes, size) ? 0 : -1;
}

static bool pack_text(msgpack_packer *packer, const char *text, size_t bytes)
{
    return msgpack_pack_str(packer, bytes) == 0 && msgpack_pack_str_body(packer, text, bytes) == 0;
}

static bool pack_value(msgpack_packer *packer, const json_t *json);

static bool pack_array(msgpack_packer *packer, const json_t *array)
{
    size_t count = json_array_size(array);

    if (msgpack_pack_array(packer, count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!pack_value(packer, json_array_get(array, i)))
            return false;
    }
    return true;
}

static bool pack_members(msgpack_packer *packer, const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach (reel_json_unconst(object), key, value) {
        if (!pack_text(packer, key, strlen(key)) || !pack_value(packer, value))
            return false;
    }
    return true;
}

static bool pack_value(msgpack_packer *packer, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_NULL:
        return msgpack_pack_nil(packer) == 0;
    case JSON_TRUE:
        return msgpack_pack_true(packer) == 0;
    case JSON_FALSE:
        return msgpack_pack_false(packer) == 0;
    case JSON_INTEGER:
        return msgpack_pack_int64(packer, json_integer_value(json)) == 0;
    case JSON_REAL:
        return msgpack_pack_double(packer, json_real_value(json)) == 0;
    case JSON_STRING:
        return pack_text(packer, json_string_value(json), json_string_length(json));
    case JSON_ARRAY:
        return pack_array(packer, json);
    case JSON_OBJECT:
        return msgpack_pack_map(packer, json_object_size(json)) == 0 && pack_members(packer, json);
    }
    return false;
}

static bool pack_elements(msgpack_packer *packer, const struct reel_elements *elements)
{
    const struct reel_buffer *encoded = elements->encoded;
    bool packed = pack_text(packer, elements->name, strlen(elements->name)) &&
                  msgpack_pack_array(packer, elements->count) == 0;

    if (encoded)
        return packed && reel_buffer_append(packer->data, encoded->bytes, encoded->size);
    for (size_t i = 0; packed && i < elements->count; i++) {
        json_t *element = elements->next(elements->user);

        packed = element && pack_value(packer, element);
        json_decref(element);
    }
    return packed;
}

static bool pack_blob(msgpack_packer *packer, const void *blob, size_t blob_bytes)
{
    return pack_text(packer, "bytes", 5) && msgpack_pack_bin(packer, blob_bytes) == 0 &&
           (blob_bytes == 0 || msgpack_pack_bin_body(packer, blob, blob_bytes) == 0);
}

/* The member `data`, with the tail as its last. */
static bool pack_data(msgpack_packer *packer, const json_t *data, const struct reel_tail *tail)
{
    return msgpack_pack_map(packer, json_object_size(data) + 1) == 0 &&
           pack_members(packer, data) &&
           (tail->elements ? pack_elements(packer, tail->elements)
                           : pack_blob(packer, tail->blob, tail->blob_bytes));
}

bool reel_msgpack_dump(const json_t *document, const struct reel_tail *tail,
                       struct reel_buffer *out)
{
    msgpack_packer packer;
    const char *key;
    json_t *value;

    msgpack_packer_init(&packer, out, write_to_buffer);
    if (!tail)
        return pack_value(&packer, document);
    if (msgpack_pack_map(&packer, json_object_size(document)) != 0)
        return false;
    json_object_foreach (reel_json_unconst(document), key, value) {
        if (!pack_text(&packer, key, strlen(key)))
            return false;
        if (strcmp(key, "data") == 0 ? !pack_data(&packer, value, tail)
                                     : !pack_value(&packer, value))
            return false;
    }
    return true;
}
