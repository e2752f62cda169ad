/* Upload, what a WAV file's header says of it, and what it is where that says nothing or less than
 * all: see store/upload_chunks.h. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "store/upload_chunks.h"
#include "store/upload_walk.h"
#include "wire/chunk.h"

enum { DS64_BYTES = 24, DS64_DATA_AT = 8, FMT_BYTES = 16, FMT_MOST_BYTES = 40, FMT_BITS_AT = 14 };

/* What programs leave that cannot go back: sox and espeak the first, in whole frames; arecord the
 * second. */
#define PIPED_BYTES 0x7ffff000u
#define PIPED_2_GIB 0x80000000u

/* So much padding, or of a tag, may stand behind the audio and be no chunk. */
enum { TAIL_MAX_BYTES = 4096 };

struct wav {
    struct reel_walk walk;
    struct reel_import_patches *patches;
    bool is_long; /* RF64 */
    bool has_fmt;
    uint32_t frame_bytes; /* as fmt has them; 0: not told, or not by this */
    uint64_t long_bytes;  /* of the audio, from ds64; UINT64_MAX: it does not say */
    uint64_t long_at;     /* where it says so; 0: there is no ds64 */
};

static void patch(struct wav *wav, uint64_t at, uint64_t value, uint8_t count)
{
    struct reel_import_patch *item = &wav->patches->items[wav->patches->count++];

    item->at = at;
    item->count = count;
    for (size_t i = 0; i < count; i++)
        item->bytes[i] = (uint8_t)(value >> 8 * i);
}

static enum reel_code take_ds64(struct wav *wav)
{
    uint8_t bytes[DS64_BYTES];

    if (wav->walk.declared < sizeof bytes || reel_walk_left(&wav->walk) < sizeof bytes)
        return reel_walk_bad(&wav->walk, "has a chunk ds64 that is too short");
    if (reel_walk_read(&wav->walk, bytes, sizeof bytes) != REEL_OK)
        return REEL_E_STALLED;
    wav->long_bytes = reel_walk_number(&wav->walk, bytes + DS64_DATA_AT, 8);
    wav->long_at = wav->walk.at + DS64_DATA_AT;
    return REEL_OK;
}

/* Frames that are longer than their samples would be read at wrong places. 24 bits in four bytes
 * are 4-byte samples, as in a fragment: left to itself, libsndfile guesses by the audio. */
static enum reel_code check_frame(struct wav *wav, const uint8_t *fmt)
{
    uint32_t channels = (uint32_t)reel_little_endian(fmt + 2, 2);
    uint32_t frame_bytes = (uint32_t)reel_little_endian(fmt + 12, 2);
    uint32_t sample_bytes = (uint32_t)(reel_little_endian(fmt + FMT_BITS_AT, 2) + 7) / 8;

    if (sample_bytes == 3 && frame_bytes == 4 * channels) {
        sample_bytes = 4;
        patch(wav, wav->walk.at + FMT_BITS_AT, 32, 2);
    }
    wav->frame_bytes = channels * sample_bytes;
    if (frame_bytes == 0 || frame_bytes == wav->frame_bytes)
        return REEL_OK;
    return reel_error_set(wav->walk.err_out, REEL_E_BAD_REQUEST, wav->walk.field,
                          "the WAV header contradicts itself: frames of %" PRIu32 " bytes, %" PRIu32
                          " channels of %" PRIu32,
                          frame_bytes, channels, sample_bytes);
}

static enum reel_code take_fmt(struct wav *wav)
{
    uint8_t bytes[FMT_MOST_BYTES] = {0};
    struct reel_chunk chunk = {.bytes = bytes, .present = sizeof bytes};
    enum reel_encoding encoding;

    if (wav->has_fmt)
        return reel_walk_bad(&wav->walk, "has two chunks fmt");
    wav->has_fmt = true;
    if (wav->walk.declared < chunk.present)
        chunk.present = (size_t)wav->walk.declared;
    if (chunk.present < FMT_BYTES || reel_walk_left(&wav->walk) < chunk.present)
        return reel_walk_bad(&wav->walk, "has a chunk fmt that is too short");
    if (reel_walk_read(&wav->walk, bytes, chunk.present) != REEL_OK)
        return REEL_E_STALLED;
    if (reel_little_endian(bytes + 4, 4) == 0)
        return reel_walk_bad(&wav->walk, "declares 0 frames a second");
    encoding = reel_chunk_encoding(&chunk);
    return encoding == REEL_PCM || encoding == REEL_FLOAT ? check_frame(wav, bytes) : REEL_OK;
}

/* Whether there are chunks from here to the end. */
static enum reel_code only_chunks(const struct wav *wav, bool *out)
{
    struct reel_walk walk = wav->walk;
    struct reel_error ignored;
    enum reel_code code = REEL_OK;

    walk.err_out = &ignored;
    *out = true;
    for (unsigned i = 0; *out && i < REEL_WALK_CHUNKS_MAX && reel_walk_enter(&walk, &code); i++)
        *out = reel_walk_leave(&walk) == REEL_OK;
    *out = *out && reel_walk_left(&walk) == 0;
    return code == REEL_OK ? REEL_OK
                           : reel_error_set(wav->walk.err_out, code, NULL, "%s", ignored.message);
}

