/* Spool: a folder that keeps encoded fragments until the sink has acknowledged them.
 *
 * Records (core/spool_record.h) are appended to numbered files of a few MiB each, `00000001.spool`
 * and so on. What was synced survives a power cut, and only that is given out to be sent; so what
 * the sink has is never cut anew in another way. A file goes once all that it holds has left; one
 * with damaged bytes, or fragments of a lane whose name is lost, is set aside as NAME.damaged. A
 * start reads everything, says which bytes are damaged, cuts off a torn end of the last file and
 * passes damage over elsewhere; it then writes into a new file. Which sources are wholly
 * acknowledged stands in the file `done`. A lock in the folder keeps a second program off it.
 *
 * One thread may append and sync while another takes out and releases. */
#ifndef REEL_CLI_SPOOL_H
#define REEL_CLI_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/cutter.h"
#include "core/spool_record.h"

struct reel_spool;

/* Whether the file that the lane is read from is about to be read again, by its lane_open. */
typedef bool reel_spool_resumed_fn(void *user, const struct reel_spool_lane *lane);

/* Open the folder, which is made if it is not there, to hold at most `max_bytes`. What stands
 * behind damage in the last file is cut off where it is `resumed`, and kept where not. BUSY:
 * another program uses it; VERSION_MISMATCH: a file in it is of another version or none of ours,
 * and nothing was changed; STALLED, with the system's words, where it cannot be used. */
enum reel_code reel_spool_open(const char *folder, uint64_t max_bytes,
                               reel_spool_resumed_fn *resumed, void *user,
                               struct reel_spool **spool_out, struct reel_error *err_out);

/* Let go of it; what is in it stays. Accepts NULL. */
void reel_spool_close(struct reel_spool **spool);

/* The device whose recordings it holds, NULL where it holds none. */
const char *reel_spool_device(const struct reel_spool *spool);

/* Fragments that wait for their acknowledgement. */
uint64_t reel_spool_waiting(struct reel_spool *spool);

/* Audio in it is lost: damaged, missing, or without the name of its recording. */
bool reel_spool_damaged(struct reel_spool *spool);

/* Whether the source of this session has been published; `*whole_out`: all of it. */
bool reel_spool_done(struct reel_spool *spool, const struct reel_spool_lane *lane, bool *whole_out);

/* Find the lane of this session that is read from that source, or begin a new one as `lane` says,
 * whose number is set. `*lane` is what it is then. CONFLICT: the spool goes on with another state
 * of that file. */
enum reel_code reel_spool_lane_open(struct reel_spool *spool, struct reel_spool_lane *lane,
                                    struct reel_error *err_out);

/* Append a fragment; its payload stays the caller's. BUSY: no room, for now, within the bound or
 * on the disk; nothing was written. STALLED: the disk fails. */
enum reel_code reel_spool_append(struct reel_spool *spool, uint32_t lane,
                                 const struct reel_cut *cut, struct reel_error *err_out);

/* Make what was appended durable, where there is anything. On STALLED what was not durable before
 * is gone, and nothing may be appended any more. */
enum reel_code reel_spool_sync(struct reel_spool *spool, struct reel_error *err_out);

/* Bytes that were appended and not synced. */
uint64_t reel_spool_unsynced(struct reel_spool *spool);

/* A fragment that was taken out. */
struct reel_spool_item {
    struct reel_spool_lane lane;         /* as it is now */
    struct reel_spool_fragment fragment; /* the payload is in `memory` */
    uint8_t *memory;                     /* the receiver's, from malloc */
    uint64_t file;                       /* to be released */
    uint64_t first_seq;                  /* the lane's first that was to be sent */
};

/* Take the next durable fragment that is not acknowledged. `*item_out` has no memory where there
 * is none for now. */
enum reel_code reel_spool_take(struct reel_spool *spool, struct reel_spool_item *item_out,
                               struct reel_error *err_out);

/* A fragment of that file need not be kept any longer: it was acknowledged, or given up. */
void reel_spool_release(struct reel_spool *spool, uint64_t file);

/* Note that nothing of the lane below `seq` need be sent any more. Not synced: where that is lost
 * in a power cut, a few fragments are sent again. */
void reel_spool_acknowledged(struct reel_spool *spool, uint32_t lane, uint64_t seq);

/* Note that the sink has refused a fragment of the lane: its source is not done then; and that
 * fragments of it were not there to be sent. */
void reel_spool_refused(struct reel_spool *spool, uint32_t lane);
void reel_spool_missed(struct reel_spool *spool, uint32_t lane);

/* Everything was taken out and released: note which sources are done, then remove the files, but
 * for the note of where recordings stopped whose file was not read to its end. On an error what
 * could not be noted durably is still in the files, or the disk is full. */
enum reel_code reel_spool_clear(struct reel_spool *spool, struct reel_error *err_out);

#endif
