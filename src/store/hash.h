/* Hash: sha256, of bytes as they come and of a complete recording's file; made off the writing
 * thread. */
#ifndef REEL_STORE_HASH_H
#define REEL_STORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

enum { REEL_SHA256_TEXT_BYTES = 65 }; /* 64 lower-case hex digits and the end */

/* A sum under way. STALLED without memory; INTERNAL where libcrypto fails. `destroy` accepts
 * NULL. After `text` nothing more can be added. */
struct reel_digest;
enum reel_code reel_digest_create(struct reel_digest **digest_out, struct reel_error *err_out);
void reel_digest_destroy(struct reel_digest **digest);
enum reel_code reel_digest_add(struct reel_digest *digest, const void *bytes, size_t count,
                               struct reel_error *err_out);
enum reel_code reel_digest_text(struct reel_digest *digest, char out[REEL_SHA256_TEXT_BYTES],
                                struct reel_error *err_out);

/* Sum what the descriptor reads from where it stands, to its end or `bytes_max`. `progress` (may be
 * NULL) is told how many bytes have been read. STALLED where it cannot be read. */
typedef void reel_hash_progress_fn(void *user, uint64_t done_bytes);
enum reel_code reel_hash_descriptor(int fd, const char *name, uint64_t bytes_max,
                                    reel_hash_progress_fn *progress, void *user,
                                    char out[REEL_SHA256_TEXT_BYTES], struct reel_error *err_out);

/* Read `{dir}/recordings/{device}/{session}.wav` and fill `job->sha256` with lower-case hex.
 * NOT_FOUND if it is gone, STALLED where it cannot be read. Any thread. */
enum reel_code reel_hash_file(const char *dir, struct reel_hash_job *job,
                              struct reel_error *err_out);

#endif
