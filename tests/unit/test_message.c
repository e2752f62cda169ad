/* Documents in and out: what a request may be, and what a response looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "unit/documents.h"
#include "wire/message.h"

#define REQUEST_OF(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1

/* Decode a request and compare it with JSON written with ' for ". */
static void taken(const uint8_t *payload, size_t bytes, enum reel_document_kind kind,
                  const char *expected)
{
    char text[1024];
    json_t *document, *wanted;
    enum reel_document_kind found;
    struct reel_error err;

    if (reel_document_decode(payload, bytes, &document, &found, &err) != REEL_OK)
        fail_msg("%s (%s)", err.message, err.field);
    assert_int_equal(found, kind);
    snprintf(text, sizeof text, "%s", expected);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    wanted = json_loads(text, 0, NULL);
    assert_non_null(wanted);
    assert_true(json_equal(document, wanted));
    json_decref(wanted);
    json_decref(document);
}

static void refused(const uint8_t *payload, size_t bytes, enum reel_document_kind kind)
{
    json_t *document;
    enum reel_document_kind found;
    struct reel_error err;

    assert_int_equal(reel_document_decode(payload, bytes, &document, &found, &err),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(found, kind);
    assert_string_equal(err.field, "payload");
    for (const char *at = err.message; *at; at++)
        assert_in_range(*at, 0x20, 0x7e);
}

static void an_empty_payload_is_an_empty_json_map(void **state)
{
    (void)state;
    taken((const uint8_t *)"", 0, REEL_DOCUMENT_JSON, "{}");
    taken(NULL, 0, REEL_DOCUMENT_JSON, "{}");
}

static void json_requests_are_read(void **state)
{
    (void)state;
    taken(REQUEST_OF("\xef\xbb\xbf \n{\"limit\": 5, \"tags\": {\"a\": [1.5, null, true]}}"),
          REEL_DOCUMENT_JSON, "{'limit':5,'tags':{'a':[1.5,null,true]}}");
    refused(REQUEST_OF("{\"a\":1,\"a\":2}"), REEL_DOCUMENT_JSON);
    refused(REQUEST_OF("{\"a\":\"\\u0000\"}"), REEL_DOCUMENT_JSON);
    refused(REQUEST_OF("{\"a\":\"\xff\x1b[2J\"}"), REEL_DOCUMENT_JSON);
    refused(REQUEST_OF("{\"a\""), REEL_DOCUMENT_JSON);
    refused(REQUEST_OF("{} {}"), REEL_DOCUMENT_JSON);
    refused(REQUEST_OF("{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"), REEL_DOCUMENT_JSON);
}

static void msgpack_requests_are_read(void **state)
{
    (void)state;
    taken(REQUEST_OF("\x80"), REEL_DOCUMENT_MSGPACK, "{}");
    taken(REQUEST_OF("\x83\xa5limit\xcd\x00\x05\xa1"
                     "f\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1"
                     "a\x94\xc0\xc3\xff\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
          REEL_DOCUMENT_MSGPACK, "{'limit':5,'f':1.5,'a':[null,true,-1,-9223372036854775808]}");
    /* What JavaScript makes of whole numbers past 32 bits. */
    taken(REQUEST_OF("\x81\xa1"
                     "a\xcb\x43\x40\x00\x00\x00\x00\x00\x00"),
          REEL_DOCUMENT_MSGPACK, "{'a':9007199254740992}");
    /* Text that its sender holds as bytes. */
    taken(REQUEST_OF("\x81\xa6"
                     "device\xc4\x04mic1"),
          REEL_DOCUMENT_MSGPACK, "{'device':'mic1'}");
}

static void msgpack_that_a_request_may_not_hold_is_refused(void **state)
{
    (void)state;
    refused(REQUEST_OF("list"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("[]"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x90"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x80\x80"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\x01\x02"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xc4\x01"
                       "a\x02"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x82\xa1"
                       "a\x01\xa1"
                       "a\x02"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1\x00\x01"), REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xa1\x00"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xa2\xff\xff"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xc4\x02\xff\xff"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xd4\x01\x02"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
            REEL_DOCUMENT_MSGPACK);
    refused(REQUEST_OF("\x81\xa1"
                       "a\xdd\xff\x00\x00\x00"),
            REEL_DOCUMENT_MSGPACK);
}

static void a_request_is_bounded(void **state)
{
    size_t bytes = REEL_REQUEST_MAX_BYTES + 1;
    uint8_t *payload = malloc(bytes);
    enum reel_document_kind kind;
    json_t *document;

    (void)state;
    memset(payload, ' ', bytes);
    memcpy(payload, "{}", 2);
    taken(payload, bytes - 1, REEL_DOCUMENT_JSON, "{}");
    assert_int_equal(reel_document_decode(payload, bytes, &document, &kind, NULL),
                     REEL_E_TOO_LARGE);
    assert_int_equal(kind, REEL_DOCUMENT_JSON);
    assert_int_equal(reel_document_decode_response(payload, bytes, &document, &kind, NULL),
                     REEL_OK);
    json_decref(document);
    free(payload);
}

static void room_in_a_buffer_is_behind_what_it_holds(void **state)
{
    struct reel_buffer buffer = {0};
    uint8_t *room;

    (void)state;
    assert_true(reel_buffer_append(&buffer, "ab", 2));
    room = reel_buffer_reserve(&buffer, 1000);
    assert_non_null(room);
    memset(room, 'c', 1000);
    assert_int_equal(buffer.size, 2);
    buffer.size += 1000;
    assert_true(reel_buffer_append(&buffer, "d", 1));
    assert_memory_equal(buffer.bytes, "abcc", 4);
    assert_memory_equal(buffer.bytes + 1001, "cd", 2);
    assert_null(reel_buffer_reserve(&buffer, SIZE_MAX));
    assert_int_equal(buffer.size, 1003);
    reel_buffer_finish(&buffer);
}

static void a_responses_bin_becomes_base64(void **state)
{
    static const uint8_t payload[] = "\x81\xa5"
                                     "bytes\xc4\x04\xff\x00\x01\x02";
    enum reel_document_kind kind;
    json_t *document;

    (void)state;
    assert_int_equal(
        reel_document_decode_response(payload, sizeof payload - 1, &document, &kind, NULL),
        REEL_OK);
    assert_string_equal(json_string_value(json_object_get(document, "bytes")), "/wABAg==");
    json_decref(document);
}

/* The expected bytes are written by hand from the MessagePack specification. */
static void assert_packs_as(const char *text, const char *blob, size_t blob_bytes,
                            const char *expected, size_t expected_bytes)
{
    json_t *document = json_loads(text, 0, NULL);
    struct reel_buffer buffer = {0};

    assert_true(reel_document_encode(document, REEL_DOCUMENT_MSGPACK, blob, blob_bytes, &buffer));
    assert_int_equal(buffer.size, expected_bytes);
    assert_memory_equal(buffer.bytes, expected, expected_bytes);
    reel_buffer_finish(&buffer);
    json_decref(document);
}

#define ASSERT_PACKS_AS(text, blob, blob_bytes, expected)                                          \
    assert_packs_as(text, blob, blob_bytes, expected, sizeof(expected) - 1)

static void documents_are_packed(void **state)
{
    (void)state;
    ASSERT_PACKS_AS("{\"a\":[1,-1,300,null,true,false,\"x\",{},0.5]}", NULL, 0,
                    "\x81\xa1"
                    "a\x99\x01\xff\xcd\x01\x2c\xc0\xc3\xc2\xa1x\x80\xcb\x3f\xe0\x00\x00"
                    "\x00\x00\x00\x00");
    ASSERT_PACKS_AS("{\"a\":9223372036854775807}", NULL, 0,
                    "\x81\xa1"
                    "a\xcf\x7f\xff\xff\xff\xff\xff\xff\xff");
    ASSERT_PACKS_AS("{\"status\":\"ok\",\"data\":{\"size\":3}}", "\xff\x00\x01", 3,
                    "\x82\xa6status\xa2ok\xa4"
                    "data\x82\xa4size\x03\xa5"
                    "bytes\xc4\x03\xff\x00\x01");
    ASSERT_PACKS_AS("{\"data\":{}}", "", 0,
                    "\x81\xa4"
                    "data\x81\xa5"
                    "bytes\xc4\x00");
}

static void assert_dumps_as(const char *text, const char *blob, size_t blob_bytes,
                            const char *expected)
{
    json_t *document = json_loads(text, 0, NULL);
    struct reel_buffer buffer = {0};

    assert_true(reel_document_encode(document, REEL_DOCUMENT_JSON, blob, blob_bytes, &buffer));
    assert_int_equal(buffer.size, strlen(expected));
    assert_memory_equal(buffer.bytes, expected, buffer.size);
    reel_buffer_finish(&buffer);
    json_decref(document);
}

static void documents_are_written_as_json(void **state)
{
    (void)state;
    assert_dumps_as("{\"a\": [1, null, true, \"\xc3\xa9\"]}", NULL, 0,
                    "{\"a\":[1,null,true,\"\xc3\xa9\"]}");
    assert_dumps_as("{\"data\":{\"size\":1},\"z\":1}", "\xff", 1,
                    "{\"data\":{\"size\":1,\"bytes\":\"/w==\"},\"z\":1}");
    /* Reals as people write them, unless that would change one. */
    assert_dumps_as("{\"duration\":1.33}", NULL, 0, "{\"duration\":1.33}");
    assert_dumps_as("{\"a\":[0.30000000000000004]}", NULL, 0, "{\"a\":[0.30000000000000004]}");
}

static json_t *next_square(void *user)
{
    int *count = user;

    (*count)++;
    return json_pack("{s:i}", "n", *count * *count);
}

static void assert_with_squares(size_t squares, enum reel_document_kind kind, const char *expected,
                                size_t expected_bytes)
{
    json_t *document = json_loads("{\"data\":{\"a\":\"x\"},\"z\":[0.5]}", 0, NULL);
    int count = 0;
    const struct reel_elements elements = {
        .name = "squares", .count = squares, .next = next_square, .user = &count};
    struct reel_buffer buffer = {0};

    assert_true(reel_document_encode_elements(document, kind, &elements, &buffer));
    assert_int_equal(count, squares);
    assert_int_equal(buffer.size, expected_bytes);
    assert_memory_equal(buffer.bytes, expected, expected_bytes);
    reel_buffer_finish(&buffer);
    json_decref(document);
}

/* The same, each encoded before. */
static void assert_with_encoded(size_t squares, enum reel_document_kind kind, const char *expected,
                                size_t expected_bytes)
{
    json_t *document = json_loads("{\"data\":{\"a\":\"x\"},\"z\":[0.5]}", 0, NULL);
    struct reel_buffer encoded = {0};
    struct reel_elements elements = {.name = "squares", .encoded = &encoded};
    struct reel_buffer buffer = {0};
    int count = 0;

    while (elements.count < squares) {
        json_t *square = next_square(&count);

        assert_true(reel_element_encode(&elements, square, kind, &encoded));
        json_decref(square);
    }
    assert_true(reel_document_encode_elements(document, kind, &elements, &buffer));
    assert_int_equal(buffer.size, expected_bytes);
    assert_memory_equal(buffer.bytes, expected, expected_bytes);
    reel_buffer_finish(&buffer);
    reel_buffer_finish(&encoded);
    json_decref(document);
}

#define ASSERT_WITH_SQUARES(squares, kind, expected)                                               \
    do {                                                                                           \
        assert_with_squares(squares, kind, expected, sizeof(expected) - 1);                        \
        assert_with_encoded(squares, kind, expected, sizeof(expected) - 1);                        \
    } while (0)

static void elements_are_encoded_one_at_a_time(void **state)
{
    (void)state;
    ASSERT_WITH_SQUARES(0, REEL_DOCUMENT_JSON,
                        "{\"data\":{\"a\":\"x\",\"squares\":[]},\"z\":[0.5]}");
    ASSERT_WITH_SQUARES(2, REEL_DOCUMENT_JSON,
                        "{\"data\":{\"a\":\"x\",\"squares\":[{\"n\":1},{\"n\":4}]},\"z\":[0.5]}");
    ASSERT_WITH_SQUARES(2, REEL_DOCUMENT_MSGPACK,
                        "\x82\xa4"
                        "data\x82\xa1"
                        "a\xa1x\xa7squares\x92\x81\xa1n\x01\x81\xa1n\x04\xa1z\x91\xcb\x3f\xe0\x00"
                        "\x00\x00\x00\x00\x00");
}

static json_t *next_of_none(void *user)
{
    (void)user;
    return NULL;
}

static void elements_that_cannot_be_made_leave_nothing(void **state)
{
    json_t *document = json_loads("{\"data\":{}}", 0, NULL);
    const struct reel_elements elements = {.name = "none", .count = 1, .next = next_of_none};
    struct reel_buffer buffer = {0};

    (void)state;
    assert_false(reel_document_encode_elements(document, REEL_DOCUMENT_JSON, &elements, &buffer));
    assert_false(
        reel_document_encode_elements(document, REEL_DOCUMENT_MSGPACK, &elements, &buffer));
    assert_int_equal(buffer.size, 0);
    reel_buffer_finish(&buffer);
    json_decref(document);
}

static void the_blob_leaves_the_document_as_it_was(void **state)
{
    json_t *document = json_loads("{\"data\":{}}", 0, NULL);
    struct reel_buffer buffer = {0};

    (void)state;
    assert_true(reel_document_encode(document, REEL_DOCUMENT_JSON, "x", 1, &buffer));
    assert_true(reel_document_encode(document, REEL_DOCUMENT_MSGPACK, "x", 1, &buffer));
    assert_int_equal(json_object_size(json_object_get(document, "data")), 0);
    reel_buffer_finish(&buffer);
    json_decref(document);
}

static void responses_have_their_form(void **state)
{
    const struct reel_error at_field = {REEL_E_BAD_REQUEST, "limit", "must be less", 0};
    const struct reel_error nowhere = {REEL_E_BUSY, "", "later", 0};
    json_t *transaction = json_string("t1");
    json_t *good = reel_response(json_pack("{s:i}", "a", 1), transaction);
    json_t *empty = reel_response(NULL, NULL);
    json_t *bad = reel_response_error(&at_field, transaction);
    json_t *busy = reel_response_error(&nowhere, NULL);
    json_t *wanted[] = {
        json_pack("{s:s, s:{s:i}, s:s}", "status", "ok", "data", "a", 1, "transaction", "t1"),
        json_pack("{s:s, s:{}}", "status", "ok", "data"),
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:{}, s:s}", "status", "error", "error", "code",
                  "bad-request", "message", "must be less", "field", "limit", "data", "transaction",
                  "t1"),
        json_pack("{s:s, s:{s:s, s:s, s:n}, s:{}}", "status", "error", "error", "code", "busy",
                  "message", "later", "field", "data"),
    };
    json_t *found[] = {good, empty, bad, busy};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(json_equal(found[i], wanted[i]));
        json_decref(found[i]);
        json_decref(wanted[i]);
    }
    json_decref(transaction);
}

static void content_types_are_named(void **state)
{
    (void)state;
    assert_string_equal(reel_document_content_type(REEL_DOCUMENT_JSON), "application/json");
    assert_string_equal(reel_document_content_type(REEL_DOCUMENT_MSGPACK), "application/msgpack");
}

/* The test vectors of RFC 4648, section 10. */
static void base64_is_the_standards(void **state)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    char text[16];
    uint8_t bytes[16];
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        reel_base64_encode(vectors[i][0], strlen(vectors[i][0]), text);
        assert_string_equal(text, vectors[i][1]);
        assert_true(reel_base64_decode(text, strlen(text), bytes, &size));
        assert_int_equal(size, strlen(vectors[i][0]));
        assert_memory_equal(bytes, vectors[i][0], size);
    }
    assert_false(reel_base64_decode("Zg=", 3, bytes, &size));
    assert_false(reel_base64_decode("Z", 1, bytes, &size));
    assert_false(reel_base64_decode("Zg==Zg==", 8, bytes, &size));
    assert_false(reel_base64_decode("Zm9v====", 8, bytes, &size));
    assert_false(reel_base64_decode("Zm=v", 4, bytes, &size));
    assert_false(reel_base64_decode("=", 1, bytes, &size));
    assert_false(reel_base64_decode("Zm-v", 4, bytes, &size));
    assert_false(reel_base64_decode("Zm\0v", 4, bytes, &size));
}

