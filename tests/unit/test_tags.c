/* What a request makes of a recording's tags. */
#include "unit/memory.h"

#include <stdio.h>

#include "base/limits.h"
#include "core/tags.h"

static json_t *loaded(const char *text)
{
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    assert_true(value || !text);
    return value;
}

static void change_is_carried_out(void **state)
{
    static const struct {
        const char *before, *change;
        bool replace;
        const char *after;
    } rows[] = {
        {NULL, "{\"a\":1}", false, "{\"a\":1}"},
        {"{\"a\":1,\"b\":\"x\"}", "{\"a\":2.5}", false, "{\"a\":2.5,\"b\":\"x\"}"},
        {"{\"a\":1,\"b\":\"x\"}", "{\"a\":null,\"c\":null}", false, "{\"b\":\"x\"}"},
        {"{\"a\":1,\"b\":\"x\"}", "{\"c\":-3}", true, "{\"c\":-3}"},
        {"{\"a\":1}", "{\"a\":null}", false, NULL},
        {"{\"a\":1}", "{}", true, NULL},
        {"{\"a\":1}", "{}", false, "{\"a\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *before = loaded(rows[i].before), *after = loaded(rows[i].after);
        json_t *was = json_deep_copy(before), *change = loaded(rows[i].change);
        json_t *changed;

        assert_int_equal(reel_tags_change(before, change, rows[i].replace, &changed, NULL),
                         REEL_OK);
        assert_true(reel_tags_equal(changed, after));
        assert_int_equal(changed == NULL, after == NULL);
        assert_true(reel_tags_equal(before, was));
        json_decref(before);
        json_decref(was);
        json_decref(after);
        json_decref(change);
        json_decref(changed);
    }
}

static json_t *numbered(unsigned count)
{
    json_t *tags = json_object();
    char name[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "t%u", i);
        json_object_set_new(tags, name, json_integer(i));
    }
    return tags;
}

static void refused(json_t *tags, json_t *change, const char *field)
{
    struct reel_error error;
    json_t *untouched = tags;

    assert_int_equal(reel_tags_change(tags, change, false, &untouched, &error), REEL_E_BAD_REQUEST);
    assert_string_equal(error.field, field);
    assert_ptr_equal(untouched, tags);
    json_decref(change);
}

static void bounds_are_a_fragments(void **state)
{
    json_t *full = numbered(REEL_TAGS_MAX);
    json_t *change = json_pack("{s:n, s:i}", "t0", "new", 1);
    json_t *changed;

    (void)state;
    refused(full, json_pack("{s:i}", "new", 1), "tags");
    assert_int_equal(reel_tags_change(full, change, false, &changed, NULL), REEL_OK);
    assert_int_equal(json_object_size(changed), REEL_TAGS_MAX);
    json_decref(changed);
    json_decref(change);
    json_decref(full);
    refused(NULL, json_array(), "tags");
    refused(NULL, json_null(), "tags");
    refused(NULL, json_pack("{s:b}", "site", 1), "tags.site");
    refused(NULL, json_pack("{s:{}}", "site"), "tags.site");
    refused(NULL, json_pack("{s:n}", "line\n"), "tags");
}

struct both {
    json_t *tags, *change;
};

static void change_once(const void *argument)
{
    const struct both *both = argument;
    struct reel_error error;
    json_t *changed;
    enum reel_code code = reel_tags_change(both->tags, both->change, false, &changed, &error);

    memory_end();
    assert_true(code == REEL_OK || code == REEL_E_STALLED);
    if (code == REEL_OK)
        json_decref(changed);
}

static void nothing_changes_where_memory_runs_out(void **state)
{
    struct both both = {numbered(20), json_pack("{s:s, s:f}", "site", "roof", "ratio", 0.5)};

    (void)state;
    memory_fails_each(change_once, &both);
    assert_int_equal(json_object_size(both.tags), 20);
    json_decref(both.tags);
    json_decref(both.change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(change_is_carried_out),
        cmocka_unit_test(bounds_are_a_fragments),
        cmocka_unit_test(nothing_changes_where_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
