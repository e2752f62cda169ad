/* Hash: the sha256 of a complete recording's file, made off the writing thread. */
#ifndef REEL_STORE_HASH_H
#define REEL_STORE_HASH_H

#include "base/err.h"
#include "store/store.h"

/* Read `{dir}/recordings/{device}/{session}.wav` and fill `job->sha256` with lower-case hex.
 * NOT_FOUND if it is gone, STALLED where it cannot be read. Any thread. */
enum reel_code reel_hash_file(const char *dir, struct reel_hash_job *job,
                              struct reel_error *err_out);

#endif
