/* Part: a download on its way into FILE, as FILE.part, with FILE.part.json to say what of.
 *
 * Bytes come in order, so what FILE.part holds is a beginning, and a broken download goes on from
 * its end. FILE itself appears whole, or not at all. */
#ifndef REEL_CLI_PART_H
#define REEL_CLI_PART_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct reel_part;

/* Open FILE.part, or make it. Where it holds a beginning of the same `view` (the members of the
 * request), `*offset_out` is its length, a multiple of `block_bytes`, and `version_out` the
 * version it came from; else 0 and "". CONFLICT while another process writes it, STALLED where it
 * cannot be opened. */
enum reel_code reel_part_open(const char *path, const json_t *view, uint64_t block_bytes,
                              struct reel_part **part_out, uint64_t *offset_out, char *version_out,
                              size_t version_capacity, struct reel_error *err_out);

/* Leave FILE.part as it is; remove it if it is empty. Accepts NULL. */
void reel_part_close(struct reel_part **part);

/* Begin anew with that version: FILE.part becomes empty, FILE.part.json is written. */
enum reel_code reel_part_begin(struct reel_part *part, const char *version,
                               struct reel_error *err_out);

enum reel_code reel_part_write(struct reel_part *part, uint64_t offset, const void *bytes,
                               size_t size, struct reel_error *err_out);

/* Sync FILE.part, rename it to FILE, remove FILE.part.json, sync the folder. After an error
 * FILE.part is still there, or FILE is. */
enum reel_code reel_part_finish(struct reel_part *part, struct reel_error *err_out);

#endif
