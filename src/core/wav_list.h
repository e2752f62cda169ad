/* WAV list: what a recording is called and tagged, as the LIST/INFO chunk of a view's header. Pure.
 *
 * INAM is `device/session`, ISFT `reel`, ICRD the day it began, ICMT the tags: a map in JSON as
 * `info` has it, its names in order, UTF-8 without control characters (they are escaped). ffprobe
 * shows them as title, encoder, date and comment, libsndfile gives them as strings. libsndfile 1.2
 * passes over a comment of more than 8 KiB and all that follows in the chunk, so it comes last. */
#ifndef REEL_CORE_WAV_LIST_H
#define REEL_CORE_WAV_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recording.h"

/* A tag in JSON at most: each byte of its value may be escaped as six, each of its name as two; two
 * pairs of quotes, colon, comma. */
#define REEL_WAV_TAG_MAX (6u * REEL_TAG_VALUE_BYTES + 2u * REEL_TAG_NAME_BYTES + 6u)

/* No chunk is longer: all tags, and less than 256 bytes for the rest. */
#define REEL_WAV_LIST_MAX (REEL_TAGS_MAX * REEL_WAV_TAG_MAX + 256u)

/* Make the chunk, padded to an even length; 0 bytes for a recording without tags. False, the
 * outputs undefined, where memory ran out. */
bool reel_wav_list_make(const struct reel_recording *recording, uint8_t out[REEL_WAV_LIST_MAX],
                        size_t *bytes_out);

#endif
