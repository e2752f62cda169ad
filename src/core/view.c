/* View: its frames, its name, and the parts of its bytes. */
#include "core/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char *const format_names[] = {[REEL_VIEW_WAV] = "wav", [REEL_VIEW_RAW] = "raw"};

uint64_t reel_frames_from_seconds(double seconds, uint32_t rate)
{
    double frames = seconds * rate;
    double whole = floor(frames);

    if (!(frames > 0))
        return 0;
    if (whole >= (double)REEL_NUMBER_MAX)
        return REEL_NUMBER_MAX;
    return (uint64_t)whole + (frames - whole >= 0.5 ? 1 : 0);
}

/* What the header says besides the format. */
struct list {
    size_t bytes;
    uint64_t digest;
    uint8_t chunk[REEL_WAV_LIST_MAX];
};

static enum reel_code list_make(const struct reel_recording *recording,
                                enum reel_view_format format, struct list *list,
                                struct reel_error *err_out)
{
    list->bytes = 0;
    if (format == REEL_VIEW_WAV && !reel_wav_list_make(recording, list->chunk, &list->bytes))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    list->digest = list->bytes > 0 ? XXH64(list->chunk, list->bytes, 0) : 0;
    return REEL_OK;
}

static enum reel_code set_sizes(struct reel_view *view, const struct reel_recording *recording,
                                struct reel_error *err_out)
{
    uint64_t frames = view->to_frame - view->from_frame;
    uint64_t data_bytes = frames * reel_format_frame_bytes(&view->audio);
    struct list list;
    enum reel_code code = list_make(recording, view->format, &list, err_out);

    if (code != REEL_OK)
        return code;
    view->tags_digest = list.digest;
    view->header_bytes = 0;
    view->pad_bytes = 0;
    if (view->format == REEL_VIEW_WAV) {
        view->header_bytes =
            reel_wav_view_header(&view->audio, frames, list.chunk, list.bytes, view->header);
        view->pad_bytes = data_bytes & 1;
    }
    view->size_bytes = view->header_bytes + data_bytes + view->pad_bytes;
    return REEL_OK;
}

void reel_view_version(const struct reel_view *view, char out[REEL_VERSION_BYTES])
{
    int used = snprintf(
        out, REEL_VERSION_BYTES, "%016" PRIx64 ".%" PRIu64 ".%" PRIu64 ".%" PRIu64 ".%s", view->id,
        view->rewrites, view->from_frame, view->to_frame, format_names[view->format]);

    if (view->tags_digest != 0)
        snprintf(out + used, REEL_VERSION_BYTES - (size_t)used, ".%016" PRIx64, view->tags_digest);
}

/* Read a version's text; false for one that reel_view_version would not write. */
static bool parse_version(const char *text, struct reel_view *view)
{
    char again[REEL_VERSION_BYTES];
    char format[4];

    view->tags_digest = 0;
    if (sscanf(text, "%16" SCNx64 ".%20" SCNu64 ".%20" SCNu64 ".%20" SCNu64 ".%3s.%16" SCNx64,
               &view->id, &view->rewrites, &view->from_frame, &view->to_frame, format,
               &view->tags_digest) < 5)
        return false;
    view->format = strcmp(format, format_names[REEL_VIEW_RAW]) == 0 ? REEL_VIEW_RAW : REEL_VIEW_WAV;
    reel_view_version(view, again);
    return strcmp(again, text) == 0 && view->from_frame <= view->to_frame;
}

/* The bounds in frames, `unless_given` where the request has none; `to` not yet cut. */
static uint64_t from_frame_of(const struct reel_download *download, uint32_t rate,
                              uint64_t unless_given)
{
    if (download->has_from_frame)
        return download->from_frame;
    return download->has_from_s ? reel_frames_from_seconds(download->from_s, rate) : unless_given;
}

static uint64_t to_frame_of(const struct reel_download *download, uint32_t rate,
                            uint64_t unless_given)
{
    if (download->has_to_frame)
        return download->to_frame;
    return download->has_to_s ? reel_frames_from_seconds(download->to_s, rate) : unless_given;
}

static enum reel_code view_by_version(const struct reel_download *download,
                                      const struct reel_recording *recording,
                                      struct reel_view *view, struct reel_error *err_out)
{
    uint32_t rate = recording->format.rate;
    enum reel_code code;
    bool same;

    if (!parse_version(download->version, view))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "version",
                              "version is none that we made");
    code = reel_view_compare(view, recording, &same, err_out);
    if (code != REEL_OK)
        return code;
    if (!same)
        return reel_error_set(err_out, REEL_E_VERSION_MISMATCH, "version",
                              "the recording is another than when this version was made");
    if (from_frame_of(download, rate, view->from_frame) != view->from_frame)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST,
                              download->has_from_s ? "from" : "from_frame",
                              "the version begins at another frame");
    /* `to` past the end was cut when the view was made. */
    if (to_frame_of(download, rate, view->to_frame) < view->to_frame)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, download->has_to_s ? "to" : "to_frame",
                              "the version ends at another frame");
    if (download->has_format && download->format != view->format)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "format",
                              "the version is of the other format");
    return REEL_OK;
}

