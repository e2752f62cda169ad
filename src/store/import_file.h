/* Import, a file as libsndfile sees it (inside: only for import.c): over a descriptor that stays
 * the caller's, with other bytes at some places than stand there. Given the descriptor itself, the
 * library (1.2.0) closes it where it refuses the file, whatever it is told. */
#ifndef REEL_STORE_IMPORT_FILE_H
#define REEL_STORE_IMPORT_FILE_H

#include <stdint.h>
#include <sndfile.h>

#include "store/import.h"

struct reel_import_file {
    int fd;
    int64_t at;
    int errno_value; /* of a read that failed; 0 */
    struct reel_import_patches patches;
};

/* Open the file, with `patches` (copied; NULL: none); NULL where the library does not, or where a
 * read failed: see `errno_value`. `*source` stays in use until the file is closed. */
SNDFILE *reel_import_file_open(struct reel_import_file *source, int fd,
                               const struct reel_import_patches *patches, SF_INFO *info);

#endif
