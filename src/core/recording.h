/* Recording: what the sink knows of one recording, and how it changes. Pure: no I/O, no clock.
 *
 * A recording's file is a sequence of stretches. Within one stretch a fragment's number and its
 * place in the file go together: frame f stands at start_frames + (f - first_frame). A stretch
 * ends, and the next begins, where that relation breaks: an unnumbered fragment, another boot, a
 * confirmed jump, a discontinuity of unknown length, another set of numbers. So
 *   - a hole inside a stretch is a gap: its place is known, it can be filled (`missing`);
 *   - numbers between two stretches of one epoch, or before its first, are lost (`lost`).
 *
 * An epoch is one run of the recorder: it grows when `boot` changes to one never seen or the
 * recorder restarted under its old name. The newest epoch of a boot is the one that its fragments
 * are placed in. The stretches of an epoch adjoin in the list, and their numbers only grow.
 *
 * Bounds: a recording keeps at most REEL_RUNS_MAX runs and REEL_STRETCHES_MAX stretches. At the
 * bound the oldest detail goes, never audio: first what is stored in runs of different sizes
 * becomes one run, then gaps become FORGOTTEN together with what is stored around them, and the
 * older half of the stretches becomes one. The seqs of a FORGOTTEN run count as lost; gap_frames
 * goes on counting its silence. So run and stretch lists can get shorter. */
#ifndef REEL_CORE_RECORDING_H
#define REEL_CORE_RECORDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "wire/format.h"
#include "wire/fragment.h"

enum reel_state { REEL_STATE_RECORDING, REEL_STATE_COMPLETE };

enum reel_end_reason {
    REEL_END_NONE,
    REEL_END_END,
    REEL_END_IDLE,
    REEL_END_UPLOAD,
    REEL_END_LIMIT,
    REEL_END_COUNT
};

enum reel_run_kind {
    REEL_RUN_STORED,
    REEL_RUN_GAP,          /* silence; its length was given by `frame` */
    REEL_RUN_GAP_INFERRED, /* silence; its length was inferred from `seq` */
    REEL_RUN_FORGOTTEN,    /* audio and gaps not told apart any more: see "Bounds" above */
};

/* Fragments that follow on from each other: run-length coded. Where the stretch has `frame`, what
 * is stored between two gaps is one run whatever the sizes; where it has `seq` alone, a run is of
 * one size, so that a number leads to a place. */
struct reel_run {
    enum reel_run_kind kind;
    uint64_t frames; /* total length. A gap has some. What is stored has none only if every
                        fragment of the run was empty (an `end` without data) */
    uint64_t seqs;   /* how many sequence numbers it covers; 0 where the stretch has no seq */
    uint32_t fragment_frames; /* frames of each fragment if all have the same size, else 0; of an
                                 inferred gap the size that was inferred */
};

/* Why a stretch began. */
enum reel_stretch_reason {
    REEL_STRETCH_FIRST,   /* the recording's first */
    REEL_STRETCH_NUMBERS, /* the set of numbers changed; nothing is lost */
    REEL_STRETCH_BOOT,    /* a boot never seen */
    REEL_STRETCH_RESTART, /* the recorder restarted under its old name */
    REEL_STRETCH_JUMP,    /* a skip that a second fragment confirmed */
    REEL_STRETCH_UNKNOWN, /* a discontinuity of unknown length */
};

struct reel_stretch {
    uint32_t epoch;
    enum reel_stretch_reason reason;
    struct reel_boot boot;
    bool has_seq;
    bool has_frame;
    uint64_t first_seq;
    uint64_t first_frame;
    uint64_t start_frames; /* place in the file */
    uint64_t frames;       /* sum over the runs */
    uint64_t seqs;         /* sum over the runs */
    struct reel_run *runs; /* at least one, once a fragment is placed */
    size_t runs_count;
    size_t runs_capacity;
    size_t runs_dirty_from; /* runs from here on differ from the catalog, and what the catalog
                               has at runs_count and after must go; runs_count if none */
    size_t runs_saved;      /* so many the catalog has, where it has the head as it is here */
};

enum reel_candidate_kind { REEL_CANDIDATE_NONE, REEL_CANDIDATE_JUMP, REEL_CANDIDATE_CONFLICT };

/* A fragment in quarantine that the next may confirm. */
struct reel_candidate {
    enum reel_candidate_kind kind;
    struct reel_numbers numbers;
    uint64_t quarantine_id;
};

struct reel_recording {
    uint64_t id;    /* random; tells it from an earlier one of the same name */
    uint64_t rowid; /* the store's key; 0 until it has one */
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    struct reel_format format;

    /* A recording that grows past session.max_duration_s goes on in others: the session that this
     * one goes on with ("": that of its own name), and as which part of it, from 1 on. */
    char part_of[REEL_NAME_BYTES];
    uint64_t part;
    bool continued; /* the numbers of its first epoch go on from those of an earlier recording:
                       what is below its first stretch is that one's, and not lost */
    struct reel_numbers begin; /* of a continued one without a stretch: what comes next */

    enum reel_state state;
    enum reel_end_reason end_reason;
    bool kept;

    uint64_t frames;   /* length of the file, gaps included */
    uint64_t rewrites; /* how often audio before the end was rewritten */
    int64_t started_us;
    int64_t updated_us;
    bool has_captured;
    int64_t captured_from_us;
    int64_t captured_to_us;

    uint64_t fragments;  /* stored */
    uint64_t duplicates; /* repeats */
    uint64_t rejected;   /* quarantined, and not taken up again as a confirmed candidate */
    uint64_t gap_frames; /* frames of silence that stand for missing audio now */

    /* Of the newest epoch; kept here too, so that a list needs no stretches. */
    struct reel_boot boot;
    bool has_next_seq;
    uint64_t next_seq;

