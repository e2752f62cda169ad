/* Place: where does this fragment go? One answer for each row of the protocol's table ("Where a
 * fragment goes"), with positions. Pure: it looks at the recording and the numbers; what only the
 * file can tell (are the stored bytes the same?) it asks back for.
 *
 * The way of one fragment:
 *
 *   reel_place(recording, numbers, limits, &placement);
 *   if (placement.compare && a segment of kind STORED differs from the file)
 *       reel_place_conflict(recording, numbers, &placement);
 *   ... write the fill and the segments, or put the fragment into quarantine ...
 *   reel_place_apply(recording, numbers, &placement, quarantine_id);
 *
 * Only reel_place_apply changes the recording, so a write that failed leaves it as it was. Where a
 * placement takes the candidate and its payload is no longer in quarantine, set candidate.kind to
 * REEL_CANDIDATE_NONE and place the fragment again.
 *
 * What the table leaves open, and how it is answered here:
 *   - With both numbers, `frame` decides the place. New audio with a `seq` that cannot be
 *     there (below the next one at the end, none of a gap's in a gap) is a conflict: recorders
 *     whose seq wraps while frame goes on are then heard again after one fragment.
 *   - `frame` next with `seq` ahead: nothing is missing. A stretch (NUMBERS) begins, the seqs
 *     between are lost. `frame` ahead with `seq` next: a gap that stands for no number.
 *   - Other kinds of number than the last stretch's, but next by one they share with the epoch:
 *     appended, a stretch (NUMBERS) begins. No kind shared with the epoch: UNKNOWN.
 *   - The fill's bound: a gap is filled only as long as all gaps together exceed the audio by no
 *     more than the greatest gap allowed. What is beyond is a jump.
 *   - What is ahead by seq alone, with no size known, is measured for the bounds by the greatest
 *     size at hand (its own, the last stored one's).
 *   - A fragment ahead that follows on from a jump confirms it, also if it would itself pass.
 *   - A continued recording's first fragment is placed as if it stood at the numbers that it goes
 *     on from (reel_recording_begin_at). What is below them, and later what begins below its first
 *     stretch, is EARLIER. With another boot it begins as any other does.
 *   - A conflict in an earlier boot is answered as in the newest; so is one that falls where sizes
 *     are no longer known.
 *   - Without numbers and boot: of the epoch under way, whatever its boot. Without numbers and
 *     audio: nothing but a count.
 *   - Without audio but numbered (an `end`): uses up its seq; never conflicts for its length. */
#ifndef REEL_CORE_PLACE_H
#define REEL_CORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recording.h"

struct reel_place_limits {
    uint64_t max_gap_s;
    uint64_t max_gap_bytes;
};

enum reel_place_row {
    REEL_PLACE_APPEND,    /* without numbers, or next of its boot */
    REEL_PLACE_GAP,       /* ahead: `fill_frames` of silence at the end, then appended */
    REEL_PLACE_UNKNOWN,   /* ahead by seq alone, length unknown: appended as a new stretch */
    REEL_PLACE_JUMP,      /* far ahead: quarantine, becomes the candidate */
    REEL_PLACE_CONFIRMED, /* follows the jump: candidate and fragment appended, a new stretch */
    REEL_PLACE_HOLE,      /* in a noted gap: written into it */
    REEL_PLACE_STORED,    /* stored already: a repeat, if the bytes are the same */
    REEL_PLACE_DIVIDED,   /* partly stored, partly new (in gaps or past the end) */
    REEL_PLACE_BOOT,      /* a boot never seen: appended, a new stretch */
    REEL_PLACE_RESTARTED, /* after a conflict: appended, a new stretch; with `take_candidate` the
                             candidate before it */
    REEL_PLACE_CONFLICT,  /* quarantine; with `becomes_candidate` the next may confirm a restart */
    REEL_PLACE_EARLIER,   /* below the first stretch of a continued recording: an earlier one's */
    REEL_PLACE_LATE,      /* quarantine: its place is not known any more; a number 0 becomes the
                             candidate, as the next may confirm a restart */
};

