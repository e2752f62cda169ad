/* Hash: sha256, of bytes as they come and of a complete recording's file; made off the writing
 * thread. */
#ifndef REEL_STORE_HASH_H
#define REEL_STORE_HASH_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

enum { REEL_SHA256_TEXT_BYTES = 65 }; /* 64 lower-case hex digits and the end */

/* A sum under way, which needs no memory of its own and cannot fail. After `text` it has begun
 * anew. */
struct reel_digest {
    struct sha256_ctx context;
};
void reel_digest_begin(struct reel_digest *digest);
void reel_digest_add(struct reel_digest *digest, const void *bytes, size_t count);
void reel_digest_text(struct reel_digest *digest, char out[REEL_SHA256_TEXT_BYTES]);

/* Sum what the descriptor reads from where it stands, to its end or `bytes_max`. `progress` (may be
 * NULL) is told how many bytes have been read. STALLED where it cannot be read; NOT_FOUND where the
 * file has lost its last name. */
typedef void reel_hash_progress_fn(void *user, uint64_t done_bytes);
enum reel_code reel_hash_descriptor(int fd, const char *name, uint64_t bytes_max,
                                    reel_hash_progress_fn *progress, void *user,
                                    char out[REEL_SHA256_TEXT_BYTES], struct reel_error *err_out);

/* Read `{dir}/recordings/{device}/{session}.wav` and fill `job->sha256` with lower-case hex.
 * NOT_FOUND if it is gone or shorter than its frames, which must not come to look whole; STALLED
 * where it cannot be read. Any thread. */
enum reel_code reel_hash_file(const char *dir, struct reel_hash_job *job,
                              struct reel_error *err_out);

#endif
