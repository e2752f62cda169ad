/* WAV header: RIFF (Microsoft, "Multimedia Programming Interface"; WAVEFORMATEXTENSIBLE), RF64
 * (EBU Tech 3306) and bext (EBU Tech 3285 version 1), as bytes. */
#include "core/wav_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "core/wav_chunks.h"
#include "core/wav_put.h"
#include "wire/chunk.h"

#define SIZE_UNKNOWN 0xFFFFFFFFu /* in a 32-bit size: see ds64, or not known */

enum { DS64_BYTES = 28, RIFF_HEAD_BYTES = 12 };

/* The last 14 bytes of the GUIDs whose first two are the format's tag. */
static const uint8_t guid_tail[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                      0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};

/* A chunk of zeros, to be skipped. */
static uint8_t *put_junk(uint8_t *at, size_t bytes)
{
    at = reel_put_chunk(at, "JUNK", bytes);
    memset(at, 0, bytes);
    return at + bytes;
}

static uint64_t data_bytes_of(const struct reel_format *format, uint64_t frames)
{
    return frames * reel_format_frame_bytes(format);
}

/* What follows the eight bytes of the RIFF chunk's own head. */
static uint64_t riff_bytes_of(uint64_t header_bytes, uint64_t data_bytes)
{
    return header_bytes - REEL_CHUNK_HEAD_BYTES + data_bytes + (data_bytes & 1);
}

static bool fits_plain(uint64_t header_bytes, uint64_t data_bytes)
{
    return riff_bytes_of(header_bytes, data_bytes) < SIZE_UNKNOWN;
}

static uint16_t format_tag(enum reel_encoding encoding)
{
    static const uint16_t tags[REEL_ENCODING_COUNT] = {
        [REEL_PCM] = REEL_WAV_TAG_PCM,
        [REEL_FLOAT] = REEL_WAV_TAG_FLOAT,
        [REEL_ALAW] = REEL_WAV_TAG_ALAW,
        [REEL_ULAW] = REEL_WAV_TAG_ULAW,
    };

    return tags[encoding];
}

static bool is_extensible(const struct reel_format *format)
{
    return format->channels > 2;
}

static size_t fmt_bytes_of(const struct reel_format *format)
{
    if (is_extensible(format))
        return 40;
    return format->encoding == REEL_PCM ? 16 : 18;
}

static uint8_t *put_fmt(uint8_t *at, const struct reel_format *format)
{
    uint32_t frame_bytes = reel_format_frame_bytes(format);
    uint16_t bits = (uint16_t)(format->sample_bytes * 8);
    uint16_t tag = format_tag(format->encoding);

    at = reel_put_chunk(at, "fmt ", fmt_bytes_of(format));
    at = reel_put_u16(at, is_extensible(format) ? REEL_WAV_TAG_EXTENSIBLE : tag);
    at = reel_put_u16(at, format->channels);
    at = reel_put_u32(at, format->rate);
    at = reel_put_u32(at, (uint64_t)format->rate * frame_bytes);
    at = reel_put_u16(at, frame_bytes);
    at = reel_put_u16(at, bits);
    if (is_extensible(format)) {
        at = reel_put_u16(at, 22); /* bytes that follow */
        at = reel_put_u16(at, bits);
        at = reel_put_u32(at, 0); /* no channel stands for a loudspeaker */
        at = reel_put_u16(at, tag);
        memcpy(at, guid_tail, sizeof guid_tail);
        at += sizeof guid_tail;
    } else if (format->encoding != REEL_PCM) {
        at = reel_put_u16(at, 0);
    }
    return at;
}

static bool has_fact(const struct reel_format *format)
{
    return format->encoding != REEL_PCM;
}

static uint8_t *put_fact(uint8_t *at, uint64_t frames, enum reel_wav_sizes sizes)
{
    at = reel_put_chunk(at, "fact", 4);
    return reel_put_u32(at, sizes == REEL_WAV_SIZES_PLAIN ? frames : SIZE_UNKNOWN);
}

static uint8_t *put_ds64(uint8_t *at, uint64_t riff_bytes, uint64_t data_bytes, uint64_t frames)
{
    at = reel_put_chunk(at, "ds64", DS64_BYTES);
    at = reel_put_u64(at, riff_bytes);
    at = reel_put_u64(at, data_bytes);
    at = reel_put_u64(at, frames);
    return reel_put_u32(at, 0); /* no table of further sizes */
}

static uint8_t *put_riff(uint8_t *at, uint64_t riff_bytes, enum reel_wav_sizes sizes)
{
    at = reel_put_chunk(at, sizes == REEL_WAV_SIZES_RF64 ? "RF64" : "RIFF",
                        sizes == REEL_WAV_SIZES_PLAIN ? riff_bytes : SIZE_UNKNOWN);
    return reel_put_id(at, "WAVE");
}

