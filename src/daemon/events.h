/* Events: the documents that say what happened to a recording (protocol.md, "Events and status").
 * Each function returns a new document, NULL if memory ran out; the caller owns it. */
#ifndef REEL_DAEMON_EVENTS_H
#define REEL_DAEMON_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "core/place.h"
#include "core/recording.h"

/* "started", "completed", "reopened", "restarted": no more to say than the recording itself. */
json_t *reel_event_plain(const char *event, const struct reel_recording *recording, int64_t now_us);

/* "gap": silence was put in for `frames` frames at `from_frame`, for `seqs` sequence numbers. */
json_t *reel_event_gap(const struct reel_recording *recording, uint64_t from_frame, uint64_t frames,
                       uint64_t seqs, bool inferred, int64_t now_us);

/* "gap_filled": audio took the place of silence. */
json_t *reel_event_gap_filled(const struct reel_recording *recording, uint64_t from_frame,
                              uint64_t frames, int64_t now_us);

/* "discontinuity": what follows `at_frame` does not follow on; `skipped_frames` is null unless the
 * placement knows it. */
json_t *reel_event_discontinuity(const struct reel_recording *recording,
                                 const struct reel_placement *placement, uint64_t at_frame,
                                 int64_t now_us);

/* "deleted": why, and the recording as it was. */
json_t *reel_event_deleted(const struct reel_recording *recording, const char *reason,
                           int64_t now_us);

/* "silent", "back": nothing came since `heard_us`; the session is that of the device's recording
 * that began last, or "". */
json_t *reel_event_silence(const char *event, const char *device, const char *session,
                           int64_t heard_us, int64_t now_us);

/* "rejected": `count` refusals like this one since the last such event. `device` and `session` are
 * "" where they are not known. */
json_t *reel_event_rejected(const char *device, const char *session, const struct reel_error *error,
                            uint64_t quarantine_id, uint64_t count, int64_t now_us);

#endif
