/* Uploader: one file to the sink in blocks, over upload-begin, blocks at QoS 1, upload-end.
 *
 * The sink says which blocks are missing, again and again while they are sent; that is its
 * acknowledgement and sets the pace. What it has stays there for a day, so the same file under the
 * same name goes on where an earlier run, or this one before a break, came to. */
#ifndef REEL_CLI_UPLOADER_H
#define REEL_CLI_UPLOADER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/options.h"
#include "cli/upload_file.h"

struct reel_upload_job {
    const struct reel_common *common;
    const char *device;
    const char *session;
    bool overwrite;
    const json_t *tags; /* NULL: none */
    const struct reel_upload_file *file;

    json_t *recording;    /* what came of it, the caller's */
    uint64_t found_bytes; /* the sink had them already */
    uint64_t sent_bytes;  /* blocks that were sent again counted again */
};

/* Upload it, and wait until it is a recording. Reconnects, and asks again, as long as something
 * moves forward within --timeout; for large files the sink has more time to sum and decode. STALLED
 * or BUSY: not now, the same call goes on; else what the sink refused it with, or CONFLICT where
 * the file has changed. */
enum reel_code reel_upload_run(struct reel_upload_job *job, struct reel_error *err_out);

#endif
