/* What `list` and `rejects` ask, and the cursors between their pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/query_plan.h"

static json_t *load(const char *text)
{
    json_error_t where;
    json_t *request = json_loads(text, 0, &where);

    if (!request)
        fail_msg("%s: %s", text, where.text);
    return request;
}

static enum reel_code decode(const char *text, const char *confined, struct reel_list_plan *plan,
                             struct reel_error *err)
{
    json_t *request = load(text);
    enum reel_code code = reel_list_plan_decode(request, confined, plan, err);

    json_decref(request);
    return code;
}

static struct reel_list_plan good(const char *text)
{
    struct reel_list_plan plan;
    struct reel_error err = {.message = ""};

    if (decode(text, NULL, &plan, &err) != REEL_OK)
        fail_msg("%s: %s: %s", text, err.field, err.message);
    return plan;
}

static enum reel_code decode_rejects(const char *text, const char *confined,
                                     struct reel_rejects_plan *plan, struct reel_error *err)
{
    json_t *request = load(text);
    enum reel_code code = reel_rejects_plan_decode(request, confined, plan, err);

    json_decref(request);
    return code;
}

static void test_nothing_asked(void **state)
{
    struct reel_list_plan plan = good("{}");

    (void)state;
    assert_false(plan.has_device || plan.has_session_prefix || plan.has_state || plan.has_gaps);
    assert_false(plan.has_kept || plan.has_since || plan.has_until || plan.has_cursor);
    assert_null(plan.tags);
    assert_int_equal(plan.sort, REEL_SORT_STARTED);
    assert_false(plan.descending);
    assert_false(plan.count);
    assert_int_equal(plan.limit, 100);
}

static void test_every_filter(void **state)
{
    struct reel_list_plan plan =
        good("{\"device\":\"mic1\",\"session\":\"2026-\",\"state\":\"complete\","
             "\"min_duration\":1,\"max_duration\":2.5,\"since\":\"1970-01-01T00:00:01Z\","
             "\"until\":\"1970-01-01T00:00:02Z\",\"rate\":16000,\"channels\":2,\"sample_size\":3,"
             "\"end_reason\":\"idle\",\"has_gaps\":false,\"kept\":true,"
             "\"tags\":{\"site\":\"north\",\"gain\":3},\"sort\":\"-duration\",\"limit\":1000,"
             "\"count\":true,\"some future field\":[]}");

    (void)state;
    assert_true(plan.has_device && plan.has_session_prefix && plan.has_state &&
                plan.has_min_duration && plan.has_max_duration && plan.has_since &&
                plan.has_until && plan.has_rate && plan.has_channels && plan.has_sample_bytes &&
                plan.has_end_reason && plan.has_gaps && plan.has_kept);
    assert_string_equal(plan.device, "mic1");
    assert_string_equal(plan.session_prefix, "2026-");
    assert_int_equal(plan.state, REEL_STATE_COMPLETE);
    assert_true(plan.min_duration_s == 1.0 && plan.max_duration_s == 2.5);
    assert_int_equal(plan.since_us, 1000000);
    assert_int_equal(plan.until_us, 2000000);
    assert_int_equal(plan.rate, 16000);
    assert_int_equal(plan.channels, 2);
    assert_int_equal(plan.sample_bytes, 3);
    assert_int_equal(plan.end_reason, REEL_END_IDLE);
    assert_false(plan.gaps);
    assert_true(plan.kept);
    assert_int_equal(json_object_size(plan.tags), 2);
    assert_int_equal(plan.sort, REEL_SORT_DURATION);
    assert_true(plan.descending);
    assert_int_equal(plan.limit, 1000);
    assert_true(plan.count);
    reel_list_plan_finish(&plan);
    assert_null(plan.tags);
}

static void test_every_sort(void **state)
{
    static const struct {
        const char *name;
        enum reel_sort sort;
        bool descending;
    } sorts[] = {
        {"started", REEL_SORT_STARTED, false},   {"-started", REEL_SORT_STARTED, true},
        {"duration", REEL_SORT_DURATION, false}, {"-duration", REEL_SORT_DURATION, true},
        {"name", REEL_SORT_NAME, false},         {"-name", REEL_SORT_NAME, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        char text[64];
        struct reel_list_plan plan;

        snprintf(text, sizeof text, "{\"sort\":\"%s\"}", sorts[i].name);
        plan = good(text);
        assert_int_equal(plan.sort, sorts[i].sort);
        assert_int_equal(plan.descending, sorts[i].descending);
    }
}

static void test_wrong_types_and_ranges(void **state)
{
    static const struct {
        const char *request;
        const char *field;
    } bad[] = {
        {"{\"device\":1}", "device"},
        {"{\"device\":null}", "device"},
        {"{\"device\":\"a/b\"}", "device"},
        {"{\"device\":\"\"}", "device"},
        {"{\"session\":\"-x\"}", "session"},
        {"{\"session\":\"\"}", "session"},
        {"{\"session\":\"%\"}", "session"},
        {"{\"state\":\"done\"}", "state"},
        {"{\"state\":true}", "state"},
        {"{\"min_duration\":\"5\"}", "min_duration"},
        {"{\"min_duration\":-0.5}", "min_duration"},
        {"{\"max_duration\":false}", "max_duration"},
        {"{\"since\":1700000000}", "since"},
        {"{\"since\":\"yesterday\"}", "since"},
        {"{\"until\":\"2026-01-02\"}", "until"},
        {"{\"rate\":0}", "rate"},
        {"{\"rate\":16000.5}", "rate"},
        {"{\"rate\":\"16000\"}", "rate"},
        {"{\"rate\":-16000.0}", "rate"},
        {"{\"rate\":768001}", "rate"},
        {"{\"channels\":65}", "channels"},
        {"{\"sample_size\":16}", "sample_size"},
        {"{\"end_reason\":\"\"}", "end_reason"},
        {"{\"end_reason\":\"bored\"}", "end_reason"},
        {"{\"has_gaps\":1}", "has_gaps"},
        {"{\"kept\":\"yes\"}", "kept"},
        {"{\"tags\":[]}", "tags"},
        {"{\"tags\":{\"a\":null}}", "tags"},
        {"{\"tags\":{\"a\":{}}}", "tags"},
        {"{\"sort\":\"size\"}", "sort"},
        {"{\"sort\":\"--name\"}", "sort"},
        {"{\"limit\":0}", "limit"},
        {"{\"limit\":1001}", "limit"},
        {"{\"limit\":-1}", "limit"},
        {"{\"count\":1}", "count"},
        {"{\"cursor\":7}", "cursor"},
        {"{\"cursor\":\"\"}", "cursor"},
        {"{\"cursor\":\"bm90IG91cnM\"}", "cursor"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reel_list_plan plan;
        struct reel_error err = {.message = ""};

        if (decode(bad[i].request, NULL, &plan, &err) != REEL_E_BAD_REQUEST)
            fail_msg("%s was taken", bad[i].request);
        assert_string_equal(err.field, bad[i].field);
        assert_true(strlen(err.message) > 0);
    }
}

/* Some encoders have only floats. */
static void test_whole_reals_are_numbers(void **state)
{
    struct reel_list_plan plan = good("{\"rate\":16000.0,\"limit\":5.0}");

    (void)state;
    assert_int_equal(plan.rate, 16000);
    assert_int_equal(plan.limit, 5);
}

