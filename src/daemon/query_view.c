/* Query, views: from places in a view to places in a recording. */
#include "daemon/query_view.h"

#include <string.h>

static enum reel_code out_of_memory(struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
}

/* Bytes of the view's samples; the part may begin and end within a frame, so whole frames are read
 * in their place and what is before the part is moved over. */
static enum reel_code read_samples(const struct reel_view *view,
                                   const struct reel_recording *recording,
                                   struct reel_reader *reader, uint64_t offset, uint64_t bytes,
                                   struct reel_buffer *out, struct reel_error *err_out)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&view->audio);
    uint64_t first = offset / frame_bytes;
    uint64_t frames = (offset + bytes + frame_bytes - 1) / frame_bytes - first;
    uint64_t before = offset - first * frame_bytes;
    uint8_t *room = frames <= SIZE_MAX / frame_bytes
                        ? reel_buffer_reserve(out, (size_t)(frames * frame_bytes))
                        : NULL;
    enum reel_code code;

    if (!room)
        return out_of_memory(err_out);
    code = reel_reader_audio(reader, recording, view->from_frame + first, frames, room, err_out);
    if (code != REEL_OK)
        return code;
    if (before > 0)
        memmove(room, room + before, (size_t)bytes);
    out->size += (size_t)bytes;
    return REEL_OK;
}

/* How much of [*offset, *offset + *bytes) lies before `end`; moves the range past it. */
static uint64_t take(uint64_t *offset, uint64_t *bytes, uint64_t end)
{
    uint64_t taken = *offset < end ? end - *offset : 0;

    if (taken > *bytes)
        taken = *bytes;
    *offset += taken;
    *bytes -= taken;
    return taken;
}

enum reel_code reel_view_read(const struct reel_view *view, const struct reel_recording *recording,
                              struct reel_reader *reader, uint64_t offset, uint64_t bytes,
                              struct reel_buffer *out, struct reel_error *err_out)
{
    const uint8_t pad = 0;
    uint64_t start = offset;
    uint64_t taken = take(&offset, &bytes, view->header_bytes);
    enum reel_code code = REEL_OK;

    if (taken > 0 && !reel_buffer_append(out, view->header + start, (size_t)taken))
        return out_of_memory(err_out);
    start = offset;
    taken = take(&offset, &bytes, view->size_bytes - view->pad_bytes);
    if (taken > 0)
        code =
            read_samples(view, recording, reader, start - view->header_bytes, taken, out, err_out);
    if (code == REEL_OK && bytes > 0 && !reel_buffer_append(out, &pad, 1))
        code = out_of_memory(err_out);
    return code;
}

enum reel_code reel_view_read_parts(const struct reel_view *view,
                                    const struct reel_download *download,
                                    const struct reel_recording *recording,
                                    struct reel_reader *reader, struct reel_buffer *out,
                                    struct reel_error *err_out)
{
    struct reel_view_part part;
    uint64_t cursor = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0; /* of parts that follow on from each other, to be read at once */
    enum reel_code code = REEL_OK;

    while (code == REEL_OK && reel_view_next_part(view, download, &cursor, &part)) {
        if (part.offset_bytes != offset + bytes) {
            code = reel_view_read(view, recording, reader, offset, bytes, out, err_out);
            offset = part.offset_bytes;
            bytes = 0;
        }
        bytes += part.bytes;
    }
    if (code == REEL_OK)
        code = reel_view_read(view, recording, reader, offset, bytes, out, err_out);
    return code;
}
