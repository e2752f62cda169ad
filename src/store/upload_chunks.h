/* Upload, the sizes that WAV and AIFF files declare: libsndfile takes what is there and says
 * nothing of what is not, so they are looked at before. */
#ifndef REEL_STORE_UPLOAD_CHUNKS_H
#define REEL_STORE_UPLOAD_CHUNKS_H

#include <stdint.h>

#include "base/err.h"
#include "store/import.h"

/* Check that the file of `file_bytes` holds all that it declares. BAD_REQUEST (field `field`) with
 * what is wrong; STALLED.
 *
 * WAV (RIFF or RF64): `*patches_out` is what the library must read otherwise than it stands there.
 * A data size says nothing where a program left it so that writes into a pipe, or was ended before
 * it could go back: 0 with audio behind it; all ones; and, where there is less, what sox and espeak
 * (0x7ffff000) and arecord (0x80000000) write. Then the audio goes to the file's end. What stands
 * behind the declared audio must be chunks, but for a little. */
enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_import_patches *patches_out,
                                     struct reel_error *err_out);
enum reel_code reel_upload_check_aiff(int fd, uint64_t file_bytes, const char *field,
                                      struct reel_error *err_out);

#endif