static enum reel_code view_by_bounds(const struct reel_download *download,
                                     const struct reel_recording *recording, struct reel_view *view,
                                     struct reel_error *err_out)
{
    uint32_t rate = recording->format.rate;

    view->id = recording->id;
    view->rewrites = recording->rewrites;
    view->format = download->format;
    view->from_frame = from_frame_of(download, rate, 0);
    view->to_frame = to_frame_of(download, rate, recording->frames);
    if (view->from_frame > recording->frames)
        return reel_error_set(
            err_out, REEL_E_BAD_REQUEST, download->has_from_s ? "from" : "from_frame",
            "it lies past the recording's end at frame %" PRIu64, recording->frames);
    if (view->to_frame < view->from_frame)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, download->has_to_s ? "to" : "to_frame",
                              "the view ends before it begins");
    if (view->to_frame > recording->frames)
        view->to_frame = recording->frames;
    return REEL_OK;
}

enum reel_code reel_view_compare(const struct reel_view *view,
                                 const struct reel_recording *recording, bool *same_out,
                                 struct reel_error *err_out)
{
    struct list list;
    enum reel_code code = list_make(recording, view->format, &list, err_out);

    if (code == REEL_OK)
        *same_out = view->id == recording->id && view->rewrites == recording->rewrites &&
                    view->to_frame <= recording->frames && view->tags_digest == list.digest;
    return code;
}

/* The range of the view's bytes that offset and length name; `*end` lies not past the view's. */
static void range_of(const struct reel_view *view, const struct reel_download *download,
                     uint64_t *start, uint64_t *end)
{
    *start = download->has_offset ? download->offset : 0;
    *end =
        *start + download->length < view->size_bytes ? *start + download->length : view->size_bytes;
}

static enum reel_code check_parts(const struct reel_view *view,
                                  const struct reel_download *download, struct reel_error *err_out)
{
    uint64_t start;
    uint64_t end;

    if (reel_download_is_whole(download) || download->has_blocks)
        return REEL_OK;
    range_of(view, download, &start, &end);
    if (end > start && (end - start - 1) / download->block_bytes >= REEL_DOWNLOAD_BLOCKS_MAX)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "block_size",
                              "that would be more than %u blocks: ask for larger ones, or for a "
                              "shorter length",
                              REEL_DOWNLOAD_BLOCKS_MAX);
    return REEL_OK;
}

enum reel_code reel_view_make(const struct reel_download *download,
                              const struct reel_recording *recording, struct reel_view *out,
                              struct reel_error *err_out)
{
    struct reel_view view = {.audio = recording->format};
    enum reel_code code = download->has_version
                              ? view_by_version(download, recording, &view, err_out)
                              : view_by_bounds(download, recording, &view, err_out);

    if (code == REEL_OK)
        code = set_sizes(&view, recording, err_out);
    if (code != REEL_OK)
        return code;
    code = check_parts(&view, download, err_out);
    if (code == REEL_OK)
        *out = view;
    return code;
}

/* The part of at most `bytes` at `offset`; an empty one at the end or past it. */
static void cut_part(const struct reel_view *view, uint64_t offset, uint64_t bytes,
                     struct reel_view_part *part_out)
{
    uint64_t left = offset < view->size_bytes ? view->size_bytes - offset : 0;

    part_out->offset_bytes = offset;
    part_out->bytes = bytes < left ? bytes : left;
    part_out->final = part_out->bytes == left;
}

static bool next_numbered(const struct reel_view *view, const struct reel_download *download,
                          uint64_t index, struct reel_view_part *part_out)
{
    uint64_t offset;

    if (index >= download->blocks_count)
        return false;
    if (__builtin_mul_overflow(download->blocks[index], download->block_bytes, &offset))
        offset = UINT64_MAX;
    cut_part(view, offset, download->block_bytes, part_out);
    return true;
}

static bool next_in_range(const struct reel_view *view, const struct reel_download *download,
                          uint64_t index, struct reel_view_part *part_out)
{
    uint64_t start;
    uint64_t end;
    uint64_t offset;

    range_of(view, download, &start, &end);
    offset = start + index * download->block_bytes;
    if (index > 0 && offset >= end)
        return false;
    cut_part(view, offset,
             offset < end && end - offset < download->block_bytes ? end - offset
                                                                  : download->block_bytes,
             part_out);
    return true;
}

bool reel_view_next_part(const struct reel_view *view, const struct reel_download *download,
                         uint64_t *cursor, struct reel_view_part *part_out)
{
    bool more;

    if (reel_download_is_whole(download)) {
        more = *cursor == 0;
        if (more)
            cut_part(view, 0, view->size_bytes, part_out);
    } else if (download->has_blocks) {
        more = next_numbered(view, download, *cursor, part_out);
    } else {
        more = next_in_range(view, download, *cursor, part_out);
    }
    if (more)
        ++*cursor;
    return more;
}
