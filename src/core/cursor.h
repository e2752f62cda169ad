/* Cursor: where a page of `list`, `rejects` or `devices` ended, as text that its client hands back.
 * Pure.
 *
 * The bytes: what it is of (1), fingerprint of the question (4), key (8), row (8), the names where
 * the order goes by name, each ended by a zero, and a hash over all that (4); then base64url. Made
 * up or damaged text fails at the hash, text given in answer to another question at the
 * fingerprint. A cursor grants nothing, so neither is a secret. */
#ifndef REEL_CORE_CURSOR_H
#define REEL_CORE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/query_plan.h"

/* A hash of 32 bits (FNV-1a) over values, each with a mark of whether it is there. */
struct reel_hash {
    uint32_t value;
};
void reel_hash_init(struct reel_hash *hash);
void reel_hash_uint(struct reel_hash *hash, bool present, uint64_t value);
void reel_hash_real(struct reel_hash *hash, bool present, double value);
void reel_hash_text(struct reel_hash *hash, bool present, const char *text);

/* Read a cursor's text. False, the outputs untouched, where it is none that
 * reel_cursor_encode (reel_rejects_cursor_encode) made for a plan of this fingerprint. */
bool reel_cursor_decode(const char *text, const struct reel_list_plan *plan,
                        struct reel_cursor *cursor_out);
bool reel_rejects_cursor_decode(const char *text, const struct reel_rejects_plan *plan,
                                uint64_t *last_id_out);
bool reel_devices_cursor_decode(const char *text, char last_out[REEL_NAME_BYTES]);

#endif
