/* The walk over MessagePack: tokens as the format's specification lists them, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/guard.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static struct reel_token token(const uint8_t *bytes, size_t size)
{
    struct reel_token_reader reader = {bytes, bytes + size};
    struct reel_token out;

    assert_true(reel_token_next(&reader, &out));
    assert_ptr_equal(reader.at, reader.end);
    return out;
}

static void assert_uint(const uint8_t *bytes, size_t size, uint64_t expected)
{
    struct reel_token out = token(bytes, size);

    assert_int_equal(out.kind, REEL_TOKEN_UINT);
    assert_true(out.uint == expected);
}

static void assert_sint(const uint8_t *bytes, size_t size, int64_t expected)
{
    struct reel_token out = token(bytes, size);

    assert_int_equal(out.kind, REEL_TOKEN_INT);
    assert_true(out.sint == expected);
}

static void integers_of_any_width_are_one_kind(void **state)
{
    (void)state;
    assert_uint(BYTES("\x00"), 0);
    assert_uint(BYTES("\x7f"), 127);
    assert_uint(BYTES("\xcc\xff"), 255);
    assert_uint(BYTES("\xcd\x01\x00"), 256);
    assert_uint(BYTES("\xce\x00\x00\x00\x07"), 7);
    assert_uint(BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX);
    assert_uint(BYTES("\xd0\x05"), 5);
    assert_uint(BYTES("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX);
    assert_sint(BYTES("\xff"), -1);
    assert_sint(BYTES("\xe0"), -32);
    assert_sint(BYTES("\xd0\x80"), -128);
    assert_sint(BYTES("\xd1\xff\x00"), -256);
    assert_sint(BYTES("\xd2\xff\xff\xff\xff"), -1);
    assert_sint(BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), INT64_MIN);
}

static void floats_and_the_small_kinds_are_read(void **state)
{
    (void)state;
    assert_true(token(BYTES("\xca\x3f\xc0\x00\x00")).real == 1.5);
    assert_true(token(BYTES("\xcb\xbf\xe0\x00\x00\x00\x00\x00\x00")).real == -0.5);
    assert_int_equal(token(BYTES("\xc0")).kind, REEL_TOKEN_NIL);
    assert_true(token(BYTES("\xc3")).boolean);
    assert_false(token(BYTES("\xc2")).boolean);
}

static void assert_bytes(const uint8_t *bytes, size_t size, enum reel_token_kind kind,
                         const char *expected)
{
    struct reel_token out = token(bytes, size);

    assert_int_equal(out.kind, kind);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.bytes, expected, out.size);
}

static void strings_bins_and_exts_point_into_the_payload(void **state)
{
    (void)state;
    assert_bytes(BYTES("\xa3"
                       "abc"),
                 REEL_TOKEN_STR, "abc");
    assert_bytes(BYTES("\xa0"), REEL_TOKEN_STR, "");
    assert_bytes(BYTES("\xd9\x01"
                       "a"),
                 REEL_TOKEN_STR, "a");
    assert_bytes(BYTES("\xda\x00\x01"
                       "a"),
                 REEL_TOKEN_STR, "a");
    assert_bytes(BYTES("\xdb\x00\x00\x00\x01"
                       "a"),
                 REEL_TOKEN_STR, "a");
    assert_bytes(BYTES("\xc4\x02"
                       "ab"),
                 REEL_TOKEN_BIN, "ab");
    assert_bytes(BYTES("\xc5\x00\x02"
                       "ab"),
                 REEL_TOKEN_BIN, "ab");
    assert_bytes(BYTES("\xc6\x00\x00\x00\x02"
                       "ab"),
                 REEL_TOKEN_BIN, "ab");
    assert_bytes(BYTES("\xd4\x2a"
                       "a"),
                 REEL_TOKEN_EXT, "a");
    assert_bytes(BYTES("\xd6\xff"
                       "abcd"),
                 REEL_TOKEN_EXT, "abcd");
    assert_bytes(BYTES("\xd8\xff"
                       "0123456789abcdef"),
                 REEL_TOKEN_EXT, "0123456789abcdef");
    assert_bytes(BYTES("\xc7\x00\x2a"), REEL_TOKEN_EXT, "");
    assert_bytes(BYTES("\xc7\x03\x2a"
                       "abc"),
                 REEL_TOKEN_EXT, "abc");
}

static void counts_are_read(void **state)
{
    (void)state;
    assert_int_equal(token(BYTES("\x83")).count, 3);
    assert_int_equal(token(BYTES("\x9f")).count, 15);
    assert_int_equal(token(BYTES("\xdc\x01\x00")).count, 256);
    assert_int_equal(token(BYTES("\xde\x00\x01")).kind, REEL_TOKEN_MAP);
    assert_int_equal(token(BYTES("\xdf\xff\xff\xff\xff")).count, UINT32_MAX);
}

static void skip_steps_over_a_whole_value(void **state)
{
    static const uint8_t bytes[] = "\x82\xa1"
                                   "a\x92\x01\x81\x02\x03\xa1"
                                   "b\xc4\x01x\x2a";
    struct reel_token_reader reader = {bytes, bytes + sizeof bytes - 1};
    struct reel_token out;

    (void)state;
    assert_true(reel_token_skip(&reader));
    assert_true(reel_token_next(&reader, &out));
    assert_int_equal(out.uint, 42);
    assert_false(reel_token_skip(&reader));
}

static enum reel_code check(const uint8_t *bytes, size_t size)
{
    struct reel_error err;
    enum reel_code code = reel_guard_check(bytes, size, &err);

    if (code != REEL_OK)
        assert_string_equal(err.field, "payload");
    return code;
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(check(BYTES("\xdd\xff\x00\x00\x00")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xdf\xff\xff\xff\xff")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xdf\x80\x00\x00\x00\x01\x01")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xc6\xff\xff\xff\xff")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xc9\xff\xff\xff\xff\x01")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xdb\x00\x00\x00\x02"
                                 "a")),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xc1")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\x91\xc1")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\x81\x01")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\x01\x02")), REEL_E_BAD_REQUEST);
    assert_int_equal(check(BYTES("\xd5\x01"
                                 "a")),
                     REEL_E_BAD_REQUEST);
}

/* Said of the count itself, before what it counts is looked for. */
static void a_count_past_the_end_is_named(void **state)
{
    struct reel_error err;

    (void)state;
    assert_int_equal(reel_guard_check(BYTES("\x91\xdd\xff\x00\x00\x00"), &err), REEL_E_BAD_REQUEST);
    assert_non_null(strstr(err.message, "the count at byte 1"));
    assert_int_equal(reel_guard_check(BYTES("\xdf\x00\x00\x00\x02\x01\x01\x01"), &err),
                     REEL_E_BAD_REQUEST);
    assert_non_null(strstr(err.message, "the count at byte 0"));
}

