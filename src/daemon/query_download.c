/* Query, `download`: a view of a recording, whole or in blocks (protocol.md, "Download"). */
#include <inttypes.h>
#include <stdio.h>

#include "core/object.h"
#include "core/view.h"
#include "daemon/query_request.h"
#include "daemon/query_view.h"

enum { NUMBER_BYTES = 24, KEPT_MAX_BYTES = 2 << 20 };

static enum reel_code check_size(const struct reel_request *request,
                                 const struct reel_download *download, const struct reel_view *view,
                                 struct reel_error *err_out)
{
    uint64_t max_bytes = request->links->config->max_response_bytes;

    if (!reel_download_is_whole(download) || view->size_bytes <= max_bytes)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_TOO_LARGE, NULL,
                          "%" PRIu64 " bytes are more than one message holds (%" PRIu64
                          "): ask for parts with offset and length (at most %llu), or for less "
                          "with from and to",
                          view->size_bytes, max_bytes, REEL_DOWNLOAD_LENGTH_MAX);
}

/* What was read is of the view only if the recording is still the one it was made of. */
static enum reel_code check_again(const struct reel_request *request, const struct reel_view *view,
                                  const struct reel_recording *before, struct reel_error *err_out)
{
    struct reel_recording now;
    enum reel_code code =
        reel_reader_load(request->links->reader, before->device, before->session, &now, err_out);
    bool same = false;

    if (code == REEL_OK) {
        code = reel_view_compare(view, &now, &same, err_out);
        reel_recording_finish(&now);
    }
    if (code != REEL_OK && code != REEL_E_NOT_FOUND)
        return code;
    if (same)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_VERSION_MISMATCH, "version",
                          "the recording changed while it was read: ask again");
}

static void send_raw_part(struct reel_request *request, const struct reel_view *view,
                          const struct reel_view_part *part, const void *bytes)
{
    char version[REEL_VERSION_BYTES];
    char from[NUMBER_BYTES];
    char to[NUMBER_BYTES];
    char size[NUMBER_BYTES];
    char offset[NUMBER_BYTES];
    const struct reel_property properties[] = {
        {"status", "ok"},
        {"version", version},
        {"from_frame", from},
        {"to_frame", to},
        {"size", size},
        {"offset", offset},
        {"final", part->final ? "true" : "false"},
    };

    reel_view_version(view, version);
    snprintf(from, sizeof from, "%" PRIu64, view->from_frame);
    snprintf(to, sizeof to, "%" PRIu64, view->to_frame);
    snprintf(size, sizeof size, "%" PRIu64, view->size_bytes);
    snprintf(offset, sizeof offset, "%" PRIu64, part->offset_bytes);
    reel_request_reply_raw(request, bytes, (size_t)part->bytes,
                           view->format == REEL_VIEW_WAV ? "audio/wav" : "application/octet-stream",
                           properties, sizeof properties / sizeof properties[0]);
}

static enum reel_code send_map_part(struct reel_request *request, const struct reel_view *view,
                                    const struct reel_view_part *part, const void *bytes,
                                    struct reel_error *err_out)
{
    char version[REEL_VERSION_BYTES];
    struct reel_object data;

    reel_view_version(view, version);
    reel_object_init(&data);
    reel_object_put_text(&data, "version", version);
    reel_object_put_uint(&data, "from_frame", view->from_frame);
    reel_object_put_uint(&data, "to_frame", view->to_frame);
    reel_object_put_uint(&data, "size", view->size_bytes);
    reel_object_put_uint(&data, "offset", part->offset_bytes);
    reel_object_put_bool(&data, "final", part->final);
    return reel_request_reply_blob(request, reel_object_take(&data), bytes, (size_t)part->bytes,
                                   err_out);
}

static enum reel_code send_parts(struct reel_request *request, const struct reel_download *download,
                                 const struct reel_view *view, const struct reel_buffer *bytes,
                                 struct reel_error *err_out)
{
    struct reel_view_part part;
    uint64_t cursor = 0;
    size_t sent = 0;
    enum reel_code code = REEL_OK;

    while (code == REEL_OK && reel_view_next_part(view, download, &cursor, &part)) {
        const void *at = part.bytes > 0 ? (const void *)(bytes->bytes + sent) : "";

        if (part.bytes > bytes->size - sent)
            return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "a part was not read");
        if (request->has_response_topic)
            send_raw_part(request, view, &part, at);
        else
            code = send_map_part(request, view, &part, at, err_out);
        sent += (size_t)part.bytes;
    }
    return code;
}

/* Read the parts into `bytes`, which is empty, and send them. */
static enum reel_code read_and_send(struct reel_request *request,
                                    const struct reel_download *download,
                                    const struct reel_recording *recording,
                                    const struct reel_view *view, struct reel_buffer *bytes,
                                    struct reel_error *err_out)
{
    enum reel_code code =
        reel_view_read_parts(view, download, recording, request->links->reader, bytes, err_out);

    if (code == REEL_OK)
        code = check_again(request, view, recording, err_out);
    return code == REEL_OK ? send_parts(request, download, view, bytes, err_out) : code;
}

/* The memory for the parts is kept for the next request: new memory, which the kernel must clear
 * page by page, takes longer than to read them. What one large message took is not kept. */
static enum reel_code serve(struct reel_request *request, const struct reel_download *download,
                            const struct reel_recording *recording, struct reel_error *err_out)
{
    struct reel_buffer *bytes = request->links->parts;
    struct reel_view view;
    enum reel_code code = reel_view_make(download, recording, &view, err_out);

    if (code == REEL_OK)
        code = check_size(request, download, &view, err_out);
    if (code != REEL_OK)
        return code;
    code = read_and_send(request, download, recording, &view, bytes, err_out);
    bytes->size = 0;
    if (bytes->capacity > KEPT_MAX_BYTES)
        reel_buffer_finish(bytes);
    return code;
}

enum reel_code reel_query_download(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_download download;
    struct reel_recording recording;
    enum reel_code code = reel_download_decode(request->document, &download, err_out);

    if (code != REEL_OK)
        return code;
    code = reel_reader_load(request->links->reader, download.device, download.session, &recording,
                            err_out);
    if (code == REEL_OK) {
        code = serve(request, &download, &recording, err_out);
        reel_recording_finish(&recording);
    }
    reel_download_finish(&download);
    return code;
}
