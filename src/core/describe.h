/* Describe: a recording as the documents that the protocol promises. Pure. */
#ifndef REEL_CORE_DESCRIBE_H
#define REEL_CORE_DESCRIBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"
#include "core/timestamp.h"
#include "core/tombstone.h"

/* "A recording" of the protocol: all fields of `list`. `id` is 16 hex digits; `started_at`,
 * `updated_at`, `captured_*` RFC 3339 in UTC with microseconds (captured ones null where no `time`
 * was sent); `end_reason`, `next_seq` null where there is none; `bytes` by core/wav_header.h.
 * NULL if memory ran out. The caller owns it. */
json_t *reel_describe_recording(const struct reel_recording *recording);

/* The same with what `info` adds: stretches, sha256, and of the newest epoch next_frame, missing,
 * missing_frames, lost; without the gaps, of which there may be very many. */
json_t *reel_describe_info(const struct reel_recording *recording);

/* One of the elements of `gaps`. */
json_t *reel_describe_gap(const struct reel_recording *recording, const struct reel_gap *gap);

/* Parts before a recording, oldest first, whose gaps are still worth filling. Borrowed. */
struct reel_earlier_parts {
    const struct reel_recording *recordings[REEL_EARLIER_PARTS_MAX];
    size_t count;
};

/* An acknowledgement (protocol.md, "Acknowledgement"): status, device, session (that the recorder
 * publishes to), boot, seq, frames (of the recording), next_frame (what the boot's own count goes
 * on with; null if it has none), missing, missing_frames, lost, of that boot's newest epoch. `boot`
 * may be NULL: the recording's newest. Where that epoch goes on from `earlier` parts (NULL: none),
 * what they miss of it comes first. */
json_t *reel_describe_ack(const struct reel_recording *recording, const struct reel_boot *boot,
                          const struct reel_earlier_parts *earlier);

/* The same for what belongs to a deleted recording: all of it is dealt with, none of it is there.
 */
json_t *reel_describe_buried(const struct reel_tombstone *tombstone, const struct reel_boot *boot);

/* About how many bytes that takes once it is encoded, without making it: rather more than less,
 * within a factor of a few. */
size_t reel_describe_ack_bytes(const struct reel_recording *recording, const struct reel_boot *boot,
                               const struct reel_earlier_parts *earlier);

/* An error's acknowledgement: {status, error, device, session, boot, seq, frame}; names and
 * numbers where known (`numbers` may be NULL, names ""). */
json_t *reel_describe_refusal(const struct reel_error *error, const char *device,
                              const char *session, const struct reel_numbers *numbers);

#endif
