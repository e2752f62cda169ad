/* WAV, inside: what wav.c (the bytes of one file), wav_gather.c (those that wait to be written) and
 * wav_files.c (descriptors and syncs) share. */
#ifndef REEL_STORE_WAV_INTERNAL_H
#define REEL_STORE_WAV_INTERNAL_H

#include <sys/types.h>

#include "store/wav.h"

enum { WAV_SLICE_BYTES = 64 * 1024, REEL_WAV_PATH_BYTES = 2 * REEL_NAME_BYTES + 16 };

/* About 120 bytes and the name. `name` is "device/session.wav". */
struct reel_wav {
    struct reel_wav_files *files;
    struct reel_wav *prev, *next;             /* open ones, least recently used first */
    struct reel_wav *dirty_prev, *dirty_next; /* written since the last sync */
    struct reel_wav *unnamed_prev, *unnamed_next;
    int fd; /* -1: not open at the moment */
    bool dirty;
    bool timed;   /* its time of change is to be durable too: a younger file shows an old sidecar */
    bool unnamed; /* it has a temporary name until it is synced */
    ino_t inode;  /* of its file, once that was open; 0 before */
    struct reel_format format;
    uint64_t frames;                  /* with those that wait to be written */
    struct reel_wav_waiting *waiting; /* these; NULL: none */
    char name[];
};

struct reel_wav_files {
    int root_fd; /* recordings/ */
    bool syncfs; /* it counts here, may be used, and reaches all that was opened so far */
    struct reel_sync *sync;
    bool failed; /* a sync failed: what was dirty is lost, and nothing here works any more */
    size_t descriptors_max;
    size_t descriptors;
    struct reel_wav *open_list;
    struct reel_wav *dirty_list;
    size_t dirty_count;
    struct reel_wav *unnamed_list;
    bool closed_dirty; /* one was closed with its data unsynced: only syncfs reaches it */
    bool root_dirty;   /* a device's folder is new */
    char (*folders)[REEL_NAME_BYTES]; /* devices with new files */
    size_t folders_count;
    size_t folders_capacity;
    struct reel_wav_gathering *gathering;
    uint8_t slice[WAV_SLICE_BYTES];
};

/* The name below recordings/ that its file has now. */
void reel_wav_path(const struct reel_wav *wav, char out[REEL_WAV_PATH_BYTES]);

/* NULL if memory ran out; to be freed. */
struct reel_wav_gathering *reel_wav_gathering_create(void);

/* Take bytes that go behind all that the file has got so far, to `offset` in it: they are copied
 * and wait, or are written where they are many. Where there is no more room all that waits is
 * written. STALLED: a write failed, of these bytes or of what waits for any file; none of these are
 * taken. */
enum reel_code reel_wav_append(struct reel_wav *wav, uint64_t offset, const void *data,
                               uint64_t bytes, struct reel_error *err_out);

/* Write what waits for one file, or for all. STALLED: what could not be written goes on waiting. */
enum reel_code reel_wav_put_waiting(struct reel_wav *wav, struct reel_error *err_out);
enum reel_code reel_wav_files_put_waiting(struct reel_wav_files *files, struct reel_error *err_out);

/* How much waits for the file; forget it, written or not. */
uint64_t reel_wav_waiting_bytes(const struct reel_wav *wav);
void reel_wav_forget_waiting(struct reel_wav *wav);

/* Open it to be written into, as long as it was left, and remember that it must be synced. The
 * descriptor stays the cache's. STALLED where it does not open or is not as it was left. */
enum reel_code reel_wav_open_to_write(struct reel_wav *wav, int *fd_out,
                                      struct reel_error *err_out);

/* Whether its file is still the one that was opened, has a name, and is as long as what was written
 * into it: of one that was removed or cut nothing may be acknowledged, and the next write would put
 * zeros in the place of what is gone. STALLED; the message names the file and says which. */
enum reel_code reel_wav_check(struct reel_wav *wav, struct reel_error *err_out);

/* Why its file could not be made: NOT_ALLOWED (field "device") where what is in the way is in the
 * way of this device alone, STALLED for the disk. */
enum reel_code reel_wav_obstacle(const struct reel_wav *wav, int errno_value,
                                 struct reel_error *err_out);

/* Its descriptor, opened if need be, now the most recently used one. */
enum reel_code reel_wav_descriptor(struct reel_wav *wav, int *fd_out, struct reel_error *err_out);

/* Make its file with that header; the next sync gives it its name. CONFLICT where there is one
 * already, NOT_ALLOWED as above. */
enum reel_code reel_wav_make(struct reel_wav *wav, const char *device, const uint8_t *header,
                             size_t header_bytes, struct reel_error *err_out);

/* Remember that it must be synced. */
void reel_wav_mark_dirty(struct reel_wav *wav);

/* Take it out of the cache, its descriptor closed. */
void reel_wav_forget(struct reel_wav *wav);

#endif