struct reel_placement {
    enum reel_place_row row;
    bool compare;           /* segments of kind STORED must be compared with the file */
    bool take_candidate;    /* append the candidate's audio first (its numbers.frames frames) */
    bool becomes_candidate; /* JUMP, CONFLICT, LATE: remember it */
    bool inferred;          /* GAP: the length was inferred from seq */
    bool new_stretch;       /* a stretch begins with what is appended, or with its fill */
    enum reel_stretch_reason reason; /* why, if so */
    uint64_t fill_frames;            /* silence written at the file's end first */
    uint64_t gap_seqs;               /* sequence numbers that the fill stands for */
    uint64_t skipped_frames;         /* CONFIRMED, where known: how far it jumped */
    uint64_t at_frame; /* place of the fragment's first frame in the file, after the fill (and
                          the candidate, which stands right before it); for quarantine rows
                          meaningless */
    size_t stretch;    /* HOLE, STORED, DIVIDED: the stretch it lies in */
};

/* Answer for a fragment of `numbers->frames` frames. `recording` may have no stretch yet: the
 * first fragment not at 0 is placed as if the recording stood at 0 (boot as its first). Where the
 * answer is EARLIER, ask it of the recording before, or reel_place_late. */
void reel_place(const struct reel_recording *recording, const struct reel_numbers *numbers,
                const struct reel_place_limits *limits, struct reel_placement *out);

/* The answer after a comparison found other bytes: RESTARTED or CONFLICT. */
void reel_place_conflict(const struct reel_recording *recording, const struct reel_numbers *numbers,
                         struct reel_placement *out);

/* The answer for an EARLIER one that no recording has a place for: LATE or, where it follows on
 * from a conflict, RESTARTED. */
void reel_place_late(const struct reel_recording *recording, const struct reel_numbers *numbers,
                     struct reel_placement *out);

/* Where what is new past the file's end begins: the fragment's frame; all its frames if nothing
 * is. */
uint32_t reel_place_past(const struct reel_recording *recording, const struct reel_numbers *numbers,
                         const struct reel_placement *placement);

/* Change a placement that appends to `recording` to the same at the beginning of an empty one that
 * goes on from it (reel_recording_go_on). Not for one that takes the candidate. */
void reel_place_carry(const struct reel_recording *recording, struct reel_placement *placement);

/* The parts of a placement that touches what the file holds already (HOLE, STORED, DIVIDED; for
 * other rows that store it is one part at the end). `*cursor` starts zeroed. False at the end. */
struct reel_segment {
    bool stored;            /* compare; else write */
    uint32_t offset_frames; /* into the fragment */
    uint32_t frames;
    uint64_t at_frame; /* place in the file */
};
struct reel_segment_cursor {
    uint32_t offset_frames; /* into the fragment: what comes next */
    size_t stretch;
    size_t run;
    uint64_t run_frames; /* frames of that stretch before the run */
};
bool reel_place_next_segment(const struct reel_recording *recording,
                             const struct reel_numbers *numbers,
                             const struct reel_placement *placement,
                             struct reel_segment_cursor *cursor, struct reel_segment *segment_out);

/* Change the recording as the placement says, after it was carried out: stretches, runs, frames,
 * gap_frames, fragments, duplicates, rejected, rewrites, boot and next_seq, candidate, dirty marks,
 * sha256 (to "" whenever audio changed). The state is left to the caller. `quarantine_id` is where
 * a refused one was put. False if memory ran out: the recording is unusable then. */
bool reel_place_apply(struct reel_recording *recording, const struct reel_numbers *numbers,
                      const struct reel_placement *placement, uint64_t quarantine_id);

/* Whether the row puts audio of the fragment into the file, puts all of it at the end, or refuses
 * it (as EARLIER does). A repeat (STORED) is none of the three. */
bool reel_place_stores(const struct reel_placement *placement);
bool reel_place_appends(const struct reel_placement *placement);
bool reel_place_refuses(const struct reel_placement *placement);

#endif
