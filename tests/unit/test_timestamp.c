/* Timestamps against RFC 3339 and `date -u`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/timestamp.h"

static void test_time_formats(void **state)
{
    char text[REEL_TIME_BYTES];

    (void)state;
    reel_time_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    reel_time_format(1709164799999999, text); /* date -u -d @1709164799: the eve of a leap day */
    assert_string_equal(text, "2024-02-28T23:59:59.999999Z");
    reel_time_format(1709164800000000, text);
    assert_string_equal(text, "2024-02-29T00:00:00.000000Z");
    reel_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    reel_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    reel_time_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
}

static void test_time_as_a_name(void **state)
{
    static const char *const others[] = {"",
                                         "s1",
                                         "20240229T000000",
                                         "20240229T000000Z2",
                                         "2024-02-29T00:00:00Z",
                                         "20240229T00000xZ",
                                         "20240229T000000.12Z",
                                         "20240229T000000Z-2"};
    char text[REEL_TIME_BYTES];

    (void)state;
    reel_time_format_name(1709164800123456, false, text);
    assert_string_equal(text, "20240229T000000Z");
    assert_true(reel_time_is_name(text));
    reel_time_format_name(1709164800123456, true, text);
    assert_string_equal(text, "20240229T000000.123456Z");
    assert_true(reel_time_is_name(text));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(reel_time_is_name(others[i]));
}

static void test_time_parses(void **state)
{
    static const struct {
        const char *text;
        int64_t time_us;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2024-02-29t01:00:00.25+01:00", 1709164800250000},
        {"2024-02-28T19:30:00-04:30", 1709164800000000},
        {"2024-02-29 00:00:00.1234567891Z", 1709164800123456},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2016-12-31T23:59:60Z", 1483228800000000},
    };
    int64_t time_us;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(reel_time_parse(good[i].text, &time_us));
        assert_true(time_us == good[i].time_us);
    }
}

static void test_time_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "2024",
        "2024-02-29",
        "2024-02-29T00:00:00",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T00:00:00Zz",
        "24-01-01T00:00:00Z",
    };
    int64_t time_us = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(reel_time_parse(bad[i], &time_us));
    assert_int_equal(time_us, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_formats),
        cmocka_unit_test(test_time_as_a_name),
        cmocka_unit_test(test_time_parses),
        cmocka_unit_test(test_time_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
