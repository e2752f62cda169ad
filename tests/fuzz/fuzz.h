/* Fuzz targets: what each takes its bytes with. What a target asserts are cmocka's assertions,
 * which end the program (hostile.py sets CMOCKA_TEST_ABORT). */
#ifndef REEL_TESTS_FUZZ_FUZZ_H
#define REEL_TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit/promises.h"

/* The entry that libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The input, from its beginning. */
struct input {
    const uint8_t *at;
    size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t input_byte(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

/* The next `bytes` bytes up to a zero, as text; what is behind the zero is passed over. The caller
 * frees it. */
static inline char *input_text(struct input *input, size_t bytes)
{
    char *text;

    if (bytes > input->left)
        bytes = input->left;
    text = malloc(bytes + 1);
    assert_non_null(text);
    if (bytes > 0)
        memcpy(text, input->at, bytes);
    text[bytes] = '\0';
    input->at += bytes;
    input->left -= bytes;
    return text;
}

/* An error as it may be shown to whoever caused it. */
static inline void assert_error(enum reel_code code, const struct reel_error *err)
{
    assert_int_equal(err->code, code);
    assert_true(err->message[0] != '\0');
    assert_printable(err->message);
    assert_printable(err->field);
}

#endif
