/* Fragments as MessagePack: what JSON cannot say, bytes that break off, the Content Type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "unit/documents.h"
#include "wire/fragment.h"

#define AUDIO "\"audio\":{\"channels\":1,\"rate\":16000,\"sample_size\":2}"

struct decoded {
    struct reel_scratch scratch;
    struct reel_fragment fragment;
    struct reel_error err;
};

static enum reel_code decode(struct decoded *decoded, const void *payload, size_t bytes,
                             const char *content_type)
{
    const struct reel_envelope envelope = {content_type, NULL, 0};

    memset(decoded, 0, sizeof *decoded);
    return reel_fragment_decode(payload, bytes, &envelope, &decoded->scratch, &decoded->fragment,
                                &decoded->err);
}

static void finish(struct decoded *decoded)
{
    reel_fragment_finish(&decoded->fragment);
    reel_scratch_finish(&decoded->scratch);
}

static void binary_data_is_not_copied(void **state)
{
    msgpack_sbuffer payload = document_from_text(
        "{\"metadata\":{" AUDIO ",\"session\":{\"id\":\"s1\"}},\"data\":\"hex:0100feff\"}");
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, payload.data, payload.size, NULL), REEL_OK);
    assert_ptr_equal(decoded.fragment.data, payload.data + payload.size - 4);
    assert_int_equal(decoded.fragment.data_bytes, 4);
    assert_int_equal(decoded.fragment.numbers.frames, 2);
    assert_null(decoded.scratch.bytes);
    finish(&decoded);
    msgpack_sbuffer_destroy(&payload);
}

/* Encoders of the old specification know one kind of raw bytes. */
static void data_as_a_string_is_taken(void **state)
{
    msgpack_sbuffer payload = document_from_text("{\"metadata\":{" AUDIO "},\"data\":\"abcd\"}");
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, payload.data, payload.size, NULL), REEL_OK);
    assert_memory_equal(decoded.fragment.data, "abcd", 4);
    finish(&decoded);
    msgpack_sbuffer_destroy(&payload);
}

static void half_a_frame_of_binary_data_is_refused(void **state)
{
    msgpack_sbuffer payload =
        document_from_text("{\"metadata\":{" AUDIO "},\"data\":\"hex:010203\"}");
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, payload.data, payload.size, NULL), REEL_E_BAD_REQUEST);
    assert_string_equal(decoded.err.field, "data");
    finish(&decoded);
    msgpack_sbuffer_destroy(&payload);
}

static void refused(const void *payload, size_t bytes, const char *field)
{
    struct decoded decoded;

    assert_int_equal(decode(&decoded, payload, bytes, NULL), REEL_E_BAD_REQUEST);
    assert_string_equal(decoded.err.field, field);
    finish(&decoded);
}

#define REFUSED(bytes, field) refused(bytes, sizeof(bytes) - 1, field)

static void what_is_no_document_is_refused_as_payload(void **state)
{
    (void)state;
    REFUSED("", "payload");
    REFUSED("hello", "payload");
    REFUSED("[1]", "payload");
    REFUSED("RIF", "payload");
    REFUSED("\x93\x01\x02\x03", "payload");
    REFUSED("\xc0", "payload");
    REFUSED("\xc1", "payload");
    REFUSED("\xdd\xff\x00\x00\x00", "payload");
    REFUSED("\xdf\xff\xff\xff\xff", "payload");
    REFUSED("\x80\x00", "payload");
    REFUSED("\x80", "metadata");
    REFUSED("\x81\xa4"
            "data\xdd\xff\x00\x00\x00",
            "payload");
    REFUSED("\x81\xa8"
            "metadata\xdf\x7f\x00\x00\x00",
            "payload");
}

static void a_key_given_twice_is_refused(void **state)
{
    (void)state;
    REFUSED("\x82\xa4"
            "data\xc4\x00\xa4"
            "data\xc4\x00",
            "data");
    REFUSED("\x81\xa8metadata\x82\xa7session\x80\xa7session\x80", "metadata.session");
    REFUSED("\x81\xa8metadata\x81\xa7session\x82\xa3seq\x01\xa3seq\x02", "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa7session\x82\xa3seq\xc0\xa3seq\x02", "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa4tags\x82\xa1"
            "a\x01\xa1"
            "a\x02",
            "metadata.tags.a");
}

static void wrong_kinds_that_only_messagepack_has_are_refused(void **state)
{
    (void)state;
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa2id\xc4\x02s1", "metadata.session.id");
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa3seq\xd4\x01\x07", "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa3seq\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa3seq\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
            "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa3seq\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
            "metadata.session.seq");
    REFUSED("\x81\xa8metadata\x81\xa7session\x81\xa4"
            "boot\xa2\xff\xff",
            "metadata.session.boot");
    REFUSED("\x81\xa8metadata\x81\xa4tags\x81\x01\x02", "metadata.tags");
    REFUSED("\x81\xa8metadata\x81\xa4tags\x81\xa1"
            "a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
            "metadata.tags.a");
    REFUSED("\x81\xa8metadata\x81\xa4tags\x81\xa1"
            "a\xa1\xff",
            "metadata.tags.a");
}

static void keys_that_are_no_strings_are_unknown_fields(void **state)
{
    static const char document[] = "\x84\x01\x02\xc0\x91\x01\xa8metadata\x82\xc4\x07session\x05\xa5"
                                   "audio\x83\xa8"
                                   "channels\x01\xa4rate\x01\xabsample_size\x01\xa4"
                                   "data\xc4\x01x";
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, document, sizeof document - 1, NULL), REEL_OK);
    finish(&decoded);
}

