/* The samples of a fragment: each in the range of its encoding, and whole frames of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "unit/forms.h"

struct range_case {
    const char *audio;
    const char *in, *out;
    const char *bytes; /* that `in` becomes */
    size_t size;
};

/* `in` is taken, and with `out` behind it refused. */
static void check_range(const struct range_case *range, bool as_json)
{
    static const char form_of[] =
        "{'data':[%s%s%s],'metadata':{'audio':{'channels':1,'rate':1,%s}}}";
    char document[512];
    struct form form;

    snprintf(document, sizeof document, form_of, range->in, "", "", range->audio);
    assert_int_equal(form_decode(&form, document, as_json), REEL_OK);
    assert_int_equal(form.fragment.data_bytes, range->size);
    assert_memory_equal(form.fragment.data, range->bytes, range->size);
    form_finish(&form);
    snprintf(document, sizeof document, form_of, range->in, ",", range->out, range->audio);
    assert_int_equal(form_decode(&form, document, as_json), REEL_E_BAD_REQUEST);
    assert_string_equal(form.err.field, "data");
    form_finish(&form);
}

static void samples_are_in_range(void **state)
{
    static const struct range_case cases[] = {
        {"'sample_size':1", "0,128,255", "256", "\x00\x80\xff", 3},
        {"'sample_size':1", "0", "-1", "\x00", 1},
        {"'sample_size':2", "-32768,32767", "32768", "\x00\x80\xff\x7f", 4},
        {"'sample_size':2", "1", "-32769", "\x01\x00", 2},
        {"'sample_size':3", "-8388608,8388607", "8388608", "\x00\x00\x80\xff\xff\x7f", 6},
        {"'sample_size':4", "-2147483648,2147483647", "2147483648",
         "\x00\x00\x00\x80\xff\xff\xff\x7f", 8},
        {"'sample_size':2", "1.0", "1.5", "\x01\x00", 2},
        {"'sample_size':2", "1", "'1'", "\x01\x00", 2},
        {"'sample_size':2", "1", "[1]", "\x01\x00", 2},
        {"'sample_size':2", "1", "null", "\x01\x00", 2},
        {"'sample_size':1,'encoding':'alaw'", "213", "256", "\xd5", 1},
        {"'sample_size':1,'encoding':'ulaw'", "255", "-1", "\xff", 1},
        {"'sample_size':4,'encoding':'float'", "0.5,-1,2", "1e39",
         "\x00\x00\x00\x3f\x00\x00\x80\xbf\x00\x00\x00\x40", 12},
        {"'sample_size':8,'encoding':'float'", "0.5", "true", "\x00\x00\x00\x00\x00\x00\xe0\x3f",
         8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_range(&cases[i], false);
        check_range(&cases[i], true);
    }
}

static void half_a_frame_is_refused(void **state)
{
    static const char document[] = "{'metadata':{'audio':{'channels':2,'rate':1,'sample_size':2}},"
                                   "'data':[1,2,3]}";

    (void)state;
    for (int as_json = 0; as_json < 2; as_json++) {
        struct form form;

        assert_int_equal(form_decode(&form, document, as_json), REEL_E_BAD_REQUEST);
        assert_string_equal(form.err.field, "data");
        form_finish(&form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_in_range),
        cmocka_unit_test(half_a_frame_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
