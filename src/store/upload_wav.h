/* Upload, a WAV file's sizes: libsndfile takes what is there and says nothing of what is not, so
 * what the file declares is looked at before. */
#ifndef REEL_STORE_UPLOAD_WAV_H
#define REEL_STORE_UPLOAD_WAV_H

#include <stdint.h>

#include "base/err.h"

/* Check that the WAV file (RIFF or RF64) of `file_bytes` holds all that it declares. A data size of
 * 0 at the file's end aside, or of all ones under RIFF, says nothing, as a program leaves it that
 * writes into a pipe. BAD_REQUEST (field `field`) with what is wrong; STALLED. */
enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_error *err_out);

#endif