static void test_confined_request(void **state)
{
    struct reel_list_plan plan;
    struct reel_error err;

    (void)state;
    assert_int_equal(decode("{}", "mic1", &plan, &err), REEL_OK);
    assert_true(plan.has_device);
    assert_string_equal(plan.device, "mic1");
    assert_int_equal(decode("{\"device\":\"mic1\"}", "mic1", &plan, &err), REEL_OK);
    assert_int_equal(decode("{\"device\":\"mic2\"}", "mic1", &plan, &err), REEL_E_NOT_ALLOWED);
    assert_string_equal(err.field, "device");
}

/* Ask `question` again with the cursor after `last`. */
static enum reel_code next_page(const char *question, const struct reel_cursor *last,
                                const char *next_question, struct reel_cursor *back)
{
    struct reel_list_plan plan = good(question);
    char cursor[REEL_CURSOR_TEXT_BYTES];
    char text[1024];
    struct reel_error err = {.field = "cursor"};
    enum reel_code code;

    reel_cursor_encode(&plan, last, cursor);
    assert_int_equal(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_"),
                     strlen(cursor));
    reel_list_plan_finish(&plan);

    snprintf(text, sizeof text, "{%s%s\"cursor\":\"%s\"}", next_question, *next_question ? "," : "",
             cursor);
    code = decode(text, NULL, &plan, &err);
    assert_string_equal(err.field, "cursor");
    if (code == REEL_OK) {
        assert_true(plan.has_cursor);
        *back = plan.cursor;
        reel_list_plan_finish(&plan);
    }
    return code;
}

