/* Topic, taken apart: what kind of message stands there, and whose. */
#include <string.h>

#include "wire/container.h"
#include "wire/topic.h"

enum { LEVELS_MAX = 5, UPLOAD_DIGITS = 16, OFFSET_DIGITS_MAX = 18 };

struct levels {
    struct {
        const char *text;
        size_t bytes;
    } at[LEVELS_MAX];
    size_t count; /* LEVELS_MAX + 1 where there are more */
};

static void split(const char *topic, struct levels *out)
{
    out->count = 0;
    for (;;) {
        size_t bytes = strcspn(topic, "/");

        if (out->count == LEVELS_MAX) {
            out->count++;
            return;
        }
        out->at[out->count].text = topic;
        out->at[out->count].bytes = bytes;
        out->count++;
        if (topic[bytes] == '\0')
            return;
        topic += bytes + 1;
    }
}

static bool level_is(const struct levels *levels, size_t index, const char *text)
{
    return levels->at[index].bytes == strlen(text) &&
           memcmp(levels->at[index].text, text, levels->at[index].bytes) == 0;
}

/* Copy the name at `index`; false if it is missing, invalid or too long for `capacity`. */
static bool take_name(const struct levels *levels, size_t index, char *out, size_t capacity)
{
    if (index >= levels->count || index >= LEVELS_MAX || levels->at[index].bytes >= capacity ||
        !reel_name_valid(levels->at[index].text, levels->at[index].bytes))
        return false;
    memcpy(out, levels->at[index].text, levels->at[index].bytes);
    out[levels->at[index].bytes] = '\0';
    return true;
}

static enum reel_code name_error(struct reel_error *err_out, const char *field)
{
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                          "must be 1 to 64 characters of A-Z a-z 0-9 . _ -, the first a letter "
                          "or digit");
}

static enum reel_code levels_error(struct reel_error *err_out, const char *field)
{
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, field, "the topic has too many levels");
}

/* An audio file's name without what says so. */
static void drop_suffix(char *name)
{
    name[reel_container_stem(name, strlen(name))] = '\0';
}

/* audio/{device}[/{session}] and upload/{device}/{session} */
static enum reel_code parse_audio(const struct levels *levels, struct reel_topic *out,
                                  struct reel_error *err_out)
{
    bool device = take_name(levels, 1, out->device, sizeof out->device);
    bool session_needed = levels->count > 2 || out->kind == REEL_TOPIC_UPLOAD;
    bool session = take_name(levels, 2, out->session, sizeof out->session);

    if (out->kind == REEL_TOPIC_UPLOAD)
        drop_suffix(out->session);
    if (!device)
        return name_error(err_out, "device");
    if (session_needed && !session)
        return name_error(err_out, "session");
    if (levels->count > 3) {
        out->session[0] = '\0';
        return levels_error(err_out, "session");
    }
    return REEL_OK;
}

/* The digits at `index`, at most `digits_max`, as a number of that base. */
static bool take_digits(const struct levels *levels, size_t index, unsigned base, size_t digits_max,
                        uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;

    if (index >= levels->count || index >= LEVELS_MAX || levels->at[index].bytes == 0 ||
        levels->at[index].bytes > digits_max)
        return false;
    for (size_t i = 0; i < levels->at[index].bytes; i++) {
        const char *digit = memchr(digits, levels->at[index].text[i], base);

        if (!digit)
            return false;
        value = value * base + (uint64_t)(digit - digits);
    }
    *out = value;
    return true;
}

/* upload/{device}/{session}/{upload}/{offset} */
static enum reel_code parse_block(const struct levels *levels, struct reel_topic *out,
                                  struct reel_error *err_out)
{
    bool device = take_name(levels, 1, out->device, sizeof out->device);
    bool session = take_name(levels, 2, out->session, sizeof out->session);

    drop_suffix(out->session);
    if (!device)
        return name_error(err_out, "device");
    if (!session)
        return name_error(err_out, "session");
    if (levels->count > 5)
        return levels_error(err_out, "offset");
    if (levels->at[3].bytes != UPLOAD_DIGITS ||
        !take_digits(levels, 3, 16, UPLOAD_DIGITS, &out->upload))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "upload",
                              "must be the 16 hexadecimal digits that upload-begin gave");
    if (!take_digits(levels, 4, 10, OFFSET_DIGITS_MAX, &out->offset))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "offset",
                              "must be where the block begins, in bytes");
    return REEL_OK;
}

/* request/{op}[/{device}] */
static enum reel_code parse_request(const struct levels *levels, struct reel_topic *out,
                                    struct reel_error *err_out)
{
    bool op = take_name(levels, 1, out->op, sizeof out->op);

    out->confined = levels->count > 2;
    if (out->confined && !take_name(levels, 2, out->device, sizeof out->device))
        return name_error(err_out, "device");
    if (!op)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "op", "the topic names no operation");
    if (levels->count > 3)
        return levels_error(err_out, "device");
    return REEL_OK;
}

/* status/{sink} */
static enum reel_code parse_status(const struct levels *levels, struct reel_topic *out,
                                   struct reel_error *err_out)
{
    if (!take_name(levels, 1, out->device, sizeof out->device))
        return name_error(err_out, "device");
    if (levels->count > 2)
        return levels_error(err_out, "device");
    return REEL_OK;
}

enum reel_code reel_topic_parse(const char *prefix, const char *topic, struct reel_topic *out,
                                struct reel_error *err_out)
{
    size_t prefix_bytes = strlen(prefix);
    struct levels levels;

    memset(out, 0, sizeof *out);
    if (strncmp(topic, prefix, prefix_bytes) != 0 || topic[prefix_bytes] != '/')
        return REEL_OK;
    split(topic + prefix_bytes + 1, &levels);
    if (levels.count > 1 && level_is(&levels, 1, REEL_TOPIC_CHECK))
        return REEL_OK;
    if (level_is(&levels, 0, "audio"))
        out->kind = REEL_TOPIC_AUDIO;
    else if (level_is(&levels, 0, "upload"))
        out->kind = levels.count > 3 ? REEL_TOPIC_BLOCK : REEL_TOPIC_UPLOAD;
    else if (level_is(&levels, 0, "request"))
        out->kind = REEL_TOPIC_REQUEST;
    else if (level_is(&levels, 0, "status"))
        out->kind = REEL_TOPIC_STATUS;
    switch (out->kind) {
    case REEL_TOPIC_AUDIO:
    case REEL_TOPIC_UPLOAD:
        return parse_audio(&levels, out, err_out);
    case REEL_TOPIC_BLOCK:
        return parse_block(&levels, out, err_out);
    case REEL_TOPIC_REQUEST:
        return parse_request(&levels, out, err_out);
    case REEL_TOPIC_STATUS:
        return parse_status(&levels, out, err_out);
    case REEL_TOPIC_OTHER:
        break;
    }
    return REEL_OK;
}
