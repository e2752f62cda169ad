/* Container: told by the first bytes. */
#include "wire/container.h"

#include <string.h>

static const char *const names[REEL_CONTAINER_COUNT] = {
    [REEL_CONTAINER_WAV] = "wav",   [REEL_CONTAINER_FLAC] = "flac", [REEL_CONTAINER_OGG] = "ogg",
    [REEL_CONTAINER_AIFF] = "aiff", [REEL_CONTAINER_MP3] = "mp3",
};

static bool begins(const uint8_t *head, size_t bytes, size_t at, const char *word)
{
    size_t length = strlen(word);

    return bytes >= at + length && memcmp(head + at, word, length) == 0;
}

/* An ID3 tag, or a frame's sync: eleven ones, then a version and a layer that exist. */
static bool is_mp3(const uint8_t *head, size_t bytes)
{
    return begins(head, bytes, 0, "ID3") ||
           (bytes >= 2 && head[0] == 0xff && (head[1] & 0xe0) == 0xe0 && (head[1] & 0x18) != 0x08 &&
            (head[1] & 0x06) != 0);
}

enum reel_container reel_container_of(const uint8_t *head, size_t bytes)
{
    if ((begins(head, bytes, 0, "RIFF") || begins(head, bytes, 0, "RF64")) &&
        begins(head, bytes, 8, "WAVE"))
        return REEL_CONTAINER_WAV;
    if (begins(head, bytes, 0, "fLaC"))
        return REEL_CONTAINER_FLAC;
    if (begins(head, bytes, 0, "OggS"))
        return REEL_CONTAINER_OGG;
    if (begins(head, bytes, 0, "FORM") &&
        (begins(head, bytes, 8, "AIFF") || begins(head, bytes, 8, "AIFC")))
        return REEL_CONTAINER_AIFF;
    return is_mp3(head, bytes) ? REEL_CONTAINER_MP3 : REEL_CONTAINER_NONE;
}

const char *reel_container_name(enum reel_container container)
{
    return (unsigned)container < REEL_CONTAINER_COUNT ? names[container] : "";
}

/* The kind of that name; NONE. */
static enum reel_container named(const char *name, size_t bytes)
{
    unsigned container = 0;

    while (container < REEL_CONTAINER_COUNT &&
           (strlen(names[container]) != bytes || memcmp(names[container], name, bytes) != 0))
        container++;
    return (enum reel_container)container;
}

bool reel_containers_parse(const char *text, reel_containers *out)
{
    static const char between[] = " \t,";
    reel_containers containers = 0;

    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        size_t bytes = strcspn(text, between);
        enum reel_container container = named(text, bytes);

        if (container == REEL_CONTAINER_NONE)
            return false;
        containers |= REEL_CONTAINER_BIT(container);
        text += bytes;
    }
    if (containers == 0)
        return false;
    *out = containers;
    return true;
}

enum reel_code reel_container_check(enum reel_container container, reel_containers allowed,
                                    const char *field, struct reel_error *err_out)
{
    if (container == REEL_CONTAINER_NONE)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, field,
                              "is no audio file of a kind that is known here");
    if (!(allowed & REEL_CONTAINER_BIT(container)))
        return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "upload.formats",
                              "%s files are not taken here: upload.formats has not got them",
                              names[container]);
    return REEL_OK;
}

size_t reel_container_stem(const char *name, size_t bytes)
{
    static const char *const more[] = {"aif", "oga"};
    const char *dot = memrchr(name, '.', bytes);
    size_t stem = dot ? (size_t)(dot - name) : 0;

    if (stem == 0)
        return bytes;
    if (named(dot + 1, bytes - stem - 1) != REEL_CONTAINER_NONE)
        return stem;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        if (strlen(more[i]) == bytes - stem - 1 && memcmp(more[i], dot + 1, strlen(more[i])) == 0)
            return stem;
    }
    return bytes;
}
