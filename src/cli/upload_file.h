/* Upload file: a file on its way to the sink, summed first, then read block by block, and watched:
 * a file that changes meanwhile is noticed. */
#ifndef REEL_CLI_UPLOAD_FILE_H
#define REEL_CLI_UPLOAD_FILE_H

#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "cli/options.h"
#include "store/hash.h"

struct reel_upload_file {
    const char *path;
    int fd;
    uint64_t size_bytes;
    struct timespec modified;
    char sha256[REEL_SHA256_TEXT_BYTES];
};

/* Open the file and sum it, with a progress bar. NOT_FOUND, NOT_ALLOWED; BAD_REQUEST for what is no
 * file or is empty; STALLED where it cannot be read; CONFLICT where it changed meanwhile. The
 * caller closes in any case. */
enum reel_code reel_upload_file_open(struct reel_upload_file *file, const char *path,
                                     const struct reel_common *common, struct reel_error *err_out);
void reel_upload_file_close(struct reel_upload_file *file);

/* Read `bytes` at `offset`. CONFLICT where they are not there any more. */
enum reel_code reel_upload_file_read(const struct reel_upload_file *file, uint64_t offset,
                                     void *out, size_t bytes, struct reel_error *err_out);

/* CONFLICT where the file has changed since it was opened. */
enum reel_code reel_upload_file_check(const struct reel_upload_file *file,
                                      struct reel_error *err_out);

#endif
