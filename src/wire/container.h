/* Container: what kind of audio file some bytes begin. */
#ifndef REEL_WIRE_CONTAINER_H
#define REEL_WIRE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum reel_container {
    REEL_CONTAINER_WAV, /* RIFF and RF64 */
    REEL_CONTAINER_FLAC,
    REEL_CONTAINER_OGG,
    REEL_CONTAINER_AIFF,
    REEL_CONTAINER_MP3,
    REEL_CONTAINER_COUNT,
    REEL_CONTAINER_NONE = REEL_CONTAINER_COUNT,
};

/* How many of a file's first bytes tell its kind. */
enum { REEL_CONTAINER_HEAD_BYTES = 12 };

/* The kind of file that begins so; NONE for what is none of these. */
enum reel_container reel_container_of(const uint8_t *head, size_t bytes);

/* "wav", "flac", "ogg", "aiff", "mp3". */
const char *reel_container_name(enum reel_container container);

/* A set of them, a bit each. */
typedef unsigned reel_containers;
#define REEL_CONTAINER_BIT(container) (1u << (container))

/* Read a list as `upload.formats` has it: names, with spaces or commas between them. False where
 * one is none, or none is named. */
bool reel_containers_parse(const char *text, reel_containers *out);

/* Whether files of that kind are taken: BAD_REQUEST (field `field`) for what is no audio file,
 * NOT_ALLOWED (field "upload.formats") for one that is not among them. */
enum reel_code reel_container_check(enum reel_container container, reel_containers allowed,
                                    const char *field, struct reel_error *err_out);

/* The length of `name` without a suffix that such a file has (".wav", ".aif", ...). */
size_t reel_container_stem(const char *name, size_t bytes);

#endif
