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
};

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

#endif
