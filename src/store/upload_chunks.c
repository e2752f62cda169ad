/* Upload, the sizes that a file declares: chunk by chunk, a head at a time. */
#include "store/upload_chunks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "store/disk.h"
#include "wire/chunk.h"

/* More chunks than these are none of any program's. */
enum { CHUNKS_MAX = 1024, FORM_BYTES = 12, CHUNK_HEAD_BYTES = 8 };
enum { DS64_BYTES = 24, COMM_BYTES = 18, SSND_HEAD_BYTES = 8 };

struct walk {
    int fd;
    uint64_t file_bytes;
    const char *field;
    const char *kind; /* of file, for messages */
    bool big_endian;
    uint64_t at;
    struct reel_error *err_out;
    char id[5]; /* the chunk that the walk is in: its bytes begin at `at` */
    uint64_t declared;
};

static enum reel_code bad(const struct walk *walk, const char *what)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field, "the %s file %s",
                          walk->kind, what);
}

static uint64_t left(const struct walk *walk)
{
    return walk->file_bytes - walk->at;
}

static enum reel_code ends_early(const struct walk *walk, uint64_t declared)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                          "the %s file ends early: its chunk %s declares %" PRIu64
                          " bytes, and %" PRIu64 " are there",
                          walk->kind, walk->id, declared, left(walk));
}

static enum reel_code read_at(const struct walk *walk, void *out, uint64_t bytes)
{
    if (reel_disk_read(walk->fd, out, bytes, walk->at, "an upload", walk->err_out) != REEL_OK)
        return REEL_E_STALLED;
    return REEL_OK;
}

static uint64_t number(const struct walk *walk, const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    if (!walk->big_endian)
        return reel_little_endian(at, width);
    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

/* Enter the chunk that begins where the walk is; false, with OK, at the end. */
static bool enter(struct walk *walk, enum reel_code *code)
{
    uint8_t head[CHUNK_HEAD_BYTES];

    if (left(walk) < sizeof head)
        return false;
    *code = read_at(walk, head, sizeof head);
    if (*code != REEL_OK)
        return false;
    reel_printable(walk->id, sizeof walk->id, (const char *)head, 4);
    walk->declared = number(walk, head + 4, 4);
    walk->at += sizeof head;
    return true;
}

static bool is(const struct walk *walk, const char *id)
{
    return strcmp(walk->id, id) == 0;
}

/* Go behind the chunk; what pads an odd one may be missing at the end. */
static enum reel_code leave(struct walk *walk)
{
    if (walk->declared > left(walk))
        return ends_early(walk, walk->declared);
    walk->at += walk->declared;
    if (walk->declared % 2 == 1 && left(walk) > 0)
        walk->at++;
    return REEL_OK;
}

/* ---- WAV ---- */

static enum reel_code take_ds64(const struct walk *walk, uint64_t *data_bytes_out)
{
    uint8_t bytes[DS64_BYTES];

    if (walk->declared < sizeof bytes || left(walk) < sizeof bytes)
        return bad(walk, "has a chunk ds64 that is too short");
    if (read_at(walk, bytes, sizeof bytes) != REEL_OK)
        return REEL_E_STALLED;
    *data_bytes_out = number(walk, bytes + 8, 8);
    return REEL_OK;
}

enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_error *err_out)
{
    struct walk walk = {.fd = fd, .file_bytes = file_bytes, .field = field, .kind = "WAV"};
    uint64_t long_bytes = UINT64_MAX; /* of the audio, from ds64 */
    enum reel_code code = REEL_OK;

    walk.err_out = err_out;
    walk.at = FORM_BYTES;
    if (file_bytes < FORM_BYTES)
        return bad(&walk, "ends before its audio");
    for (unsigned i = 0; i < CHUNKS_MAX && enter(&walk, &code); i++) {
        if (is(&walk, "data")) {
            uint64_t declared = walk.declared == UINT32_MAX ? long_bytes : walk.declared;

            return declared != UINT64_MAX && declared > left(&walk) ? ends_early(&walk, declared)
                                                                    : REEL_OK;
        }
        if (is(&walk, "ds64"))
            code = take_ds64(&walk, &long_bytes);
        if (code == REEL_OK)
            code = leave(&walk);
        if (code != REEL_OK)
            return code;
    }
    return code != REEL_OK ? code : bad(&walk, "ends before its audio");
}

