/* WAV header: the bytes in front of the samples, made and read. Pure.
 *
 * Two of them: the file's (a recording in the store: room for ds64, a bext chunk, sizes that are
 * brought up from time to time) and the view's (a download: as short as can be, with the tags). */
#ifndef REEL_CORE_WAV_HEADER_H
#define REEL_CORE_WAV_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recording.h"
#include "core/wav_list.h"

/* The file's header, the same size for every recording; samples begin there. */
#define REEL_WAV_DATA_OFFSET 1024u
/* No header of a view is longer. */
#define REEL_WAV_VIEW_HEADER_MAX (128u + REEL_WAV_LIST_MAX)

enum reel_wav_sizes {
    REEL_WAV_SIZES_PLAIN,    /* RIFF, sizes below 4 GiB; the room for ds64 is a JUNK chunk */
    REEL_WAV_SIZES_CROSSING, /* RIFF with data size 0xFFFFFFFF: opens while ds64 is being written */
    REEL_WAV_SIZES_RF64,     /* RF64 with ds64 */
};

/* The file's header for `frames` frames: RIFF or RF64; JUNK or ds64; fmt (plain where channels
 * <= 2, WAVE_FORMAT_EXTENSIBLE else; with cbSize and a fact chunk where the encoding is not PCM);
 * bext (EBU Tech 3285 version 1: originator "reel", reference the id, description
 * "device/session", date and time of the start); a JUNK chunk up to the data. */
void reel_wav_file_header(const struct reel_recording *recording, uint64_t frames,
                          enum reel_wav_sizes sizes, uint8_t out[REEL_WAV_DATA_OFFSET]);

/* Which sizes a file of `frames` frames needs at rest: PLAIN or RF64. */
enum reel_wav_sizes reel_wav_sizes_for(const struct reel_format *format, uint64_t frames);

/* Bytes of the whole file with `frames` frames, the pad byte of an odd data chunk included. */
uint64_t reel_wav_file_bytes(const struct reel_format *format, uint64_t frames);

/* The view's header for `frames` frames (44 bytes for plain PCM, more for the rest, RF64 where
 * needed), in it the chunk that reel_wav_list_make made (of `list_bytes`; 0: none); returns its
 * length.
 */
size_t reel_wav_view_header(const struct reel_format *format, uint64_t frames, const uint8_t *list,
                            size_t list_bytes, uint8_t out[REEL_WAV_VIEW_HEADER_MAX]);

/* What the head of a file that we wrote says. */
struct reel_wav_info {
    struct reel_format format;
    uint64_t data_bytes; /* as declared, from ds64 where that counts; UINT64_MAX: unknown */
    uint64_t data_offset;
    uint64_t id; /* from bext, 0 if it has none of ours */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    int64_t started_us;
};

/* Read the head (`bytes` from the file's start, REEL_WAV_DATA_OFFSET are enough for our own).
 * False if it is no WAV with fmt and data in a format that we take. */
bool reel_wav_parse(const uint8_t *head, size_t bytes, struct reel_wav_info *info_out);

#endif
