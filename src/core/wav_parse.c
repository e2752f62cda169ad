/* WAV header, the reading half: the chunks in front of the samples. */
#include "core/wav_header.h"

#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "core/wav_chunks.h"
#include "wire/chunk.h"
#include "wire/topic.h"

static bool read_fmt(const struct reel_chunk *chunk, struct reel_format *format)
{
    uint64_t bits;

    if (chunk->present < 16)
        return false;
    bits = reel_little_endian(chunk->bytes + 14, 2);
    format->encoding = reel_chunk_encoding(chunk);
    format->channels = (uint16_t)reel_little_endian(chunk->bytes + 2, 2);
    format->rate = (uint32_t)reel_little_endian(chunk->bytes + 4, 4);
    format->sample_bytes = (uint8_t)(bits / 8);
    return bits % 8 == 0 && bits <= 64 && reel_format_check(format, NULL) == REEL_OK &&
           reel_little_endian(chunk->bytes + 12, 2) == reel_format_frame_bytes(format);
}

/* 16 hex digits, as we write an id. */
static bool read_id(const uint8_t *at, uint64_t *id_out)
{
    uint64_t id = 0;

    for (int i = 0; i < 16; i++) {
        if (at[i] >= '0' && at[i] <= '9')
            id = id << 4 | (uint64_t)(at[i] - '0');
        else if (at[i] >= 'a' && at[i] <= 'f')
            id = id << 4 | (uint64_t)(at[i] - 'a' + 10);
        else
            return false;
    }
    *id_out = id;
    return true;
}

static bool read_names(const uint8_t *description, struct reel_wav_info *info)
{
    char text[257];
    char *slash;

    memcpy(text, description, 256);
    text[256] = '\0';
    slash = strchr(text, '/');
    if (!slash || !reel_name_valid(text, (size_t)(slash - text)) ||
        !reel_name_valid(slash + 1, strlen(slash + 1)))
        return false;
    *slash = '\0';
    snprintf(info->device, sizeof info->device, "%.64s", text);
    snprintf(info->session, sizeof info->session, "%.64s", slash + 1);
    return true;
}

/* The start: to the second from date and time, within it from the time reference. */
static int64_t read_start(const uint8_t *bext, uint32_t rate)
{
    char text[REEL_TIME_BYTES];
    uint64_t frames = reel_little_endian(bext + REEL_BEXT_TIME_REFERENCE, 8);
    int64_t start_us;

    snprintf(text, sizeof text, "%.10sT%.8sZ", (const char *)bext + REEL_BEXT_DATE,
             (const char *)bext + REEL_BEXT_TIME);
    if (!reel_time_parse(text, &start_us))
        return 0;
    return start_us + (int64_t)(frames % rate * 1000000 / rate);
}

/* A bext chunk that another program wrote leaves the info as it is. */
static void read_bext(const struct reel_chunk *chunk, struct reel_wav_info *info)
{
    static const char originator[32] = "reel";
    uint64_t id;

    if (chunk->present < REEL_BEXT_BYTES ||
        memcmp(chunk->bytes + REEL_BEXT_ORIGINATOR, originator, sizeof originator) != 0 ||
        !read_id(chunk->bytes + REEL_BEXT_REFERENCE, &id) ||
        !read_names(chunk->bytes + REEL_BEXT_DESCRIPTION, info))
        return;
    info->id = id;
    info->started_us = read_start(chunk->bytes, info->format.rate);
}

bool reel_wav_parse(const uint8_t *head, size_t bytes, struct reel_wav_info *info_out)
{
    struct reel_wav_info info = {0};
    struct reel_chunk_walk walk;
    uint64_t long_bytes = UINT64_MAX;
    struct reel_chunk chunk;
    bool has_fmt = false;
    bool is_long;

    if (!reel_chunk_begin(&walk, head, bytes))
        return false;
    is_long = memcmp(head, "RF64", 4) == 0;
    while (reel_chunk_next(&walk, &chunk)) {
        if (reel_chunk_is(&chunk, "ds64") && is_long && chunk.present >= 16) {
            long_bytes = reel_little_endian(chunk.bytes + 8, 8);
        } else if (reel_chunk_is(&chunk, "fmt ")) {
            if (!read_fmt(&chunk, &info.format))
                return false;
            has_fmt = true;
        } else if (reel_chunk_is(&chunk, "bext") && has_fmt) {
            read_bext(&chunk, &info);
        } else if (reel_chunk_is(&chunk, "data")) {
            info.data_bytes = chunk.declared == UINT32_MAX ? long_bytes : chunk.declared;
            info.data_offset = (uint64_t)(chunk.bytes - head);
            *info_out = info;
            return has_fmt;
        }
    }
    return false;
}
