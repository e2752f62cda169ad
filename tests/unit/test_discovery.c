/* Discovery's topics: what is allowed there, and what is told apart. (What Home Assistant makes of
 * the documents, tests/broker/test_homeassistant.py sees.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/discovery.h"

static const struct reel_discovery mine = {"homeassistant", "reel/v1", "sink", "1"};

static void topics_are_as_home_assistant_allows(void **state)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];

    (void)state;
    reel_discovery_topic(&mine, NULL, 1, topic);
    assert_string_equal(topic, "homeassistant/sensor/reel_sink/sink_disk_free/config");
    reel_discovery_topic(&mine, "mic-1_a", 0, topic);
    assert_string_equal(topic, "homeassistant/binary_sensor/reel_sink/device_mic-1_a_heard/config");
    reel_discovery_state_topic(&mine, "mic", topic);
    assert_string_equal(topic, "homeassistant/reel/reel_sink/device_mic/state");
    reel_discovery_filter(&mine, topic);
    assert_string_equal(topic, "homeassistant/+/reel_sink/+/config");
}

static void a_point_is_replaced_and_told_apart(void **state)
{
    char a[REEL_DISCOVERY_TOPIC_BYTES];
    char b[REEL_DISCOVERY_TOPIC_BYTES];

    (void)state;
    reel_discovery_state_topic(&mine, "a.b", a);
    reel_discovery_state_topic(&mine, "a_b", b);
    assert_null(strchr(a, '.'));
    assert_string_not_equal(a, b);
    assert_int_equal(strncmp(a, "homeassistant/reel/reel_sink/device_a_b_", 40), 0);
}

/* One that is named as the other's id is. */
static void a_name_that_ends_like_a_hash_is_told_apart(void **state)
{
    static const char start[] = "homeassistant/reel/reel_sink/device_";
    char a[REEL_DISCOVERY_TOPIC_BYTES];
    char b[REEL_DISCOVERY_TOPIC_BYTES];
    char name[REEL_NAME_BYTES];

    (void)state;
    reel_discovery_state_topic(&mine, "a.b", a);
    snprintf(name, sizeof name, "%.12s", a + strlen(start)); /* a_b_01234567 */
    assert_string_equal(a + strlen(start) + 12, "/state");
    reel_discovery_state_topic(&mine, name, b);
    assert_string_not_equal(a, b);
}

static void where_it_is_checked_nobody_listens(void **state)
{
    char filter[REEL_DISCOVERY_TOPIC_BYTES];
    char topic[REEL_DISCOVERY_TOPIC_BYTES];

    (void)state;
    reel_discovery_check(&mine, filter, topic);
    assert_string_equal(filter, "homeassistant/+/reel_sink/#");
    assert_string_equal(topic, "homeassistant/reel/reel_sink/$check");
}

static void the_longest_names_fit(void **state)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];
    char name[REEL_NAME_BYTES];
    char home[65];
    struct reel_discovery longest = mine;

    (void)state;
    memset(name, '.', sizeof name);
    name[0] = 'x';
    name[REEL_NAME_BYTES - 1] = '\0';
    memset(home, 'h', sizeof home);
    home[64] = '\0';
    longest.home = home;
    longest.sink = name;
    for (size_t i = 0; i < REEL_DISCOVERY_OF_DEVICE; i++) {
        reel_discovery_topic(&longest, name, i, topic);
        assert_int_equal(strcmp(topic + strlen(topic) - 7, "/config"), 0);
    }
}

static void what_it_made_it_recognises(void **state)
{
    char topic[REEL_DISCOVERY_TOPIC_BYTES];
    char device[REEL_NAME_BYTES];
    json_t *document = reel_discovery_document(&mine, "mic.1", 2);

    (void)state;
    reel_discovery_topic(&mine, "mic.1", 2, topic);
    assert_true(reel_discovery_recognise(&mine, topic, document, device));
    assert_string_equal(device, "mic.1");
    reel_discovery_topic(&mine, "mic.2", 2, topic); /* another's topic */
    assert_false(reel_discovery_recognise(&mine, topic, document, device));
    json_decref(document);
    document = reel_discovery_document(&mine, NULL, 0);
    reel_discovery_topic(&mine, NULL, 0, topic);
    assert_true(reel_discovery_recognise(&mine, topic, document, device));
    assert_string_equal(device, "");
    json_decref(document);
    assert_false(reel_discovery_recognise(&mine, "homeassistant/sensor/reel_sink/old_thing/config",
                                          NULL, device));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_as_home_assistant_allows),
        cmocka_unit_test(a_point_is_replaced_and_told_apart),
        cmocka_unit_test(a_name_that_ends_like_a_hash_is_told_apart),
        cmocka_unit_test(where_it_is_checked_nobody_listens),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(what_it_made_it_recognises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
