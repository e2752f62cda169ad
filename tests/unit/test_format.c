/* Which formats exist, and what follows from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/format.h"

static enum reel_code check(uint32_t rate, uint16_t channels, uint8_t sample_bytes,
                            enum reel_encoding encoding, struct reel_error *err_out)
{
    struct reel_format format = {rate, channels, sample_bytes, encoding};

    return reel_format_check(&format, err_out);
}

static void every_combination_of_the_protocol_exists(void **state)
{
    static const unsigned pcm[] = {1, 2, 3, 4};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(check(48000, 2, (uint8_t)pcm[i], REEL_PCM, NULL), REEL_OK);
    assert_int_equal(check(1, 1, 4, REEL_FLOAT, NULL), REEL_OK);
    assert_int_equal(check(768000, 64, 8, REEL_FLOAT, NULL), REEL_OK);
    assert_int_equal(check(8000, 1, 1, REEL_ALAW, NULL), REEL_OK);
    assert_int_equal(check(8000, 1, 1, REEL_ULAW, NULL), REEL_OK);
}

static void the_field_at_fault_is_named(void **state)
{
    static const struct {
        uint32_t rate;
        uint16_t channels;
        uint8_t sample_bytes;
        enum reel_encoding encoding;
        const char *field;
    } cases[] = {
        {16000, 0, 2, REEL_PCM, "metadata.audio.channels"},
        {16000, 65, 2, REEL_PCM, "metadata.audio.channels"},
        {0, 1, 2, REEL_PCM, "metadata.audio.rate"},
        {768001, 1, 2, REEL_PCM, "metadata.audio.rate"},
        {16000, 1, 0, REEL_PCM, "metadata.audio.sample_size"},
        {16000, 1, 5, REEL_PCM, "metadata.audio.sample_size"},
        {16000, 1, 2, REEL_FLOAT, "metadata.audio.sample_size"},
        {16000, 1, 2, REEL_ALAW, "metadata.audio.sample_size"},
        {16000, 1, 2, REEL_ULAW, "metadata.audio.sample_size"},
        {16000, 1, 2, REEL_ENCODING_COUNT, "metadata.audio.encoding"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reel_error err;

        assert_int_equal(
            check(cases[i].rate, cases[i].channels, cases[i].sample_bytes, cases[i].encoding, &err),
            REEL_E_BAD_REQUEST);
        assert_string_equal(err.field, cases[i].field);
    }
}

static void bits_for_bytes_is_explained(void **state)
{
    static const uint8_t sizes[] = {16, 24, 32, 160};
    struct reel_error err;

    (void)state;
    for (size_t i = 0; i < sizeof sizes; i++) {
        assert_int_equal(check(16000, 1, sizes[i], REEL_PCM, &err), REEL_E_BAD_REQUEST);
        assert_non_null(strstr(err.message, "counts bytes, not bits"));
    }
}

static void equality_looks_at_every_member(void **state)
{
    const struct reel_format one = {16000, 1, 4, REEL_PCM};
    struct reel_format other = one;

    (void)state;
    assert_true(reel_format_equal(&one, &other));
    other.rate = 16001;
    assert_false(reel_format_equal(&one, &other));
    other = one;
    other.channels = 2;
    assert_false(reel_format_equal(&one, &other));
    other = one;
    other.sample_bytes = 3;
    assert_false(reel_format_equal(&one, &other));
    other = one;
    other.encoding = REEL_FLOAT;
    assert_false(reel_format_equal(&one, &other));
}

static void a_frame_is_one_sample_of_every_channel(void **state)
{
    const struct reel_format stereo = {44100, 2, 3, REEL_PCM};
    const struct reel_format largest = {768000, 64, 8, REEL_FLOAT};

    (void)state;
    assert_int_equal(reel_format_frame_bytes(&stereo), 6);
    assert_int_equal(reel_format_frame_bytes(&largest), 512);
}

static void silence_depends_on_the_encoding(void **state)
{
    const struct reel_format pcm8 = {8000, 1, 1, REEL_PCM};
    const struct reel_format pcm16 = {8000, 1, 2, REEL_PCM};
    const struct reel_format real = {8000, 1, 4, REEL_FLOAT};
    const struct reel_format alaw = {8000, 1, 1, REEL_ALAW};
    const struct reel_format ulaw = {8000, 1, 1, REEL_ULAW};

    (void)state;
    assert_int_equal(reel_format_silence_byte(&pcm8), 0x80);
    assert_int_equal(reel_format_silence_byte(&pcm16), 0);
    assert_int_equal(reel_format_silence_byte(&real), 0);
    assert_int_equal(reel_format_silence_byte(&alaw), 0xD5);
    assert_int_equal(reel_format_silence_byte(&ulaw), 0xFF);
}

static void encodings_have_the_protocols_names(void **state)
{
    (void)state;
    assert_string_equal(reel_encoding_name(REEL_PCM), "pcm");
    assert_string_equal(reel_encoding_name(REEL_FLOAT), "float");
    assert_string_equal(reel_encoding_name(REEL_ALAW), "alaw");
    assert_string_equal(reel_encoding_name(REEL_ULAW), "ulaw");
    assert_int_equal(reel_encoding_from_name("ulaw"), REEL_ULAW);
    assert_int_equal(reel_encoding_from_name("float"), REEL_FLOAT);
    assert_int_equal(reel_encoding_from_name("PCM"), REEL_ENCODING_COUNT);
    assert_int_equal(reel_encoding_from_name(""), REEL_ENCODING_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_of_the_protocol_exists),
        cmocka_unit_test(the_field_at_fault_is_named),
        cmocka_unit_test(bits_for_bytes_is_explained),
        cmocka_unit_test(equality_looks_at_every_member),
        cmocka_unit_test(a_frame_is_one_sample_of_every_channel),
        cmocka_unit_test(silence_depends_on_the_encoding),
        cmocka_unit_test(encodings_have_the_protocols_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
