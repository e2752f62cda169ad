/* Ingest, inside: what its files share. ingest.c has the loop, ingest_connection.c the connection,
 * ingest_batch.c the batch and its commit, ingest_message.c the checks of what came in,
 * ingest_rules.c the rules of the settings, ingest_place.c the carrying out of where it goes,
 * ingest_parts.c in which part of a long session, ingest_tombstone.c what belongs to recordings
 * that were deleted, ingest_change.c what requests change, ingest_tag.c their tags, ingest_delete.c
 * which recordings they delete, ingest_remove.c the removing, ingest_short.c what ends too short,
 * ingest_retain.c and ingest_choose.c what goes by itself, ingest_upload.c uploads as they come,
 * ingest_block.c their blocks, ingest_upload_ops.c the requests about them, ingest_install.c what
 * becomes of them,
 * ingest_hermes.c what is different about frames of satellites. */
#ifndef REEL_DAEMON_INGEST_INTERNAL_H
#define REEL_DAEMON_INGEST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/allowance.h"
#include "core/clock_watch.h"
#include "core/describe.h"
#include "core/devices.h"
#include "core/place.h"
#include "core/rate.h"
#include "core/reject_limit.h"
#include "core/rules.h"
#include "daemon/acks.h"
#include "daemon/answer.h"
#include "daemon/change.h"
#include "daemon/connection.h"
#include "daemon/ingest.h"
#include "daemon/notice.h"
#include "daemon/part_memory.h"
#include "daemon/satellites.h"
#include "io/bus.h"
#include "wire/fragment.h"
#include "wire/topic.h"

/* Messages that one batch takes at most; below the Receive Maximum, so that the broker never waits
 * for an acknowledgement that waits for the broker. */
#define REEL_BATCH_MESSAGES_MAX 16384u

/* What was taken in since the last commit. */
struct reel_batch {
    bool open;        /* something was taken in or staged */
    bool removes;     /* recordings; it takes in nothing else */
    int64_t since_us; /* monotonic */
    int64_t hurry_us; /* somebody waits: it closes then at the latest */
    size_t messages;
    uint64_t bytes;
    struct reel_delivery *deliveries; /* QoS 1 messages, REEL_BATCH_MESSAGES_MAX places */
    size_t deliveries_count;
    struct reel_notice **notices; /* events, told after the commit */
    size_t notices_count;
    size_t notices_capacity;
    struct reel_answer **answers; /* to requests, told after the commit, or that it failed */
    size_t answers_count;
    size_t answers_capacity;
};

/* The messages of the last durable batches that the broker may deliver once more, in order. */
struct reel_redelivery {
    struct reel_delivery *deliveries;
    size_t count;
    size_t at;
};

/* How much more a device's recordings may take, at least: what is deleted makes room that is seen
 * once this is used up. */
struct reel_budget {
    uint64_t left_bytes;
};

enum { REEL_UNMET_BYTES = 192 };

/* Where retention is at. */
enum reel_sweep_phase { REEL_SWEEP_REST, REEL_SWEEP_ALL, REEL_SWEEP_AGE, REEL_SWEEP_DEVICES };
struct reel_sweep {
    bool by_pass;                 /* there are bounds besides that on the disk's room ... */
    bool by_device;               /* ... for some devices ... */
    bool ages_differ;             /* ... on the age among them */
    enum reel_sweep_phase phase;  /* of the pass under way */
    char device[REEL_NAME_BYTES]; /* REEL_SWEEP_DEVICES: it has come this far */
    int64_t next_pass_us;
    uint64_t lacking_bytes; /* room that is still to be made */
    uint64_t spare_bytes;   /* room there was, without what was written since */
    struct reel_removable_place at;
    int64_t next_look_us;              /* at the disk */
    char unmet_pass[REEL_UNMET_BYTES]; /* why a bound does not hold; "" where all do */
    char unmet_free[REEL_UNMET_BYTES];
    bool by_age;                   /* a bound on the age is set, for some devices at least */
    bool clock_known;              /* what the watch begins with was read */
    int64_t wall_us;               /* as the watch was shown it */
    struct reel_clock_watch clock; /* while it is doubted nothing is too old */
    char unmet[REEL_UNMET_BYTES];  /* of both what was told */
};

