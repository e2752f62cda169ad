/* WAV list: texts of a LIST chunk of the form INFO (Microsoft, "Multimedia Programming Interface"),
 * each ended by a zero. */
#include "core/wav_list.h"

#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "core/wav_put.h"
#include "wire/message.h"

enum { DAY_BYTES = 10 };

static uint8_t *put_text(uint8_t *at, const char id[4], const char *text, size_t bytes)
{
    at = reel_put_chunk(at, id, bytes + 1);
    memcpy(at, text, bytes);
    memset(at + bytes, 0, 2); /* its end, and what may pad it */
    return at + bytes + 1 + ((bytes + 1) & 1);
}

/* Bytes of the control character that stands there, 0 for another: JSON's own writer escapes those
 * below U+0020; DEL and U+0080 to U+009F are left. */
static size_t control_at(const uint8_t *text, size_t bytes, unsigned *point_out)
{
    *point_out = text[0];
    if (text[0] == 0x7f)
        return 1;
    if (bytes < 2 || text[0] != 0xc2 || text[1] > 0x9f)
        return 0;
    *point_out = text[1];
    return 2;
}

static bool escape(const struct reel_buffer *json, struct reel_buffer *out)
{
    for (size_t at = 0; at < json->size;) {
        unsigned point;
        size_t control = control_at(json->bytes + at, json->size - at, &point);
        char escaped[8];
        bool kept;

        snprintf(escaped, sizeof escaped, "\\u%04x", point);
        kept = control ? reel_buffer_append(out, escaped, 6)
                       : reel_buffer_append(out, json->bytes + at, 1);
        if (!kept)
            return false;
        at += control ? control : 1;
    }
    return true;
}

/* The tags as text. */
static bool write_tags(const json_t *tags, struct reel_buffer *out)
{
    struct reel_buffer json = {0};
    bool written = reel_value_dump(tags, true, &json) && escape(&json, out);

    reel_buffer_finish(&json);
    return written;
}

bool reel_wav_list_make(const struct reel_recording *recording, uint8_t out[REEL_WAV_LIST_MAX],
                        size_t *bytes_out)
{
    struct reel_buffer tags = {0};
    char name[2 * REEL_NAME_BYTES];
    char start[REEL_TIME_BYTES];
    uint8_t *at = out + REEL_CHUNK_HEAD_BYTES;
    bool written = true;

    *bytes_out = 0;
    if (json_object_size(recording->tags) == 0)
        return true;
    written = write_tags(recording->tags, &tags);
    if (written) {
        snprintf(name, sizeof name, "%s/%s", recording->device, recording->session);
        reel_time_format(recording->started_us, start);
        at = reel_put_id(at, "INFO");
        at = put_text(at, "INAM", name, strlen(name));
        at = put_text(at, "ISFT", "reel", strlen("reel"));
        at = put_text(at, "ICRD", start, DAY_BYTES);
        at = put_text(at, "ICMT", (const char *)tags.bytes, tags.size);
        *bytes_out = (size_t)(at - out);
        reel_put_chunk(out, "LIST", *bytes_out - REEL_CHUNK_HEAD_BYTES);
    }
    reel_buffer_finish(&tags);
    return written;
}
