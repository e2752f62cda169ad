/* Recovered: the folder `{store.dir}/recovered/`, where goes what the catalog does not account for
 * and nobody may throw away: surplus audio as WAV files, files without a row, catalogs that were
 * not this store's. `recovered/index.jsonl` has one line for each: time, file, where it came from,
 * why; and one for audio that is gone. Nothing here is read again by the sink. */
#ifndef REEL_STORE_RECOVERED_H
#define REEL_STORE_RECOVERED_H

#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"

/* Move `from` (below store.dir) to `recovered/{stem}-{time}{suffix}`, durably, and note it. `stem`
 * may begin with a device's name and a slash. NOT_FOUND where there is nothing; STALLED. */
enum reel_code reel_recovered_take(int dir_fd, const char *from, const char *stem,
                                   const char *suffix, const char *why, int64_t now_us,
                                   struct reel_error *err_out);

/* Note, durably, that audio of `from` (below store.dir) is gone of which nothing could be put
 * aside: a line of the index without a file. STALLED. */
enum reel_code reel_recovered_lost(int dir_fd, const char *from, const char *why, int64_t now_us,
                                   struct reel_error *err_out);

/* Copy frames [from_frame, to_frame) of the recording's file `fd` into a WAV file
 * `recovered/{device}/{session}-{time}.wav`, durably, and note it. STALLED. */
enum reel_code reel_recovered_copy(int dir_fd, int fd, const struct reel_recording *recording,
                                   uint64_t from_frame, uint64_t to_frame, const char *why,
                                   int64_t now_us, struct reel_error *err_out);

#endif
