/* Hermes: topics taken apart, names made. */
#include "wire/hermes.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "wire/topic.h"

static const char head[] = "hermes/audioServer/";

const char *const reel_hermes_filters[REEL_HERMES_FILTERS] = {
    "hermes/audioServer/+/audioFrame",
    "hermes/audioServer/+/+/audioSessionFrame",
};

enum { HASH_CHARACTERS = 5, CUT_BYTES = REEL_NAME_BYTES - 1 - HASH_CHARACTERS };

static unsigned crc16(const char *text, size_t bytes)
{
    unsigned crc = 0;

    for (size_t i = 0; i < bytes; i++) {
        crc ^= (unsigned)(uint8_t)text[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    return crc;
}

/* Of a character of several bytes only the first counts. */
static bool continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static bool fits(char c, bool within)
{
    return reel_name_valid(&c, 1) || (within && (c == '.' || c == '_' || c == '-'));
}

void reel_hermes_name(const char *text, size_t bytes, char out[REEL_NAME_BYTES])
{
    size_t used = 0;

    if (reel_name_valid(text, bytes)) {
        memcpy(out, text, bytes);
        out[bytes] = '\0';
        return;
    }
    for (size_t i = 0; i < bytes && used < CUT_BYTES; i++) {
        if (continues(text[i]))
            continue;
        out[used] = fits(text[i], used > 0) ? text[i] : used > 0 ? '-' : 'x';
        used++;
    }
    if (used == 0)
        out[used++] = 'x';
    snprintf(out + used, HASH_CHARACTERS + 1, "-%04x", crc16(text, bytes));
}

/* The level at `at`, whose length is `*bytes_out`; what follows it, NULL at the topic's end. */
static const char *level(const char *at, size_t *bytes_out)
{
    *bytes_out = strcspn(at, "/");
    return at[*bytes_out] ? at + *bytes_out + 1 : NULL;
}

bool reel_hermes_parse(const char *topic, struct reel_hermes_topic *out)
{
    const char *session = NULL;
    const char *last;
    size_t session_bytes = 0;

    if (strncmp(topic, head, sizeof head - 1) != 0)
        return false;
    out->site = topic + sizeof head - 1;
    last = level(out->site, &out->site_bytes);
    if (!last || strncmp(out->site, REEL_TOPIC_CHECK "/", sizeof REEL_TOPIC_CHECK) == 0)
        return false;
    if (strcmp(last, "audioFrame") != 0) {
        session = last;
        last = level(session, &session_bytes);
        if (!last || strcmp(last, "audioSessionFrame") != 0)
            return false;
    }
    reel_hermes_name(out->site, out->site_bytes, out->device);
    out->session[0] = '\0';
    if (session)
        reel_hermes_name(session, session_bytes, out->session);
    return true;
}

bool reel_hermes_listed(const char *list, const char *site, size_t site_bytes)
{
    static const char space[] = " \t";

    if (list[strspn(list, space)] == '\0')
        return true;
    for (;;) {
        size_t item_bytes;
        size_t trimmed;

        list += strspn(list, space);
        item_bytes = strcspn(list, ",");
        trimmed = item_bytes;
        while (trimmed > 0 && strchr(space, list[trimmed - 1]))
            trimmed--;
        if (trimmed == site_bytes && memcmp(list, site, site_bytes) == 0)
            return true;
        if (list[item_bytes] == '\0')
            return false;
        list += item_bytes + 1;
    }
}
