/* Rules: what they refuse, and which of them cannot stand together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/rules.h"

static const struct reel_format cd = {44100, 2, 2, REEL_PCM};
static const struct reel_format studio = {48000, 1, 3, REEL_PCM};

/* The field of a refusal; "" where there is none. */
static const char *field_of(enum reel_code code, const struct reel_error *error)
{
    assert_true(code == REEL_OK || code == REEL_E_NOT_ALLOWED);
    return code ? error->field : "";
}

static void without_rules_all_is_taken(void **state)
{
    static const struct reel_rules none;
    static const struct reel_usage much = {UINT64_MAX, UINT64_MAX};

    (void)state;
    assert_int_equal(reel_rules_check_format(&none, &cd, NULL), REEL_OK);
    assert_int_equal(reel_rules_check_longest(&none, &cd, UINT64_MAX, NULL), REEL_OK);
    assert_int_equal(reel_rules_check_shortest(&none, &cd, 0, NULL), REEL_OK);
    assert_int_equal(reel_rules_check_usage(&none, &much, &much, NULL), REEL_OK);
}

static void a_format_is_refused_by_the_rule_that_it_breaks(void **state)
{
    static const struct reel_rules rules = {
        .rates = {{96000, 48000}, 2},
        .sample_sizes = {{3, 4}, 2},
        .channels = {{1}, 1},
        .encodings = {{REEL_PCM}, 1},
    };
    static const struct {
        struct reel_format format;
        const char *field;
    } cases[] = {
        {{48000, 1, 3, REEL_PCM}, ""},
        {{96000, 1, 4, REEL_PCM}, ""},
        {{44100, 1, 3, REEL_PCM}, "rules.rates"},
        {{48000, 1, 2, REEL_PCM}, "rules.sample_sizes"},
        {{48000, 2, 3, REEL_PCM}, "rules.channels"},
        {{48000, 1, 4, REEL_FLOAT}, "rules.encodings"},
    };
    struct reel_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(
            field_of(reel_rules_check_format(&rules, &cases[i].format, &error), &error),
            cases[i].field);
    reel_rules_check_format(&rules, &cd, &error);
    assert_string_equal(error.message, "its rate is 44100, and the rules allow 96000, 48000");
}

static void a_duration_is_refused_by_the_frame(void **state)
{
    static const struct reel_rules rules = {.min_duration_s = 2, .max_duration_s = 3};
    struct reel_error error;

    (void)state;
    assert_int_equal(reel_rules_check_longest(&rules, &studio, 144000, NULL), REEL_OK);
    assert_string_equal(field_of(reel_rules_check_longest(&rules, &studio, 144001, &error), &error),
                        "rules.max_duration_s");
    assert_int_equal(reel_rules_check_shortest(&rules, &studio, 96000, NULL), REEL_OK);
    assert_string_equal(field_of(reel_rules_check_shortest(&rules, &studio, 95999, &error), &error),
                        "rules.min_duration_s");
}

static void usage_is_refused_where_it_would_pass_the_bound(void **state)
{
    static const struct reel_rules rules = {.max_bytes = 1000, .max_recordings = 3};
    static const struct {
        struct reel_usage used;
        struct reel_usage more;
        const char *field;
    } cases[] = {
        {{2, 500}, {1, 500}, ""},
        {{3, 500}, {1, 0}, "rules.max_recordings"},
        {{3, 500}, {0, 500}, ""},
        {{2, 500}, {1, 501}, "rules.max_bytes"},
        {{9, 2000}, {0, 1}, "rules.max_bytes"}, /* the rules were wider once */
        {{9, 2000}, {0, 0}, ""},
        {{0, 500}, {0, UINT64_MAX}, "rules.max_bytes"},
    };
    struct reel_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(
            field_of(reel_rules_check_usage(&rules, &cases[i].used, &cases[i].more, &error),
                     &error),
            cases[i].field);
}

/* ---- contradictions ---- */

