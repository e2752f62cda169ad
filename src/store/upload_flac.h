/* Upload, the sum in a FLAC file: of the samples as they were encoded. It tells a file that holds
 * more than it declares, of which the decoder says nothing. */
#ifndef REEL_STORE_UPLOAD_FLAC_H
#define REEL_STORE_UPLOAD_FLAC_H

#include <nettle/md5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct reel_flac_sum {
    bool wanted; /* the file has one, of samples as they come here */
    bool flips;  /* it has the samples signed, and here they are not */
    uint8_t sum[MD5_DIGEST_SIZE];
    struct md5_ctx context;
};

/* Read it from the head of the file; one that is zero is none. STALLED. */
enum reel_code reel_flac_sum_begin(struct reel_flac_sum *sum, int fd, struct reel_error *err_out);

/* Add samples in the form that reel_import_read gives. */
void reel_flac_sum_add(struct reel_flac_sum *sum, const uint8_t *samples, size_t bytes);

/* Once all were added: BAD_REQUEST where they are not those that were encoded. */
enum reel_code reel_flac_sum_check(struct reel_flac_sum *sum, struct reel_error *err_out);

#endif