/* Microseconds since midnight UTC. */
static uint64_t clock_us_of(int64_t time_us)
{
    int64_t us = time_us % (86400 * INT64_C(1000000));

    return (uint64_t)(us < 0 ? us + 86400 * INT64_C(1000000) : us);
}

static uint8_t *put_bext(uint8_t *at, const struct reel_recording *recording)
{
    char description[2 * REEL_NAME_BYTES + 1];
    char id[17];
    char start[REEL_TIME_BYTES];
    uint64_t start_frames = clock_us_of(recording->started_us) * recording->format.rate / 1000000;
    uint8_t *bext;

    snprintf(description, sizeof description, "%s/%s", recording->device, recording->session);
    snprintf(id, sizeof id, "%016" PRIx64, recording->id);
    reel_time_format(recording->started_us, start);

    bext = reel_put_chunk(at, "bext", REEL_BEXT_BYTES);
    memset(bext, 0, REEL_BEXT_BYTES);
    memcpy(bext + REEL_BEXT_DESCRIPTION, description, strlen(description));
    memcpy(bext + REEL_BEXT_ORIGINATOR, "reel", 4);
    memcpy(bext + REEL_BEXT_REFERENCE, id, 16);
    memcpy(bext + REEL_BEXT_DATE, start, 10);
    memcpy(bext + REEL_BEXT_TIME, start + 11, 8);
    reel_put_u64(bext + REEL_BEXT_TIME_REFERENCE, start_frames);
    reel_put_u16(bext + REEL_BEXT_VERSION, 1);
    return bext + REEL_BEXT_BYTES;
}

void reel_wav_file_header(const struct reel_recording *recording, uint64_t frames,
                          enum reel_wav_sizes sizes, uint8_t out[REEL_WAV_DATA_OFFSET])
{
    const struct reel_format *format = &recording->format;
    uint64_t data_bytes = data_bytes_of(format, frames);
    uint64_t riff_bytes = riff_bytes_of(REEL_WAV_DATA_OFFSET, data_bytes);
    const uint8_t *data_chunk = out + REEL_WAV_DATA_OFFSET - REEL_CHUNK_HEAD_BYTES;
    uint8_t *at = put_riff(out, riff_bytes, sizes);

    if (sizes == REEL_WAV_SIZES_RF64)
        at = put_ds64(at, riff_bytes, data_bytes, frames);
    else
        at = put_junk(at, DS64_BYTES);
    at = put_fmt(at, format);
    if (has_fact(format))
        at = put_fact(at, frames, sizes);
    at = put_bext(at, recording);
    at = put_junk(at, (size_t)(data_chunk - at) - REEL_CHUNK_HEAD_BYTES);
    reel_put_chunk(at, "data", sizes == REEL_WAV_SIZES_PLAIN ? data_bytes : SIZE_UNKNOWN);
}

enum reel_wav_sizes reel_wav_sizes_for(const struct reel_format *format, uint64_t frames)
{
    return fits_plain(REEL_WAV_DATA_OFFSET, data_bytes_of(format, frames)) ? REEL_WAV_SIZES_PLAIN
                                                                           : REEL_WAV_SIZES_RF64;
}

uint64_t reel_wav_file_bytes(const struct reel_format *format, uint64_t frames)
{
    uint64_t data_bytes = data_bytes_of(format, frames);

    return REEL_WAV_DATA_OFFSET + data_bytes + (data_bytes & 1);
}

size_t reel_wav_view_header(const struct reel_format *format, uint64_t frames, const uint8_t *list,
                            size_t list_bytes, uint8_t out[REEL_WAV_VIEW_HEADER_MAX])
{
    uint64_t data_bytes = data_bytes_of(format, frames);
    size_t header_bytes = RIFF_HEAD_BYTES + REEL_CHUNK_HEAD_BYTES + fmt_bytes_of(format) +
                          (has_fact(format) ? REEL_CHUNK_HEAD_BYTES + 4 : 0) + list_bytes +
                          REEL_CHUNK_HEAD_BYTES;
    enum reel_wav_sizes sizes = REEL_WAV_SIZES_PLAIN;
    uint64_t riff_bytes;
    uint8_t *at;

    if (!fits_plain(header_bytes, data_bytes)) {
        sizes = REEL_WAV_SIZES_RF64;
        header_bytes += REEL_CHUNK_HEAD_BYTES + DS64_BYTES;
    }
    riff_bytes = riff_bytes_of(header_bytes, data_bytes);
    at = put_riff(out, riff_bytes, sizes);
    if (sizes == REEL_WAV_SIZES_RF64)
        at = put_ds64(at, riff_bytes, data_bytes, frames);
    at = put_fmt(at, format);
    if (has_fact(format))
        at = put_fact(at, frames, sizes);
    if (list_bytes > 0)
        memcpy(at, list, list_bytes);
    at += list_bytes;
    reel_put_chunk(at, "data", sizes == REEL_WAV_SIZES_PLAIN ? data_bytes : SIZE_UNKNOWN);
    return header_bytes;
}