#define MIN   "rules.min_duration_s"
#define MAX   "rules.max_duration_s"
#define PART  "session.max_duration_s"
#define SIZES "rules.sample_sizes"

static const struct {
    struct reel_rules rules;
    struct reel_rules_limits limits;
    const char *settings[2]; /* NULL first: no contradiction */
} pairs[] = {
    {{.min_duration_s = 10}, {0, 0}, {NULL, NULL}},
    {{.min_duration_s = 10, .max_duration_s = 10}, {0, 0}, {NULL, NULL}},
    {{.min_duration_s = 11, .max_duration_s = 10}, {0, 0}, {MIN, MAX}},
    {{.min_duration_s = 3600}, {0, 3600}, {NULL, NULL}},
    {{.min_duration_s = 3601}, {0, 3600}, {MIN, PART}},
    {{.max_duration_s = 3599}, {0, 3600}, {NULL, NULL}},
    {{.max_duration_s = 3600}, {0, 3600}, {MAX, PART}},
    {{.sample_sizes = {{1, 3}, 2}}, {0, 0}, {NULL, NULL}},
    {{.sample_sizes = {{5}, 1}}, {0, 0}, {SIZES, NULL}},
    {{.sample_sizes = {{3}, 1}, .encodings = {{REEL_ALAW}, 1}}, {0, 0}, {SIZES, "rules.encodings"}},
    {{.sample_sizes = {{1, 8}, 2}, .encodings = {{REEL_ALAW, REEL_PCM}, 2}},
     {0, 0},
     {SIZES, "rules.encodings"}},
    {{.sample_sizes = {{1, 8}, 2}, .encodings = {{REEL_ALAW, REEL_FLOAT}, 2}},
     {0, 0},
     {NULL, NULL}},
    {{.max_bytes = 1024}, {0, 0}, {NULL, NULL}},
    {{.max_bytes = 1023}, {0, 0}, {"rules.max_bytes", NULL}},
    {{.max_bytes = 1024 + 10 * 96000,
      .min_duration_s = 10,
      .rates = {{96000, 48000}, 2},
      .channels = {{2}, 1}},
     {0, 0},
     {NULL, NULL}},
    {{.max_bytes = 1023 + 10 * 96000,
      .min_duration_s = 10,
      .rates = {{96000, 48000}, 2},
      .channels = {{2}, 1}},
     {0, 0},
     {"rules.max_bytes", MIN}},
    {{.max_bytes = 1023 + 40 * 8000,
      .min_duration_s = 10,
      .rates = {{8000}, 1},
      .encodings = {{REEL_FLOAT}, 1}},
     {0, 0},
     {"rules.max_bytes", MIN}},
    {{.max_fragments_per_s = 10, .rates = {{10240}, 1}}, {1024, 0}, {NULL, NULL}},
    {{.max_fragments_per_s = 10, .rates = {{10241}, 1}},
     {1024, 0},
     {"rules.max_fragments_per_s", "limits.max_fragment_bytes"}},
};

static void settings_that_cannot_both_be_meant_are_found(void **state)
{
    struct reel_contradiction what;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        bool contradict = reel_rules_contradict(&pairs[i].rules, &pairs[i].limits, &what);

        assert_int_equal(contradict, pairs[i].settings[0] != NULL);
        if (!contradict)
            continue;
        assert_string_equal(what.settings[0], pairs[i].settings[0]);
        assert_int_equal(what.settings[1] != NULL, pairs[i].settings[1] != NULL);
        if (what.settings[1])
            assert_string_equal(what.settings[1], pairs[i].settings[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_all_is_taken),
        cmocka_unit_test(a_format_is_refused_by_the_rule_that_it_breaks),
        cmocka_unit_test(a_duration_is_refused_by_the_frame),
        cmocka_unit_test(usage_is_refused_where_it_would_pass_the_bound),
        cmocka_unit_test(settings_that_cannot_both_be_meant_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