static void nesting_is_bounded(void **state)
{
    uint8_t bytes[100000];

    (void)state;
    memset(bytes, 0x91, sizeof bytes);
    bytes[REEL_NESTING_MAX] = 0x01;
    assert_int_equal(check(bytes, REEL_NESTING_MAX + 1), REEL_OK);
    bytes[REEL_NESTING_MAX] = 0x90;
    assert_int_equal(check(bytes, REEL_NESTING_MAX + 1), REEL_E_BAD_REQUEST);
    bytes[REEL_NESTING_MAX] = 0x91;
    assert_int_equal(check(bytes, sizeof bytes), REEL_E_BAD_REQUEST);
}

static void every_truncation_is_refused(void **state)
{
    static const uint8_t bytes[] = "\x86\xa1"
                                   "a\x92\x01\x81\x02\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xa1"
                                   "b\xc4\x01x\x01\xc0"
                                   "\x02\xd8\x01"
                                   "0123456789abcdef\x03\xda\x00\x02xy\x04\xdc\x00\x01\xff";

    (void)state;
    assert_int_equal(check(bytes, sizeof bytes - 1), REEL_OK);
    for (size_t size = 0; size < sizeof bytes - 1; size++) {
        uint8_t *exact = malloc(size ? size : 1);

        memcpy(exact, bytes, size);
        assert_int_equal(check(exact, size), REEL_E_BAD_REQUEST);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_any_width_are_one_kind),
        cmocka_unit_test(floats_and_the_small_kinds_are_read),
        cmocka_unit_test(strings_bins_and_exts_point_into_the_payload),
        cmocka_unit_test(counts_are_read),
        cmocka_unit_test(skip_steps_over_a_whole_value),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_count_past_the_end_is_named),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(every_truncation_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
