/* Fragment, the fields: the table of what a document may hold, and what each value must be. */
#include "wire/fragment_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/topic.h"
#include "wire/utf8.h"

void reel_fragment_fail(struct reel_decoding *decoding, enum reel_code code, const char *path,
                        const char *format, ...)
{
    char message[REEL_ERROR_MESSAGE_BYTES];
    va_list args;

    if (decoding->err.code != REEL_OK)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    reel_error_set(&decoding->err, code, path, "%s", message);
}

void reel_fragment_fail_type(struct reel_decoding *decoding, const char *path, const char *wanted,
                             const struct reel_token *value)
{
    reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path, "must be %s, not %s", wanted,
                       reel_token_kind_name(value->kind));
}

static bool is_number(const struct reel_token *value)
{
    return value->kind == REEL_TOKEN_UINT || value->kind == REEL_TOKEN_INT ||
           value->kind == REEL_TOKEN_FLOAT;
}

static bool take_uint(struct reel_decoding *decoding, const char *path,
                      const struct reel_token *value, uint64_t *out)
{
    int64_t whole;

    if (!is_number(value)) {
        reel_fragment_fail_type(decoding, path, "an unsigned integer", value);
        return false;
    }
    if (!reel_token_whole(value, &whole)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path,
                           value->kind == REEL_TOKEN_FLOAT
                               ? "must be an unsigned integer; as a float a whole one up to 2^53"
                               : "must be below 2^62");
        return false;
    }
    if (whole < 0 || (uint64_t)whole >= REEL_NUMBER_MAX) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path, "must be %s",
                           whole < 0 ? "0 or more" : "below 2^62");
        return false;
    }
    *out = (uint64_t)whole;
    return true;
}

static bool take_text(struct reel_decoding *decoding, const char *path,
                      const struct reel_token *value)
{
    if (value->kind == REEL_TOKEN_STR)
        return true;
    reel_fragment_fail_type(decoding, path, "a string", value);
    return false;
}

static void take_session_id(struct reel_decoding *decoding, const char *path,
                            const struct reel_token *value)
{
    if (!take_text(decoding, path, value))
        return;
    if (!reel_name_valid((const char *)value->bytes, value->size)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path,
                           "must be 1 to 64 characters of A-Z a-z 0-9 . _ -, the first a letter "
                           "or digit");
        return;
    }
    memcpy(decoding->out->session, value->bytes, value->size);
    decoding->out->session[value->size] = '\0';
}

static void take_seq(struct reel_decoding *decoding, const char *path,
                     const struct reel_token *value)
{
    struct reel_numbers *numbers = &decoding->out->numbers;

    numbers->has_seq = take_uint(decoding, path, value, &numbers->seq);
}

static void take_frame(struct reel_decoding *decoding, const char *path,
                       const struct reel_token *value)
{
    struct reel_numbers *numbers = &decoding->out->numbers;

    numbers->has_frame = take_uint(decoding, path, value, &numbers->frame);
}

static void take_time(struct reel_decoding *decoding, const char *path,
                      const struct reel_token *value)
{
    decoding->out->has_time = take_uint(decoding, path, value, &decoding->out->time_us);
}

static void take_boot_text(struct reel_decoding *decoding, const char *path,
                           const struct reel_token *value)
{
    struct reel_boot *boot = &decoding->out->numbers.boot;

    if (value->size < 1 || value->size >= sizeof boot->text ||
        !reel_utf8_clean(value->bytes, value->size)) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path,
                           "must be 1 to %zu bytes of UTF-8 without control characters",
                           sizeof boot->text - 1);
        return;
    }
    memcpy(boot->text, value->bytes, value->size);
    boot->text[value->size] = '\0';
}

static void take_boot(struct reel_decoding *decoding, const char *path,
                      const struct reel_token *value)
{
    struct reel_boot *boot = &decoding->out->numbers.boot;
    int64_t whole;

    if (value->kind == REEL_TOKEN_STR) {
        take_boot_text(decoding, path, value);
    } else if (value->kind == REEL_TOKEN_UINT && value->uint > INT64_MAX) {
        snprintf(boot->text, sizeof boot->text, "%" PRIu64, value->uint);
    } else if (reel_token_whole(value, &whole) && whole >= 0) {
        boot->is_uint = true;
        snprintf(boot->text, sizeof boot->text, "%" PRId64, whole);
    } else {
        reel_fragment_fail_type(decoding, path, "an unsigned integer or a string", value);
    }
}

static void take_end(struct reel_decoding *decoding, const char *path,
                     const struct reel_token *value)
{
    if (value->kind == REEL_TOKEN_BOOL)
        decoding->out->numbers.end = value->boolean;
    else
        reel_fragment_fail_type(decoding, path, "a boolean", value);
}

static void take_reply_to(struct reel_decoding *decoding, const char *path,
                          const struct reel_token *value)
{
    struct reel_fragment *out = decoding->out;

    if (!take_text(decoding, path, value))
        return;
    if (value->size >= sizeof out->reply_to || !reel_utf8_valid(value->bytes, value->size)) {
        out->reply_to_unusable = true;
        return;
    }
    memcpy(out->reply_to, value->bytes, value->size);
    out->reply_to[value->size] = '\0';
}

/* A format's number, cut to `most`: what is greater is out of range all the same, and that is for
 * reel_format_check to say. */
static uint32_t take_saturated(struct reel_decoding *decoding, const char *path,
                               const struct reel_token *value, uint32_t most)
{
    uint64_t number = 0;

    take_uint(decoding, path, value, &number);
    return number < most ? (uint32_t)number : most;
}

