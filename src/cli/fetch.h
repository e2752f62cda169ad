/* Fetch: a view of a recording, block by block, a few requests in flight, handed on in order. */
#ifndef REEL_CLI_FETCH_H
#define REEL_CLI_FETCH_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/client.h"
#include "cli/options.h"

/* Offsets to begin at are multiples of it. */
#define REEL_FETCH_BLOCK_BYTES ((uint64_t)256 * 1024)

enum { REEL_FETCH_VERSION_BYTES = 128 };

struct reel_fetch {
    const struct reel_common *common;
    const char *device;                     /* of the recording */
    const char *label;                      /* for the progress bar */
    const json_t *view;                     /* device, session; from, to, format */
    char version[REEL_FETCH_VERSION_BYTES]; /* to go on with; "": as the recording is now */
    uint64_t offset;                        /* to begin at; 0 without a version */
    void *user;
    /* The view is known; called once, before the first `write`. NULL: nothing to do. */
    enum reel_code (*begin)(void *user, const struct reel_fetch *fetch, struct reel_error *err_out);
    /* Bytes, in order and without holes from `offset` on. */
    enum reel_code (*write)(void *user, uint64_t offset, const void *bytes, size_t size,
                            struct reel_error *err_out);
    /* Whether there is room for another `write`. While there is none the fetch waits, also for what
     * `*wait_out` says (fd -1: nothing), and keeps its connection. NULL: there always is. */
    enum reel_code (*room)(void *user, bool *room_out, struct pollfd *wait_out,
                           struct reel_error *err_out);

    /* Known from the first answer on, and filled in besides `version`. */
    uint64_t size; /* bytes of the whole view */
    uint64_t from_frame, to_frame;
};

/* Make a view of a recording, or of its slice where those are given. The caller owns it; NULL if
 * memory ran out. */
json_t *reel_fetch_view(const char *device, const char *session,
                        const struct reel_seconds_option *from,
                        const struct reel_seconds_option *to);

/* Fetch the view from `offset` to its end; reconnects and asks again by itself as long as something
 * comes within --timeout. VERSION_MISMATCH: the version no longer holds, nothing more was written;
 * STALLED: no answer, no broker; else what the sink answered, or what `begin` or `write` failed
 * with. */
enum reel_code reel_fetch_run(struct reel_fetch *fetch, struct reel_error *err_out);

#endif
