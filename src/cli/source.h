/* Source: where the audio that is published comes from: a file, standard input, or the sink. */
#ifndef REEL_CLI_SOURCE_H
#define REEL_CLI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/feed.h"
#include "wire/format.h"

struct reel_source;

/* What raw bytes on standard input are; where nothing is given (sample_bytes 0), what
 * `arecord -t raw` sends by default: 8000 frames a second, one channel, one byte. */
struct reel_source_raw {
    bool given; /* any of the options was: the bytes are raw whatever they look like */
    struct reel_format format;
};

/* Open the file, or standard input for "-": raw bytes, or WAV of any declared length, or, where it
 * is a file, whatever libsndfile reads. Waits for the first bytes of a pipe. BAD_REQUEST for what
 * cannot be taken; NOT_FOUND; STALLED for a failing read. */
enum reel_code reel_source_open(const char *path, const struct reel_source_raw *raw,
                                struct reel_source **source_out, struct reel_error *err_out);

/* Take what a feed fetches, and the feed over, also where this fails. Waits for the first bytes.
 * Errors as reel_fetch_run has them. */
enum reel_code reel_source_open_feed(struct reel_feed *feed, struct reel_source **source_out,
                                     struct reel_error *err_out);
void reel_source_close(struct reel_source **source); /* accepts NULL */

const struct reel_format *reel_source_format(const struct reel_source *source);

/* The source is a pipe or a terminal: audio comes as it is made. */
bool reel_source_live(const struct reel_source *source);

/* The bytes are taken as `arecord -t raw` sends them because nothing says what they are. */
bool reel_source_guessed(const struct reel_source *source);
void reel_source_guess_note(void); /* tells the user so */

/* All frames it will give, 0 where that is not known. */
uint64_t reel_source_frames(const struct reel_source *source);

/* The descriptor to wait for before the next read, -1 where a read does not wait. */
int reel_source_fd(const struct reel_source *source);

/* Read towards `frames` frames in `out`, of which `*have_frames` are there already; at most one
 * system call where the source is live. `*end_out`: nothing follows. A failure leaves what came
 * before it in `out` and in `*have_frames`; the source is at its end then. */
enum reel_code reel_source_read(struct reel_source *source, void *out, uint64_t frames,
                                uint64_t *have_frames, bool *end_out, struct reel_error *err_out);

#endif
