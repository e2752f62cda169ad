/* Fragments as JSON: base64, what counts as JSON, and text that jansson alone would let pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fragment.h"

#define METADATA "\"metadata\":{\"audio\":{\"channels\":1,\"rate\":16000,\"sample_size\":1}}"
#define GOOD     "{" METADATA ",\"data\":\"AQID\"}"

static void taken(const char *text, const char *data, size_t data_bytes)
{
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    struct reel_error err;

    if (reel_fragment_decode((const uint8_t *)text, strlen(text), NULL, &scratch, &fragment,
                             &err) != REEL_OK)
        fail_msg("%s (%s): %s", err.message, err.field, text);
    assert_int_equal(fragment.kind, REEL_PAYLOAD_JSON);
    assert_int_equal(fragment.data_bytes, data_bytes);
    assert_memory_equal(fragment.data, data, data_bytes);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
}

static void refused_bytes(const char *text, size_t bytes, const char *field)
{
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    struct reel_error err;

    if (reel_fragment_decode((const uint8_t *)text, bytes, NULL, &scratch, &fragment, &err) !=
        REEL_E_BAD_REQUEST)
        fail_msg("taken: %s", text);
    assert_string_equal(err.field, field);
    for (const char *at = err.message; *at; at++)
        assert_in_range(*at, 0x20, 0x7e);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
}

static void refused(const char *text, const char *field)
{
    refused_bytes(text, strlen(text), field);
}

static void base64_becomes_samples(void **state)
{
    (void)state;
    taken(GOOD, "\x01\x02\x03", 3);
    taken("{" METADATA ",\"data\":\"AQI=\"}", "\x01\x02", 2);
    taken("{" METADATA ",\"data\":\"AQI\"}", "\x01\x02", 2);
    taken("{" METADATA ",\"data\":\"/+8=\"}", "\xff\xef", 2);
    taken("{" METADATA ",\"data\":\"AQ\\n ID\"}", "\x01\x02\x03", 3);
    refused("{" METADATA ",\"data\":\"AQID!\"}", "data");
    refused("{" METADATA ",\"data\":\"A\"}", "data");
    refused("{" METADATA ",\"data\":\"AQ=ID\"}", "data");
    refused("{" METADATA ",\"data\":\"AQID====\"}", "data");
    refused("{" METADATA ",\"data\":\"\"}", "data");
}

static void white_space_and_a_bom_may_lead(void **state)
{
    (void)state;
    taken(" \t\r\n" GOOD, "\x01\x02\x03", 3);
    taken("\xef\xbb\xbf" GOOD, "\x01\x02\x03", 3);
    taken("\xef\xbb\xbf \n" GOOD " \n", "\x01\x02\x03", 3);
}

static void what_is_no_good_json_is_refused(void **state)
{
    static const char nul[] = "{" METADATA ",\"data\":\"AQID\"}\0";

    (void)state;
    refused("{", "payload");
    refused("{}", "metadata");
    refused(GOOD GOOD, "payload");
    refused("{" METADATA "," METADATA ",\"data\":\"AQID\"}", "payload");
    refused("{\"a\":\"\\u0000\"," METADATA ",\"data\":\"AQID\"}", "payload");
    refused("{\"a\":\"\xff\"," METADATA ",\"data\":\"AQID\"}", "payload");
    refused("{\"a\":99999999999999999999," METADATA ",\"data\":\"AQID\"}", "payload");
    refused("{'a':1}", "payload");
    refused_bytes(nul, sizeof nul - 1, "payload");
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < sizeof GOOD - 1; bytes++) {
        char *exact = malloc(bytes);

        memcpy(exact, GOOD, bytes);
        refused_bytes(exact, bytes, "payload");
        free(exact);
    }
}

static void nesting_is_bounded_before_the_parser_recurses(void **state)
{
    enum { DEEP = 1 << 20 };
    char *text = malloc(DEEP + 32);
    size_t at = (size_t)sprintf(text, "{\"a\":");

    (void)state;
    memset(text + at, '[', DEEP);
    refused_bytes(text, at + DEEP, "payload");
    free(text);
    taken("{\"a\":[[[[[[[[[[[[[[[\"[[[[\\\"[[[\"]]]]]]]]]]]]]]]," METADATA ",\"data\":\"AQID\"}",
          "\x01\x02\x03", 3);
    refused("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]," METADATA ",\"data\":\"AQID\"}", "payload");
}

/* `unit` again and again where `data` belongs, 1 MiB in all. */
static enum reel_code decode_repeated(const char *unit, const char *last)
{
    enum { BYTES = 1 << 20 };
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    struct reel_error err = {.code = REEL_OK};
    char *text = malloc(BYTES + 256);
    size_t at = (size_t)sprintf(text, "{" METADATA ",\"data\":[");

    while (at < BYTES)
        at += (size_t)sprintf(text + at, "%s,", unit);
    at += (size_t)sprintf(text + at, "%s]}", last);
    reel_fragment_decode((const uint8_t *)text, at, NULL, &scratch, &fragment, &err);
    if (err.code == REEL_OK)
        assert_int_equal(fragment.data_bytes, (at - strlen("{" METADATA ",\"data\":[]}") + 1) / 2);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
    free(text);
    return err.code;
}

static void a_tree_that_outgrows_its_text_is_refused_before_it_is_made(void **state)
{
    (void)state;
    assert_int_equal(decode_repeated("{}", "{}"), REEL_E_TOO_LARGE);
    assert_int_equal(decode_repeated("[]", "[]"), REEL_E_TOO_LARGE);
    assert_int_equal(decode_repeated("\"\"", "\"\""), REEL_E_TOO_LARGE);
    assert_int_equal(decode_repeated("\"\\\"\"", "\"\""), REEL_E_TOO_LARGE);
    assert_int_equal(decode_repeated("0", "0"), REEL_OK);
    assert_int_equal(decode_repeated("\"{{{{[[[[,,,,\"", "0"), REEL_E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_becomes_samples),
        cmocka_unit_test(white_space_and_a_bom_may_lead),
        cmocka_unit_test(what_is_no_good_json_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(nesting_is_bounded_before_the_parser_recurses),
        cmocka_unit_test(a_tree_that_outgrows_its_text_is_refused_before_it_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
