/* Ingest, the way of a fragment from its checks to its recording: ingest_rules.c the rules of the
 * settings, ingest_recording.c which recording it is for, ingest_parts.c in which part of a long
 * session, ingest_tombstone.c what belongs to recordings that were deleted, ingest_decide.c its
 * place in one recording, ingest_write.c and ingest_apply.c the storing, ingest_place.c all that in
 * its order, ingest_reply.c where its answers go, ingest_hermes.c what is different about frames of
 * satellites. */
#ifndef REEL_DAEMON_INGEST_AUDIO_H
#define REEL_DAEMON_INGEST_AUDIO_H

#include "daemon/ingest_internal.h"

/* ingest_rules.c. All refuse with NOT_ALLOWED, the rule's key as field, unless the batch failed. */

/* Note the rules of a fragment that was decoded, and whether it is one of a flood. */
void reel_ingest_rules_hear(struct reel_ingest *ingest, struct reel_arrival *arrival);

/* Say whether a recording may begin with the fragment, or grow by what goes where `placement`
 * says. A repeat may always come. */
enum reel_code reel_ingest_rules_begin(struct reel_ingest *ingest,
                                       const struct reel_arrival *arrival,
                                       struct reel_error *err_out);
enum reel_code reel_ingest_rules_grow(struct reel_ingest *ingest,
                                      const struct reel_arrival *arrival,
                                      const struct reel_recording *recording,
                                      const struct reel_placement *placement,
                                      struct reel_error *err_out);

/* Say whether a whole recording of that format and length may come to the device, in the place of
 * `replaced` (NULL: of none). */
enum reel_code reel_ingest_rules_whole(struct reel_ingest *ingest, const char *device,
                                       const struct reel_format *format, uint64_t frames,
                                       const struct reel_recording *replaced,
                                       struct reel_error *err_out);

/* Count anew what the device's recordings take: other things than fragments made them grow. */
void reel_ingest_rules_forget(struct reel_ingest *ingest, const char *device);

/* ingest_recording.c */

/* The recording that a fragment is for, or a new one; NULL where the fragment was dropped. On
 * failure the error is a refusal unless the batch failed. */
enum reel_code reel_ingest_find_recording(struct reel_ingest *ingest,
                                          const struct reel_arrival *arrival,
                                          struct reel_entry **entry_out,
                                          struct reel_error *err_out);

/* A new recording of the message's device and format; its event is the caller's. On failure the
 * error is a refusal unless the batch failed. */
enum reel_code reel_ingest_create_recording(struct reel_ingest *ingest,
                                            const struct reel_arrival *arrival, const char *session,
                                            struct reel_entry **entry_out,
                                            struct reel_error *err_out);

/* ingest_parts.c */

/* Where a fragment goes. */
struct reel_target {
    struct reel_entry *last;  /* of its session's recordings the one that grows */
    struct reel_entry *home;  /* the latest that knows its boot, else `last`: it is told of that */
    struct reel_entry *entry; /* the one that `placement` is of */
    struct reel_placement placement;
    bool beyond; /* none of the recordings that are there had these numbers to store: they may be
                    those of one that was deleted */
};

/* The session's recording, or the last of its parts. NOT_FOUND; all else fails the batch. */
enum reel_code reel_ingest_last(struct reel_ingest *ingest, const char *device, const char *session,
                                struct reel_entry **entry_out, struct reel_error *err_out);

/* Decide where the fragment goes among the recordings of its session, whose last is
 * `target->last`. Where the store fails, `ingest->failed` is set. */
void reel_ingest_find_place(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_target *target);

/* Which of the fragment's frames must be placed by themselves, because they belong to another part
 * than those before; 0 if it goes where the target says as a whole. */
uint32_t reel_ingest_cut(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                         const struct reel_target *target);

/* Where the fragment would make the last recording longer than it may become, seal that and begin
 * the next part, to which the target then points. On failure the error is a refusal unless the
 * batch failed. */
enum reel_code reel_ingest_go_on(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                 struct reel_target *target, struct reel_error *err_out);

/* The parts behind the last were deleted: begin the next with the numbers that these would have
 * gone on with, and point the target there. Nothing where the fragment does not go on from them.
 * Errors as above. */