/* ---- AIFF ---- */

/* What COMM says of the audio, and what SSND has room for. */
struct aiff {
    uint64_t frames;
    uint64_t frame_bytes; /* 0: not told, or not by this */
    bool has_audio;
    uint64_t audio_bytes;
};

/* Whether the sample size says how many bytes a sample takes: it does where nothing is
 * compressed. */
static bool is_plain(const uint8_t *compression)
{
    static const char plain[][5] = {"NONE", "none", "twos", "sowt", "in24", "in32", "42ni",
                                    "23ni", "fl32", "FL32", "fl64", "FL64", "raw "};

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (memcmp(plain[i], compression, 4) == 0)
            return true;
    }
    return false;
}

static enum reel_code take_comm(const struct walk *walk, bool aifc, struct aiff *aiff)
{
    uint8_t bytes[COMM_BYTES + 4];
    size_t wanted = aifc ? sizeof bytes : COMM_BYTES;

    if (walk->declared < wanted || left(walk) < wanted)
        return bad(walk, "has a chunk COMM that is too short");
    if (read_at(walk, bytes, wanted) != REEL_OK)
        return REEL_E_STALLED;
    aiff->frames = number(walk, bytes + 2, 4);
    if (!aifc || is_plain(bytes + COMM_BYTES))
        aiff->frame_bytes = number(walk, bytes, 2) * ((number(walk, bytes + 6, 2) + 7) / 8);
    return REEL_OK;
}

static void take_ssnd(const struct walk *walk, struct aiff *aiff)
{
    aiff->has_audio = true;
    aiff->audio_bytes = walk->declared > SSND_HEAD_BYTES ? walk->declared - SSND_HEAD_BYTES : 0;
}

static enum reel_code check_frames(const struct walk *walk, const struct aiff *aiff)
{
    if (!aiff->has_audio && aiff->frames > 0)
        return bad(walk, "ends before its audio");
    if (aiff->frame_bytes == 0 || aiff->frames <= aiff->audio_bytes / aiff->frame_bytes)
        return REEL_OK;
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                          "the AIFF file declares %" PRIu64 " frames, and holds %" PRIu64,
                          aiff->frames, aiff->audio_bytes / aiff->frame_bytes);
}

enum reel_code reel_upload_check_aiff(int fd, uint64_t file_bytes, const char *field,
                                      struct reel_error *err_out)
{
    struct walk walk = {.fd = fd, .file_bytes = file_bytes, .field = field, .kind = "AIFF"};
    uint8_t form[FORM_BYTES];
    struct aiff aiff = {0};
    enum reel_code code = REEL_OK;
    bool aifc;

    walk.err_out = err_out;
    walk.big_endian = true;
    if (file_bytes < sizeof form)
        return bad(&walk, "ends before its audio");
    if (read_at(&walk, form, sizeof form) != REEL_OK)
        return REEL_E_STALLED;
    aifc = memcmp(form + 8, "AIFC", 4) == 0;
    walk.at = sizeof form;
    for (unsigned i = 0; i < CHUNKS_MAX && code == REEL_OK && enter(&walk, &code); i++) {
        if (is(&walk, "COMM"))
            code = take_comm(&walk, aifc, &aiff);
        else if (is(&walk, "SSND"))
            take_ssnd(&walk, &aiff);
        if (code == REEL_OK)
            code = leave(&walk);
    }
    return code == REEL_OK ? check_frames(&walk, &aiff) : code;
}
