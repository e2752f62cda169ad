/* Figures as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/figure.h"

static void bytes_are_told_in_the_largest_unit_that_fits(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},         {999, "999 B"},         {1000, "1.0 kB"},        {999949, "999.9 kB"},
        {999950, "1.0 MB"}, {1500000000, "1.5 GB"}, {UINT64_MAX, "18.4 EB"},
    };
    char text[REEL_FIGURE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reel_figure_bytes(rows[i].bytes, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_told_in_the_largest_unit_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