struct reel_ingest {
    struct reel_ingest_links links;
    struct reel_store *store; /* NULL while the disk fails */
    struct reel_bus *bus;     /* NULL while there is no connection */
    struct reel_acks *acks;
    struct reel_reject_limit *rejects;
    struct reel_rate *beginnings;
    struct reel_part_memory *parts;
    struct reel_allowance *fragments; /* rules.max_fragments_per_s */
    struct reel_devices *budgets;     /* struct reel_budget: rules.max_bytes */
    struct reel_scratch scratch;
    struct reel_scratch candidate_scratch;
    struct reel_batch batch;
    struct reel_redelivery redelivery;
    struct reel_short *shorts;       /* complete, but too short: to be removed after the batch */
    struct reel_deletion *deletions; /* that go on between batches */
    size_t deletions_count;
    struct reel_sweep sweep;
    bool hashing;   /* a job is with the hashing thread: one at a time */
    bool importing; /* an upload is with the importing thread: one at a time */
    uint64_t importing_id;
    int64_t expire_next_us;       /* monotonic: uploads are looked at for their age then */
    struct reel_waiting *waiting; /* who asks what becomes of an upload: a list */
    struct reel_satellites *satellites;
    bool satellites_known; /* those whose recordings the store had open are among them */
    bool subscribed;
    bool taken_over;
    bool lost; /* the connection ended: `lost_reason` says why */
    char lost_reason[REEL_CONNECTION_TEXT_BYTES];
    bool suspect; /* the catalog may be damaged: that is looked at when the store is opened */
    bool failed;  /* the batch cannot be made durable: `failure` says why */
    struct reel_error failure;
    int64_t subscribed_us;       /* monotonic: nothing is idle that could not be heard */
    struct reel_backoff backoff; /* of connecting, and of opening the store */
};

/* One message on its way. */
struct reel_arrival {
    const struct reel_bus_message *message;
    struct reel_topic topic;
    enum reel_code topic_code; /* what taking it apart said, with the error where it failed */
    struct reel_error topic_error;
    struct reel_fragment fragment;
    bool redelivered;         /* it was taken in by a batch that is durable */
    bool refused;             /* ... and refused */
    bool satellite;           /* a frame of Hermes ... */
    bool timed;               /* ... whose session is named by when it began */
    struct reel_entry *ended; /* the site's session before it, if that is open; NULL: none */
    enum reel_end_reason ended_reason;
    struct reel_rules rules; /* of its device; as is_flood: once it was decoded */
    bool is_flood;           /* over rules.max_fragments_per_s */
    char reply_topic[REEL_REPLY_TOPIC_MAX_BYTES + 1]; /* checked; "" for none */
    enum reel_document_kind reply_kind;
    int64_t wall_us;
    int64_t monotonic_us;
};

/* ingest_connection.c */

/* Try to connect; what fails is told, and tried again after a wait. */
void reel_ingest_connect(struct reel_ingest *ingest);

/* Give the connection up, and wait before the next. `reason` is told as the sink's state. */
void reel_ingest_disconnect(struct reel_ingest *ingest, const char *reason);

/* Let the responder know whether audio is taken in; "" is no reason, or that retention cannot hold
 * its bounds. */
void reel_ingest_tell(struct reel_ingest *ingest, const char *reason);

/* Expect nothing once more. */
void reel_redelivery_drop(struct reel_redelivery *redelivery);

/* ingest_batch.c */

enum reel_code reel_batch_init(struct reel_batch *batch);
void reel_batch_finish(struct reel_batch *batch);

/* Something is in the batch from now on. */
void reel_batch_open(struct reel_batch *batch, int64_t monotonic_us);

