/* Upload, the walk over a file's chunks, a head at a time (inside: only for upload_*.c). */
#ifndef REEL_STORE_UPLOAD_WALK_H
#define REEL_STORE_UPLOAD_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* More chunks than these are none of any program's. */
enum {
    REEL_WALK_CHUNKS_MAX = 1024,
    REEL_WALK_FORM_BYTES = 12, /* in front of the first chunk */
};

struct reel_walk {
    int fd;
    uint64_t file_bytes;
    const char *field;
    const char *kind; /* of file, for messages */
    bool big_endian;
    uint64_t at;
    struct reel_error *err_out;
    char id[5]; /* the chunk that the walk is in: its bytes begin at `at` */
    uint64_t declared;
};

/* Enter the chunk that begins where the walk is; false, with OK, at the end. */
bool reel_walk_enter(struct reel_walk *walk, enum reel_code *code);

bool reel_walk_is(const struct reel_walk *walk, const char *id);

/* Go behind the chunk; what pads an odd one may be missing at the end. BAD_REQUEST where the file
 * ends before. */
enum reel_code reel_walk_leave(struct reel_walk *walk);

/* Bytes from here to the file's end. */
uint64_t reel_walk_left(const struct reel_walk *walk);

/* Read what is here, without going on. */
enum reel_code reel_walk_read(const struct reel_walk *walk, void *out, uint64_t bytes);

uint64_t reel_walk_number(const struct reel_walk *walk, const uint8_t *at, size_t width);

/* BAD_REQUEST: "the {kind} file {what}". */
enum reel_code reel_walk_bad(const struct reel_walk *walk, const char *what);

/* BAD_REQUEST: the chunk declares more than is left. */
enum reel_code reel_walk_ends_early(const struct reel_walk *walk, uint64_t declared);

#endif
