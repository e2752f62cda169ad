/* Rebuild: header, frames as they come, pad byte. */
#include "cli/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fetch.h"
#include "core/fields.h"
#include "core/wav_header.h"

/* The part of a recording that its file's header is made of. */
static void read_format(struct reel_fields *fields, struct reel_format *format)
{
    uint64_t channels = 0, rate = 0, sample_bytes = 0;
    const char *encoding = "";

    reel_fields_need(fields, "channels",
                     reel_fields_uint(fields, "channels", 1, REEL_CHANNELS_MAX, &channels));
    reel_fields_need(fields, "rate", reel_fields_uint(fields, "rate", 1, REEL_RATE_MAX, &rate));
    reel_fields_need(fields, "sample_size",
                     reel_fields_uint(fields, "sample_size", 1, 8, &sample_bytes));
    reel_fields_need(fields, "encoding", reel_fields_text(fields, "encoding", &encoding));
    *format = (struct reel_format){.rate = (uint32_t)rate,
                                   .channels = (uint16_t)channels,
                                   .sample_bytes = (uint8_t)sample_bytes,
                                   .encoding = reel_encoding_from_name(encoding)};
}

static bool read_id(const char *text, uint64_t *id_out)
{
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16 &&
           sscanf(text, "%" SCNx64, id_out) == 1;
}

static enum reel_code read_info(const json_t *info, struct reel_recording *recording_out,
                                struct reel_error *err_out)
{
    struct reel_fields fields = {.document = info, .err_out = err_out};
    struct reel_recording recording = {0};
    const char *id = "";

    reel_fields_need(&fields, "id", reel_fields_text(&fields, "id", &id));
    reel_fields_need(&fields, "device", reel_fields_name(&fields, "device", recording.device));
    reel_fields_need(&fields, "session", reel_fields_name(&fields, "session", recording.session));
    read_format(&fields, &recording.format);
    reel_fields_need(&fields, "frames",
                     reel_fields_uint(&fields, "frames", 0, UINT64_C(1) << 52, &recording.frames));
    reel_fields_need(&fields, "started_at",
                     reel_fields_time(&fields, "started_at", &recording.started_us));
    if (fields.code != REEL_OK || !read_id(id, &recording.id) ||
        recording.format.encoding == REEL_ENCODING_COUNT)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "what the sink says of it cannot be read");
    *recording_out = recording;
    return REEL_OK;
}

struct rebuilding {
    const struct reel_recording *recording;
    struct reel_digest digest;
};

static enum reel_code begin(void *user, const struct reel_fetch *fetch, struct reel_error *err_out)
{
    struct rebuilding *rebuilding = user;
    const struct reel_recording *recording = rebuilding->recording;
    uint8_t header[REEL_WAV_DATA_OFFSET];

    if (fetch->from_frame != 0 || fetch->to_frame != recording->frames ||
        fetch->size != recording->frames * reel_format_frame_bytes(&recording->format))
        return reel_error_set(err_out, REEL_E_VERSION_MISMATCH, NULL,
                              "frames %" PRIu64 " to %" PRIu64 " came, %" PRIu64
                              " bytes, of %" PRIu64 " frames",
                              fetch->from_frame, fetch->to_frame, fetch->size, recording->frames);
    reel_wav_file_header(recording, recording->frames,
                         reel_wav_sizes_for(&recording->format, recording->frames), header);
    reel_digest_add(&rebuilding->digest, header, sizeof header);
    return REEL_OK;
}

static enum reel_code take(void *user, uint64_t offset, const void *bytes, size_t size,
                           struct reel_error *err_out)
{
    struct rebuilding *rebuilding = user;

    (void)offset;
    (void)err_out;
    reel_digest_add(&rebuilding->digest, bytes, size);
    return REEL_OK;
}

/* The sum, and the bytes of the file that has it. */
static uint64_t finish(struct rebuilding *rebuilding, char out[REEL_SHA256_TEXT_BYTES])
{
    const struct reel_recording *recording = rebuilding->recording;
    uint64_t bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    uint64_t audio_bytes = recording->frames * reel_format_frame_bytes(&recording->format);
    uint64_t pad_bytes = bytes - REEL_WAV_DATA_OFFSET - audio_bytes;

    reel_digest_add(&rebuilding->digest, "", (size_t)pad_bytes);
    reel_digest_text(&rebuilding->digest, out);
    return bytes;
}

enum reel_code reel_rebuild_sum(const struct reel_common *common, const json_t *info,
                                char out[REEL_SHA256_TEXT_BYTES], uint64_t *bytes_out,
                                struct reel_error *err_out)
{
    char label[2 * REEL_NAME_BYTES];
    struct reel_recording recording;
    struct rebuilding rebuilding = {.recording = &recording};
    struct reel_fetch fetch = {
        .common = common, .label = label, .user = &rebuilding, .begin = begin, .write = take};
    json_t *view = NULL;
    enum reel_code code = read_info(info, &recording, err_out);

    if (code != REEL_OK)
        return code;
    reel_digest_begin(&rebuilding.digest);
    snprintf(label, sizeof label, "%s/%s", recording.device, recording.session);
    view = json_pack("{s:s, s:s, s:s}", "device", recording.device, "session", recording.session,
                     "format", "raw");
    fetch.device = recording.device;
    fetch.view = view;
    code = view ? reel_fetch_run(&fetch, err_out)
                : reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    if (code == REEL_OK)
        *bytes_out = finish(&rebuilding, out);
    json_decref(view);
    return code;
}
