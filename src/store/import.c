/* Import: libsndfile's formats into the wire's. */
#include "store/import.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sndfile.h>

#include "base/limits.h"
#include "store/import_file.h"

enum { NAME_BYTES = 160, SLICE_BYTES = 65536 };

/* An MPEG file without a Xing header tells its length only about: less than a frame of it, and what
 * the decoder takes to begin, may be missing. */
enum { MPEG_SLACK_FRAMES = 1152 + 529 };

/* How samples come out of the library. */
enum reading {
    READ_BYTES,  /* one byte a sample, as it stands */
    READ_INT,    /* left-justified in 32 bits */
    READ_FLOAT,  /* 4 bytes */
    READ_DOUBLE, /* 8 bytes */
};

struct reel_import {
    SNDFILE *file;
    struct reel_import_file source;
    struct reel_format format;
    enum reading reading;
    uint64_t frames; /* declared; 0 where it does not say */
    bool says_frames;
    uint64_t slack_frames; /* that may be missing */
    enum reel_container container;
    uint64_t read_frames; /* so far */
    char name[NAME_BYTES];
    union {
        int ints[SLICE_BYTES / sizeof(int)];
        float floats[SLICE_BYTES / sizeof(float)];
        double doubles[SLICE_BYTES / sizeof(double)];
    } slice;
};

/* What each of the library's encodings becomes. */
static const struct {
    int subformat;
    uint8_t sample_bytes;
    enum reel_encoding encoding;
    enum reading reading;
} encodings[] = {
    {SF_FORMAT_PCM_S8, 1, REEL_PCM, READ_INT},
    {SF_FORMAT_PCM_U8, 1, REEL_PCM, READ_INT},
    {SF_FORMAT_PCM_16, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_PCM_24, 3, REEL_PCM, READ_INT},
    {SF_FORMAT_PCM_32, 4, REEL_PCM, READ_INT},
    {SF_FORMAT_FLOAT, 4, REEL_FLOAT, READ_FLOAT},
    {SF_FORMAT_DOUBLE, 8, REEL_FLOAT, READ_DOUBLE},
    {SF_FORMAT_ALAW, 1, REEL_ALAW, READ_BYTES},
    {SF_FORMAT_ULAW, 1, REEL_ULAW, READ_BYTES},
    {SF_FORMAT_ALAC_16, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_ALAC_20, 3, REEL_PCM, READ_INT},
    {SF_FORMAT_ALAC_24, 3, REEL_PCM, READ_INT},
    {SF_FORMAT_ALAC_32, 4, REEL_PCM, READ_INT},
    {SF_FORMAT_DPCM_8, 1, REEL_PCM, READ_INT},
    {SF_FORMAT_DPCM_16, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_DWVW_12, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_DWVW_16, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_DWVW_24, 3, REEL_PCM, READ_INT},
    {SF_FORMAT_IMA_ADPCM, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_MS_ADPCM, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_GSM610, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_VOX_ADPCM, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_NMS_ADPCM_16, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_NMS_ADPCM_24, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_NMS_ADPCM_32, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_G721_32, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_G723_24, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_G723_40, 2, REEL_PCM, READ_INT},
    {SF_FORMAT_VORBIS, 4, REEL_FLOAT, READ_FLOAT},
    {SF_FORMAT_OPUS, 4, REEL_FLOAT, READ_FLOAT},
    {SF_FORMAT_MPEG_LAYER_I, 4, REEL_FLOAT, READ_FLOAT},
    {SF_FORMAT_MPEG_LAYER_II, 4, REEL_FLOAT, READ_FLOAT},
    {SF_FORMAT_MPEG_LAYER_III, 4, REEL_FLOAT, READ_FLOAT},
};

static enum reel_container container_of(int type)
{
    switch (type) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
        return REEL_CONTAINER_WAV;
    case SF_FORMAT_FLAC:
        return REEL_CONTAINER_FLAC;
    case SF_FORMAT_OGG:
        return REEL_CONTAINER_OGG;
    case SF_FORMAT_AIFF:
        return REEL_CONTAINER_AIFF;
    case SF_FORMAT_MPEG:
        return REEL_CONTAINER_MP3;
    default:
        return REEL_CONTAINER_NONE;
    }
}

/* Also in a WAV file. */
static bool is_mpeg(int subformat)
{
    return subformat == SF_FORMAT_MPEG_LAYER_I || subformat == SF_FORMAT_MPEG_LAYER_II ||
           subformat == SF_FORMAT_MPEG_LAYER_III;
}

static enum reel_code format_take(struct reel_import *import, const SF_INFO *info,
                                  struct reel_error *err_out)
{
    int subformat = info->format & SF_FORMAT_SUBMASK;

    if (info->channels < 1 || (unsigned)info->channels > REEL_CHANNELS_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.channels",
                              "%s: %d channels; 1 to %u can be taken", import->name, info->channels,
                              REEL_CHANNELS_MAX);
    if (info->samplerate < 1 || (unsigned)info->samplerate > REEL_RATE_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.rate",
                              "%s: %d frames a second; 1 to %u can be taken", import->name,
                              info->samplerate, REEL_RATE_MAX);
    import->format.channels = (uint16_t)info->channels;
    import->format.rate = (uint32_t)info->samplerate;
    import->says_frames = info->frames != SF_COUNT_MAX;
    import->frames = import->says_frames && info->frames > 0 ? (uint64_t)info->frames : 0;
    import->container = container_of(info->format & SF_FORMAT_TYPEMASK);
    import->slack_frames = is_mpeg(subformat) ? MPEG_SLACK_FRAMES : 0;
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        if (encodings[i].subformat == subformat) {
            import->format.sample_bytes = encodings[i].sample_bytes;
            import->format.encoding = encodings[i].encoding;
            import->reading = encodings[i].reading;
            return reel_format_check(&import->format, err_out);
        }
    }
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.audio.encoding",
                          "%s: an encoding that cannot be taken (libsndfile's 0x%04x)",
                          import->name, (unsigned)subformat);
}

