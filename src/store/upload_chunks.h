/* Upload, the sizes that WAV and AIFF files declare: libsndfile takes what is there and says
 * nothing of what is not, so they are looked at before. */
#ifndef REEL_STORE_UPLOAD_CHUNKS_H
#define REEL_STORE_UPLOAD_CHUNKS_H

#include <stdint.h>

#include "base/err.h"

/* Check that the file of `file_bytes` holds all that it declares. BAD_REQUEST (field `field`) with
 * what is wrong; STALLED.
 *
 * WAV (RIFF or RF64): a data size of 0, or of all ones under RIFF, says nothing, as a program
 * leaves it that writes into a pipe. */
enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_error *err_out);
enum reel_code reel_upload_check_aiff(int fd, uint64_t file_bytes, const char *field,
                                      struct reel_error *err_out);

#endif