/* Whether a size that is more than there is, is one that a pipe leaves. */
static bool is_piped(const struct wav *wav, uint64_t declared)
{
    uint32_t frame_bytes = wav->frame_bytes > 0 ? wav->frame_bytes : 1;

    return declared == PIPED_2_GIB || declared == PIPED_BYTES - PIPED_BYTES % frame_bytes;
}

/* How many bytes of audio there are, from here. */
static enum reel_code audio_bytes(const struct wav *wav, uint64_t declared, uint64_t *out)
{
    uint64_t left = reel_walk_left(&wav->walk);
    bool empty = false;
    enum reel_code code = declared == 0 ? only_chunks(wav, &empty) : REEL_OK;

    *out = declared;
    if (code != REEL_OK || empty)
        return code;
    if (declared == 0 || declared == UINT64_MAX || (declared > left && is_piped(wav, declared)))
        *out = left;
    return *out > left ? reel_walk_ends_early(&wav->walk, declared) : REEL_OK;
}

static bool is_text(const char *id)
{
    return strlen(id) == 4 && !strchr(id, '?');
}

/* What stands behind the audio is none: else it would be lost. */
static enum reel_code check_tail(struct reel_walk *walk)
{
    enum reel_code code = REEL_OK;
    uint64_t begins = walk->at;

    for (unsigned i = 0; i < REEL_WALK_CHUNKS_MAX && reel_walk_enter(walk, &code); i++) {
        uint64_t bytes = walk->file_bytes - begins;

        if (reel_walk_is(walk, "data"))
            return reel_walk_bad(walk, "has two chunks data");
        if (!is_text(walk->id) && bytes > TAIL_MAX_BYTES)
            return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                                  "the WAV file has %" PRIu64
                                  " bytes behind the audio that it declares, which are no chunk",
                                  bytes);
        if (walk->declared > reel_walk_left(walk))
            return REEL_OK;
        code = reel_walk_leave(walk);
        begins = walk->at;
    }
    return code;
}

/* The library gets to see the size that counts, wherever it looks for it. */
static void tell_size(struct wav *wav, uint64_t audio)
{
    uint64_t size = wav->is_long || audio > UINT32_MAX ? UINT32_MAX : audio;

    if (size != wav->walk.declared)
        patch(wav, wav->walk.at - 4, size, 4);
    if (wav->is_long && audio != wav->long_bytes)
        patch(wav, wav->long_at, audio, 8);
}

static enum reel_code take_data(struct wav *wav)
{
    uint64_t declared = wav->walk.declared == UINT32_MAX ? wav->long_bytes : wav->walk.declared;
    uint64_t audio;
    enum reel_code code;

    if (!wav->has_fmt)
        return reel_walk_bad(&wav->walk, "has no chunk fmt before its audio");
    if (wav->is_long && wav->long_at == 0)
        return reel_walk_bad(&wav->walk, "has no chunk ds64 before its audio");
    code = audio_bytes(wav, declared, &audio);
    if (code != REEL_OK)
        return code;
    tell_size(wav, audio);
    wav->walk.at += audio;
    if (audio % 2 == 1 && reel_walk_left(&wav->walk) > 0)
        wav->walk.at++;
    return check_tail(&wav->walk);
}

static enum reel_code take_chunk(struct wav *wav)
{
    enum reel_code code = REEL_OK;

    if (reel_walk_is(&wav->walk, "ds64"))
        code = take_ds64(wav);
    else if (reel_walk_is(&wav->walk, "fmt "))
        code = take_fmt(wav);
    return code == REEL_OK ? reel_walk_leave(&wav->walk) : code;
}

enum reel_code reel_upload_check_wav(int fd, uint64_t file_bytes, const char *field,
                                     struct reel_import_patches *patches_out,
                                     struct reel_error *err_out)
{
    struct wav wav = {.patches = patches_out, .long_bytes = UINT64_MAX};
    uint8_t form[REEL_WALK_FORM_BYTES];
    enum reel_code code = REEL_OK;

    wav.walk = (struct reel_walk){
        .fd = fd, .file_bytes = file_bytes, .field = field, .kind = "WAV", .err_out = err_out};
    patches_out->count = 0;
    if (file_bytes < sizeof form)
        return reel_walk_bad(&wav.walk, "ends before its audio");
    if (reel_walk_read(&wav.walk, form, sizeof form) != REEL_OK)
        return REEL_E_STALLED;
    wav.is_long = memcmp(form, "RF64", 4) == 0;
    wav.walk.at = sizeof form;
    for (unsigned i = 0; i < REEL_WALK_CHUNKS_MAX && reel_walk_enter(&wav.walk, &code); i++) {
        if (reel_walk_is(&wav.walk, "data"))
            return take_data(&wav);
        code = take_chunk(&wav);
        if (code != REEL_OK)
            return code;
    }
    return code != REEL_OK ? code : reel_walk_bad(&wav.walk, "ends before its audio");
}
