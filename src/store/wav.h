/* WAV: the file of one recording while it is being recorded: its header, appends, rewrites, sync.
 * A file costs a small struct; descriptors are a bounded cache (struct reel_wav_files), so that
 * 20,000 recordings may be open. */
#ifndef REEL_STORE_WAV_H
#define REEL_STORE_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/recording.h"
#include "store/sync.h"

struct reel_wav_files;
struct reel_wav;

/* The cache: at most `descriptors_max` files open at once. `dir` is store.dir, in which the folder
 * `recordings` stands already. `sync` is borrowed: it says how to sync, and is told what that
 * cost. */
enum reel_code reel_wav_files_create(const char *dir, size_t descriptors_max,
                                     struct reel_sync *sync, struct reel_wav_files **files_out,
                                     struct reel_error *err_out);
void reel_wav_files_destroy(struct reel_wav_files **files);

/* Make the file (and the device's folder) with a header for no frames; fails where it exists
 * (CONFLICT), or where something is in the way of this device alone (NOT_ALLOWED). It has its name
 * from the next sync on: a name that reached the disk before the header would be a file that does
 * not open (invariant 5). Or open one that recovery has checked, `frames` long. The handle
 * remembers names, format and length, not the recording. */
enum reel_code reel_wav_create(struct reel_wav_files *files, const struct reel_recording *recording,
                               struct reel_wav **wav_out, struct reel_error *err_out);
enum reel_code reel_wav_open(struct reel_wav_files *files, const struct reel_recording *recording,
                             struct reel_wav **wav_out, struct reel_error *err_out);
void reel_wav_close(struct reel_wav **wav); /* nothing is written; accepts NULL */

/* As in store.h. What goes behind the end waits in memory for the next sync, header or look at the
 * file, so that each file gets those of a batch with one call: only there does it fail. */
enum reel_code reel_wav_write(struct reel_wav *wav, uint64_t at_frame, const void *frames,
                              uint64_t frames_count, struct reel_error *err_out);
enum reel_code reel_wav_fill(struct reel_wav *wav, uint64_t at_frame, uint64_t frames_count,
                             struct reel_error *err_out);
enum reel_code reel_wav_read(struct reel_wav *wav, uint64_t at_frame, void *out,
                             uint64_t frames_count, struct reel_error *err_out);
enum reel_code reel_wav_equal(struct reel_wav *wav, uint64_t at_frame, const void *frames,
                              uint64_t frames_count, bool *equal_out, struct reel_error *err_out);

/* Frames that the file holds now, those not synced yet included. */
uint64_t reel_wav_frames(const struct reel_wav *wav);

/* Write the header for the frames that the file holds now, and the pad byte behind an odd number
 * of bytes (an append overwrites it); past 4 GiB in the order that keeps the file valid after any
 * crash (the size 0xFFFFFFFF is synced before RF64 and ds64 are written, or taken back). */
enum reel_code reel_wav_header(struct reel_wav *wav, const struct reel_recording *recording,
                               struct reel_error *err_out);

/* Sync everything written through the cache since the last call, then give new files their names
 * and sync those: one syncfs where the file system makes it a promise and `sync` finds it the
 * cheaper way, fdatasync of each else, and from the first file on that lies on another one. Then
 * each is looked at: one that another program removed, replaced or cut meanwhile is a failure too.
 * A failure is final for what was dirty (invariant 6). */
enum reel_code reel_wav_files_sync(struct reel_wav_files *files, uint64_t *synced_files_out,
                                   struct reel_error *err_out);

/* Whether the header of a file (`name` is "device/session.wav" below `root_fd`, recordings/) names
 * another recording whose own file is there, and says so too: then it is a second name of that, or
 * a copy. Also false where it cannot be read. */
struct reel_wav_owner {
    uint64_t id;
    bool same_file;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
};
bool reel_wav_find_owner(int root_fd, const char *name, struct reel_wav_owner *owner_out);

/* The id that the header of such a file names; false where it cannot be read or names none. */
bool reel_wav_find_id(int root_fd, const char *name, uint64_t *id_out);

/* What an errno of making a file in recordings/{device} (`root_fd` is recordings/) says of that
 * folder alone; NULL where it says more. */
const char *reel_wav_folder_obstacle(int root_fd, const char *device, int errno_value);

/* Write the header for `frames` frames into the file `fd`, in the same order; for recovery, which
 * has the file open itself. */
enum reel_code reel_wav_replace_header(int fd, const struct reel_recording *recording,
                                       uint64_t frames, const char *name,
                                       struct reel_error *err_out);

#endif
