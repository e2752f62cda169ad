/* Rebuild: the sha256 that a recording's file has, from its audio as it comes over MQTT.
 *
 * `info` tells the sum of the file at the sink, and a download is never that file: it is a view
 * under a header of its own, or raw. But the file is made of nothing else: a header that follows
 * from what `info` says (core/wav_header.h), the frames, a pad byte. Put together again here, the
 * sum shows that every frame that comes is the one that was summed when the recording was complete,
 * by all the way it has come, and without taking the sink's word for it. */
#ifndef REEL_CLI_REBUILD_H
#define REEL_CLI_REBUILD_H

#include <jansson.h>

#include "base/err.h"
#include "cli/options.h"
#include "store/hash.h"

/* Download the recording that `info` describes and sum its file. `bytes_out` is the length that
 * the file has then. VERSION_MISMATCH where what comes is not the recording as `info` has it;
 * INTERNAL for an `info` that cannot be; else as reel_fetch_run. */
enum reel_code reel_rebuild_sum(const struct reel_common *common, const json_t *info,
                                char out[REEL_SHA256_TEXT_BYTES], uint64_t *bytes_out,
                                struct reel_error *err_out);

#endif
