/* Upload, converted: the WAV file of a recording made from the audio file that was uploaded, off
 * the writing thread. The store's own header stands before the samples, which are the file's own:
 * see store/import.h. */
#ifndef REEL_STORE_UPLOAD_CONVERT_H
#define REEL_STORE_UPLOAD_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "core/recording.h"
#include "wire/container.h"

/* One upload that is whole, and what became of it. */
struct reel_conversion {
    uint64_t id;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    bool in_blocks; /* the field at fault is `data`, else `payload` */
    char sha256[65];
    int64_t begun_us;
    /* Made by reel_upload_convert. */
    enum reel_code code;
    struct reel_error error;
    struct reel_format format;
    uint64_t frames;
};

struct reel_convert_limits {
    reel_containers formats;  /* upload.formats */
    uint64_t max_audio_bytes; /* upload.max_audio_bytes: what a file may become that is smaller */
    int stop_fd;              /* readable when it is time to end; -1: never */
};

/* Check the sum and the file, and make `recordings/{device}/.{id}.upload.tmp` of it, synced. Fills
 * `conversion`'s result. BAD_REQUEST, NOT_ALLOWED or TOO_LARGE for a file that is refused,
 * NOT_FOUND where it is gone: nothing is left. STALLED for a disk that fails or is too full: to be
 * tried again. False, and nothing is left, where it is time to end. */
bool reel_upload_convert(const char *dir, const struct reel_convert_limits *limits,
                         struct reel_conversion *conversion);

#endif
