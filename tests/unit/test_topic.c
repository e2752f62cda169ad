/* Names, topics, filters, and where an answer may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/topic.h"

#define PREFIX  "reel/v1"
#define ALLOW   "reel/v1/reply/#"
#define NAME_64 "a23456789012345678901234567890123456789012345678901234567890123x"
#define NAME_65 NAME_64 "y"

static bool valid(const char *name)
{
    return reel_name_valid(name, strlen(name));
}

static void names_follow_the_rule(void **state)
{
    (void)state;
    assert_true(valid("a"));
    assert_true(valid("0"));
    assert_true(valid("Mic-1_left.2024"));
    assert_true(valid(NAME_64));
    assert_false(valid(""));
    assert_false(valid(NAME_65));
    assert_false(valid("."));
    assert_false(valid(".."));
    assert_false(valid("-rf"));
    assert_false(valid("_x"));
    assert_false(valid("a b"));
    assert_false(valid("a/b"));
    assert_false(valid("a+"));
    assert_false(valid("a#"));
    assert_false(valid("a\xc3\xa9"));
    assert_false(reel_name_valid("a\0b", 3));
}

struct parse_case {
    const char *topic;
    enum reel_code code;
    const char *field;
    enum reel_topic_kind kind;
    bool confined;
    const char *op, *device, *session;
};

static const struct parse_case parse_cases[] = {
    {PREFIX "/audio/mic1/s1", REEL_OK, "", REEL_TOPIC_AUDIO, false, "", "mic1", "s1"},
    {PREFIX "/audio/mic1", REEL_OK, "", REEL_TOPIC_AUDIO, false, "", "mic1", ""},
    {PREFIX "/upload/mic1/s1", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1.wav", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1.flac", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1.aif", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1.wav.wav", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1.wav"},
    {PREFIX "/upload/mic1/s1.wave", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "s1.wave"},
    {PREFIX "/upload/mic1/wav", REEL_OK, "", REEL_TOPIC_UPLOAD, false, "", "mic1", "wav"},
    {PREFIX "/upload/mic1/s1.wav/0123456789abcdef/262144", REEL_OK, "", REEL_TOPIC_BLOCK, false, "",
     "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/ffffffffffffffff/0", REEL_OK, "", REEL_TOPIC_BLOCK, false, "", "mic1",
     "s1"},
    {PREFIX "/upload/mic1/s1/0000000000000001/999999999999999999", REEL_OK, "", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/audio/mic1/s1.wav", REEL_OK, "", REEL_TOPIC_AUDIO, false, "", "mic1", "s1.wav"},
    {PREFIX "/request/list", REEL_OK, "", REEL_TOPIC_REQUEST, false, "list", "", ""},
    {PREFIX "/request/upload-begin/mic1", REEL_OK, "", REEL_TOPIC_REQUEST, true, "upload-begin",
     "mic1", ""},
    {PREFIX "/status/attic", REEL_OK, "", REEL_TOPIC_STATUS, false, "", "attic", ""},
    {PREFIX "/response/list", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX, REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "x/audio/mic1", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/audio/$check/0123456789abcdef", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/upload/$check/0123456789abcdef", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/request/$check/0123456789abcdef", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/status/$check", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/audio/$checks/s1", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_AUDIO, false, "", "",
     "s1"},
    {PREFIX "/audio/mic1/$check", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "",
     "mic1", ""},
    {"reel/v2/audio/mic1", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {"", REEL_OK, "", REEL_TOPIC_OTHER, false, "", "", ""},
    {PREFIX "/audio", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_AUDIO, false, "", "", ""},
    {PREFIX "/audio/", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_AUDIO, false, "", "", ""},
    {PREFIX "/audio/mic1/", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "", "mic1", ""},
    {PREFIX "/audio/mic1/..", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "", "mic1",
     ""},
    {PREFIX "/audio/../s1", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_AUDIO, false, "", "", "s1"},
    {PREFIX "/audio/mic1/" NAME_65, REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "",
     "mic1", ""},
    {PREFIX "/audio/mic1/a/b", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "", "mic1",
     ""},
    {PREFIX "/audio/mic1/a/b/c/d/e", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_AUDIO, false, "",
     "mic1", ""},
    {PREFIX "/upload/mic1", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_UPLOAD, false, "", "mic1",
     ""},
    {PREFIX "/upload/mic1/.wav", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_UPLOAD, false, "",
     "mic1", ""},
    {PREFIX "/upload/mic1/s1/0123456789abcde/0", REEL_E_BAD_REQUEST, "upload", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789ABCDEF/0", REEL_E_BAD_REQUEST, "upload", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/00123456789abcdef/0", REEL_E_BAD_REQUEST, "upload", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef", REEL_E_BAD_REQUEST, "offset", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef/", REEL_E_BAD_REQUEST, "offset", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef/-1", REEL_E_BAD_REQUEST, "offset", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef/1a", REEL_E_BAD_REQUEST, "offset", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef/1000000000000000000", REEL_E_BAD_REQUEST, "offset",
     REEL_TOPIC_BLOCK, false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1/s1/0123456789abcdef/0/0", REEL_E_BAD_REQUEST, "offset", REEL_TOPIC_BLOCK,
     false, "", "mic1", "s1"},
    {PREFIX "/upload/mic1//0123456789abcdef/0", REEL_E_BAD_REQUEST, "session", REEL_TOPIC_BLOCK,
     false, "", "mic1", ""},
    {PREFIX "/upload//s1/0123456789abcdef/0", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_BLOCK, false,
     "", "", "s1"},
    {PREFIX "/status", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_STATUS, false, "", "", ""},
    {PREFIX "/status/a b", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_STATUS, false, "", "", ""},
    {PREFIX "/status/attic/x", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_STATUS, false, "", "attic",
     ""},
    {PREFIX "/request", REEL_E_BAD_REQUEST, "op", REEL_TOPIC_REQUEST, false, "", "", ""},
    {PREFIX "/request/list/", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_REQUEST, true, "list", "",
     ""},
    {PREFIX "/request/list/a/b", REEL_E_BAD_REQUEST, "device", REEL_TOPIC_REQUEST, true, "list",
     "a", ""},
    {PREFIX "/request/a23456789012345678901234567890123/m", REEL_E_BAD_REQUEST, "op",
     REEL_TOPIC_REQUEST, true, "", "m", ""},
};

static void topics_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parse_cases / sizeof *parse_cases; i++) {
        const struct parse_case *c = &parse_cases[i];
        struct reel_error err = {.code = REEL_OK};
        struct reel_topic topic;

        assert_int_equal(reel_topic_parse(PREFIX, c->topic, &topic, &err), c->code);
        assert_string_equal(err.field, c->field);
        assert_int_equal(topic.kind, c->kind);
        assert_int_equal(topic.confined, c->confined);
        assert_string_equal(topic.op, c->op);
        assert_string_equal(topic.device, c->device);
        assert_string_equal(topic.session, c->session);
    }
}

static void a_block_says_where_it_belongs(void **state)
{
    static const struct {
        const char *topic;
        uint64_t upload, offset;
    } cases[] = {
        {PREFIX "/upload/mic1/s1/0123456789abcdef/262144", 0x0123456789abcdef, 262144},
        {PREFIX "/upload/mic1/s1.wav/ffffffffffffffff/0", UINT64_MAX, 0},
        {PREFIX "/upload/mic1/s1/0000000000000001/999999999999999999", 1, 999999999999999999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reel_topic topic;

        assert_int_equal(reel_topic_parse(PREFIX, cases[i].topic, &topic, NULL), REEL_OK);
        assert_int_equal(topic.kind, REEL_TOPIC_BLOCK);
        assert_string_equal(topic.session, "s1");
        assert_int_equal(topic.upload, cases[i].upload);
        assert_int_equal(topic.offset, cases[i].offset);
    }
}

static void topics_are_put_together(void **state)
{
    char topic[32];

    (void)state;
    assert_true(reel_topic_build(topic, sizeof topic, PREFIX, "event", "mic1", "s1"));
    assert_string_equal(topic, "reel/v1/event/mic1/s1");
    assert_true(reel_topic_build(topic, sizeof topic, PREFIX, "response", "list", ""));
    assert_string_equal(topic, "reel/v1/response/list");
    assert_true(reel_topic_build(topic, sizeof topic, PREFIX, "status", NULL, NULL));
    assert_string_equal(topic, "reel/v1/status");
    assert_true(reel_topic_build(topic, 15, PREFIX, "status", NULL, NULL));
    assert_false(reel_topic_build(topic, 14, PREFIX, "status", NULL, NULL));
    assert_string_equal(topic, "");
}

/* The examples of MQTT 5, section 4.7. */
static void filters_match_as_the_standard_says(void **state)
{
    (void)state;
    assert_true(reel_topic_matches("sport/tennis/player1/#", "sport/tennis/player1"));
    assert_true(reel_topic_matches("sport/tennis/player1/#", "sport/tennis/player1/ranking"));
    assert_true(
        reel_topic_matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    assert_true(reel_topic_matches("#", "sport"));
    assert_true(reel_topic_matches("sport/tennis/+", "sport/tennis/player1"));
    assert_false(reel_topic_matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert_false(reel_topic_matches("sport/+", "sport"));
    assert_true(reel_topic_matches("sport/+", "sport/"));
    assert_true(reel_topic_matches("+/+", "/finance"));
    assert_true(reel_topic_matches("/+", "/finance"));
    assert_false(reel_topic_matches("+", "/finance"));
    assert_false(reel_topic_matches("#", "$SYS/x"));
    assert_false(reel_topic_matches("+/monitor/Clients", "$SYS/monitor/Clients"));
    assert_true(reel_topic_matches("$SYS/#", "$SYS/monitor"));
    assert_false(reel_topic_matches("ACCOUNTS", "Accounts"));
    assert_false(reel_topic_matches("sport", "sports"));
    assert_false(reel_topic_matches("sport/x", "sport"));
}

static enum reel_code reply(const char *device, const char *topic)
{
    struct reel_error err = {.code = REEL_OK};
    enum reel_code code =
        reel_reply_check(PREFIX, ALLOW, device, topic, strlen(topic), "reply_to", &err);

    assert_string_equal(err.field, code == REEL_OK ? "" : "reply_to");
    return code;
}

static void a_confined_device_is_answered_in_its_own_place(void **state)
{
    (void)state;
    assert_int_equal(reply("mic1", "reel/v1/reply/mic1/a"), REEL_OK);
    assert_int_equal(reply("mic1", "reel/v1/reply/mic1/a/b/c"), REEL_OK);
    assert_int_equal(reply("mic1", "reel/v1/response/info/mic1"), REEL_OK);
    assert_int_equal(reply("mic1", "reel/v1/reply/mic1"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/reply/mic10/a"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/reply/other/a"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/response/info/other"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/response/info"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/response/info/mic1/x"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/response//mic1"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "reel/v1/audio/mic1/s1"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply("mic1", "home/lights/set"), REEL_E_NOT_ALLOWED);
}

static void others_are_answered_where_the_setting_allows(void **state)
{
    (void)state;
    assert_int_equal(reply(NULL, "reel/v1/reply/me"), REEL_OK);
    assert_int_equal(reply(NULL, "reel/v1/reply/mic1/a"), REEL_OK);
    assert_int_equal(reply(NULL, "reel/v1/request/delete"), REEL_E_NOT_ALLOWED);
    assert_int_equal(reply(NULL, "home/lights/set"), REEL_E_NOT_ALLOWED);
}

static void the_setting_may_allow_several_places(void **state)
{
    static const struct {
        const char *allow;
        const char *topic;
        enum reel_code code;
    } rows[] = {
        {"a/reply/x/#, a/reply/y/#", "a/reply/x/1", REEL_OK},
        {"a/reply/x/#, a/reply/y/#", "a/reply/y/1", REEL_OK},
        {"a/reply/x/#,a/reply/y/#", "a/reply/y", REEL_OK},
        {" a/reply/x/# a/+/y ,", "a/b/y", REEL_OK},
        {"a/reply/x/#, a/reply/y/#", "a/reply/z/1", REEL_E_NOT_ALLOWED},
        {"a/reply/x/#, a/reply/y/#", "a/reply", REEL_E_NOT_ALLOWED},
        {"a/reply/x/#,", "", REEL_E_BAD_REQUEST},
        {" , ", "a/reply/x/1", REEL_E_NOT_ALLOWED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(reel_reply_check("a", rows[i].allow, NULL, rows[i].topic,
                                          strlen(rows[i].topic), "reply_to", NULL),
                         rows[i].code);
}

static void what_is_no_topic_is_refused(void **state)
{
    char topic[300] = "reel/v1/reply/";

    (void)state;
    memset(topic + 14, 'x', 256 - 14);
    assert_int_equal(reply(NULL, topic), REEL_OK);
    topic[256] = 'x';
    assert_int_equal(reply(NULL, topic), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/4/5/6/7/8/9/10/11/12/13/14/15/16"), REEL_OK);
    assert_int_equal(reply(NULL, "reel/v1/reply/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
                     REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, ""), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "$SYS/x"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/+"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/#"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/a\nb"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\x7f"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xc2\x80"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xef\xbf\xbe"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xff"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xc0\xaf"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xe0\x80\xaf"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xed\xa0\x80"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xe2\x82"), REEL_E_BAD_REQUEST);
    assert_int_equal(reply(NULL, "reel/v1/reply/\xc3\xa9"), REEL_OK);
    assert_int_equal(
        reel_reply_check(PREFIX, ALLOW, NULL, "reel/v1/reply/a\0b", 17, "reply_to", NULL),
        REEL_E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_rule),
        cmocka_unit_test(topics_are_taken_apart),
        cmocka_unit_test(a_block_says_where_it_belongs),
        cmocka_unit_test(topics_are_put_together),
        cmocka_unit_test(filters_match_as_the_standard_says),
        cmocka_unit_test(a_confined_device_is_answered_in_its_own_place),
        cmocka_unit_test(others_are_answered_where_the_setting_allows),
        cmocka_unit_test(the_setting_may_allow_several_places),
        cmocka_unit_test(what_is_no_topic_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
