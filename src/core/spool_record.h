/* Spool record: what stands in the files of a recorder's spool, one after another.
 *
 * 20 bytes of head (the bytes "RSP1", XXH64 of all that follows it, kind, size of the body), then
 * the body; numbers are little-endian. A record is whole or is none, and can be found again behind
 * damaged bytes. */
#ifndef REEL_CORE_SPOOL_RECORD_H
#define REEL_CORE_SPOOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum {
    REEL_SPOOL_HEAD_BYTES = 20,
    REEL_SPOOL_LANE_BYTES = REEL_SPOOL_HEAD_BYTES + 2 * REEL_NAME_BYTES + 74,
    REEL_SPOOL_FRAGMENT_HEAD_BYTES = REEL_SPOOL_HEAD_BYTES + 28, /* the payload follows */
    REEL_SPOOL_BODY_MAX_BYTES = 4 * 1024 * 1024
};

/* The file that a lane is read from: the same one goes on where it was. All 0: none, live audio. */
struct reel_spool_source {
    uint64_t path_hash;
    uint64_t bytes;
    int64_t modified_ns;
};

/* One boot of one recording. Each file of the spool names those that it has fragments of. */
struct reel_spool_lane {
    uint32_t number; /* in this spool */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    uint64_t boot;
    struct reel_spool_source source;
    uint32_t fragment_frames; /* how the source is cut */
    bool ended;               /* its last fragment is in the spool */
    bool refused;             /* the sink has refused a part of it */
    bool damaged;             /* a part of it was lost to damage */
    uint64_t next_seq;        /* where the next fragment goes on */
    uint64_t next_frame;
    uint64_t acknowledged; /* below this `seq` nothing need be sent any more */
};

struct reel_spool_fragment {
    uint32_t lane;
    uint32_t frames;
    uint64_t seq;
    uint64_t next_frame; /* behind it */
    bool end;
    const uint8_t *payload;
    size_t payload_bytes;
};

enum reel_spool_kind { REEL_SPOOL_LANE = 1, REEL_SPOOL_FRAGMENT = 2 };

struct reel_spool_record {
    enum reel_spool_kind kind;
    size_t bytes; /* of the whole record */
    struct reel_spool_lane lane;
    struct reel_spool_fragment fragment; /* its payload points into what was decoded */
};

void reel_spool_lane_encode(const struct reel_spool_lane *lane, uint8_t out[REEL_SPOOL_LANE_BYTES]);

/* `out` has room for REEL_SPOOL_FRAGMENT_HEAD_BYTES and the payload. */
void reel_spool_fragment_encode(const struct reel_spool_fragment *fragment, uint8_t *out);

/* Whether it begins with as much of this version's magic as there is. */
bool reel_spool_record_begins(const uint8_t *bytes, size_t size);

/* The size that the record at `head` claims, 0 where no record begins there. */
size_t reel_spool_record_bytes(const uint8_t head[REEL_SPOOL_HEAD_BYTES]);

/* Decode the record that begins at `bytes`. False where none does, or it is cut or damaged. */
bool reel_spool_record_decode(const uint8_t *bytes, size_t size,
                              struct reel_spool_record *record_out);

/* Where the first whole record at or behind `from` begins; `size` where there is none. */
size_t reel_spool_record_find(const uint8_t *bytes, size_t size, size_t from);

#endif