static void test_cursor_comes_back(void **state)
{
    struct reel_cursor last = {
        .real = 12.3456789, .integer = -5, .device = "mic1", .session = "s", .rowid = 1ull << 40};
    struct reel_cursor back;

    (void)state;
    assert_int_equal(next_page("{}", &last, "", &back), REEL_OK);
    assert_true(back.integer == -5 && back.rowid == 1ull << 40);

    assert_int_equal(next_page("{\"sort\":\"-duration\"}", &last, "\"sort\":\"-duration\"", &back),
                     REEL_OK);
    assert_true(back.real == 12.3456789);

    memset(last.device, 'd', 64);
    memset(last.session, 's', 64);
    assert_int_equal(next_page("{\"sort\":\"name\"}", &last, "\"sort\":\"name\"", &back), REEL_OK);
    assert_string_equal(back.device, last.device);
    assert_string_equal(back.session, last.session);
}

/* The page's length may change from page to page; what decides rows and order may not. */
static void test_cursor_belongs_to_its_question(void **state)
{
    const struct reel_cursor last = {.rowid = 3, .device = "d", .session = "s"};
    struct reel_cursor back;

    (void)state;
    assert_int_equal(next_page("{\"tags\":{\"a\":1,\"b\":\"x\"}}", &last,
                               "\"tags\":{\"b\":\"x\",\"a\":1},\"limit\":7,\"count\":true", &back),
                     REEL_OK);
    assert_int_equal(next_page("{}", &last, "\"device\":\"d\"", &back), REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{}", &last, "\"sort\":\"name\"", &back), REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{}", &last, "\"sort\":\"-started\"", &back), REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{\"has_gaps\":true}", &last, "\"has_gaps\":false", &back),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{\"has_gaps\":false}", &last, "\"kept\":false", &back),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{\"min_duration\":1}", &last, "\"max_duration\":1", &back),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(next_page("{\"tags\":{\"a\":1}}", &last, "\"tags\":{\"a\":2}", &back),
                     REEL_E_BAD_REQUEST);
}

static void test_every_filter_is_part_of_the_question(void **state)
{
    static const char *const filters[][2] = {
        {"\"device\":\"a\"", "\"device\":\"b\""},
        {"\"session\":\"a\"", "\"session\":\"b\""},
        {"\"state\":\"recording\"", "\"state\":\"complete\""},
        {"\"min_duration\":0", "\"min_duration\":1"},
        {"\"max_duration\":0", "\"max_duration\":1"},
        {"\"since\":\"1970-01-01T00:00:00Z\"", "\"since\":\"1970-01-01T00:00:01Z\""},
        {"\"until\":\"1970-01-01T00:00:00Z\"", "\"until\":\"1970-01-01T00:00:01Z\""},
        {"\"rate\":1", "\"rate\":2"},
        {"\"channels\":1", "\"channels\":2"},
        {"\"sample_size\":1", "\"sample_size\":2"},
        {"\"end_reason\":\"end\"", "\"end_reason\":\"idle\""},
        {"\"has_gaps\":false", "\"has_gaps\":true"},
        {"\"kept\":false", "\"kept\":true"},
        {"\"tags\":{\"a\":1}", "\"tags\":{\"b\":1}"},
    };
    const struct reel_cursor last = {.rowid = 3};
    struct reel_cursor back;

    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        char question[128];

        snprintf(question, sizeof question, "{%s}", filters[i][0]);
        assert_int_equal(next_page(question, &last, filters[i][0], &back), REEL_OK);
        assert_int_equal(next_page(question, &last, filters[i][1], &back), REEL_E_BAD_REQUEST);
        assert_int_equal(next_page(question, &last, "", &back), REEL_E_BAD_REQUEST);
    }
}

