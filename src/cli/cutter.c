/* Cutter: whole frames into fragments. */
#include "cli/cutter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    FILE_FRAGMENT_MS = 250,
    LIVE_FRAGMENT_MS = 100,
    FRAGMENT_BYTES_MAX = 256 * 1024,
};

static uint32_t fragment_frames(const struct reel_format *format, unsigned ms)
{
    uint64_t frames = (uint64_t)format->rate * ms / 1000;
    uint64_t most = FRAGMENT_BYTES_MAX / reel_format_frame_bytes(format);

    frames = frames < most ? frames : most;
    return frames ? (uint32_t)frames : 1;
}

enum reel_code reel_cutter_open(struct reel_cutter *cutter, const struct reel_source_raw *raw,
                                unsigned fragment_ms, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    bool live;

    if (!cutter->source)
        code = reel_source_open(cutter->path, raw, &cutter->source, err_out);
    if (code)
        return code;
    live = cutter->speed > 0 || reel_source_live(cutter->source);
    cutter->format = *reel_source_format(cutter->source);
    cutter->total_frames = reel_source_frames(cutter->source);
    if (!fragment_ms)
        fragment_ms = live ? LIVE_FRAGMENT_MS : FILE_FRAGMENT_MS;
    cutter->fragment_frames = fragment_frames(&cutter->format, fragment_ms);
    cutter->fragment =
        malloc((size_t)cutter->fragment_frames * reel_format_frame_bytes(&cutter->format));
    if (!cutter->fragment ||
        getrandom(&cutter->boot, sizeof cutter->boot, 0) != (ssize_t)sizeof cutter->boot)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory or randomness");
    cutter->boot %= REEL_NUMBER_MAX;
    return REEL_OK;
}

enum reel_code reel_cutter_resume(struct reel_cutter *cutter, uint64_t boot, uint32_t frames,
                                  struct reel_error *err_out)
{
    uint8_t *fragment =
        realloc(cutter->fragment, (size_t)frames * reel_format_frame_bytes(&cutter->format));

    if (!fragment)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    cutter->fragment = fragment;
    cutter->fragment_frames = frames;
    cutter->boot = boot;
    return REEL_OK;
}

void reel_cutter_finish(struct reel_cutter *cutter)
{
    reel_source_close(&cutter->source);
    free(cutter->fragment);
    cutter->fragment = NULL;
}

int64_t reel_cutter_next_us(const struct reel_cutter *cutter)
{
    uint64_t end_frame = cutter->next_frame + cutter->fragment_frames;

    if (cutter->speed <= 0 || !cutter->started_us)
        return 0;
    return cutter->started_us +
           (int64_t)((double)end_frame * 1e6 / cutter->format.rate / cutter->speed);
}

static enum reel_recorder_encoding encoding_of(const struct reel_format *format)
{
    static const enum reel_recorder_encoding encodings[] = {
        [REEL_PCM] = REEL_RECORDER_PCM,
        [REEL_FLOAT] = REEL_RECORDER_FLOAT,
        [REEL_ALAW] = REEL_RECORDER_ALAW,
        [REEL_ULAW] = REEL_RECORDER_ULAW,
    };

    return encodings[format->encoding];
}

/* When the fragment's first frame was captured, where that is to be told. */
static bool captured(const struct reel_cutter *cutter, int64_t wall_us, uint64_t *time_us_out)
{
    uint64_t frames = cutter->has_first_time ? cutter->next_frame : cutter->have_frames;
    int64_t us = (int64_t)((double)frames * 1e6 / cutter->format.rate);

    *time_us_out = (uint64_t)(cutter->has_first_time ? cutter->first_time_us + us : wall_us - us);
    return cutter->has_first_time || cutter->speed > 0 || reel_source_live(cutter->source);
}

/* Encode what is in the fragment and hand it over. */
static enum reel_code fragment_close(struct reel_cutter *cutter, bool end, int64_t wall_us,
                                     struct reel_cut *cut_out, struct reel_error *err_out)
{
    const struct reel_format *format = &cutter->format;
    struct reel_recorder_fragment fragment = {
        .rate = format->rate,
        .channels = format->channels,
        .sample_bytes = format->sample_bytes,
        .encoding = encoding_of(format),
        .data = cutter->fragment,
        .data_bytes = (size_t)cutter->have_frames * reel_format_frame_bytes(format),
        .has_seq = true,
        .seq = cutter->next_seq,
        .has_frame = true,
        .frame = cutter->next_frame,
        .has_boot_number = true,
        .boot_number = cutter->boot,
        .end = end,
        .tags = cutter->tags,
        .tags_count = cutter->next_seq == 0 ? cutter->tags_count : 0,
    };
    uint8_t *payload;
    size_t bytes;

    fragment.has_time = captured(cutter, wall_us, &fragment.time_us);
    bytes = reel_recorder_encode(NULL, 0, &fragment);
    payload = bytes ? malloc(bytes) : NULL;
    if (!bytes)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.tags",
                              "the fragment cannot be encoded: a tag has no valid name or value");
    if (!payload || !reel_recorder_encode(payload, bytes, &fragment)) {
        free(payload);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    *cut_out = (struct reel_cut){.seq = cutter->next_seq,
                                 .frame = cutter->next_frame,
                                 .frames = (uint32_t)cutter->have_frames,
                                 .end = end,
                                 .payload = payload,
                                 .payload_bytes = bytes};
    cutter->next_seq++;
    cutter->next_frame += cutter->have_frames;
    cutter->have_frames = 0;
    return REEL_OK;
}

enum reel_code reel_cutter_read(struct reel_cutter *cutter, int64_t now_us, int64_t wall_us,
                                struct reel_cut *cut_out, struct reel_error *err_out)
{
    bool end = cutter->stop;
    enum reel_code code = REEL_OK, closing = REEL_OK;

    *cut_out = (struct reel_cut){0};
    if (!cutter->started_us)
        cutter->started_us = now_us;
    if (!end)
        code = reel_source_read(cutter->source, cutter->fragment, cutter->fragment_frames,
                                &cutter->have_frames, &end, err_out);
    if (!code && end && !cutter->next_seq && !cutter->have_frames)
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL, "there is no audio in %s",
                              strcmp(cutter->path, "-") == 0 ? "standard input" : cutter->path);
    if (cutter->have_frames == cutter->fragment_frames || (end && !code) ||
        (code && cutter->have_frames))
        closing = fragment_close(cutter, end && !code, wall_us, cut_out, err_out);
    cutter->ended = end || code || closing;
    return closing ? closing : code;
}

enum reel_code reel_cutter_end(struct reel_cutter *cutter, int64_t wall_us,
                               struct reel_cut *cut_out, struct reel_error *err_out)
{
    return fragment_close(cutter, true, wall_us, cut_out, err_out);
}
