/* Topics, for recorder firmware: where fragments go and where answers come.
 *
 * C99, no allocation, no other library. The protocol's prefix is "reel/v1" unless the sink's
 * setting `broker.prefix` says otherwise. A name is 1 to 64 characters of A-Z a-z 0-9 . _ -, the
 * first a letter or digit. */
#ifndef REEL_TOPIC_H
#define REEL_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEL_PREFIX_DEFAULT "reel/v1"

/* Say whether the text is a name that a device or a session may have. */
bool reel_recorder_name_valid(const char *name);

/* Build the topic of one recording's fragments, `{prefix}/audio/{device}/{session}`, or, where
 * `session` is NULL, the device's, `{prefix}/audio/{device}`: then each fragment names its session.
 * Returns the topic's length, the terminator not counted; 0, with `out` empty, if a name is none
 * or `capacity` is too small. */
size_t reel_recorder_audio_topic(char *out, size_t capacity, const char *prefix, const char *device,
                                 const char *session);

/* Build a topic on which this device may be answered, `{prefix}/reply/{device}/{suffix}`. The
 * suffix is the recorder's choice: no wildcard, no control character, no more than 12 levels.
 * Returns as above; at most 256 bytes, which is what the sink takes. */
size_t reel_recorder_reply_topic(char *out, size_t capacity, const char *prefix, const char *device,
                                 const char *suffix);

#ifdef __cplusplus
}
#endif

#endif
