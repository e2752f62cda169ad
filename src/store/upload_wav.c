/* Upload, a WAV file's sizes: chunk by chunk, a head at a time. */
#include "store/upload_wav.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "store/disk.h"
#include "wire/chunk.h"

/* Chunks before the samples: more are none of any program's. */
enum { HEAD_BYTES = 12, CHUNK_HEAD_BYTES = 8, DS64_BYTES = 24, CHUNKS_MAX = 1024 };

struct walk {
    int fd;
    uint64_t file_bytes;
    const char *field;
    uint64_t at;
    bool rf64;
    uint64_t long_data_bytes; /* from ds64 */
    struct reel_error *err_out;
};

static enum reel_code bad(const struct walk *walk, const char *what)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field, "%s", what);
}

static enum reel_code ends_early(const struct walk *walk, const char *what, uint64_t declared)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                          "the WAV file declares %s of %" PRIu64 " bytes, and ends after %" PRIu64,
                          what, declared, walk->file_bytes - walk->at);
}

static enum reel_code read_at(const struct walk *walk, void *out, uint64_t bytes)
{
    return reel_disk_read(walk->fd, out, bytes, walk->at, "an upload", walk->err_out);
}

static enum reel_code take_ds64(struct walk *walk, uint64_t declared)
{
    uint8_t bytes[DS64_BYTES];

    if (declared < sizeof bytes)
        return bad(walk, "the ds64 chunk of the WAV file is too short");
    if (read_at(walk, bytes, sizeof bytes) != REEL_OK)
        return REEL_E_STALLED;
    walk->long_data_bytes = reel_little_endian(bytes + 8, 8);
    return REEL_OK;
}

/* The samples: what is declared of them must be there. */
static enum reel_code check_data(struct walk *walk, uint64_t declared)
{
    if (declared == UINT32_MAX) {
        if (!walk->rf64)
            return REEL_OK;
        declared = walk->long_data_bytes;
    }
    return declared > walk->file_bytes - walk->at ? ends_early(walk, "audio", declared) : REEL_OK;
}

/* One chunk; `*done_out` once the samples were found. */
static enum reel_code check_chunk(struct walk *walk, bool *done_out)
{
    uint8_t head[CHUNK_HEAD_BYTES];
    uint64_t declared;
    enum reel_code code = REEL_OK;

    if (walk->file_bytes - walk->at < sizeof head)
        return bad(walk, "the WAV file ends before its audio");
    if (read_at(walk, head, sizeof head) != REEL_OK)
        return REEL_E_STALLED;
    walk->at += sizeof head;
    declared = reel_little_endian(head + 4, 4);
    *done_out = memcmp(head, "data", 4) == 0;
    if (*done_out)
        return check_data(walk, declared);
    if (declared > walk->file_bytes - walk->at)
        return ends_early(walk, "a chunk", declared);
    if (memcmp(head, "ds64", 4) == 0)
        code = take_ds64(walk, declared);
    walk->at += declared + declared % 2;
    if (walk->at > walk->file_bytes)
        walk->at = walk->file_bytes;
    return code;
}

enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_error *err_out)
{
    struct walk walk = {.fd = fd, .file_bytes = file_bytes, .field = field, .err_out = err_out};
    uint8_t head[HEAD_BYTES];
    bool done = false;

    if (file_bytes < sizeof head)
        return bad(&walk, "the WAV file ends before its audio");
    if (read_at(&walk, head, sizeof head) != REEL_OK)
        return REEL_E_STALLED;
    walk.rf64 = memcmp(head, "RF64", 4) == 0;
    walk.at = sizeof head;
    for (unsigned i = 0; i < CHUNKS_MAX && !done; i++) {
        enum reel_code code = check_chunk(&walk, &done);

        if (code != REEL_OK)
            return code;
    }
    return done ? REEL_OK : bad(&walk, "the WAV file has too many chunks before its audio");
}
