/* Fragments, for recorder firmware: one MQTT message of audio, encoded into the caller's buffer.
 *
 * C99, no allocation, no other library.
 *
 *   struct reel_recorder_fragment fragment = {
 *       .rate = 16000, .channels = 1, .sample_bytes = 2,
 *       .data = samples, .data_bytes = 1024,
 *       .has_seq = true, .seq = seq++,
 *   };
 *   size_t bytes = reel_recorder_encode(buffer, sizeof buffer, &fragment);
 *   if (bytes > 0 && bytes <= sizeof buffer)
 *       publish(topic, buffer, bytes);
 */
#ifndef REEL_FRAGMENT_H
#define REEL_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reel_recorder_encoding {
    REEL_RECORDER_PCM,
    REEL_RECORDER_FLOAT,
    REEL_RECORDER_ALAW,
    REEL_RECORDER_ULAW
};

/* A word about the recording (site, gain, machine): a text, or a number where `text` is NULL. */
struct reel_recorder_tag {
    const char *name; /* 1 to 64 bytes */
    const char *text; /* at most 256 bytes */
    double number;
};

/* What is zero or NULL is not sent. All texts are UTF-8; numbers are below 2^62. */
struct reel_recorder_fragment {
    uint32_t rate;        /* frames a second, 1 to 768000 */
    uint16_t channels;    /* 1 to 64 */
    uint8_t sample_bytes; /* bytes, not bits: PCM 1 to 4, float 4 or 8, A-law and u-law 1 */
    enum reel_recorder_encoding encoding;

    /* Whole frames as WAV stores them: interleaved, little-endian, 1-byte PCM unsigned. May be
     * empty in the last fragment. */
    const void *data;
    size_t data_bytes;

    const char *session; /* needed on `audio/{device}`; else NULL or the topic's */
    bool has_seq;
    bool has_frame;
    bool has_time;
    bool has_boot_number;
    bool end;             /* the recording's last fragment */
    uint64_t seq;         /* number of this fragment, from 0, without holes */
    uint64_t frame;       /* position of its first frame, from the boot's start */
    uint64_t time_us;     /* when that was captured: microseconds since 1970 UTC */
    uint64_t boot_number; /* names this run of the recorder: random, or a counter */
    const char *boot;     /* the same as a text of 1 to 64 bytes; give one of the two */
    const char *reply_to; /* where acknowledgements go; for MQTT 3.1.1 */

    const struct reel_recorder_tag *tags;
    size_t tags_count; /* at most 32 */
};

/* Encode the fragment as MessagePack. Returns how many bytes it takes; where that is more than
 * `capacity`, the buffer's content is of no use, and a larger one is needed (`buffer` may be NULL
 * with a capacity of 0, to ask). Returns 0, and writes nothing, for a fragment that the sink would
 * refuse: no such format, half a frame, a number, name or text out of its bounds, no data. */
size_t reel_recorder_encode(void *buffer, size_t capacity,
                            const struct reel_recorder_fragment *fragment);

#ifdef __cplusplus
}
#endif

#endif
