/* Tombstone: what is remembered of a deleted recording for a while, so that a fragment that comes
 * once more is told from new audio. Pure. */
#ifndef REEL_CORE_TOMBSTONE_H
#define REEL_CORE_TOMBSTONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recording.h"

/* What its newest epoch of one boot would have gone on with. */
struct reel_tombstone_boot {
    struct reel_boot boot;
    bool has_next_seq;
    bool has_next_frame;
    uint64_t next_seq;
    uint64_t next_frame;
    uint32_t first_frames; /* how many of its first frames, those of number 0, `first_hash` is of;
                              0: not known, or silence */
    uint64_t first_hash;
};

/* How many first frames are remembered of a boot: noise of so many is not twice the same. */
enum { REEL_TOMBSTONE_FIRST_FRAMES = 64 };

struct reel_tombstone {
    uint64_t id; /* of the recording; what has it on disk is to go */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    char part_of[REEL_NAME_BYTES]; /* as the recording had it */
    int64_t deleted_us;
    struct reel_tombstone_boot *boots; /* each boot once */
    size_t boots_count;
    size_t boots_capacity;
};

/* What stays of a recording that is deleted now. False if memory ran out: nothing is held then. */
bool reel_tombstone_make(const struct reel_recording *recording, int64_t now_us,
                         struct reel_tombstone *tombstone_out);

/* Where the first frames of a boot's numbers stand in the file, if they do: at most
 * REEL_TOMBSTONE_FIRST_FRAMES of its first fragment. */
bool reel_tombstone_find_first(const struct reel_recording *recording, const struct reel_boot *boot,
                               uint64_t *from_frame_out, uint32_t *frames_out);

/* Remember them. Silence says nothing, and is not remembered. */
void reel_tombstone_set_first(struct reel_tombstone_boot *boot, const void *frames,
                              uint32_t frames_count, uint32_t frame_bytes);

/* Append a boot without numbers; NULL if memory ran out. For the store, when it loads one. */
struct reel_tombstone_boot *reel_tombstone_add_boot(struct reel_tombstone *tombstone,
                                                    const struct reel_boot *boot);

/* Release what it owns. Accepts a zeroed one. */
void reel_tombstone_finish(struct reel_tombstone *tombstone);

/* The entry of that boot; NULL if it had none. */
const struct reel_tombstone_boot *reel_tombstone_find(const struct reel_tombstone *tombstone,
                                                      const struct reel_boot *boot);

/* What a recording that goes on from it expects next of that boot, as struct reel_numbers has it
 * for reel_recording_begin_at. False, `*next_out` untouched, if it counted nothing of that boot. */
bool reel_tombstone_next(const struct reel_tombstone *tombstone, const struct reel_boot *boot,
                         struct reel_numbers *next_out);

/* Whether a fragment of these numbers lies wholly below what its boot would have gone on with: it
 * was stored, or was missing, before the recording was deleted. Without a number that the boot
 * counted by nobody can say: false. */
bool reel_tombstone_covers(const struct reel_tombstone *tombstone,
                           const struct reel_numbers *numbers);

/* Whether a fragment that it covers, by its number 0 the first of its boot, is not shown to be a
 * repeat, because it does not begin as the deleted one did: the recorder has restarted under its
 * old name. `frames` are the fragment's. */
bool reel_tombstone_restarts(const struct reel_tombstone *tombstone,
                             const struct reel_numbers *numbers, const void *frames,
                             uint32_t frame_bytes);

#endif
