/* Import: any audio file that libsndfile reads, as frames in the wire's form. This is the only
 * user of sndfile.h; nothing of it shows here. */
#ifndef REEL_STORE_IMPORT_H
#define REEL_STORE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/container.h"
#include "wire/format.h"

struct reel_import;

/* Bytes of a file that are to be read as others than stand there. */
struct reel_import_patch {
    uint64_t at;
    uint8_t count;
    uint8_t bytes[8];
};

struct reel_import_patches {
    size_t count;
    struct reel_import_patch items[4];
};

/* Open an audio file. `fd` (read, seekable) is borrowed until the import is closed, and its offset
 * moves; `name` is for messages only. The format is the file's own where the wire has it: PCM of
 * 8, 16, 24, 32 bits in any container and byte order, also from lossless codecs (FLAC, ALAC),
 * float, double, A-law, u-law. What a lossy codec makes is taken as its decoder makes it, so that
 * nothing is rounded or clipped: Vorbis, Opus and MPEG as 4-byte float, ADPCM, GSM and the like as
 * 16 bit. BAD_REQUEST for what is no audio file, or a format that the wire does not carry. */
enum reel_code reel_import_open(int fd, const char *name, struct reel_import **import_out,
                                struct reel_error *err_out);

/* The same, with `patches` (copied), whose header says what the file's own does not. */
enum reel_code reel_import_open_patched(int fd, const char *name,
                                        const struct reel_import_patches *patches,
                                        struct reel_import **import_out,
                                        struct reel_error *err_out);
void reel_import_close(struct reel_import **import); /* leaves `fd` open; accepts NULL */

const struct reel_format *reel_import_format(const struct reel_import *import);

/* What kind of file it is; NONE for another that libsndfile reads. */
enum reel_container reel_import_container(const struct reel_import *import);

/* How many frames its header declares; 0 where it does not say, as a FLAC file need not. */
uint64_t reel_import_frames(const struct reel_import *import);

/* Read up to `frames` frames, interleaved as WAV stores them, into `out` (frames times
 * reel_format_frame_bytes). Fewer than asked, or 0, only at the end. BAD_REQUEST where the file
 * breaks off before the frames that it declares or cannot be decoded further, STALLED for a failing
 * read: then `*frames_out` frames before the break are in `out` all the same. */
enum reel_code reel_import_read(struct reel_import *import, void *out, uint64_t frames,
                                uint64_t *frames_out, struct reel_error *err_out);

#endif
