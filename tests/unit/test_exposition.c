/* Prometheus' text: families, escapes, histograms. What is expected was read from the format's
 * description; that Prometheus' own tool takes it, tests/broker/test_metrics.py sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/exposition.h"

static void assert_text(struct reel_exposition *out, const char *expected)
{
    assert_false(out->no_memory);
    assert_true(reel_buffer_append(&out->text, "", 1));
    assert_string_equal((const char *)out->text.bytes, expected);
    reel_buffer_finish(&out->text);
}

static void numbers_are_whole_or_microseconds(void **state)
{
    char text[REEL_METRIC_NUMBER_BYTES];

    (void)state;
    reel_metric_number_format((struct reel_metric_number){UINT64_MAX, false}, text);
    assert_string_equal(text, "18446744073709551615");
    reel_metric_number_format((struct reel_metric_number){1000001, true}, text);
    assert_string_equal(text, "1.000001");
    reel_metric_number_format((struct reel_metric_number){UINT64_MAX, true}, text);
    assert_string_equal(text, "18446744073709.551615");
}

static void a_family_has_help_and_type(void **state)
{
    struct reel_exposition out = {.no_memory = false};

    (void)state;
    reel_exposition_family(&out, "a_total", REEL_METRIC_COUNTER, "Of \\ and \n a \"line\".");
    reel_exposition_sample(&out, "a_total", NULL, NULL, (struct reel_metric_number){7, false});
    assert_text(&out, "# HELP a_total Of \\\\ and \\n a \"line\".\n"
                      "# TYPE a_total counter\n"
                      "a_total 7\n");
}

static void the_value_of_a_label_is_escaped(void **state)
{
    struct reel_exposition out = {.no_memory = false};

    (void)state;
    reel_exposition_sample(&out, "a", "reason", "a\"b\\c\nd",
                           (struct reel_metric_number){0, false});
    assert_text(&out, "a{reason=\"a\\\"b\\\\c\\nd\"} 0\n");
}

static void buckets_add_up(void **state)
{
    const uint64_t bounds[] = {1000, 2500000};
    const uint64_t counts[] = {3, 0, 4};
    struct reel_exposition out = {.no_memory = false};

    (void)state;
    reel_exposition_histogram(&out, "t_seconds", bounds, counts, 2,
                              (struct reel_metric_number){12500000, true});
    assert_text(&out, "t_seconds_bucket{le=\"0.001\"} 3\n"
                      "t_seconds_bucket{le=\"2.5\"} 3\n"
                      "t_seconds_bucket{le=\"+Inf\"} 7\n"
                      "t_seconds_sum 12.500000\n"
                      "t_seconds_count 7\n");
}

static void bounds_that_are_whole_keep_their_zeros(void **state)
{
    const uint64_t bounds[] = {100};
    const uint64_t counts[] = {1, 1};
    struct reel_exposition out = {.no_memory = false};

    (void)state;
    reel_exposition_histogram(&out, "n", bounds, counts, 1,
                              (struct reel_metric_number){150, false});
    assert_text(&out, "n_bucket{le=\"100\"} 1\nn_bucket{le=\"+Inf\"} 2\nn_sum 150\nn_count 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_or_microseconds),
        cmocka_unit_test(a_family_has_help_and_type),
        cmocka_unit_test(the_value_of_a_label_is_escaped),
        cmocka_unit_test(buckets_add_up),
        cmocka_unit_test(bounds_that_are_whole_keep_their_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
