/* Sidecar: `{session}.json` beside the WAV file, with what the samples cannot tell: id, numbers,
 * boots, stretches with their runs, tags, end reason, sha256. From it and the WAV file the
 * catalog's rows can be made again (invariant 4); only a candidate is not in it.
 *
 * It may lag behind the file. Where it says `plain_growth`, everything but growth of the last run
 * was written at once, so the file's tail that it does not cover is more of that run: of fragments
 * of the run's size; where sizes differ, of frames whose numbers are not known. */
#ifndef REEL_STORE_SIDECAR_H
#define REEL_STORE_SIDECAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"
#include "store/sync.h"

/* More runs than these are not written at every change, and `plain_growth` is false. */
enum { REEL_SIDECAR_RUNS_PROMPT = 256 };

/* The text, allocated for the caller (free); NULL if memory ran out. */
char *reel_sidecar_encode(const struct reel_recording *recording, size_t *bytes_out);

/* Read one back, all of it marked as not in the catalog; the caller finishes the recording.
 * BAD_REQUEST with the field where it is no sidecar, or contradicts itself; STALLED without
 * memory. */
enum reel_code reel_sidecar_decode(const char *text, size_t bytes,
                                   struct reel_recording *recording_out, bool *plain_growth_out,
                                   struct reel_error *err_out);

/* What stands in a sidecar apart from plain growth, to see whether a new one is due. */
struct reel_sidecar_mark {
    uint64_t digest;
    bool plain_growth;
};
struct reel_sidecar_mark reel_sidecar_mark(const struct reel_recording *recording);

/* Sidecars that are written together: each to a temporary file, then one sync, renames, one sync
 * of the folders. */
struct reel_sidecars;

/* `sync` is borrowed, and says how to sync; NULL for reading only. */
enum reel_code reel_sidecars_create(const char *dir, const struct reel_sync *sync,
                                    struct reel_sidecars **sidecars_out,
                                    struct reel_error *err_out);
void reel_sidecars_destroy(struct reel_sidecars **sidecars);

/* Write the temporary file. STALLED; the sidecar that stands is as it was. */
enum reel_code reel_sidecars_write(struct reel_sidecars *sidecars,
                                   const struct reel_recording *recording,
                                   struct reel_error *err_out);

/* Put all those written in the place of the old ones, durably. STALLED; each is then old or new. */
enum reel_code reel_sidecars_flush(struct reel_sidecars *sidecars, struct reel_error *err_out);

/* Make the sidecar of a complete recording durably older than its file, before audio is written
 * into that: recovery believes that such a file is as it was sealed only where the sidecar is
 * younger. One that is not there serves as well. STALLED; it says the same as before in any case.
 */
enum reel_code reel_sidecars_outdate(struct reel_sidecars *sidecars,
                                     const struct reel_recording *recording,
                                     struct reel_error *err_out);

/* Read the sidecar of a name. NOT_FOUND; BAD_REQUEST where it is damaged or another's. */
enum reel_code reel_sidecars_read(struct reel_sidecars *sidecars, const char *device,
                                  const char *session, struct reel_recording *recording_out,
                                  bool *plain_growth_out, struct reel_error *err_out);

#endif