    json_t *tags;    /* object, owned; NULL if none */
    char sha256[65]; /* of the complete file, lower-case hex; "" until made and after any change */

    struct reel_stretch *stretches;
    size_t stretches_count;
    size_t stretches_capacity;
    size_t stretches_dirty_from; /* heads of stretches (all but the runs and their sums) from here
                                    on differ from the catalog, and what the catalog has at
                                    stretches_count and after must go */
    struct reel_candidate candidate;
};

/* Set up an empty recording, not at any place yet; strings are copied. */
void reel_recording_init(struct reel_recording *recording, const char *device, const char *session,
                         const struct reel_format *format, int64_t now_us);

/* Let an empty one go on from the numbers of an earlier recording: `next` is what that one expects
 * next, as far as it counts (its boot too; `frames` and `end` mean nothing). They are needed until
 * the first fragment is placed, and live in memory alone. One that begins with a fragment of
 * another boot is not `continued` any more. */
void reel_recording_begin_at(struct reel_recording *recording, const struct reel_numbers *next);

/* Let an empty one be the part after `before`, as number `part` of `session`: it goes on from the
 * numbers of its newest epoch, and takes over its candidate and its tags. */
void reel_recording_go_on(struct reel_recording *recording, struct reel_recording *before,
                          const char *session, uint64_t part);

/* Release what it owns. Accepts a zeroed one. */
void reel_recording_finish(struct reel_recording *recording);

/* Append an empty stretch or run; NULL if memory ran out. It is dirty, since a mark is never past
 * the count. The store, when it loads a recording, fills them in and then sets the marks to the
 * counts. */
struct reel_stretch *reel_recording_add_stretch(struct reel_recording *recording);
struct reel_run *reel_stretch_add_run(struct reel_stretch *stretch);

/* Seal it: state, reason; `sha256` becomes "". */
void reel_recording_complete(struct reel_recording *recording, enum reel_end_reason reason,
                             int64_t now_us);

/* Merge a fragment's tags: the latest values stand, at most REEL_TAGS_MAX stay (further new names
 * are ignored). `tags` is not changed; NULL is none. Returns whether anything changed; false too if
 * memory ran out. */
bool reel_recording_merge_tags(struct reel_recording *recording, json_t *tags);

/* Frames of audio that were received: frames less gap_frames. */
uint64_t reel_recording_audio_frames(const struct reel_recording *recording);

/* Length in seconds. */
double reel_recording_duration_s(const struct reel_recording *recording);

const char *reel_state_name(enum reel_state state);
/* "" for REEL_END_NONE. */
const char *reel_end_reason_name(enum reel_end_reason reason);
enum reel_end_reason reel_end_reason_from_name(const char *name); /* REEL_END_COUNT if none */

/* Walk the gaps in file order, over all stretches: `*cursor` starts zeroed. False at the end. */
struct reel_gap {
    uint64_t from_frame; /* place in the file */
    uint64_t frames;
    bool inferred;
    bool has_seq;
    uint64_t first_seq;    /* of its stretch's boot */
    uint64_t seqs;         /* numbers from first_seq on that it covers; may be 0 */
    bool has_number;       /* the stretch counts in frames */
    uint64_t number_frame; /* the recorder's number of its first frame */
    size_t stretch;        /* index of the stretch that it lies in */
};
struct reel_gap_cursor {
    size_t stretch;
    size_t run;
    uint64_t run_frames; /* frames and seqs of that stretch before the run */
    uint64_t run_seqs;
};
bool reel_recording_next_gap(const struct reel_recording *recording, struct reel_gap_cursor *cursor,
                             struct reel_gap *gap_out);

/* The stretches of one epoch: [first, end) of the list; empty if first == end. */
struct reel_epoch {
    size_t first;
    size_t end;
};

/* The newest epoch of `boot`, or with NULL the recording's newest; empty if there is none. */
struct reel_epoch reel_recording_epoch(const struct reel_recording *recording,
                                       const struct reel_boot *boot);

/* Whether what is below the epoch's first stretch belongs to an earlier recording. */
bool reel_epoch_is_continued(const struct reel_recording *recording, struct reel_epoch epoch);

/* What the epoch expects next: one past the greatest number stored. False, `*next_out` untouched,
 * if no stretch of it has that kind of number. */
bool reel_epoch_next_seq(const struct reel_recording *recording, struct reel_epoch epoch,
                         uint64_t *next_out);
bool reel_epoch_next_frame(const struct reel_recording *recording, struct reel_epoch epoch,
                           uint64_t *next_out);

/* Numbers [first, end), never empty. */
struct reel_range {
    uint64_t first;
    uint64_t end;
};

/* Walk what an epoch lacks, in ascending ranges, for acknowledgements and `info`. `*cursor` is
 * zeroed but for `epoch`; one cursor serves one of the three walks. False at the end.
 *   missing         seqs of gaps: worth sending again
 *   missing_frames  gaps by the recorder's own frame numbers (stretches without `frame`: none)
 *   lost            seqs before its first stretch (but an earlier recording's, where it is
 *                   continued), between its stretches, and of FORGOTTEN runs */
struct reel_range_cursor {
    struct reel_epoch epoch;
    struct reel_gap_cursor at; /* `stretch` counts from the epoch's first */
    uint64_t next_seq;
};
bool reel_epoch_next_missing(const struct reel_recording *recording,
                             struct reel_range_cursor *cursor, struct reel_range *range_out);
bool reel_epoch_next_missing_frames(const struct reel_recording *recording,
                                    struct reel_range_cursor *cursor, struct reel_range *range_out);
bool reel_epoch_next_lost(const struct reel_recording *recording, struct reel_range_cursor *cursor,
                          struct reel_range *range_out);

#endif
