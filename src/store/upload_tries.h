/* Upload, tries: how often the process has ended while it read a file. A decoder that a stranger's
 * file can crash would else crash again after each start. */
#ifndef REEL_STORE_UPLOAD_TRIES_H
#define REEL_STORE_UPLOAD_TRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* More often than by chance; a sink that is killed again and again while it reads a large file must
 * not come to refuse it. */
enum { REEL_UPLOAD_TRIES_MAX = 8, REEL_UPLOAD_TRIES_BYTES = 32 };

/* "{id}.tries", below uploads/: a byte for each. */
void reel_upload_tries_name(uint64_t id, char out[REEL_UPLOAD_TRIES_BYTES]);
bool reel_upload_parse_tries(const char *name, uint64_t *id_out);

/* Note that the file is about to be read. It is not synced: it is for a process that ends, not for
 * power that does. BAD_REQUEST where that was so often in vain; STALLED. */
enum reel_code reel_upload_tries_begin(const char *dir, uint64_t id, struct reel_error *err_out);

/* It has been read, or refused, and the process is still there. */
void reel_upload_tries_end(const char *dir, uint64_t id);

#endif