static void test_damaged_cursors(void **state)
{
    struct reel_list_plan plan = good("{\"sort\":\"name\"}");
    const struct reel_cursor last = {.device = "mic1", .session = "s1", .rowid = 9};
    char cursor[REEL_CURSOR_TEXT_BYTES];
    char text[1024];
    size_t length;

    (void)state;
    reel_cursor_encode(&plan, &last, cursor);
    length = strlen(cursor);
    for (size_t i = 0; i < length; i++) {
        struct reel_error err;
        char was = cursor[i];

        cursor[i] = was == 'A' ? 'B' : 'A';
        snprintf(text, sizeof text, "{\"sort\":\"name\",\"cursor\":\"%s\"}", cursor);
        assert_int_equal(decode(text, NULL, &plan, &err), REEL_E_BAD_REQUEST);
        cursor[i] = was;
        snprintf(text, sizeof text, "{\"sort\":\"name\",\"cursor\":\"%.*s\"}", (int)i, cursor);
        assert_int_equal(decode(text, NULL, &plan, &err), REEL_E_BAD_REQUEST);
    }
}

static void test_rejects(void **state)
{
    struct reel_rejects_plan plan;
    struct reel_error err;

    (void)state;
    assert_int_equal(decode_rejects("{}", NULL, &plan, &err), REEL_OK);
    assert_int_equal(plan.limit, 100);
    assert_false(plan.has_device || plan.has_session || plan.has_code || plan.has_before);

    assert_int_equal(decode_rejects("{\"device\":\"d\",\"session\":\"s\",\"code\":\"jump\","
                                    "\"since\":\"1970-01-01T00:00:01Z\","
                                    "\"until\":\"1970-01-01T00:00:02Z\",\"limit\":5}",
                                    NULL, &plan, &err),
                     REEL_OK);
    assert_string_equal(plan.device, "d");
    assert_string_equal(plan.session, "s");
    assert_int_equal(plan.code, REEL_E_JUMP);
    assert_int_equal(plan.since_us, 1000000);
    assert_int_equal(plan.until_us, 2000000);
    assert_int_equal(plan.limit, 5);

    assert_int_equal(decode_rejects("{\"code\":\"ok\"}", NULL, &plan, &err), REEL_E_BAD_REQUEST);
    assert_string_equal(err.field, "code");
    assert_int_equal(decode_rejects("{\"limit\":1001}", NULL, &plan, &err), REEL_E_BAD_REQUEST);
    assert_string_equal(err.field, "limit");
    assert_int_equal(decode_rejects("{\"device\":\"x\"}", "y", &plan, &err), REEL_E_NOT_ALLOWED);
    assert_int_equal(decode_rejects("{}", "y", &plan, &err), REEL_OK);
    assert_string_equal(plan.device, "y");
}

static void test_rejects_cursor(void **state)
{
    struct reel_rejects_plan plan;
    struct reel_list_plan list = good("{}");
    struct reel_error err;
    char cursor[REEL_CURSOR_TEXT_BYTES];
    char text[512];

    (void)state;
    assert_int_equal(decode_rejects("{\"device\":\"d\"}", NULL, &plan, &err), REEL_OK);
    reel_rejects_cursor_encode(&plan, 77, cursor);
    snprintf(text, sizeof text, "{\"device\":\"d\",\"cursor\":\"%s\"}", cursor);
    assert_int_equal(decode_rejects(text, NULL, &plan, &err), REEL_OK);
    assert_true(plan.has_before);
    assert_int_equal(plan.before_id, 77);
    snprintf(text, sizeof text, "{\"cursor\":\"%s\"}", cursor);
    assert_int_equal(decode_rejects(text, NULL, &plan, &err), REEL_E_BAD_REQUEST);
    assert_string_equal(err.field, "cursor");

    reel_cursor_encode(&list, &(struct reel_cursor){.rowid = 5}, cursor);
    snprintf(text, sizeof text, "{\"cursor\":\"%s\"}", cursor);
    assert_int_equal(decode_rejects(text, NULL, &plan, &err), REEL_E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_asked),
        cmocka_unit_test(test_every_filter),
        cmocka_unit_test(test_every_sort),
        cmocka_unit_test(test_wrong_types_and_ranges),
        cmocka_unit_test(test_whole_reals_are_numbers),
        cmocka_unit_test(test_confined_request),
        cmocka_unit_test(test_cursor_comes_back),
        cmocka_unit_test(test_cursor_belongs_to_its_question),
        cmocka_unit_test(test_every_filter_is_part_of_the_question),
        cmocka_unit_test(test_damaged_cursors),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_rejects_cursor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
