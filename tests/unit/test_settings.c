/* Settings as texts, patterns of devices, and what stands over what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/device_settings.h"
#include "core/pattern.h"

/* ---- texts ---- */

struct values {
    char text[4];
    uint64_t number;
    struct reel_choices list;
    struct reel_choices words;
};

static const char *word(uint32_t value)
{
    static const char *const words[] = {"wav", "flac", "ogg"};

    return words[value];
}

static const struct reel_setting table[] = {
    REEL_TEXT_SETTING("a.text", struct values, text, "abc", REEL_SETTING_LIVE, ""),
    REEL_NUMBER_SETTING("a.number", struct values, number, 3, UINT64_MAX, 5, REEL_SETTING_LIVE, ""),
    REEL_LIST_SETTING("a.list", struct values, list, 1, 99, NULL, "1,2", REEL_SETTING_LIVE, ""),
    REEL_LIST_SETTING("a.words", struct values, words, 0, 2, word, "wav", REEL_SETTING_LIVE, ""),
};
enum { TABLE = sizeof table / sizeof table[0] };

static enum reel_code set(struct values *values, const char *name, const char *text)
{
    struct reel_error error = {.field = ""};
    enum reel_code code =
        reel_setting_set(&table[reel_settings_find(table, TABLE, name)], values, text, &error);

    assert_string_equal(error.field, code ? name : "");
    return code;
}

static void defaults_are_the_tables(void **state)
{
    struct values values;

    (void)state;
    reel_settings_default(table, TABLE, &values);
    assert_string_equal(values.text, "abc");
    assert_int_equal(values.number, 5);
    assert_int_equal(values.list.count, 2);
    assert_int_equal(values.list.values[1], 2);
    assert_int_equal(values.words.count, 1);
    assert_int_equal(values.words.values[0], 0);
    assert_int_equal(reel_settings_find(table, TABLE, "a.none"), TABLE);
}

static void a_number_is_digits_within_its_bounds(void **state)
{
    static const char *const wrong[] = {"",
                                        " 4",
                                        "4 ",
                                        "+4",
                                        "-4",
                                        "0x4",
                                        "4.0",
                                        "2",
                                        "18446744073709551616",
                                        "99999999999999999999999"};
    struct values values = {.number = 7};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(set(&values, "a.number", wrong[i]), REEL_E_BAD_REQUEST);
    assert_int_equal(values.number, 7);
    assert_int_equal(set(&values, "a.number", "18446744073709551615"), REEL_OK);
    assert_true(values.number == UINT64_MAX);
    assert_int_equal(set(&values, "a.number", "003"), REEL_OK);
    assert_int_equal(values.number, 3);
}

static void a_text_fits(void **state)
{
    struct values values = {.text = "x"};

    (void)state;
    assert_int_equal(set(&values, "a.text", "four"), REEL_E_BAD_REQUEST);
    assert_string_equal(values.text, "x");
    assert_int_equal(set(&values, "a.text", "abc"), REEL_OK);
    assert_string_equal(values.text, "abc");
}

static void a_list_is_separated_by_commas_and_white_space(void **state)
{
    struct values values;

    (void)state;
    assert_int_equal(set(&values, "a.list", " 44,48\t50 , 48,"), REEL_OK);
    assert_int_equal(values.list.count, 3);
    assert_true(reel_choices_allow(&values.list, 50));
    assert_false(reel_choices_allow(&values.list, 49));
    assert_int_equal(set(&values, "a.words", "ogg,flac"), REEL_OK);
    assert_true(reel_choices_allow(&values.words, 2) && reel_choices_allow(&values.words, 1));
    assert_false(reel_choices_allow(&values.words, 0));
    assert_int_equal(set(&values, "a.words", ""), REEL_OK);
    assert_true(reel_choices_allow(&values.words, 0));
}

