/* Sync: which of two ways makes a batch's files durable: fdatasync of each, or one syncfs. Neither
 * is always the cheaper one: a syncfs costs the same for one file and for a thousand, but writes
 * out what other programs have left dirty too, and on ext4 each changed block of metadata twice, to
 * the journal and to its place, where single syncs leave the place to be written once for many. So
 * the choice goes by how many are dirty, what either way cost last, and whether there is time for
 * the one that writes less (README.md, "What a commit costs"). */
#ifndef REEL_STORE_SYNC_H
#define REEL_STORE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be used where syncfs counts at all (reel_disk_syncfs_counts). */
enum reel_sync_way { REEL_SYNC_AUTO, REEL_SYNC_FILES, REEL_SYNC_FILE_SYSTEM };

struct reel_sync {
    enum reel_sync_way way;
    int64_t (*clock)(void); /* monotonic, microseconds; NULL: nothing is measured */
    /* What one file or folder costs where they are synced one by one, and what a syncfs costs: half
     * of it the last, half what was believed before, so that one slow sync says little. */
    double single_us;
    double whole_us;
    double spent_us;  /* on the cheaper way since the dearer one was last used */
    int64_t ended_us; /* when the last was over */
};

/* Before anything was measured one syncfs counts as four single syncs. */
void reel_sync_init(struct reel_sync *sync, enum reel_sync_way way, int64_t (*clock)(void));

/* Whether a syncfs may take the place of single syncs, where it counts. */
bool reel_sync_whole_allowed(const struct reel_sync *sync);

/* Whether one syncfs is to make `items` files and folders durable rather than a sync of each. One
 * item never asks for it. The way that seems dearer is tried again when the other has since cost 16
 * times what it is expected to: a wrong figure heals, and trying costs a sixteenth at most. */
bool reel_sync_whole(const struct reel_sync *sync, size_t items);

/* Whether single syncs of so many, dearer or not, would take an eighth at most of the time since
 * the last ones: they write less. Only where the choice is ours, and there is a clock. */
bool reel_sync_at_leisure(const struct reel_sync *sync, size_t items);

/* Take in what making `items` durable cost, in whichever way; it is over now. */
void reel_sync_took(struct reel_sync *sync, bool whole, size_t items, int64_t took_us);

/* The clock's time; 0 without one. */
int64_t reel_sync_now_us(const struct reel_sync *sync);

#endif