/* A boot past what JSON holds goes back as a string. */
static void the_largest_boots_are_taken(void **state)
{
    static const char document[] = "\x82\xa8metadata\x82\xa7session\x81\xa4"
                                   "boot\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa5"
                                   "audio\x83\xa8"
                                   "channels\x01\xa4rate\x01\xabsample_size\x01\xa4"
                                   "data\xc4\x01x";
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, document, sizeof document - 1, NULL), REEL_OK);
    assert_string_equal(decoded.fragment.numbers.boot.text, "18446744073709551615");
    assert_false(decoded.fragment.numbers.boot.is_uint);
    finish(&decoded);
}

/* A payload that a broker or a buffer cut off still says whose it is. */
static void a_truncated_document_leaves_what_it_says(void **state)
{
    msgpack_sbuffer payload = document_from_text(
        "{\"metadata\":{\"session\":{\"id\":\"s1\",\"seq\":5,\"boot\":\"b\",\"reply_to\":\"r\"}"
        "," AUDIO ",\"tags\":{\"a\":1}},\"data\":\"hex:0100feff\"}");
    struct decoded decoded;

    (void)state;
    for (size_t bytes = 0; bytes < payload.size; bytes++) {
        char *exact = malloc(bytes ? bytes : 1);

        memcpy(exact, payload.data, bytes);
        assert_int_equal(decode(&decoded, exact, bytes, NULL), REEL_E_BAD_REQUEST);
        assert_string_equal(decoded.err.field, "payload");
        assert_null(decoded.fragment.tags);
        finish(&decoded);
        free(exact);
    }
    assert_string_equal(decoded.fragment.session, "s1");
    assert_int_equal(decoded.fragment.numbers.seq, 5);
    assert_string_equal(decoded.fragment.numbers.boot.text, "b");
    assert_string_equal(decoded.fragment.reply_to, "r");
    msgpack_sbuffer_destroy(&payload);
}

static void deep_nesting_is_refused_without_recursion(void **state)
{
    enum { BYTES = 1 << 20 };
    uint8_t *payload = malloc(BYTES);

    (void)state;
    memset(payload, 0x81, BYTES);
    refused(payload, BYTES, "payload");
    memset(payload, 0x91, BYTES);
    memcpy(payload,
           "\x81\xa4"
           "data",
           6);
    refused(payload, BYTES, "payload");
    free(payload);
}

static void a_content_type_may_not_contradict(void **state)
{
    static const struct {
        const char *type;
        bool msgpack, json;
    } cases[] = {
        {"application/msgpack", true, false},
        {"application/x-msgpack", true, false},
        {"application/vnd.msgpack", true, false},
        {"Application/MsgPack; charset=binary", true, false},
        {"application/json", false, true},
        {" application/json;charset=utf-8", false, true},
        {"audio/wav", false, false},
        {"audio/x-wav", false, false},
        {"AUDIO/WAVE", false, false},
        {"audio/vnd.wave;codec=1", false, false},
        {"application/octet-stream", true, true},
        {"application/jsonx", true, true},
        {"", true, true},
    };
    static const char json[] = "{\"metadata\":{" AUDIO ",\"session\":{\"id\":\"s1\"}},"
                               "\"data\":[1]}";
    msgpack_sbuffer payload = document_from_text(json);
    struct decoded decoded;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            bool good = as_json ? cases[i].json : cases[i].msgpack;
            enum reel_code code = as_json
                                      ? decode(&decoded, json, sizeof json - 1, cases[i].type)
                                      : decode(&decoded, payload.data, payload.size, cases[i].type);

            assert_int_equal(code, good ? REEL_OK : REEL_E_BAD_REQUEST);
            assert_string_equal(decoded.err.field, good ? "" : "content_type");
            assert_string_equal(decoded.fragment.session, "s1");
            finish(&decoded);
        }
    }
    msgpack_sbuffer_destroy(&payload);
}

static void scratch_serves_again_and_again(void **state)
{
    msgpack_sbuffer one = document_from_text("{\"metadata\":{" AUDIO "},\"data\":[1,2,3,4]}");
    msgpack_sbuffer two = document_from_text("{\"metadata\":{" AUDIO "},\"data\":[5]}");
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    const uint8_t *first;

    (void)state;
    assert_int_equal(
        reel_fragment_decode((uint8_t *)one.data, one.size, NULL, &scratch, &fragment, NULL),
        REEL_OK);
    first = fragment.data;
    assert_int_equal(
        reel_fragment_decode((uint8_t *)two.data, two.size, NULL, &scratch, &fragment, NULL),
        REEL_OK);
    assert_ptr_equal(fragment.data, first);
    assert_memory_equal(fragment.data, "\x05\x00", 2);
    reel_scratch_finish(&scratch);
    msgpack_sbuffer_destroy(&one);
    msgpack_sbuffer_destroy(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_data_is_not_copied),
        cmocka_unit_test(data_as_a_string_is_taken),
        cmocka_unit_test(half_a_frame_of_binary_data_is_refused),
        cmocka_unit_test(what_is_no_document_is_refused_as_payload),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(wrong_kinds_that_only_messagepack_has_are_refused),
        cmocka_unit_test(keys_that_are_no_strings_are_unknown_fields),
        cmocka_unit_test(the_largest_boots_are_taken),
        cmocka_unit_test(a_truncated_document_leaves_what_it_says),
        cmocka_unit_test(deep_nesting_is_refused_without_recursion),
        cmocka_unit_test(a_content_type_may_not_contradict),
        cmocka_unit_test(scratch_serves_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
