/* Cutter: from a source of audio into encoded fragments, numbered and timed. Reads the source, does
 * no other I/O. */
#ifndef REEL_CLI_CUTTER_H
#define REEL_CLI_CUTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "cli/source.h"
#include "reel/fragment.h"

struct reel_cutter {
    /* Set by the caller, and borrowed. */
    const char *path;
    const struct reel_recorder_tag *tags; /* go with the first fragment */
    size_t tags_count;
    double speed;          /* so many times as fast as it plays; 0: as fast as it goes */
    bool has_first_time;   /* else the time is that of reading, where the audio is live or paced */
    int64_t first_time_us; /* when the first frame was captured, since 1970 */
    bool stop;             /* take what is there as the end of the source */

    struct reel_source *source; /* may be set: one that is open already, and finished here */
    struct reel_format format;
    uint64_t boot;
    uint64_t next_seq;
    uint64_t next_frame;
    uint64_t total_frames; /* 0: not known */
    int64_t started_us;    /* monotonic, when the first fragment was read; for the pace */
    uint8_t *fragment;     /* the one that is being filled */
    uint32_t fragment_frames;
    uint64_t have_frames;
    bool ended; /* nothing follows */
};

/* One encoded fragment. */
struct reel_cut {
    uint64_t seq;
    uint64_t frame;
    uint32_t frames;
    bool end;         /* the recording's last */
    uint8_t *payload; /* the receiver's, from malloc; NULL: there is no fragment yet */
    size_t payload_bytes;
};

/* Open the source, if it is not, and prepare, with a random boot. `fragment_ms` 0: what suits the
 * source. Errors as reel_source_open has them; the caller finishes in any case. */
enum reel_code reel_cutter_open(struct reel_cutter *cutter, const struct reel_source_raw *raw,
                                unsigned fragment_ms, struct reel_error *err_out);
/* Cut as another run of the recorder did, whose boot goes on; to be called before reading. The
 * first fragments are then what they were in that run. */
enum reel_code reel_cutter_resume(struct reel_cutter *cutter, uint64_t boot,
                                  uint32_t fragment_frames, struct reel_error *err_out);
void reel_cutter_finish(struct reel_cutter *cutter);

/* When the next read is worth while: monotonic; 0 for now. */
int64_t reel_cutter_next_us(const struct reel_cutter *cutter);

/* Read on; `*cut_out` has a fragment once one is whole, the last one with `end`. A failing source
 * is an error that may come with what was read before it, in a fragment without that mark. */
enum reel_code reel_cutter_read(struct reel_cutter *cutter, int64_t now_us, int64_t wall_us,
                                struct reel_cut *cut_out, struct reel_error *err_out);

/* After the last: one more fragment, which has `end` and no audio. */
enum reel_code reel_cutter_end(struct reel_cutter *cutter, int64_t wall_us,
                               struct reel_cut *cut_out, struct reel_error *err_out);

#endif
