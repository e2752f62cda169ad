/* Topic: names, and topics put together and matched. What firmware needs of topics is all here;
 * what the sink takes apart is in topic_parse.c. */
#include "wire/topic.h"

#include <stdio.h>
#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool reel_name_valid(const char *text, size_t bytes)
{
    if (bytes < 1 || bytes >= REEL_NAME_BYTES || !is_alphanumeric(text[0]))
        return false;
    for (size_t i = 1; i < bytes; i++) {
        if (!is_alphanumeric(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
            return false;
    }
    return true;
}

bool reel_topic_build(char *out, size_t capacity, const char *prefix, const char *a, const char *b,
                      const char *c)
{
    bool has_b = b && b[0];
    bool has_c = c && c[0];
    int bytes = snprintf(out, capacity, "%s/%s%s%s%s%s", prefix, a, has_b ? "/" : "",
                         has_b ? b : "", has_c ? "/" : "", has_c ? c : "");

    if (bytes >= 0 && (size_t)bytes < capacity)
        return true;
    if (capacity > 0)
        out[0] = '\0';
    return false;
}

/* Compare level by level (MQTT 5, 4.7): `+` is one level, `#` all that follow and their parent. */
bool reel_topic_matches(const char *filter, const char *topic)
{
    if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#'))
        return false;
    for (;;) {
        size_t filter_bytes = strcspn(filter, "/");
        size_t topic_bytes = strcspn(topic, "/");
        bool any = filter_bytes == 1 && filter[0] == '+';

        if (strcmp(filter, "#") == 0)
            return true;
        if (!any && (filter_bytes != topic_bytes || memcmp(filter, topic, topic_bytes) != 0))
            return false;
        filter += filter_bytes;
        topic += topic_bytes;
        if (*topic == '\0')
            return *filter == '\0' || strcmp(filter, "/#") == 0;
        if (*filter == '\0')
            return false;
        filter++;
        topic++;
    }
}
