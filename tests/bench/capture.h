/* Capture: messages as the broker delivers them, in a file that is mapped, so that the write path
 * can be fed without one. All recordings take turns, a fragment each. */
#ifndef REEL_TESTS_BENCH_CAPTURE_H
#define REEL_TESTS_BENCH_CAPTURE_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/folder.h"
#include "reel/fragment.h"

enum { CAPTURE_TOPIC_BYTES = 48, CAPTURE_HEAD_BYTES = 512, CAPTURE_RATE_HZ = 48000 };

/* How many of what it holds; the file begins with it. */
struct capture_size {
    uint64_t recordings;
    uint64_t fragments;   /* of all recordings together */
    uint64_t audio_bytes; /* of each fragment */
};

/* One message; its payload follows, then nothing up to a multiple of 8 bytes. */
struct captured {
    uint32_t recording;
    uint32_t payload_bytes;
    uint32_t audio_at; /* in the payload */
    uint32_t audio_bytes;
    char topic[CAPTURE_TOPIC_BYTES];
};

struct capture {
    struct capture_size size;
    const uint8_t *bytes;
    size_t bytes_count;
};

/* The message behind `message`, or with NULL the first; NULL behind the last. */
static inline const struct captured *capture_next(const struct capture *capture,
                                                  const struct captured *message)
{
    const uint8_t *at = capture->bytes + sizeof capture->size;

    if (message)
        at = (const uint8_t *)(message + 1) + (message->payload_bytes + 7u) / 8 * 8;
    return at < capture->bytes + capture->bytes_count ? (const struct captured *)(const void *)at
                                                      : NULL;
}

static inline const uint8_t *captured_payload(const struct captured *message)
{
    return (const uint8_t *)(message + 1);
}

static inline const uint8_t *captured_audio(const struct captured *message)
{
    return captured_payload(message) + message->audio_at;
}

/* Noise, so that no two fragments are alike. */
static inline void make_audio(uint64_t which, uint8_t *out, size_t bytes)
{
    uint64_t state = (which + 1) * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < bytes; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out[i] = (uint8_t)(state >> 56);
    }
}

/* The `which`-th message, in turn. */
static inline void capture_one(FILE *file, const struct capture_size *size, uint64_t which,
                               uint8_t *audio, uint8_t *payload, size_t capacity)
{
    uint64_t seq = which / size->recordings;
    const struct reel_recorder_fragment fragment = {
        .rate = CAPTURE_RATE_HZ,
        .channels = 1,
        .sample_bytes = 2,
        .data = audio,
        .data_bytes = size->audio_bytes,
        .has_seq = true,
        .seq = seq,
        .has_frame = true,
        .frame = seq * size->audio_bytes / 2,
        .has_time = true,
        .time_us = 1767323045000000 + seq * size->audio_bytes / 2 * 1000000 / CAPTURE_RATE_HZ,
    };
    struct captured message = {.recording = (uint32_t)(which % size->recordings),
                               .audio_bytes = (uint32_t)size->audio_bytes};
    size_t padded_bytes;

    make_audio(which, audio, size->audio_bytes);
    message.payload_bytes = (uint32_t)reel_recorder_encode(payload, capacity, &fragment);
    demand(message.payload_bytes > 0 && message.payload_bytes <= capacity, "a fragment");
    message.audio_at = message.payload_bytes - message.audio_bytes; /* they come last */
    padded_bytes = (message.payload_bytes + 7u) / 8 * 8;
    memset(payload + message.payload_bytes, 0, padded_bytes - message.payload_bytes);
    snprintf(message.topic, sizeof message.topic, "reel/v1/audio/mic%u/s1", message.recording);
    demand(fwrite(&message, sizeof message, 1, file) == 1 &&
               fwrite(payload, padded_bytes, 1, file) == 1,
           "the captured file");
}

static inline void capture_make(const char *path, const struct capture_size *size)
{
    size_t capacity = size->audio_bytes + CAPTURE_HEAD_BYTES;
    uint8_t *audio = malloc(size->audio_bytes);
    uint8_t *payload = malloc(capacity + 8);
    FILE *file = fopen(path, "wbe");

    demand(audio && payload && file, path);
    demand(fwrite(size, sizeof *size, 1, file) == 1, path);
    for (uint64_t which = 0; which < size->fragments; which++)
        capture_one(file, size, which, audio, payload, capacity);
    demand(fclose(file) == 0, path);
    free(audio);
    free(payload);
}

static inline void capture_map(const char *path, struct capture *capture_out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *bytes;

    demand(fd >= 0 && fstat(fd, &status) == 0, path);
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    demand(bytes != MAP_FAILED && close(fd) == 0, path);
    capture_out->bytes = bytes;
    capture_out->bytes_count = (size_t)status.st_size;
    memcpy(&capture_out->size, bytes, sizeof capture_out->size);
}

#endif
