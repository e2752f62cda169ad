/* Upload, the sizes that an AIFF file declares. */
#include "store/upload_chunks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "store/upload_walk.h"

enum { COMM_BYTES = 18, SSND_HEAD_BYTES = 8 };

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

static enum reel_code take_comm(const struct reel_walk *walk, bool aifc, struct aiff *aiff)
{
    uint8_t bytes[COMM_BYTES + 4];
    size_t wanted = aifc ? sizeof bytes : COMM_BYTES;

    if (walk->declared < wanted || reel_walk_left(walk) < wanted)
        return reel_walk_bad(walk, "has a chunk COMM that is too short");
    if (reel_walk_read(walk, bytes, wanted) != REEL_OK)
        return REEL_E_STALLED;
    aiff->frames = reel_walk_number(walk, bytes + 2, 4);
    if (!aifc || is_plain(bytes + COMM_BYTES))
        aiff->frame_bytes =
            reel_walk_number(walk, bytes, 2) * ((reel_walk_number(walk, bytes + 6, 2) + 7) / 8);
    return REEL_OK;
}

static void take_ssnd(const struct reel_walk *walk, struct aiff *aiff)
{
    aiff->has_audio = true;
    aiff->audio_bytes = walk->declared > SSND_HEAD_BYTES ? walk->declared - SSND_HEAD_BYTES : 0;
}

static enum reel_code check_frames(const struct reel_walk *walk, const struct aiff *aiff)
{
    if (!aiff->has_audio && aiff->frames > 0)
        return reel_walk_bad(walk, "ends before its audio");
    if (aiff->frame_bytes == 0 || aiff->frames <= aiff->audio_bytes / aiff->frame_bytes)
        return REEL_OK;
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                          "the AIFF file declares %" PRIu64 " frames, and holds %" PRIu64,
                          aiff->frames, aiff->audio_bytes / aiff->frame_bytes);
}

enum reel_code reel_upload_check_aiff(int fd, uint64_t file_bytes, const char *field,
                                      struct reel_error *err_out)
{
    struct reel_walk walk = {.fd = fd, .file_bytes = file_bytes, .field = field, .kind = "AIFF"};
    uint8_t form[REEL_WALK_FORM_BYTES];
    struct aiff aiff = {0};
    enum reel_code code = REEL_OK;
    bool aifc;

    walk.err_out = err_out;
    walk.big_endian = true;
    if (file_bytes < sizeof form)
        return reel_walk_bad(&walk, "ends before its audio");
    if (reel_walk_read(&walk, form, sizeof form) != REEL_OK)
        return REEL_E_STALLED;
    aifc = memcmp(form + 8, "AIFC", 4) == 0;
    walk.at = sizeof form;
    for (unsigned i = 0;
         i < REEL_WALK_CHUNKS_MAX && code == REEL_OK && reel_walk_enter(&walk, &code); i++) {
        if (reel_walk_is(&walk, "COMM"))
            code = take_comm(&walk, aifc, &aiff);
        else if (reel_walk_is(&walk, "SSND"))
            take_ssnd(&walk, &aiff);
        if (code == REEL_OK)
            code = reel_walk_leave(&walk);
    }
    return code == REEL_OK ? check_frames(&walk, &aiff) : code;
}
