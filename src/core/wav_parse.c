/* WAV header, the reading half: the chunks in front of the samples. */
#include "core/wav_header.h"

#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "core/wav_chunks.h"
#include "wire/topic.h"

enum { CHUNK_HEAD_BYTES = 8, RIFF_HEAD_BYTES = 12 };

struct chunk {
    uint8_t id[4];
    uint64_t declared;    /* its length as its head says */
    const uint8_t *bytes; /* what follows its head ... */
    size_t present;       /* ... as far as it is here */
};

struct walk {
    const uint8_t *head;
    size_t bytes;
    size_t at;
};

static uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) | (uint32_t)get_u16(at + 2) << 16;
}

static uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

static bool chunk_is(const struct chunk *chunk, const char *id)
{
    return memcmp(chunk->id, id, 4) == 0;
}

static bool next_chunk(struct walk *walk, struct chunk *chunk_out)
{
    uint64_t next;
    size_t left;

    if (walk->bytes - walk->at < CHUNK_HEAD_BYTES)
        return false;
    memcpy(chunk_out->id, walk->head + walk->at, 4);
    chunk_out->declared = get_u32(walk->head + walk->at + 4);
    chunk_out->bytes = walk->head + walk->at + CHUNK_HEAD_BYTES;
    left = walk->bytes - walk->at - CHUNK_HEAD_BYTES;
    chunk_out->present = chunk_out->declared < left ? (size_t)chunk_out->declared : left;
    next = walk->at + CHUNK_HEAD_BYTES + chunk_out->declared + (chunk_out->declared & 1);
    walk->at = next < walk->bytes ? (size_t)next : walk->bytes;
    return true;
}

static enum reel_encoding encoding_of(uint16_t tag)
{
    switch (tag) {
    case REEL_WAV_TAG_PCM:
        return REEL_PCM;
    case REEL_WAV_TAG_FLOAT:
        return REEL_FLOAT;
    case REEL_WAV_TAG_ALAW:
        return REEL_ALAW;
    case REEL_WAV_TAG_ULAW:
        return REEL_ULAW;
    default:
        return REEL_ENCODING_COUNT;
    }
}

static bool read_fmt(const struct chunk *chunk, struct reel_format *format)
{
    const uint8_t *at = chunk->bytes;
    uint16_t tag;
    uint16_t bits;

    if (chunk->present < 16)
        return false;
    tag = get_u16(at);
    if (tag == REEL_WAV_TAG_EXTENSIBLE) {
        if (chunk->present < 40)
            return false;
        tag = get_u16(at + 24);
    }
    bits = get_u16(at + 14);
    format->encoding = encoding_of(tag);
    format->channels = get_u16(at + 2);
    format->rate = get_u32(at + 4);
    format->sample_bytes = (uint8_t)(bits / 8);
    return format->encoding != REEL_ENCODING_COUNT && bits % 8 == 0 && bits <= 64 &&
           reel_format_check(format, NULL) == REEL_OK &&
           get_u16(at + 12) == reel_format_frame_bytes(format);
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
    uint64_t frames = get_u64(bext + REEL_BEXT_TIME_REFERENCE);
    int64_t start_us;

    snprintf(text, sizeof text, "%.10sT%.8sZ", (const char *)bext + REEL_BEXT_DATE,
             (const char *)bext + REEL_BEXT_TIME);
    if (!reel_time_parse(text, &start_us))
        return 0;
    return start_us + (int64_t)(frames % rate * 1000000 / rate);
}

/* A bext chunk that another program wrote leaves the info as it is. */
static void read_bext(const struct chunk *chunk, struct reel_wav_info *info)
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
    struct walk walk = {head, bytes, RIFF_HEAD_BYTES};
    uint64_t long_bytes = UINT64_MAX;
    struct chunk chunk;
    bool has_fmt = false;
    bool is_long;

    if (bytes < RIFF_HEAD_BYTES || memcmp(head + 8, "WAVE", 4) != 0)
        return false;
    is_long = memcmp(head, "RF64", 4) == 0;
    if (!is_long && memcmp(head, "RIFF", 4) != 0)
        return false;

    while (next_chunk(&walk, &chunk)) {
        if (chunk_is(&chunk, "ds64") && is_long && chunk.present >= 16) {
            long_bytes = get_u64(chunk.bytes + 8);
        } else if (chunk_is(&chunk, "fmt ")) {
            if (!read_fmt(&chunk, &info.format))
                return false;
            has_fmt = true;
        } else if (chunk_is(&chunk, "bext") && has_fmt) {
            read_bext(&chunk, &info);
        } else if (chunk_is(&chunk, "data")) {
            info.data_bytes = chunk.declared == UINT32_MAX ? long_bytes : chunk.declared;
            info.data_offset = (uint64_t)(chunk.bytes - head);
            *info_out = info;
            return has_fmt;
        }
    }
    return false;
}
