/* Recorder: a thread that takes audio from its sources into the spool, whatever the network does.
 */
#ifndef REEL_CLI_RECORDER_H
#define REEL_CLI_RECORDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "cli/cutter.h"
#include "cli/spool.h"

/* One source. The caller sets session and the first fields of the cutter. */
struct reel_recording {
    char session[REEL_NAME_BYTES];
    struct reel_cutter cutter;
    uint64_t left_out_frames; /* of live audio, because the spool was full */
    struct reel_error error;  /* what ended it early */
};

struct reel_recorder {
    struct reel_spool *spool;
    const char *device;
    const struct reel_source_raw *raw;
    unsigned fragment_ms;
    bool quiet;
    struct reel_recording *recordings;
    size_t count;

    bool unread; /* after the end: a source was not read to its end, because it was to stop */
    pthread_t thread;
    int wake;            /* eventfd: makes the thread look up */
    int news;            /* eventfd: readable when something was made durable, or it is over */
    atomic_bool opening; /* a pipe lets it wait for its first bytes */
    atomic_bool stop;
    atomic_bool ended;
};

/* What the spool knows the file at `path` by; all 0 where it is none. */
void reel_recorder_source(const char *path, struct reel_spool_source *source_out);

/* Start to record one after another; what stands before `thread` has been set. STALLED where
 * there are no descriptors or threads. Signals must be held back. */
enum reel_code reel_recorder_start(struct reel_recorder *recorder, struct reel_error *err_out);

/* Ask it to end: live audio in good order, a file where it is, to be gone on with. */
void reel_recorder_stop(struct reel_recorder *recorder);

/* Wait for its end and release what it held. Each recording's outcome stays. */
void reel_recorder_join(struct reel_recorder *recorder);

#endif
