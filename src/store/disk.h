/* Disk: the few file-system verbs that the store is made of, every result checked, every short
 * read or write gone on with. All failures are STALLED and name what was tried. */
#ifndef REEL_STORE_DISK_H
#define REEL_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Write or read exactly `bytes` at `offset`. A file that ends before is NOT_FOUND (field and
 * outputs untouched). `name` is for the message. */
enum reel_code reel_disk_write(int fd, const void *data, uint64_t bytes, uint64_t offset,
                               const char *name, struct reel_error *err_out);
enum reel_code reel_disk_read(int fd, void *data, uint64_t bytes, uint64_t offset, const char *name,
                              struct reel_error *err_out);

/* Open the folder `name` below `parent_fd` (AT_FDCWD for a path), made if it is missing, its entry
 * kept. `*made_out` (may be NULL) says whether it was. */
enum reel_code reel_disk_folder(int parent_fd, const char *name, int *fd_out, bool *made_out,
                                struct reel_error *err_out);

/* Make the entry of a folder last, by a sync of the folder above it. Also of one that was there:
 * whoever made it may have been killed before that sync. When it was `made` now, that goes for the
 * one above too. What is above and not ours to read is left. */
enum reel_code reel_disk_keep_folder(int fd, const char *name, bool made,
                                     struct reel_error *err_out);

/* Open the folder `name` of the store, which must be there. */
enum reel_code reel_disk_open_folder(const char *dir, const char *name, int *fd_out,
                                     struct reel_error *err_out);

/* fsync the folder `name` below `parent_fd`. */
enum reel_code reel_disk_sync_folder(int parent_fd, const char *name, struct reel_error *err_out);

/* Make the file `name` below `parent_fd` hold `data`: a temporary file, sync, rename, sync of the
 * folder. After a failure the old one stands. */
enum reel_code reel_disk_replace(int parent_fd, const char *name, const void *data, uint64_t bytes,
                                 struct reel_error *err_out);

/* Read the whole file below `parent_fd`, which has at most `bytes_max` bytes (TOO_LARGE), into
 * memory that the caller frees, a 0 byte after it. NOT_FOUND where there is none. */
enum reel_code reel_disk_load(int parent_fd, const char *name, uint64_t bytes_max, char **data_out,
                              size_t *bytes_out, struct reel_error *err_out);

/* Whether this process may make a file so large (RLIMIT_FSIZE). */
bool reel_disk_allows(uint64_t bytes);

/* Whether one syncfs on this descriptor's file system makes everything on it durable and reports
 * what failed: ext4, xfs, btrfs, f2fs since Linux 5.8 (facts.md). */
bool reel_disk_syncfs_counts(int fd);

/* Whether what is open as `fd` lies on the file system of `root_fd`, so that a syncfs of that
 * reaches it: a device's folder may be a link to another disk. No where it cannot be told. */
bool reel_disk_syncfs_reaches(int root_fd, int fd);

#endif
