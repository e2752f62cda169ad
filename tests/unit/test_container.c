/* Container: first bytes as the formats' specifications have them, lists of names, suffixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "wire/container.h"

static void assert_kind(const char *head, size_t bytes, enum reel_container kind)
{
    assert_int_equal(reel_container_of((const uint8_t *)head, bytes), kind);
}

static void files_are_known_by_their_first_bytes(void **state)
{
    (void)state;
    assert_kind("RIFF\x04\0\0\0WAVE", 12, REEL_CONTAINER_WAV);
    assert_kind("RF64\xff\xff\xff\xffWAVE", 12, REEL_CONTAINER_WAV);
    assert_kind("RIFF\x04\0\0\0AVI ", 12, REEL_CONTAINER_NONE);
    assert_kind("RIFF\x04\0\0\0WAV", 11, REEL_CONTAINER_NONE);
    assert_kind("fLaC", 4, REEL_CONTAINER_FLAC);
    assert_kind("OggS", 4, REEL_CONTAINER_OGG);
    assert_kind("FORM\0\0\0\x04"
                "AIFF",
                12, REEL_CONTAINER_AIFF);
    assert_kind("FORM\0\0\0\x04"
                "AIFC",
                12, REEL_CONTAINER_AIFF);
    assert_kind("ID3", 3, REEL_CONTAINER_MP3);
    assert_kind("\xff\xfb", 2, REEL_CONTAINER_MP3);  /* MPEG 1, layer III */
    assert_kind("\xff\xe3", 2, REEL_CONTAINER_MP3);  /* MPEG 2.5, layer III */
    assert_kind("\xff\xe9", 2, REEL_CONTAINER_NONE); /* a version that is reserved */
    assert_kind("\xff\xf8", 2, REEL_CONTAINER_NONE); /* a layer that is reserved */
    assert_kind("\xff", 1, REEL_CONTAINER_NONE);
    assert_kind("", 0, REEL_CONTAINER_NONE);
    assert_kind("hello, world", 12, REEL_CONTAINER_NONE);
}

static void a_list_of_names_is_read(void **state)
{
    reel_containers set = 0;

    (void)state;
    assert_true(reel_containers_parse("wav", &set));
    assert_int_equal(set, REEL_CONTAINER_BIT(REEL_CONTAINER_WAV));
    assert_true(reel_containers_parse(" flac, mp3\togg ,wav wav", &set));
    assert_int_equal(
        set, REEL_CONTAINER_BIT(REEL_CONTAINER_WAV) | REEL_CONTAINER_BIT(REEL_CONTAINER_FLAC) |
                 REEL_CONTAINER_BIT(REEL_CONTAINER_OGG) | REEL_CONTAINER_BIT(REEL_CONTAINER_MP3));
    assert_false(reel_containers_parse("", &set));
    assert_false(reel_containers_parse(" , ", &set));
    assert_false(reel_containers_parse("wav m4a", &set));
    assert_false(reel_containers_parse("wa", &set));
    assert_false(reel_containers_parse("WAV", &set));
}

static void what_is_not_taken_is_told_apart(void **state)
{
    reel_containers wav = REEL_CONTAINER_BIT(REEL_CONTAINER_WAV);
    struct reel_error error;

    (void)state;
    assert_int_equal(reel_container_check(REEL_CONTAINER_WAV, wav, "payload", &error), REEL_OK);
    assert_int_equal(reel_container_check(REEL_CONTAINER_NONE, wav, "payload", &error),
                     REEL_E_BAD_REQUEST);
    assert_string_equal(error.field, "payload");
    assert_int_equal(reel_container_check(REEL_CONTAINER_MP3, wav, "payload", &error),
                     REEL_E_NOT_ALLOWED);
    assert_string_equal(error.field, "upload.formats");
    assert_non_null(strstr(error.message, "upload.formats"));
}

static void names_lose_what_they_end_in(void **state)
{
    static const struct {
        const char *name;
        size_t stem;
    } cases[] = {
        {"take1.wav", 5}, {"take1.aiff", 5}, {"take1.oga", 5}, {"take1.wav.flac", 9},
        {"take1", 5},     {"take1.txt", 9},  {"take1.", 6},    {".wav", 4},
        {"wav", 3},       {"", 0},           {"take1.WAV", 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(reel_container_stem(cases[i].name, strlen(cases[i].name)), cases[i].stem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_known_by_their_first_bytes),
        cmocka_unit_test(a_list_of_names_is_read),
        cmocka_unit_test(what_is_not_taken_is_told_apart),
        cmocka_unit_test(names_lose_what_they_end_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