static void a_buffer_grows(void **state)
{
    struct reel_buffer buffer = {0};

    (void)state;
    assert_true(reel_buffer_append(&buffer, NULL, 0));
    assert_null(buffer.bytes);
    for (int i = 0; i < 1000; i++)
        assert_true(reel_buffer_append(&buffer, "abc", 3));
    assert_int_equal(buffer.size, 3000);
    assert_memory_equal(buffer.bytes + 2997, "abc", 3);
    assert_false(reel_buffer_append(&buffer, "", SIZE_MAX));
    assert_int_equal(buffer.size, 3000);
    reel_buffer_finish(&buffer);
    assert_null(buffer.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_payload_is_an_empty_json_map),
        cmocka_unit_test(json_requests_are_read),
        cmocka_unit_test(msgpack_requests_are_read),
        cmocka_unit_test(msgpack_that_a_request_may_not_hold_is_refused),
        cmocka_unit_test(a_request_is_bounded),
        cmocka_unit_test(room_in_a_buffer_is_behind_what_it_holds),
        cmocka_unit_test(a_responses_bin_becomes_base64),
        cmocka_unit_test(documents_are_packed),
        cmocka_unit_test(documents_are_written_as_json),
        cmocka_unit_test(elements_are_encoded_one_at_a_time),
        cmocka_unit_test(elements_that_cannot_be_made_leave_nothing),
        cmocka_unit_test(the_blob_leaves_the_document_as_it_was),
        cmocka_unit_test(responses_have_their_form),
        cmocka_unit_test(content_types_are_named),
        cmocka_unit_test(base64_is_the_standards),
        cmocka_unit_test(a_buffer_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
