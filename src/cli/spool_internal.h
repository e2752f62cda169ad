/* Spool: what its files share. */
#ifndef REEL_CLI_SPOOL_INTERNAL_H
#define REEL_CLI_SPOOL_INTERNAL_H

#include <pthread.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cli/spool.h"

/* Without a device: nothing but fragments of it were found. */
struct spool_lane {
    struct reel_spool_lane state;
    struct reel_spool_lane durable; /* as far as what it says was synced */
    uint64_t first_seq;             /* of what the spool may hold of it */
    uint64_t unnamed;               /* fragments that were found before its name */
    uint64_t noted;                 /* the last file that its state stands in */
    UT_hash_handle hh;
};

struct spool_file {
    uint64_t number;
    uint64_t bytes;
    uint64_t durable; /* of these */
    uint64_t held;    /* fragments that were taken out and not released */
    bool damaged;     /* it holds what could not be sent: it is set aside, not removed */
    struct spool_file *prev, *next;
};

struct reel_spool {
    pthread_mutex_t mutex;
    int folder;
    int lock;
    uint64_t max_bytes;
    uint64_t file_bytes;      /* at about this size a new one is begun */
    uint64_t bytes;           /* of all files */
    struct spool_file *files; /* oldest first */
    int out;                  /* the newest, being written; -1: none yet */
    bool failed;
    bool damaged;   /* audio is lost */
    bool full_told; /* the file that is written takes no more: begin another */
    uint64_t next_file;
    struct spool_lane *lanes;
    struct spool_lane *written;   /* the one that is appended to */
    uint32_t next_lane;           /* above that of each lane and fragment that is here */
    struct reel_spool_lane *done; /* sources that were published, the newest last */
    size_t done_count;
    bool done_news; /* not all of it is in the file yet */
    /* Where the next fragment is taken from. */
    uint64_t from_file;
    uint64_t from_offset;
    int in;
    uint64_t in_file; /* which that is */
    uint8_t *buffer;
    size_t buffer_bytes;
};

enum { SPOOL_NAME_BYTES = 40 };
#define SPOOL_ASIDE ".damaged"
void reel_spool_file_name(uint64_t number, char out[SPOOL_NAME_BYTES]);
struct spool_file *reel_spool_file_add(struct reel_spool *spool, uint64_t number, uint64_t bytes);

struct spool_lane *reel_spool_lane_find(struct reel_spool *spool, uint32_t number);

/* Take a state that was read or is new; NULL if memory ran out. */
struct spool_lane *reel_spool_lane_put(struct reel_spool *spool,
                                       const struct reel_spool_lane *state, uint64_t file);

/* Append the lane's state as far as it is durable, in a new file if there is none. */
enum reel_code reel_spool_note(struct reel_spool *spool, struct spool_lane *lane,
                               struct reel_error *err_out);

/* Whether both are the same recording of the same file. */
bool reel_spool_same(const struct reel_spool_lane *a, const struct reel_spool_lane *b);

/* Read all files. `resumed` as reel_spool_open has it. */
enum reel_code reel_spool_load(struct reel_spool *spool, reel_spool_resumed_fn *resumed, void *user,
                               struct reel_error *err_out);

/* Read the notes of sources that are done; write them anew with those that have become so, and
 * make that durable. BUSY: the disk is full; what was noted before stays. */
enum reel_code reel_spool_done_load(struct reel_spool *spool, struct reel_error *err_out);
enum reel_code reel_spool_done_note(struct reel_spool *spool, struct reel_error *err_out);

enum reel_code reel_spool_sync_locked(struct reel_spool *spool, struct reel_error *err_out);

/* Read just so many bytes into the buffer. */
enum reel_code reel_spool_fetch(struct reel_spool *spool, int fd, uint64_t offset, size_t bytes,
                                struct reel_error *err_out);

/* Read the record at `*offset` of a file of which `limit` bytes count, and go behind it. What is
 * damaged is passed over; `*damaged_out` says how much of it was before the record, or at the end.
 * `*found_out` is false there. The record points into the spool's buffer. */
enum reel_code reel_spool_read(struct reel_spool *spool, int fd, uint64_t limit, uint64_t *offset,
                               struct reel_spool_record *record_out, bool *found_out,
                               uint64_t *damaged_out, struct reel_error *err_out);

#endif
