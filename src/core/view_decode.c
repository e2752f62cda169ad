/* View, the request's half: what a download asks, field by field. */
#include "core/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fields.h"

static void decode_names(struct reel_fields *fields, struct reel_download *download)
{
    reel_fields_need(fields, "device", reel_fields_name(fields, "device", download->device));
    reel_fields_need(fields, "session", reel_fields_name(fields, "session", download->session));
}

static void decode_view(struct reel_fields *fields, struct reel_download *download)
{
    static const char *const formats[] = {[REEL_VIEW_WAV] = "wav", [REEL_VIEW_RAW] = "raw"};
    const char *version;
    size_t format;

    download->has_from_s = reel_fields_seconds(fields, "from", &download->from_s);
    download->has_to_s = reel_fields_seconds(fields, "to", &download->to_s);
    download->has_from_frame =
        reel_fields_uint(fields, "from_frame", 0, REEL_NUMBER_MAX, &download->from_frame);
    download->has_to_frame =
        reel_fields_uint(fields, "to_frame", 0, REEL_NUMBER_MAX, &download->to_frame);
    if (download->has_from_s && download->has_from_frame)
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "from_frame",
                         "from and from_frame exclude each other");
    if (download->has_to_s && download->has_to_frame)
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "to_frame",
                         "to and to_frame exclude each other");

    download->has_format = reel_fields_choice(fields, "format", formats, 2, &format);
    if (download->has_format)
        download->format = format == REEL_VIEW_RAW ? REEL_VIEW_RAW : REEL_VIEW_WAV;

    download->has_version = reel_fields_text(fields, "version", &version);
    if (!download->has_version)
        return;
    if (strlen(version) < sizeof download->version)
        snprintf(download->version, sizeof download->version, "%s", version);
    else
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "version", "version is none that we made");
}

static bool decode_block_numbers(const json_t *array, struct reel_download *download)
{
    for (size_t i = 0; i < download->blocks_count; i++) {
        if (!reel_value_uint(json_array_get(array, i), &download->blocks[i]) ||
            download->blocks[i] > REEL_NUMBER_MAX)
            return false;
    }
    return true;
}

static void decode_blocks(struct reel_fields *fields, struct reel_download *download)
{
    const json_t *array = json_object_get(fields->document, "blocks");
    size_t count = json_array_size(array);

    if (!array || fields->code != REEL_OK)
        return;
    if (!json_is_array(array) || count == 0) {
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "blocks",
                         "blocks must be an array of block numbers");
        return;
    }
    if (count > REEL_DOWNLOAD_LENGTH_MAX / download->block_bytes) {
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "blocks",
                         "blocks may ask for at most %llu bytes: %llu blocks of %llu",
                         REEL_DOWNLOAD_LENGTH_MAX,
                         REEL_DOWNLOAD_LENGTH_MAX / (unsigned long long)download->block_bytes,
                         (unsigned long long)download->block_bytes);
        return;
    }
    download->blocks = calloc(count, sizeof *download->blocks);
    if (!download->blocks) {
        reel_fields_fail(fields, REEL_E_INTERNAL, NULL, "out of memory");
        return;
    }
    download->has_blocks = true;
    download->blocks_count = count;
    if (!decode_block_numbers(array, download))
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "blocks",
                         "blocks must be an array of block numbers");
}

static void decode_part(struct reel_fields *fields, struct reel_download *download)
{
    download->length = REEL_DOWNLOAD_LENGTH_MAX;
    download->block_bytes = REEL_BLOCK_BYTES_DEFAULT;
    download->has_offset =
        reel_fields_uint(fields, "offset", 0, REEL_NUMBER_MAX, &download->offset);
    download->has_length =
        reel_fields_uint(fields, "length", 1, REEL_DOWNLOAD_LENGTH_MAX, &download->length);
    reel_fields_uint(fields, "block_size", 1, REEL_BLOCK_BYTES_MAX, &download->block_bytes);
    decode_blocks(fields, download);
}

enum reel_code reel_download_decode(const json_t *request, struct reel_download *out,
                                    struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request, .err_out = err_out};
    struct reel_download download = {0};

    decode_names(&fields, &download);
    decode_view(&fields, &download);
    decode_part(&fields, &download);
    if (fields.code == REEL_OK)
        *out = download;
    else
        reel_download_finish(&download);
    return fields.code;
}

void reel_download_finish(struct reel_download *download)
{
    free(download->blocks);
    download->blocks = NULL;
    download->blocks_count = 0;
}

bool reel_download_is_whole(const struct reel_download *download)
{
    return !download->has_offset && !download->has_length && !download->has_blocks;
}