enum reel_code reel_ingest_skip_deleted(struct reel_ingest *ingest,
                                        const struct reel_arrival *arrival,
                                        const struct reel_tombstone *tombstone,
                                        struct reel_target *target, struct reel_error *err_out);

/* The parts before the target's home whose gaps an acknowledgement tells of. */
void reel_ingest_earlier(struct reel_ingest *ingest, const struct reel_target *target,
                         struct reel_earlier_parts *earlier_out);

/* ingest_tombstone.c */

/* What is remembered of deleted recordings of that session; NOT_FOUND, all else fails the batch. */
enum reel_code reel_ingest_tombstone(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                     struct reel_tombstone *tombstone_out);

/* Drop a fragment that the deleted recording held: it is counted and acknowledged. False: it is
 * none of these. */
bool reel_ingest_drop_repeat(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_tombstone *tombstone);

/* Where it goes beyond the recordings of its session that are there: drop it, or let it begin a
 * part that goes on from a deleted one's numbers, to which the target then points. True: it is
 * dropped, or refused, or the batch failed. */
bool reel_ingest_meet_deleted(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              struct reel_target *target);

/* Let a new recording, whose first fragment has these numbers, go on from the deleted one's, unless
 * it begins anew. */
void reel_ingest_begin_behind(struct reel_recording *recording,
                              const struct reel_tombstone *tombstone,
                              const struct reel_numbers *numbers);

/* ingest_decide.c */

/* Decide where the fragment goes in one recording, comparing what is stored; sets `ingest->failed`
 * where the store fails. */
void reel_ingest_decide(struct reel_ingest *ingest, struct reel_entry *entry,
                        const struct reel_fragment *fragment, struct reel_placement *placement);

/* ingest_write.c */

/* Write silence, candidate and fragment. NOT_FOUND: there is no candidate to take; all else fails
 * the batch. */
enum reel_code reel_ingest_write(struct reel_ingest *ingest, struct reel_entry *entry,
                                 const struct reel_fragment *fragment,
                                 const struct reel_placement *placement);

/* ingest_apply.c */

/* Take into the recording what was written, and tell of it; sets `ingest->failed` where memory runs
 * out. */
void reel_ingest_apply(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                       struct reel_entry *entry, const struct reel_placement *placement);

/* Complete a recording, with its event. */
void reel_ingest_complete(struct reel_ingest *ingest, struct reel_entry *entry,
                          enum reel_end_reason reason, int64_t wall_us);

/* ingest_place.c */

/* Put the fragment where it goes among the recordings of its session, the last of which is `last`;
 * sets `ingest->failed` where the store fails. */
void reel_ingest_place(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                       struct reel_entry *last);

/* ingest_reply.c */

/* Note where answers go. A place that is not allowed is refused on the response topic, and the
 * fragment goes its way. */
void reel_ingest_find_reply_place(struct reel_ingest *ingest, struct reel_arrival *arrival);

/* Where the answer to it goes, if its reply_topic is not "". */
struct reel_ack_place reel_arrival_place(const struct reel_arrival *arrival);

/* What the target's home has of the fragment's boot is told with the commit, if it asked. */
void reel_ingest_acknowledge(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_target *target);

/* ingest_hermes.c */

/* Whether the topic is of Hermes, and a site's that is not taken. */
bool reel_ingest_hermes_ignores(const struct reel_ingest *ingest, const char *topic);

/* Take the names from the message's topic; false where it is none of Hermes. */
bool reel_ingest_hermes_topic(struct reel_arrival *arrival);

/* Decode the payload. The errors of reel_fragment_decode. */
enum reel_code reel_ingest_hermes_decode(struct reel_ingest *ingest, struct reel_arrival *arrival,
                                         struct reel_error *err_out);

/* Find the session where the topic has none: the site's that goes on, or a new name, where its
 * recording has lasted long enough or has another format. On failure the batch has failed. */
enum reel_code reel_ingest_hermes_session(struct reel_ingest *ingest, struct reel_arrival *arrival);

/* The recording of such a session began; the one before it is completed. */
void reel_ingest_hermes_began(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              const struct reel_recording *recording);

/* Any recording completed. */
void reel_ingest_hermes_ended(struct reel_ingest *ingest, const struct reel_recording *recording);

/* What is open is known from the store alone: it was closed, and its batch with it. */
void reel_ingest_hermes_forget(struct reel_ingest *ingest);

#endif