/* It closes at that time at the latest. */
void reel_batch_hurry(struct reel_batch *batch, int64_t monotonic_us);

/* Tell the answer, which is taken over, once the batch is durable; where it fails, that it did. */
void reel_ingest_answer(struct reel_ingest *ingest, struct reel_answer *answer);

/* The same at once, of what no batch has to do with. */
void reel_ingest_tell_answer(struct reel_ingest *ingest, struct reel_answer *answer);

/* Tell of an event once the batch is durable; takes over the document (NULL is memory run out).
 * An event that cannot be kept is counted as dropped. */
void reel_ingest_event(struct reel_ingest *ingest, const char *device, const char *session,
                       json_t *event);

/* Whether the batch takes no more: messages, bytes, or its time is over. */
bool reel_batch_full(const struct reel_ingest *ingest, int64_t monotonic_us);
int64_t reel_batch_deadline_us(const struct reel_ingest *ingest);

/* Make it durable, then send acknowledgements and events. On failure `ingest->failed` is set. */
void reel_ingest_commit(struct reel_ingest *ingest);

/* Forget it, with its acknowledgements and events. */
void reel_ingest_drop(struct reel_ingest *ingest);

/* Mark the batch as failed with what `error` says; returns its code. */
enum reel_code reel_ingest_fail(struct reel_ingest *ingest, const struct reel_error *error);

/* Hand completed recordings to the hashing thread, and take in what it made. */
void reel_ingest_hashing(struct reel_ingest *ingest);

/* ingest_message.c */

/* The bus's handler: one fragment, from topic to acknowledgement. */
void reel_ingest_message(void *ingest, const struct reel_bus_message *message);

/* Refuse it: count, quarantine, event, answer. `entry` may be NULL. Returns the id it has in
 * quarantine, 0 if the batch failed or it was a redelivery. */
uint64_t reel_ingest_refuse(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_entry *entry, const struct reel_error *error);

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

/* Put the message under way into quarantine, counted and told; 0 if the batch failed. */
uint64_t reel_ingest_reject(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_error *error);

/* Count what was refused and put into quarantine, and have it told. */
void reel_ingest_note_rejected(struct reel_ingest *ingest, const char *device, const char *session,
                               const struct reel_error *error, uint64_t quarantine_id);

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

/* Where the answer to it goes, if its reply_topic is not "". */
struct reel_ack_place reel_arrival_place(const struct reel_arrival *arrival);

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

/* ingest_place.c */

/* Decide where the fragment goes in one recording, comparing what is stored. */
void reel_ingest_decide(struct reel_ingest *ingest, struct reel_entry *entry,
                        const struct reel_fragment *fragment, struct reel_placement *placement);

/* Put the fragment where it goes; sets `ingest->failed` where the store fails. */
void reel_ingest_place(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                       struct reel_entry *entry);

/* What the target's home has of the fragment's boot is told with the commit, if it asked. */
void reel_ingest_acknowledge(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                             const struct reel_target *target);

/* Complete a recording, with its event. */
void reel_ingest_complete(struct reel_ingest *ingest, struct reel_entry *entry,
                          enum reel_end_reason reason, int64_t wall_us);

/* ingest_change.c */

/* Carry out what the query thread handed over, as far as the batch takes it. */
void reel_ingest_changes(struct reel_ingest *ingest);

/* A recording that a request names: NOT_FOUND is the answer, all else fails the batch. */
enum reel_code reel_ingest_get(struct reel_ingest *ingest, const char *device, const char *session,
                               struct reel_entry **entry_out, struct reel_error *err_out);

/* One op. OK: `*data_out` is the answer's (NULL: memory ran out), or it has taken the answer over
 * (`change->answer` is NULL then). Else nothing was changed, and the error is the answer, unless
 * `ingest->failed`: then nobody knows. */
typedef enum reel_code reel_change_fn(struct reel_ingest *ingest, struct reel_change *change,
                                      json_t **data_out, struct reel_error *err_out);

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