enum reel_code reel_import_open(int fd, const char *name, struct reel_import **import_out,
                                struct reel_error *err_out)
{
    return reel_import_open_patched(fd, name, NULL, import_out, err_out);
}

enum reel_code reel_import_open_patched(int fd, const char *name,
                                        const struct reel_import_patches *patches,
                                        struct reel_import **import_out, struct reel_error *err_out)
{
    struct reel_import *import = calloc(1, sizeof *import);
    SF_INFO info = {0};
    enum reel_code code;

    if (!import)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    reel_printable(import->name, sizeof import->name, name, strlen(name));
    import->file = reel_import_file_open(&import->source, fd, patches, &info);
    if (import->file)
        code = format_take(import, &info, err_out);
    else if (import->source.errno_value)
        code = reel_error_errno(err_out, import->source.errno_value, "reading %s", import->name);
    else
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s is no audio file that can be read: %s", import->name,
                              sf_strerror(NULL));
    if (code) {
        reel_import_close(&import);
        return code;
    }
    *import_out = import;
    return REEL_OK;
}

void reel_import_close(struct reel_import **import)
{
    if (!*import)
        return;
    if ((*import)->file)
        sf_close((*import)->file); /* nothing was written: there is nothing that could fail */
    free(*import);
    *import = NULL;
}

const struct reel_format *reel_import_format(const struct reel_import *import)
{
    return &import->format;
}

enum reel_container reel_import_container(const struct reel_import *import)
{
    return import->container;
}

uint64_t reel_import_frames(const struct reel_import *import)
{
    return import->frames;
}

/* Little-endian, the high bytes of each left-justified sample; 1-byte PCM is unsigned. */
static void ints_store(const int *samples, size_t count, unsigned sample_bytes, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t sample = (uint32_t)samples[i];

        if (sample_bytes == 1)
            sample ^= 0x80000000u;
        sample >>= 8 * (4 - sample_bytes);
        for (unsigned byte = 0; byte < sample_bytes; byte++)
            *out++ = (uint8_t)(sample >> (8 * byte));
    }
}

static void floats_store(const float *samples, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &samples[i], sizeof bits);
        bits = htole32(bits);
        memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
}

static void doubles_store(const double *samples, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;

        memcpy(&bits, &samples[i], sizeof bits);
        bits = htole64(bits);
        memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
}

/* Read at most `frames` frames, that fit the slice, into `out`; returns how many came. */
static uint64_t slice_read(struct reel_import *import, uint8_t *out, uint64_t frames)
{
    size_t channels = import->format.channels;
    sf_count_t wanted = (sf_count_t)frames;
    sf_count_t got = 0;

    switch (import->reading) {
    case READ_BYTES:
        got = sf_read_raw(import->file, out, wanted * (sf_count_t)channels);
        return got > 0 ? (uint64_t)got / channels : 0;
    case READ_INT:
        got = sf_readf_int(import->file, import->slice.ints, wanted);
        if (got > 0)
            ints_store(import->slice.ints, (size_t)got * channels, import->format.sample_bytes,
                       out);
        break;
    case READ_FLOAT:
        got = sf_readf_float(import->file, import->slice.floats, wanted);
        if (got > 0)
            floats_store(import->slice.floats, (size_t)got * channels, out);
        break;
    case READ_DOUBLE:
        got = sf_readf_double(import->file, import->slice.doubles, wanted);
        if (got > 0)
            doubles_store(import->slice.doubles, (size_t)got * channels, out);
        break;
    }
    return got > 0 ? (uint64_t)got : 0;
}

/* Why no more frames came. */
static enum reel_code end_check(struct reel_import *import, struct reel_error *err_out)
{
    int error = sf_error(import->file);

    if (import->source.errno_value)
        return reel_error_errno(err_out, import->source.errno_value, "reading %s", import->name);
    if (error != SF_ERR_NO_ERROR)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "%s after %llu frames: %s",
                              import->name, (unsigned long long)import->read_frames,
                              sf_strerror(import->file));
    if (!import->says_frames && import->container != REEL_CONTAINER_FLAC)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s breaks off: how long it is stands at its end, which is not there",
                              import->name);
    if (import->read_frames + import->slack_frames < import->frames)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s breaks off after %llu of %llu frames", import->name,
                              (unsigned long long)import->read_frames,
                              (unsigned long long)import->frames);
    return REEL_OK;
}

enum reel_code reel_import_read(struct reel_import *import, void *out, uint64_t frames,
                                uint64_t *frames_out, struct reel_error *err_out)
{
    uint32_t frame_bytes = reel_format_frame_bytes(&import->format);
    uint64_t slice_frames = SLICE_BYTES / sizeof(double) / import->format.channels;
    uint64_t done = 0;

    while (done < frames) {
        uint64_t wanted = frames - done < slice_frames ? frames - done : slice_frames;
        uint64_t got = slice_read(import, (uint8_t *)out + done * frame_bytes, wanted);

        done += got;
        import->read_frames += got;
        if (got < wanted) {
            *frames_out = done;
            return end_check(import, err_out);
        }
    }
    *frames_out = done;
    return REEL_OK;
}
