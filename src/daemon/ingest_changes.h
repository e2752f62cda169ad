/* Ingest, what becomes of recordings otherwise: ingest_change.c what requests change, ingest_tag.c
 * their tags, ingest_delete.c which recordings they delete, ingest_remove.c the removing,
 * ingest_short.c what ends too short, ingest_retain.c and ingest_choose.c what goes by itself,
 * ingest_silence.c which devices nothing comes from, ingest_upload.c uploads as they come,
 * ingest_block.c their blocks, ingest_upload_ops.c the requests about them, ingest_install.c what
 * becomes of them. */
#ifndef REEL_DAEMON_INGEST_CHANGES_H
#define REEL_DAEMON_INGEST_CHANGES_H

#include "daemon/ingest_internal.h"

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

/* ingest_tag.c */
reel_change_fn reel_ingest_tag;

/* ingest_delete.c */

reel_change_fn reel_ingest_delete;

/* Go on with the deletions that wait, for some milliseconds. */
void reel_ingest_deletions(struct reel_ingest *ingest);

/* Give them up: `error` is their answer (NULL: none). */
void reel_ingest_drop_deletions(struct reel_ingest *ingest, const struct reel_error *error);

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

/* ingest_short.c */

/* A recording is complete: where that is too short, it is to be removed. */
void reel_ingest_note_short(struct reel_ingest *ingest, const struct reel_recording *recording);

/* Between two batches: remove those, some at a time. */
void reel_ingest_remove_shorts(struct reel_ingest *ingest);

/* Let them stay. */
void reel_ingest_forget_shorts(struct reel_ingest *ingest);

/* ingest_retain.c */

/* Begin to look anew, by the settings as they are now. */
void reel_ingest_retain_init(struct reel_ingest *ingest);

/* Remove what is too old or too much, for some milliseconds. */
void reel_ingest_retain(struct reel_ingest *ingest);

/* A batch of about so many bytes was written. */
void reel_ingest_retain_wrote(struct reel_ingest *ingest, uint64_t bytes);

/* A recording has completed: there may be too much now. */
void reel_ingest_retain_soon(struct reel_ingest *ingest);

/* When reel_ingest_retain is to be called next. */
int64_t reel_ingest_retain_due_us(const struct reel_ingest *ingest);

/* ingest_silence.c */

/* Before anything is heard: look how far the store had come. */
void reel_ingest_silence_begin(struct reel_ingest *ingest);

/* Look at some devices, where that is due, and tell who is silent and who is back. */
void reel_ingest_silence(struct reel_ingest *ingest);

/* When that is due. */
int64_t reel_ingest_silence_due_us(const struct reel_ingest *ingest);

/* ingest_upload.c */

/* An upload in one message, from its topic to the spool. */
void reel_ingest_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival);

/* Refuse one, or a block: quarantine, event, answer. */
void reel_ingest_refuse_upload(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                               const struct reel_error *error);

/* Whether an upload may ask to replace a recording: NOT_ALLOWED (field "upload.overwrite") where
 * the settings have that none may. */
enum reel_code reel_ingest_check_overwrite(const struct reel_config *config, bool overwrite,
                                           struct reel_error *err_out);

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

#endif
