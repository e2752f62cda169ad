/* Upload: a whole audio file on its way to become a recording, as the one writing thread sees it
 * (verbs on the store; see store/store.h for batches).
 *
 *   receiving  blocks come, each durable with the batch that took it
 *   whole      all is here, and waits for reel_upload_convert (another thread)
 *   installing the recording's row is committed; its file takes its name right after that commit
 *
 * What has come is uploads/{id}.part; reel_upload_convert makes recordings/{device}/
 * .{id}.upload.tmp of it, on the disk that the recording is to lie on, which may be another one. A
 * row and its file go together: recovery finishes what is installing, keeps what is receiving or
 * whole, and removes what no row knows. */
#ifndef REEL_STORE_UPLOAD_H
#define REEL_STORE_UPLOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/discard.h"
#include "store/store.h"

enum reel_upload_state {
    REEL_UPLOAD_RECEIVING,
    REEL_UPLOAD_WHOLE,
    REEL_UPLOAD_INSTALLING,
    REEL_UPLOAD_STATES
};

struct reel_upload {
    uint64_t rowid; /* the store's key; 0 until it has one */
    uint64_t id;    /* random; that of the recording which comes of it */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    enum reel_upload_state state;
    bool overwrite;
    uint64_t size_bytes;
    uint64_t block_bytes;   /* 0: it came in one message */
    uint8_t *received;      /* owned; a bit a block, the lowest of a byte first; NULL: no blocks */
    uint64_t blocks;        /* in all */
    uint64_t blocks_wanted; /* that have not come */
    char sha256[65];        /* that the client named; "" */
    json_t *tags;           /* owned; NULL: none */
    int64_t begun_us;
    int64_t updated_us;
    char *reply_topic;        /* owned; NULL: none is remembered */
    uint8_t *correlation;     /* owned; NULL: none */
    size_t correlation_bytes; /* at most REEL_CORRELATION_MAX_BYTES */
    int64_t retry_us;         /* monotonic, not stored: not made before, because the disk failed */

    /* The store's own. */
    struct reel_upload *prev, *next;
    int fd;        /* of the .part file while it is not synced; -1 */
    bool new_file; /* its name is not synced */
    bool dirty;    /* its row is to be saved with the batch */
    bool gone;     /* its row is to be removed with the next batch that is committed */
};

/* Set `received` up for blocks of `block_bytes`, none of them there; false if memory ran out. */
bool reel_upload_use_blocks(struct reel_upload *upload, uint64_t block_bytes);
bool reel_upload_has_block(const struct reel_upload *upload, uint64_t block);
void reel_upload_mark_block(struct reel_upload *upload, uint64_t block);

/* Release what it owns; accepts a zeroed one. */
void reel_upload_finish(struct reel_upload *upload);

/* Take a new one in: id, file, a row (staged). `*upload` is taken over on success: it lives in the
 * store until it is dropped or installed, and may be changed after reel_store_upload_touch. */
enum reel_code reel_store_upload_add(struct reel_store *store, const struct reel_upload *upload,
                                     struct reel_upload **held_out, struct reel_error *err_out);

/* Write bytes of it; durable with the batch. TOO_LARGE (field "payload") where the disk does not
 * let a file be so large: that is no failure of the store, and nothing of it counts. */
enum reel_code reel_store_upload_write(struct reel_store *store, struct reel_upload *upload,
                                       uint64_t offset, const void *bytes, size_t count,
                                       struct reel_error *err_out);

/* Say whether its file holds these bytes there. */
enum reel_code reel_store_upload_equal(struct reel_store *store, struct reel_upload *upload,
                                       uint64_t offset, const void *bytes, size_t count,
                                       bool *equal_out, struct reel_error *err_out);

/* It was changed: its row is saved with the batch. */
enum reel_code reel_store_upload_touch(struct reel_store *store, struct reel_upload *upload,
                                       struct reel_error *err_out);

/* Give it up: its row goes with the batch, what it has of files after that. With `reject` its file
 * goes into quarantine first, as reel_store_quarantine has it. It is gone for the caller. */
enum reel_code reel_store_upload_drop(struct reel_store *store, struct reel_upload *upload,
                                      const struct reel_reject *reject, uint64_t *quarantine_id_out,
                                      struct reel_error *err_out);

/* The one of that id, or for that name; NULL. One that is being installed is not found any more. */
struct reel_upload *reel_store_upload_find(struct reel_store *store, uint64_t id);
struct reel_upload *reel_store_upload_of(struct reel_store *store, const char *device,
                                         const char *session);

/* Walk them, oldest first: NULL begins, and ends. */
struct reel_upload *reel_store_upload_next(struct reel_store *store, struct reel_upload *after);

/* Make the recording of a whole one that was converted: its row (staged), the row of the one that
 * it replaces removed. The commit that makes both durable then renames the file, before it returns.
 * `removed_out` is what the replaced one was (rowid 0: there was none), for the caller to finish;
 * `*entry_out` is the new one. CONFLICT where the name is taken and may not be overwritten,
 * NOT_ALLOWED where the file is another recording's too: nothing was changed. NOT_FOUND where its
 * converted file is not there (any more): convert it again. */
enum reel_code reel_store_upload_install(struct reel_store *store, struct reel_upload *upload,
                                         const struct reel_format *format, uint64_t frames,
                                         int64_t now_us, struct reel_recording *removed_out,
                                         struct reel_entry **entry_out, struct reel_error *err_out);

/* Whether the name is free for it: CONFLICT (field "session") where there is a recording that may
 * not be replaced: `overwrite` was not said, or it is being recorded, or kept. */
enum reel_code reel_store_upload_may_take(struct reel_store *store, const char *device,
                                          const char *session, bool overwrite,
                                          struct reel_error *err_out);

/* What is to be thrown away, on another thread. False if there is nothing. */
bool reel_store_next_discard(struct reel_store *store, struct reel_discard *discard_out);

#endif
