/* Topics of satellites, and names made of what stands in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/hermes.h"
#include "wire/topic.h"

static void topics_of_satellites(void **state)
{
    static const struct {
        const char *topic, *site, *device, *session;
    } rows[] = {
        {"hermes/audioServer/default/audioFrame", "default", "default", ""},
        {"hermes/audioServer/satellite/abcd/audioSessionFrame", "satellite", "satellite", "abcd"},
        {"hermes/audioServer/living room/audioFrame", "living room", "living-room-f6ba", ""},
        {"hermes/audioServer/audioFrame/audioFrame", "audioFrame", "audioFrame", ""},
        {"hermes/audioServer/s/audioFrame/audioSessionFrame", "s", "s", "audioFrame"},
    };
    struct reel_hermes_topic topic;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(reel_hermes_parse(rows[i].topic, &topic));
        assert_int_equal(topic.site_bytes, strlen(rows[i].site));
        assert_memory_equal(topic.site, rows[i].site, topic.site_bytes);
        assert_string_equal(topic.device, rows[i].device);
        assert_string_equal(topic.session, rows[i].session);
    }
}

static void topics_of_others(void **state)
{
    static const char *const rows[] = {
        "",
        "hermes/audioServer",
        "hermes/audioServer/",
        "hermes/audioServer/default",
        "hermes/audioServer/default/playFinished",
        "hermes/audioServer/default/audioFrame/x",
        "hermes/audioServer/default/s1/audioFrame",
        "hermes/audioServer/default/audioSessionFrame",
        "hermes/audioServer/default/s1/x/audioSessionFrame",
        "hermes/audioServer/default/playBytes/123",
        "x/hermes/audioServer/default/audioFrame",
        "reel/v1/audio/default/audioFrame",
        REEL_HERMES_CHECKS,
    };
    struct reel_hermes_topic topic;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_false(reel_hermes_parse(rows[i], &topic));
}

/* The hashes are those of Python: f"{binascii.crc_hqx(text, 0):04x}". */
static void names_are_made_of_anything(void **state)
{
    static const char sixty[] = "a23456789.123456789.123456789.123456789.123456789.123456789.";
    char long_one[80], long_name[80];
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"Kitchen_1.a-b", "Kitchen_1.a-b"},
        {"living room", "living-room-f6ba"},
        {"k\xc3\xbc"
         "che",
         "k-che-8388"},
        {"-start", "xstart-fce8"},
        {"+", "x-9509"},
        {"", "x-0000"},
        {"\xff\xfe", "x--0d2e"},
    };
    char name[REEL_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reel_hermes_name(rows[i].text, strlen(rows[i].text), name);
        assert_string_equal(name, rows[i].name);
        assert_true(reel_name_valid(name, strlen(name)));
    }
    snprintf(long_one, sizeof long_one, "%s%s", sixty, "1234");
    reel_hermes_name(long_one, 64, name);
    assert_string_equal(name, long_one);
    strcat(long_one, "5");
    reel_hermes_name(long_one, 65, name);
    snprintf(long_name, sizeof long_name, "%.59s-9109", sixty);
    assert_string_equal(name, long_name);
}

static void sites_are_listed_or_all_are(void **state)
{
    static const struct {
        const char *list, *site;
        bool listed;
    } rows[] = {
        {"", "a", true},
        {"  ", "a", true},
        {"a", "a", true},
        {"a", "b", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"a, b b ,c", "b b", true},
        {"a, b b ,c", "c", true},
        {"a, b b ,c", "b", false},
        {"a,", "", true},
        {"a", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(reel_hermes_listed(rows[i].list, rows[i].site, strlen(rows[i].site)),
                         rows[i].listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_of_satellites),
        cmocka_unit_test(topics_of_others),
        cmocka_unit_test(names_are_made_of_anything),
        cmocka_unit_test(sites_are_listed_or_all_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
