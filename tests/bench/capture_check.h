/* Capture, the check: whether the files that were made of it hold its audio, bit for bit. */
#ifndef REEL_TESTS_BENCH_CAPTURE_CHECK_H
#define REEL_TESTS_BENCH_CAPTURE_CHECK_H

#include "bench/capture.h"

struct check {
    int *fds;       /* of each recording's file */
    uint64_t *ends; /* read so far */
    size_t count;
};

static inline void check_open(struct check *check, const struct capture *capture)
{
    check->count = capture->size.recordings;
    check->fds = calloc(check->count, sizeof *check->fds);
    check->ends = calloc(check->count, sizeof *check->ends);
    demand(check->fds && check->ends, "memory");
}

/* The file of a recording; its first `header_bytes` are no audio. */
static inline void check_add(struct check *check, size_t recording, const char *path,
                             uint64_t header_bytes)
{
    check->fds[recording] = open(path, O_RDONLY | O_CLOEXEC);
    check->ends[recording] = header_bytes;
    demand(check->fds[recording] >= 0, path);
}

/* Each file holds what was sent, and nothing else. */
static inline void check_all(struct check *check, const struct capture *capture)
{
    uint8_t *found = malloc(capture->size.audio_bytes);
    struct stat status;

    demand(found != NULL, "memory");
    for (const struct captured *at = capture_next(capture, NULL); at;
         at = capture_next(capture, at)) {
        uint64_t *end = &check->ends[at->recording];

        demand(pread(check->fds[at->recording], found, at->audio_bytes, (off_t)*end) ==
                       (ssize_t)at->audio_bytes &&
                   memcmp(found, captured_audio(at), at->audio_bytes) == 0,
               "a file holds other audio than was sent");
        *end += at->audio_bytes;
    }
    for (size_t i = 0; i < check->count; i++) {
        demand(fstat(check->fds[i], &status) == 0 && (uint64_t)status.st_size == check->ends[i],
               "a file's length");
        close(check->fds[i]);
    }
    free(found);
    free(check->fds);
    free(check->ends);
}

#endif
