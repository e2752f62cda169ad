/* Fragment as JSON: the same document, `data` an array of numbers or base64. */
#include "wire/fragment_internal.h"

#include <string.h>

#include "base/limits.h"
#include "wire/json.h"

static bool next_number(struct reel_numbers_source *source, struct reel_token *token_out)
{
    const json_t *element = json_array_get(source->array, source->index++);

    if (!element)
        return false;
    *token_out = reel_token_of_json(element);
    return true;
}

static void take_data(struct reel_decoding *decoding, const struct reel_field *field,
                      const json_t *value)
{
    struct reel_token token = reel_token_of_json(value);

    if (json_is_null(value))
        return;
    reel_field_mark(decoding, field);
    if (json_is_string(value)) {
        decoding->data.kind = REEL_DATA_BASE64;
        decoding->data.bytes = token.bytes;
        decoding->data.size = json_string_length(value);
    } else if (json_is_array(value)) {
        decoding->data.kind = REEL_DATA_NUMBERS;
        decoding->data.numbers = (struct reel_numbers_source){
            .count = json_array_size(value), .next = next_number, .array = value};
    } else {
        reel_fragment_fail_type(decoding, field->path, "a string of base64 or an array", &token);
    }
}

static void take_tags(struct reel_decoding *decoding, const struct reel_field *field, json_t *value)
{
    struct reel_token token = reel_token_of_json(value);
    const char *name;
    json_t *tag;

    if (json_is_object(value)) {
        json_object_foreach (value, name, tag) {
            token = reel_token_of_json(tag);
            reel_tag_take(decoding, name, strlen(name), &token);
        }
    } else if (!json_is_null(value)) {
        reel_fragment_fail_type(decoding, field->path, "a map", &token);
    }
}

/* Take the known fields of one object; recursion is as deep as the sections are. */
static void walk_object(struct reel_decoding *decoding, json_t *object, enum reel_section section)
{
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        const struct reel_field *field = reel_field_find(section, key, strlen(key));
        struct reel_token token = reel_token_of_json(value);

        if (!field || !reel_field_see(decoding, field, field->path))
            continue;
        if (field->id == REEL_FIELD_DATA) {
            take_data(decoding, field, value);
        } else if (field->id == REEL_FIELD_TAGS) {
            take_tags(decoding, field, value);
        } else if (field->opens == REEL_LEAF) {
            reel_field_take(decoding, field, field->path, &token);
        } else if (json_is_object(value)) {
            reel_field_mark(decoding, field);
            walk_object(decoding, value, field->opens);
        } else if (!json_is_null(value)) {
            reel_field_mark(decoding, field);
            reel_fragment_fail_type(decoding, field->path, "a map", &token);
        }
    }
}

void reel_fragment_walk_json(struct reel_decoding *decoding, const uint8_t *payload, size_t bytes)
{
    struct reel_error err;
    json_t *document = reel_json_load(payload, bytes, REEL_JSON_TREE_BYTES(bytes), &err);

    if (!document) {
        reel_fragment_fail(decoding, err.code, err.field, "%s", err.message);
        return;
    }
    walk_object(decoding, document, REEL_ROOT);
    reel_fragment_complete(decoding);
    json_decref(document);
}