static void a_list_with_one_wrong_value_is_wrong(void **state)
{
    static const char *const wrong[] = {"1, x",
                                        "0",
                                        "100",
                                        "1;2",
                                        "1-2",
                                        "4294967297",
                                        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"};
    struct values values = {.list = {.values = {7}, .count = 1}};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(set(&values, "a.list", wrong[i]), REEL_E_BAD_REQUEST);
    assert_int_equal(values.list.count, 1);
    assert_int_equal(values.list.values[0], 7);
    assert_int_equal(set(&values, "a.words", "wav fla"), REEL_E_BAD_REQUEST);
    assert_int_equal(set(&values, "a.words", "wave"), REEL_E_BAD_REQUEST);
}

static void values_are_compared_and_shown(void **state)
{
    struct values a = {.text = "abc", .number = 7, .list = {{3, 44}, 2}, .words = {{2, 0}, 2}};
    struct values b = a;
    char shown[TABLE][16];

    (void)state;
    for (size_t i = 0; i < TABLE; i++) {
        reel_setting_show(&table[i], &a, shown[i], sizeof shown[i]);
        assert_true(reel_setting_equal(&table[i], &a, &b));
    }
    assert_string_equal(shown[0], "abc");
    assert_string_equal(shown[1], "7");
    assert_string_equal(shown[2], "3, 44");
    assert_string_equal(shown[3], "ogg, wav");
    reel_setting_show(&table[3], &a, shown[3], 6);
    assert_string_equal(shown[3], "ogg, ");
    b = (struct values){.text = "abd", .number = 8, .list = {{3, 45}, 2}, .words = {{2, 0}, 1}};
    for (size_t i = 0; i < TABLE; i++)
        assert_false(reel_setting_equal(&table[i], &a, &b));
    /* What lies behind the end of a text is none of it. */
    memcpy(b.text, "a\0z", 4);
    memcpy(a.text, "a\0y", 4);
    assert_true(reel_setting_equal(&table[0], &a, &b));
}

/* ---- names ---- */

static void names_are_as_far_apart_as_letters_differ(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},         {"", "abc", 3},       {"host", "host", 0},      {"hots", "host", 2},
        {"prt", "port", 1},  {"ports", "port", 1}, {"kitten", "sitting", 3}, {"abc", "xyz", 3},
        {"port", "post", 1},
    };
    char longest[REEL_SETTING_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(reel_setting_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(reel_setting_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(reel_setting_distance(longest, "a") == SIZE_MAX);
    assert_true(reel_setting_distance("a", longest) == SIZE_MAX);
    longest[sizeof longest - 2] = '\0';
    assert_int_equal(reel_setting_distance(longest, longest), 0);
    assert_int_equal(reel_setting_distance("", longest), REEL_SETTING_BYTES - 1);
}

static void the_nearest_setting_is_what_was_meant(void **state)
{
    static const struct {
        const char *name;
        const char *near; /* NULL: none */
    } cases[] = {
        {"a.txt", "a.text"},
        {"a.lists", "a.list"},
        {"a.word", "a.words"},
        {"b.number", "a.number"},
        {"bbb.text", NULL},
        {"frob.nicate", NULL},
        {"", NULL},
        {"text", "a.text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct reel_setting *near = reel_settings_near(table, TABLE, cases[i].name);

        assert_int_equal(near != NULL, cases[i].near != NULL);
        if (near)
            assert_string_equal(near->name, cases[i].near);
    }
    assert_string_equal(reel_settings_same_key(table, TABLE, "bbb.text")->name, "a.text");
    assert_string_equal(reel_settings_same_key(table, TABLE, "words")->name, "a.words");
    assert_null(reel_settings_same_key(table, TABLE, "a.tex"));
}

/* ---- patterns ---- */

static void a_pattern_matches_whole_names(void **state)
{
    static const struct {
        const char *pattern;
        const char *name;
        bool matches;
    } cases[] = {
        {"mic-1", "mic-1", true},     {"mic-1", "mic-12", false},  {"mic-12", "mic-1", false},
        {"mic-*", "mic-", true},      {"mic-*", "mic-12", true},   {"mic-*", "amic-1", false},
        {"*-attic", "a-attic", true}, {"*-attic", "attic", false}, {"mic-?", "mic-1", true},
        {"mic-?", "mic-", false},     {"mic-?", "mic-12", false},  {"*", "x", true},
        {"a*b*c", "abc", true},       {"a*b*c", "axbxbxc", true},  {"a*b*c", "axbxb", false},
        {"*ab", "aab", true},         {"*?", "a", true},           {"*?*?", "a", false},
        {"MIC", "mic", false},        {"a.c", "abc", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reel_pattern_matches(cases[i].pattern, cases[i].name), cases[i].matches);
}

static void a_pattern_that_takes_long_does_not(void **state)
{
    char name[REEL_NAME_BYTES];

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(reel_pattern_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

static void a_pattern_has_a_names_characters(void **state)
{
    char longest[REEL_NAME_BYTES + 1];

    (void)state;
    memset(longest, '*', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(reel_pattern_valid(longest));
    longest[sizeof longest - 2] = '\0';
    assert_true(reel_pattern_valid(longest));
    assert_true(reel_pattern_valid("*") && reel_pattern_valid("?") && reel_pattern_valid("a-1.x_"));
    assert_false(reel_pattern_valid("") || reel_pattern_valid("-*") || reel_pattern_valid("a b"));
    assert_false(reel_pattern_valid("[ab]") || reel_pattern_valid("a/*") ||
                 reel_pattern_valid("\xc3\xa4"));
}

static void two_patterns_may_have_a_name_in_common(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        const char *name; /* NULL: none */
    } cases[] = {
        {"*", "*", "0"},
        {"?", "*", "0"},
        {"mic-*", "*-attic", "mic-attic"},
        {"mic-*", "mic-1", "mic-1"},
        {"a*", "b*", NULL},
        {"*-a", "*-b", NULL},
        {"*-x", "*", "0-x"},
        {"a?c", "ab?", "abc"},
        {"a*c", "a??c", "a00c"},
        {"a", "ab", NULL},
        {"*a*", "*b*", "ab"},
        {"mic-?", "mic-??", NULL},
    };
    char name[REEL_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool common = reel_pattern_common(cases[i].a, cases[i].b, name);

        assert_int_equal(common, cases[i].name != NULL);
        assert_int_equal(reel_pattern_common(cases[i].b, cases[i].a, name), common);
        if (common) {
            assert_true(reel_pattern_matches(cases[i].a, name));
            assert_true(reel_pattern_matches(cases[i].b, name));
            assert_int_equal(strlen(name), strlen(cases[i].name));
        }
    }
}

/* Every pair of patterns of up to three characters, against every name of up to four. */
static void common_names_are_found_where_there_are_some(void **state)
{
    static const char letters[] = "ab*?";
    static char names[400][5];
    static char patterns[100][4];
    unsigned names_count = 0;
    unsigned patterns_count = 0;
    char found[REEL_NAME_BYTES];

    (void)state;
    for (unsigned length = 1; length <= 4; length++) {
        for (unsigned n = 0; n < 1u << (2 * length); n++) {
            char text[5] = "";

            for (unsigned i = 0; i < length; i++)
                text[i] = letters[n >> (2 * i) & 3];
            if (length < 4)
                memcpy(patterns[patterns_count++], text, 4);
            for (unsigned i = 0; i < length; i++)
                text[i] = (char)(text[i] == '*' ? '0' : text[i] == '?' ? 'c' : text[i]);
            memcpy(names[names_count++], text, 5);
        }
    }
    for (unsigned a = 0; a < patterns_count; a++) {
        for (unsigned b = 0; b < patterns_count; b++) {
            bool there_is = false;

            for (unsigned i = 0; i < names_count && !there_is; i++)
                there_is = reel_pattern_matches(patterns[a], names[i]) &&
                           reel_pattern_matches(patterns[b], names[i]);
            if (there_is)
                assert_true(reel_pattern_common(patterns[a], patterns[b], found));
        }
    }
}

/* ---- what stands over what ---- */

enum { RATES = 0, MAX_DURATION = 5, MAX_AGE = 10 };

static void the_last_that_matches_and_sets_a_key_wins(void **state)
{
    static struct reel_device_settings base;
    static struct reel_override over[3] = {
        {"mic-*", {.lines = {0}}}, {"*-attic", {.lines = {0}}}, {"mic-*", {.lines = {0}}}};
    struct reel_device_settings is;

    (void)state;
    base.rules.rates = (struct reel_choices){{48000}, 1};
    base.lines[RATES] = 2;
    over[0].settings.rules.max_duration_s = 10;
    over[0].settings.lines[MAX_DURATION] = 4;
    over[1].settings.rules.max_duration_s = 20;
    over[1].settings.lines[MAX_DURATION] = 6;
    over[1].settings.rules.rates = (struct reel_choices){{0}, 0};
    over[1].settings.lines[RATES] = 7;
    over[2].settings.retention.max_age_s = 30;
    over[2].settings.lines[MAX_AGE] = 9;

    reel_device_settings_resolve(&base, over, 3, "cam", &is);
    assert_int_equal(is.rules.rates.count, 1);
    assert_int_equal(is.rules.max_duration_s, 0);
    assert_int_equal(is.lines[MAX_DURATION], 0);
    reel_device_settings_resolve(&base, over, 3, "mic-1", &is);
    assert_int_equal(is.rules.max_duration_s, 10);
    assert_int_equal(is.rules.rates.count, 1);
    assert_int_equal(is.retention.max_age_s, 30);
    assert_int_equal(is.lines[MAX_DURATION], 4);
    reel_device_settings_resolve(&base, over, 3, "mic-attic", &is);
    assert_int_equal(is.rules.max_duration_s, 20);
    assert_int_equal(is.rules.rates.count, 0);
    assert_int_equal(is.retention.max_age_s, 30);
    assert_int_equal(is.lines[RATES], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_tables),
        cmocka_unit_test(a_number_is_digits_within_its_bounds),
        cmocka_unit_test(a_text_fits),
        cmocka_unit_test(a_list_is_separated_by_commas_and_white_space),
        cmocka_unit_test(a_list_with_one_wrong_value_is_wrong),
        cmocka_unit_test(values_are_compared_and_shown),
        cmocka_unit_test(names_are_as_far_apart_as_letters_differ),
        cmocka_unit_test(the_nearest_setting_is_what_was_meant),
        cmocka_unit_test(a_pattern_matches_whole_names),
        cmocka_unit_test(a_pattern_that_takes_long_does_not),
        cmocka_unit_test(a_pattern_has_a_names_characters),
        cmocka_unit_test(two_patterns_may_have_a_name_in_common),
        cmocka_unit_test(common_names_are_found_where_there_are_some),
        cmocka_unit_test(the_last_that_matches_and_sets_a_key_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
