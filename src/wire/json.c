/* JSON: what is checked before and after jansson. */
#include "wire/json.h"

#include <string.h>

#include "base/limits.h"

/* Bytes of white space and BOM in front of the text. */
static size_t lead_bytes(const uint8_t *payload, size_t bytes)
{
    size_t i = 0;

    for (;;) {
        if (bytes - i >= 3 && memcmp(payload + i, "\xef\xbb\xbf", 3) == 0)
            i += 3;
        else if (i < bytes && payload[i] != 0 && memchr(" \t\r\n", payload[i], 4))
            i++;
        else
            return i;
    }
}

bool reel_json_begins(const uint8_t *payload, size_t bytes)
{
    size_t lead = bytes ? lead_bytes(payload, bytes) : 0;

    return lead < bytes && payload[lead] == '{';
}

/* Brackets outside strings: jansson recurses, so its depth is bounded beforehand. */
static bool nesting_bounded(const uint8_t *text, size_t bytes)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < bytes; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > REEL_NESTING_MAX)
                return false;
        } else if (text[i] == '}' || text[i] == ']') {
            depth -= depth > 0;
        }
    }
    return true;
}

/* By what jansson 2.14 allocates on a machine of 64 bits, the allocator's share included. A string
 * has two quotes, a member of an object one that is its key. */
static size_t tree_bytes_of(const uint8_t *text, size_t bytes)
{
    enum { CONTAINER_BYTES = 288, QUOTE_BYTES = 56, ELEMENT_BYTES = 48 };
    size_t tree_bytes = bytes;
    bool in_string = false;

    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"') {
            in_string = !in_string;
            tree_bytes += QUOTE_BYTES;
        } else if (in_string) {
            i += text[i] == '\\';
        } else if (text[i] == '{' || text[i] == '[') {
            tree_bytes += CONTAINER_BYTES;
        } else if (text[i] == ',') {
            tree_bytes += ELEMENT_BYTES;
        }
    }
    return tree_bytes;
}

json_t *reel_json_load(const uint8_t *payload, size_t bytes, size_t tree_max_bytes,
                       struct reel_error *err_out)
{
    size_t lead = lead_bytes(payload, bytes);
    json_error_t error;
    json_t *json;

    if (!nesting_bounded(payload + lead, bytes - lead)) {
        reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload", "nested more than %d deep",
                       REEL_NESTING_MAX);
        return NULL;
    }
    if (tree_bytes_of(payload + lead, bytes - lead) > tree_max_bytes) {
        reel_error_set(err_out, REEL_E_TOO_LARGE, "payload",
                       "it holds too many objects, arrays and strings for its size");
        return NULL;
    }
    json = json_loadb((const char *)payload + lead, bytes - lead, JSON_REJECT_DUPLICATES, &error);
    if (json)
        return json;
    /* Where it has no memory, jansson often has no words either. */
    if (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory)
        reel_error_set(err_out, REEL_E_STALLED, NULL, "out of memory");
    else
        reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload", "not JSON: %s (line %d, column %d)",
                       error.text, error.line, error.column);
    return NULL;
}
