/* View: the frames of a recording that a download reads, and its parts (protocol.md, "Download").
 * Pure. */
#ifndef REEL_CORE_VIEW_H
#define REEL_CORE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"
#include "core/wav_header.h"

enum reel_view_format { REEL_VIEW_WAV, REEL_VIEW_RAW };

/* What a download request asks, its fields checked one by one. */
struct reel_download {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    bool has_format;
    enum reel_view_format format; /* WAV where none is asked for */
    bool has_version;
    char version[128];
    bool has_from_s, has_to_s, has_from_frame, has_to_frame;
    double from_s, to_s;
    uint64_t from_frame, to_frame;
    bool has_offset, has_length, has_blocks;
    uint64_t offset;
    uint64_t length; /* at most REEL_DOWNLOAD_LENGTH_MAX, which it is where none is given */
    uint64_t block_bytes;
    uint64_t *blocks; /* owned; together at most REEL_DOWNLOAD_LENGTH_MAX bytes */
    size_t blocks_count;
};

/* Read the request's document; `device` and `session` must be in it. BAD_REQUEST with the field:
 * wrong type, out of range, seconds and frames of one bound together; `version` with another view
 * than it names is found later. Unknown fields are ignored. On failure `*out` is untouched. */
enum reel_code reel_download_decode(const json_t *request, struct reel_download *out,
                                    struct reel_error *err_out);
void reel_download_finish(struct reel_download *download);

/* Whether it asks for the view as one message: neither offset nor length nor blocks. */
bool reel_download_is_whole(const struct reel_download *download);

struct reel_view {
    uint64_t id; /* of the recording */
    uint64_t rewrites;
    uint64_t from_frame; /* [from, to) */
    uint64_t to_frame;
    struct reel_format audio;
    enum reel_view_format format;
    uint64_t tags_digest; /* of what the header says of names and tags; 0: nothing */
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];
    size_t header_bytes; /* 0 for raw */
    uint64_t pad_bytes;  /* 1 where the data chunk's length is odd, else 0; 0 for raw */
    uint64_t size_bytes; /* header, samples, pad */
};

enum { REEL_VERSION_BYTES = 128 };

/* A request is answered in at most so many blocks. */
#define REEL_DOWNLOAD_BLOCKS_MAX 4096u

/* Make the view that the download asks of the recording as it is now. VERSION_MISMATCH where
 * `version` names another recording, other rewrites, other tags where they stand in the header, or
 * more frames than there are; BAD_REQUEST (field) where `from` lies past the end, `to` before
 * `from`, the version is none of ours or contradicts the bounds given, or the blocks asked for are
 * more than REEL_DOWNLOAD_BLOCKS_MAX; INTERNAL where memory ran out. On failure `*out` is
 * untouched. */
enum reel_code reel_view_make(const struct reel_download *download,
                              const struct reel_recording *recording, struct reel_view *out,
                              struct reel_error *err_out);

/* The version's text: id, rewrites, from, to, format, and where the header has tags a digest of
 * them. Stable for the same view. */
void reel_view_version(const struct reel_view *view, char out[REEL_VERSION_BYTES]);

/* Say whether the view's bytes are still those of the recording: the same id, the same rewrites, no
 * fewer frames, and in a header the same tags. For the check after reading. INTERNAL where memory
 * ran out. */
enum reel_code reel_view_compare(const struct reel_view *view,
                                 const struct reel_recording *recording, bool *same_out,
                                 struct reel_error *err_out);

/* Walk the parts of the view's bytes that the download asks for: whole, or block by block.
 * `*cursor` starts at 0. False at the end. An offset at or past the end gives one empty, final
 * part. `blocks` are numbered from the view's start, whatever offset and length say; one past the
 * end gives an empty, final part. */
struct reel_view_part {
    uint64_t offset_bytes; /* into the view */
    uint64_t bytes;
    bool final; /* it ends at the view's end */
};
bool reel_view_next_part(const struct reel_view *view, const struct reel_download *download,
                         uint64_t *cursor, struct reel_view_part *part_out);

/* Seconds to frames, half up; saturates at REEL_NUMBER_MAX. */
uint64_t reel_frames_from_seconds(double seconds, uint32_t rate);

#endif
