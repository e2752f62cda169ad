/* Source: a file through store/import, a pipe, of a feed too, read by ourselves. */
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "core/wav_header.h"
#include "store/import.h"

enum { HEAD_BYTES = 65536, WHOLE_HEADER = 4096, FRAME_BYTES_MAX = 512 };

/* Declared sizes from here on are what programs write that do not know the length (arecord, sox,
 * ffmpeg, each its own): such a stream is read to its end. */
#define STREAM_BYTES 0x7ff00000u

struct reel_source {
    int fd;
    struct reel_import *import; /* NULL: a pipe */
    struct reel_feed *feed;     /* that the pipe is of; NULL: standard input */
    struct reel_format format;
    bool guessed;
    bool ended;
    uint64_t left_bytes;      /* of a pipe's audio, UINT64_MAX: until it ends */
    uint8_t head[HEAD_BYTES]; /* read from the pipe, not yet given out */
    size_t head_start, head_end;
    size_t part_bytes; /* of the frame that is being read */
    uint8_t part[FRAME_BYTES_MAX];
};

static enum reel_code file_open(struct reel_source *source, const char *name,
                                struct reel_error *err_out)
{
    enum reel_code code = reel_import_open(source->fd, name, &source->import, err_out);

    if (!code)
        source->format = *reel_import_format(source->import);
    return code;
}

/* One read of the pipe into the head; false at its end. */
static enum reel_code head_fill(struct reel_source *source, struct reel_error *err_out)
{
    ssize_t got;

    do
        got = read(source->fd, source->head + source->head_end, HEAD_BYTES - source->head_end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return reel_error_errno(err_out, errno, source->feed ? "a pipe" : "standard input");
    if (got == 0)
        source->ended = true;
    source->head_end += (size_t)got;
    return source->ended && source->feed ? reel_feed_outcome(source->feed, err_out) : REEL_OK;
}

/* The head begins with RIFF: read on until the header is whole. */
static enum reel_code wav_open(struct reel_source *source, struct reel_error *err_out)
{
    struct reel_wav_info info;

    while (!reel_wav_parse(source->head, source->head_end, &info) ||
           info.data_offset > source->head_end) {
        enum reel_code code;

        if (source->ended || source->head_end == HEAD_BYTES)
            return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                                  "%s: a WAV header that cannot be read, or of an encoding that "
                                  "cannot be taken",
                                  source->feed ? "what the sink sent" : "standard input");
        code = head_fill(source, err_out);
        if (code)
            return code;
    }
    source->format = info.format;
    source->head_start = (size_t)info.data_offset;
    source->left_bytes = info.data_bytes;
    if (!source->feed && (info.data_bytes == 0 ||
                          (info.data_bytes >= STREAM_BYTES && info.data_bytes <= UINT32_MAX)))
        source->left_bytes = UINT64_MAX;
    return REEL_OK;
}

/* The name of a format that a pipe cannot carry here, NULL if the bytes are none of those. */
static const char *unfit_name(const uint8_t *head)
{
    static const struct {
        char magic[5];
        const char *name;
    } known[] = {{"fLaC", "FLAC"}, {"OggS", "Ogg"},    {"FORM", "AIFF"},   {".snd", "AU"},
                 {"caff", "CAF"},  {"ID3\x03", "MP3"}, {"ID3\x04", "MP3"}, {"riff", "W64"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (memcmp(head, known[i].magic, 4) == 0)
            return known[i].name;
    }
    return NULL;
}

static enum reel_code raw_open(struct reel_source *source, const struct reel_source_raw *raw,
                               struct reel_error *err_out)
{
    source->format = raw->format;
    source->guessed = !raw->given;
    source->left_bytes = UINT64_MAX;
    return reel_format_check(&source->format, err_out);
}

static enum reel_code pipe_open(struct reel_source *source, const struct reel_source_raw *raw,
                                struct reel_error *err_out)
{
    const char *unfit;

    if (raw->given)
        return raw_open(source, raw, err_out);
    while (source->head_end < 4 && !source->ended) {
        enum reel_code code = head_fill(source, err_out);

        if (code)
            return code;
    }
    if (source->head_end >= 4 &&
        (memcmp(source->head, "RIFF", 4) == 0 || memcmp(source->head, "RF64", 4) == 0))
        return wav_open(source, err_out);
    unfit = source->head_end >= 4 ? unfit_name(source->head) : NULL;
    if (unfit)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "standard input: %s cannot be read from a pipe, name the file",
                              unfit);
    return raw_open(source, raw, err_out);
}

static enum reel_code stdin_open(struct reel_source *source, const struct reel_source_raw *raw,
                                 struct reel_error *err_out)
{
    struct stat status;

    source->fd = STDIN_FILENO;
    if (isatty(STDIN_FILENO))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "standard input is a terminal: pipe audio into it");
    if (fstat(source->fd, &status) == 0 && S_ISREG(status.st_mode) && !raw->given)
        return file_open(source, "standard input", err_out);
    return pipe_open(source, raw, err_out);
}

