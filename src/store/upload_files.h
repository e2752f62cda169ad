/* Upload files: what their parts agree on: names, and what becomes of what is left over. */
#ifndef REEL_STORE_UPLOAD_FILES_H
#define REEL_STORE_UPLOAD_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "store/upload.h"

enum { REEL_UPLOAD_PART_BYTES = 32, REEL_UPLOAD_MADE_BYTES = REEL_NAME_BYTES + 40 };

/* "{id}.part", below uploads/. */
void reel_upload_part_name(uint64_t id, char out[REEL_UPLOAD_PART_BYTES]);

/* The id in such a name; false where it is none. */
bool reel_upload_parse_part(const char *name, uint64_t *id_out);

/* "{device}/.{id}.upload.tmp", below recordings/: no session's name begins with a dot, and recovery
 * removes such names. */
void reel_upload_made_name(const char *device, uint64_t id, char out[REEL_UPLOAD_MADE_BYTES]);

/* Give what was made of an upload its recording's name, in the place of what has that name, and
 * sync the folder. `old_fd_out` (may be NULL) gets a descriptor of what was there, -1 if nothing:
 * so the disk's blocks are freed when that is closed. NOT_FOUND where nothing was made. */
enum reel_code reel_upload_rename(int recordings_fd, const char *device, const char *session,
                                  uint64_t id, int *old_fd_out, struct reel_error *err_out);

/* Whether a write failed because the file system, or a limit, does not let a file be so large: that
 * waiting does not change. `*error` is TOO_LARGE (field "payload") then. */
bool reel_upload_too_large(struct reel_error *error);

#endif