static void take_channels(struct reel_decoding *decoding, const char *path,
                          const struct reel_token *value)
{
    decoding->out->format.channels = (uint16_t)take_saturated(decoding, path, value, UINT16_MAX);
}

static void take_rate(struct reel_decoding *decoding, const char *path,
                      const struct reel_token *value)
{
    decoding->out->format.rate = take_saturated(decoding, path, value, UINT32_MAX);
}

static void take_sample_size(struct reel_decoding *decoding, const char *path,
                             const struct reel_token *value)
{
    decoding->out->format.sample_bytes = (uint8_t)take_saturated(decoding, path, value, UINT8_MAX);
}

static void take_encoding(struct reel_decoding *decoding, const char *path,
                          const struct reel_token *value)
{
    char name[16] = "";

    if (!take_text(decoding, path, value))
        return;
    if (value->size < sizeof name && !memchr(value->bytes, 0, value->size))
        memcpy(name, value->bytes, value->size);
    decoding->out->format.encoding = reel_encoding_from_name(name);
}

static const struct reel_field fields[REEL_FIELD_COUNT] = {
    [REEL_FIELD_METADATA] = {"metadata", "metadata", REEL_ROOT, REEL_IN_METADATA,
                             REEL_FIELD_METADATA, NULL},
    [REEL_FIELD_SESSION] = {"session", "metadata.session", REEL_IN_METADATA, REEL_IN_SESSION,
                            REEL_FIELD_SESSION, NULL},
    [REEL_FIELD_AUDIO] = {"audio", "metadata.audio", REEL_IN_METADATA, REEL_IN_AUDIO,
                          REEL_FIELD_AUDIO, NULL},
    [REEL_FIELD_SESSION_ID] = {"id", "metadata.session.id", REEL_IN_SESSION, REEL_LEAF,
                               REEL_FIELD_SESSION_ID, take_session_id},
    [REEL_FIELD_SEQ] = {"seq", "metadata.session.seq", REEL_IN_SESSION, REEL_LEAF, REEL_FIELD_SEQ,
                        take_seq},
    [REEL_FIELD_FRAME] = {"frame", "metadata.session.frame", REEL_IN_SESSION, REEL_LEAF,
                          REEL_FIELD_FRAME, take_frame},
    [REEL_FIELD_BOOT] = {"boot", "metadata.session.boot", REEL_IN_SESSION, REEL_LEAF,
                         REEL_FIELD_BOOT, take_boot},
    [REEL_FIELD_TIME] = {"time", "metadata.session.time", REEL_IN_SESSION, REEL_LEAF,
                         REEL_FIELD_TIME, take_time},
    [REEL_FIELD_END] = {"end", "metadata.session.end", REEL_IN_SESSION, REEL_LEAF, REEL_FIELD_END,
                        take_end},
    [REEL_FIELD_REPLY_TO] = {"reply_to", "metadata.session.reply_to", REEL_IN_SESSION, REEL_LEAF,
                             REEL_FIELD_REPLY_TO, take_reply_to},
    [REEL_FIELD_CHANNELS] = {"channels", "metadata.audio.channels", REEL_IN_AUDIO, REEL_LEAF,
                             REEL_FIELD_CHANNELS, take_channels},
    [REEL_FIELD_RATE] = {"rate", "metadata.audio.rate", REEL_IN_AUDIO, REEL_LEAF, REEL_FIELD_RATE,
                         take_rate},
    [REEL_FIELD_SAMPLE_SIZE] = {"sample_size", "metadata.audio.sample_size", REEL_IN_AUDIO,
                                REEL_LEAF, REEL_FIELD_SAMPLE_SIZE, take_sample_size},
    [REEL_FIELD_ENCODING] = {"encoding", "metadata.audio.encoding", REEL_IN_AUDIO, REEL_LEAF,
                             REEL_FIELD_ENCODING, take_encoding},
    [REEL_FIELD_TAGS] = {"tags", "metadata.tags", REEL_IN_METADATA, REEL_LEAF, REEL_FIELD_TAGS,
                         NULL},
    [REEL_FIELD_DATA] = {"data", "data", REEL_ROOT, REEL_LEAF, REEL_FIELD_DATA, NULL},
};

const struct reel_field *reel_field_get(enum reel_field_id id)
{
    return &fields[id];
}

const struct reel_field *reel_field_find(enum reel_section in, const char *key, size_t key_bytes)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields && key_bytes > 0; i++) {
        if (fields[i].in == in && fields[i].key[0] == key[0] &&
            strlen(fields[i].key) == key_bytes && memcmp(fields[i].key, key, key_bytes) == 0)
            return &fields[i];
    }
    return NULL;
}

bool reel_field_see(struct reel_decoding *decoding, const struct reel_field *field,
                    const char *path)
{
    uint32_t bit = 1u << field->id;

    if (decoding->seen & bit) {
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, path, "is given twice");
        return false;
    }
    decoding->seen |= bit;
    return true;
}

void reel_field_mark(struct reel_decoding *decoding, const struct reel_field *field)
{
    decoding->present |= 1u << field->id;
}

void reel_field_take(struct reel_decoding *decoding, const struct reel_field *field,
                     const char *path, const struct reel_token *value)
{
    if (value->kind == REEL_TOKEN_NIL)
        return;
    reel_field_mark(decoding, field);
    field->take(decoding, path, value);
}
