/* Fuzz: a topic, taken apart and built again, one of Hermes, and where a response may go. The
 * input: a byte that chooses, then a topic. */
#include <inttypes.h>

#include "wire/container.h"
#include "wire/hermes.h"
#include "wire/utf8.h"
#include "fuzz/fuzz.h"

static const char prefix[] = "reel/v1";

/* Behind the names come the numbers, which may begin with zeros. */
static void check_block(const struct reel_topic *topic, const char *built, const char *text)
{
    char upload[32];
    const char *offset = strrchr(text, '/') + 1;

    snprintf(upload, sizeof upload, "/%016" PRIx64 "/", topic->upload);
    assert_int_equal(strncmp(built, text, strlen(built)), 0);
    assert_non_null(strstr(text + strlen(built), upload));
    assert_int_equal(strtoull(offset, NULL, 10), topic->offset);
    assert_int_equal(strspn(offset, "0123456789"), strlen(offset));
}

/* A topic that is ours says no more than its names. */
static void parse(const char *text)
{
    static const char *const kinds[] = {
        [REEL_TOPIC_AUDIO] = "audio",   [REEL_TOPIC_UPLOAD] = "upload",
        [REEL_TOPIC_BLOCK] = "upload",  [REEL_TOPIC_REQUEST] = "request",
        [REEL_TOPIC_STATUS] = "status",
    };
    struct reel_error err = {.code = REEL_OK};
    struct reel_topic topic;
    enum reel_code code = reel_topic_parse(prefix, text, &topic, &err);
    bool is_request = topic.kind == REEL_TOPIC_REQUEST;
    char built[256];

    assert_true(!topic.device[0] || reel_name_valid(topic.device, strlen(topic.device)));
    assert_true(!topic.session[0] || reel_name_valid(topic.session, strlen(topic.session)));
    if (code != REEL_OK) {
        assert_int_equal(code, REEL_E_BAD_REQUEST);
        assert_error(code, &err);
        assert_true(err.field[0] != '\0' && topic.kind != REEL_TOPIC_OTHER);
        return;
    }
    if (topic.kind == REEL_TOPIC_OTHER)
        return;
    assert_true(reel_topic_build(built, sizeof built, prefix, kinds[topic.kind],
                                 is_request ? topic.op : topic.device,
                                 is_request ? topic.device : topic.session));
    if (topic.kind == REEL_TOPIC_BLOCK) {
        check_block(&topic, built, text);
        return;
    }
    if (topic.kind == REEL_TOPIC_UPLOAD && strcmp(built, text) != 0) {
        assert_int_equal(reel_container_stem(text, strlen(text)), strlen(built));
        assert_int_equal(strncmp(built, text, strlen(built)), 0);
        return;
    }
    assert_string_equal(built, text);
}

/* Whatever a satellite calls itself becomes a name, and the same one each time. */
static void hermes(const char *text)
{
    struct reel_hermes_topic topic;
    char again[REEL_NAME_BYTES];

    reel_hermes_name(text, strlen(text), again);
    assert_true(reel_name_valid(again, strlen(again)));
    assert_true(reel_hermes_listed("", text, strlen(text)));
    reel_hermes_listed(text, "kitchen", 7);
    if (!reel_hermes_parse(text, &topic))
        return;
    assert_true(reel_topic_matches(reel_hermes_filters[topic.session[0] != '\0'], text));
    assert_true(reel_name_valid(topic.device, strlen(topic.device)));
    assert_true(!topic.session[0] || reel_name_valid(topic.session, strlen(topic.session)));
    reel_hermes_name(topic.site, topic.site_bytes, again);
    assert_string_equal(again, topic.device);
}

static size_t levels_of(const char *text)
{
    size_t levels = 1;

    for (; *text; text++)
        levels += *text == '/';
    return levels;
}

/* A place that passes harms neither the broker nor another device. */
static void reply(const char *text, size_t bytes, const char *device)
{
    static const char own[] = "reel/v1/reply/mic1/", response[] = "reel/v1/response/";
    struct reel_error err = {.code = REEL_OK};
    enum reel_code code =
        reel_reply_check(prefix, "reel/v1/reply/#", device, text, bytes, "reply_to", &err);

    if (code != REEL_OK) {
        assert_true(code == REEL_E_BAD_REQUEST || code == REEL_E_NOT_ALLOWED);
        assert_error(code, &err);
        assert_string_equal(err.field, "reply_to");
        return;
    }
    assert_in_range(bytes, 1, REEL_REPLY_TOPIC_MAX_BYTES);
    assert_int_equal(strlen(text), bytes);
    assert_in_range(levels_of(text), 1, REEL_REPLY_TOPIC_MAX_LEVELS);
    assert_true(text[0] != '$' && !strpbrk(text, "+#"));
    for (size_t i = 0; i < bytes; i++)
        assert_true((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
    if (!device)
        assert_true(strncmp(text, own, strlen("reel/v1/reply")) == 0);
    else if (strncmp(text, own, strlen(own)) != 0)
        assert_true(strncmp(text, response, strlen(response)) == 0 &&
                    strcmp(strrchr(text, '/'), "/mic1") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    uint8_t choice = input_byte(&input);
    size_t text_bytes = input.left;
    char *text = input_text(&input, text_bytes);

    parse(text);
    hermes(text);
    reply(text, text_bytes, choice & 1 ? "mic1" : NULL);
    if (!strpbrk(text, "+#")) {
        assert_true(reel_topic_matches(text, text));
        assert_true(text[0] == '$' || reel_topic_matches("#", text));
    }
    reel_topic_matches(text, "reel/v1/reply/mic1/a");
    free(text);
    return 0;
}