/* ingest_tag.c */
reel_change_fn reel_ingest_tag;

/* ingest_delete.c */

reel_change_fn reel_ingest_delete;

/* Go on with the deletions that wait, for some milliseconds. */
void reel_ingest_deletions(struct reel_ingest *ingest);

/* Give them up: `error` is their answer (NULL: none). */
void reel_ingest_drop_deletions(struct reel_ingest *ingest, const struct reel_error *error);

/* ingest_short.c */

/* A recording is complete: where that is too short, it is to be removed. */
void reel_ingest_note_short(struct reel_ingest *ingest, const struct reel_recording *recording);

/* Between two batches: remove those, some at a time. */
void reel_ingest_remove_shorts(struct reel_ingest *ingest);

/* Let them stay. */
void reel_ingest_forget_shorts(struct reel_ingest *ingest);

/* ingest_remove.c */

/* Make the batch under way durable and begin one for removals alone. False: it failed. */
bool reel_ingest_begin_removing(struct reel_ingest *ingest);

/* Remove a recording, with its event, in such a batch. It is to be committed before anything else
 * is taken in. */
enum reel_code reel_ingest_remove(struct reel_ingest *ingest, struct reel_entry *entry,
                                  const char *reason);

/* Hand a file over to the thread that unlinks what is not needed any more. */
void reel_ingest_discard(struct reel_ingest *ingest, struct reel_discard *discard);

/* After a commit: hand the files of what it removed to the thread that unlinks them. */
void reel_ingest_unlink_removed(struct reel_ingest *ingest);

/* ingest_upload.c */

/* An upload in one message, from its topic to the spool. */
void reel_ingest_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival);

/* Refuse one, or a block: quarantine, event, answer. */
void reel_ingest_refuse_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                               const struct reel_error *error);

/* Whether a recording of that name may be made by an upload: CONFLICT (field "session") where there
 * is one that may not be replaced. */
enum reel_code reel_ingest_may_replace(struct reel_ingest *ingest, const char *device,
                                       const char *session, bool overwrite,
                                       struct reel_error *err_out);

/* The same for an upload that is about to begin: CONFLICT also where another is under way. */
enum reel_code reel_ingest_may_upload(struct reel_ingest *ingest, const char *device,
                                      const char *session, bool overwrite,
                                      struct reel_error *err_out);

/* ingest_block.c */

/* A block of an upload, from its topic to its place in the spool. */
void reel_ingest_block(struct reel_ingest *ingest, const struct reel_arrival *arrival);

/* ingest_upload_ops.c */
reel_change_fn reel_ingest_upload_begin;
reel_change_fn reel_ingest_upload_end;

/* ingest_install.c */

/* Hand whole uploads to the importing thread, install what it made, let go of those that are
 * abandoned; between batches. */
void reel_ingest_uploads(struct reel_ingest *ingest);

/* Tell the answer, which is taken over, once it is known what becomes of the upload. BUSY where too
 * many wait. */
enum reel_code reel_ingest_await_upload(struct reel_ingest *ingest, uint64_t upload_id,
                                        struct reel_answer *answer, struct reel_error *err_out);

/* It is time to end: who waits is told to ask again. */
void reel_ingest_turn_waiting_away(struct reel_ingest *ingest);

/* ingest_retain.c */

/* Read the settings, once. */
void reel_ingest_retain_init(struct reel_ingest *ingest);

/* Remove what is too old or too much, for some milliseconds. */
void reel_ingest_retain(struct reel_ingest *ingest);

/* A batch of about so many bytes was written. */
void reel_ingest_retain_wrote(struct reel_ingest *ingest, uint64_t bytes);

/* A recording has completed: there may be too much now. */
void reel_ingest_retain_soon(struct reel_ingest *ingest);

/* When reel_ingest_retain is to be called next. */
int64_t reel_ingest_retain_due_us(const struct reel_ingest *ingest);

#endif
