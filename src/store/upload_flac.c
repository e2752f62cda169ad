/* Upload, the sum in a FLAC file (RFC 9639, 8.2: STREAMINFO). */
#include "store/upload_flac.h"

#include <string.h>

#include "store/disk.h"

enum {
    STREAMINFO_AT = 8, /* behind the marker and the block's head */
    BLOCK_TYPE_AT = 4,
    DEPTH_AT = STREAMINFO_AT + 12, /* five bits, the first the last of this byte */
    SUM_AT = STREAMINFO_AT + 18,
    HEAD_BYTES = SUM_AT + MD5_DIGEST_SIZE,
    SLICE_BYTES = 4096,
};

enum reel_code reel_flac_sum_begin(struct reel_flac_sum *sum, int fd, struct reel_error *err_out)
{
    static const uint8_t none[MD5_DIGEST_SIZE];
    uint8_t head[HEAD_BYTES];
    enum reel_code code = reel_disk_read(fd, head, sizeof head, 0, "an upload", err_out);
    unsigned depth_bits;

    memset(sum, 0, sizeof *sum);
    if (code != REEL_OK)
        return code == REEL_E_NOT_FOUND ? REEL_OK : code; /* the decoder says what is wrong */
    depth_bits = ((head[DEPTH_AT] & 1u) << 4 | head[DEPTH_AT + 1] >> 4) + 1;
    memcpy(sum->sum, head + SUM_AT, sizeof sum->sum);
    sum->wanted = (head[BLOCK_TYPE_AT] & 0x7f) == 0 && depth_bits % 8 == 0 &&
                  memcmp(sum->sum, none, sizeof none) != 0;
    sum->flips = depth_bits == 8;
    md5_init(&sum->context);
    return REEL_OK;
}

void reel_flac_sum_add(struct reel_flac_sum *sum, const uint8_t *samples, size_t bytes)
{
    if (!sum->flips) {
        md5_update(&sum->context, bytes, samples);
        return;
    }
    while (bytes > 0) {
        uint8_t slice[SLICE_BYTES];
        size_t portion = bytes < sizeof slice ? bytes : sizeof slice;

        for (size_t i = 0; i < portion; i++)
            slice[i] = samples[i] ^ 0x80;
        md5_update(&sum->context, portion, slice);
        samples += portion;
        bytes -= portion;
    }
}

enum reel_code reel_flac_sum_check(struct reel_flac_sum *sum, struct reel_error *err_out)
{
    uint8_t found[MD5_DIGEST_SIZE];

    md5_digest(&sum->context, sizeof found, found);
    if (!sum->wanted || memcmp(found, sum->sum, sizeof found) == 0)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                          "the FLAC file's audio is not what its MD5 sum is of: it is damaged, or "
                          "holds more than it declares");
}