enum reel_code reel_source_open(const char *path, const struct reel_source_raw *raw,
                                struct reel_source **source_out, struct reel_error *err_out)
{
    struct reel_source *source = calloc(1, sizeof *source);
    enum reel_code code;

    if (!source)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    if (strcmp(path, "-") == 0) {
        code = stdin_open(source, raw, err_out);
    } else {
        source->fd = open(path, O_RDONLY | O_CLOEXEC);
        code =
            source->fd >= 0
                ? file_open(source, path, err_out)
                : reel_error_set(err_out, errno == ENOENT ? REEL_E_NOT_FOUND : REEL_E_NOT_ALLOWED,
                                 NULL, "%s: %s", path, strerror(errno));
    }
    if (code) {
        reel_source_close(&source);
        return code;
    }
    *source_out = source;
    return REEL_OK;
}

enum reel_code reel_source_open_feed(struct reel_feed *feed, struct reel_source **source_out,
                                     struct reel_error *err_out)
{
    struct reel_source *source = calloc(1, sizeof *source);
    enum reel_code code;

    if (!source) {
        reel_feed_close(&feed);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    source->feed = feed;
    source->fd = reel_feed_fd(feed);
    code = wav_open(source, err_out);
    if (code) {
        reel_source_close(&source);
        return code;
    }
    *source_out = source;
    return REEL_OK;
}

void reel_source_close(struct reel_source **source)
{
    if (!*source)
        return;
    reel_import_close(&(*source)->import);
    if (!(*source)->feed && (*source)->fd > STDIN_FILENO)
        close((*source)->fd);
    reel_feed_close(&(*source)->feed);
    free(*source);
    *source = NULL;
}

const struct reel_format *reel_source_format(const struct reel_source *source)
{
    return &source->format;
}

bool reel_source_live(const struct reel_source *source)
{
    return !source->import && !source->feed;
}

bool reel_source_guessed(const struct reel_source *source)
{
    return source->guessed;
}

void reel_source_guess_note(void)
{
    reel_report_note("taking standard input as raw audio of 8000 frames a second, one channel, "
                     "one byte a sample; --rate, --channels, --sample-size and --encoding say "
                     "otherwise");
}

uint64_t reel_source_frames(const struct reel_source *source)
{
    if (source->import)
        return reel_import_frames(source->import);
    if (source->left_bytes == UINT64_MAX)
        return 0;
    return source->left_bytes / reel_format_frame_bytes(&source->format);
}

int reel_source_fd(const struct reel_source *source)
{
    if (source->import || source->ended || source->head_start < source->head_end)
        return -1;
    return source->fd;
}

static enum reel_code file_read(struct reel_source *source, void *out, uint64_t frames,
                                uint64_t *have_frames, bool *end_out, struct reel_error *err_out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&source->format);
    uint64_t wanted = frames - *have_frames;
    uint64_t got = 0;
    enum reel_code code = reel_import_read(
        source->import, (uint8_t *)out + *have_frames * frame_bytes, wanted, &got, err_out);

    *have_frames += got;
    *end_out = code || got < wanted;
    return code;
}

/* Move bytes from the head to `out`, the beginning of a frame that is not whole to `part`. */
static uint64_t head_take(struct reel_source *source, uint8_t *out, uint64_t frames)
{
    size_t frame_bytes = reel_format_frame_bytes(&source->format);
    uint64_t taken = 0;

    while (taken < frames && source->left_bytes > 0 && source->head_start < source->head_end) {
        source->part[source->part_bytes++] = source->head[source->head_start++];
        if (source->left_bytes != UINT64_MAX)
            source->left_bytes--;
        if (source->part_bytes == frame_bytes) {
            memcpy(out + taken * frame_bytes, source->part, frame_bytes);
            source->part_bytes = 0;
            taken++;
        }
    }
    if (source->head_start == source->head_end)
        source->head_start = source->head_end = 0;
    return taken;
}

static enum reel_code pipe_read(struct reel_source *source, void *out, uint64_t frames,
                                uint64_t *have_frames, bool *end_out, struct reel_error *err_out)
{
    uint8_t *to = (uint8_t *)out + *have_frames * reel_format_frame_bytes(&source->format);
    enum reel_code code = REEL_OK;

    if (source->head_start == source->head_end && !source->ended && source->left_bytes > 0)
        code = head_fill(source, err_out);
    *have_frames += head_take(source, to, frames - *have_frames);
    *end_out = code || source->left_bytes == 0 ||
               (source->ended && source->head_start == source->head_end);
    if (!code && *end_out && source->part_bytes)
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, "data",
                              "standard input ends within a frame: %zu of %u bytes",
                              source->part_bytes, reel_format_frame_bytes(&source->format));
    return code;
}

enum reel_code reel_source_read(struct reel_source *source, void *out, uint64_t frames,
                                uint64_t *have_frames, bool *end_out, struct reel_error *err_out)
{
    return source->import ? file_read(source, out, frames, have_frames, end_out, err_out)
                          : pipe_read(source, out, frames, have_frames, end_out, err_out);
}
