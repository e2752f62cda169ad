/* Ingest, `delete`: one recording at once; all that a filter matches in slices, one between two
 * batches, so that audio goes on being taken in. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/delete_plan.h"
#include "core/object.h"
#include "core/wav_header.h"
#include "daemon/change.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

/* A slice ends with the first of these. An open batch is closed for it within so long. */
enum { SLICE_RECORDINGS = 64, SLICE_US = 20000, HURRY_US = 50000 };

/* What an answer lists at most, and how many wait at most. */
enum { LISTED_MAX = 100, DELETIONS_MAX = 64 };

struct reel_deletion {
    struct reel_deletion *prev, *next;
    struct reel_answer *answer;   /* owned; NULL for one that is answered at once */
    struct reel_delete_plan plan; /* the cursor of its list is how far it came */
    uint64_t deleted;
    uint64_t bytes; /* of their files */
    uint64_t spared;
    json_t *listed; /* NULL: memory ran out */
};

/* ---- one ---- */

static void note(struct reel_deletion *deletion, const struct reel_recording *recording)
{
    uint64_t file_bytes = reel_wav_file_bytes(&recording->format, recording->frames);
    struct reel_object object;

    deletion->deleted++;
    deletion->bytes += file_bytes;
    if (deletion->deleted > LISTED_MAX)
        return;
    reel_object_init(&object);
    reel_object_put_text(&object, "device", recording->device);
    reel_object_put_text(&object, "session", recording->session);
    reel_object_put_uint(&object, "bytes", file_bytes);
    reel_array_append(&deletion->listed, reel_object_take(&object));
}

/* Remove one that is there, unless it is kept or only asked about. */
static enum reel_code remove_entry(struct reel_ingest *ingest, struct reel_deletion *deletion,
                                   struct reel_entry *entry)
{
    const struct reel_recording *recording = reel_entry_recording(entry);

    if (recording->kept && !deletion->plan.force) {
        deletion->spared++;
        return REEL_OK;
    }
    note(deletion, recording);
    return deletion->plan.dry_run ? REEL_OK : reel_ingest_remove(ingest, entry, "request");
}

/* One that was deleted already, by whom ever, is no error. */
static enum reel_code expect_tombstone(struct reel_ingest *ingest,
                                       const struct reel_list_plan *plan,
                                       struct reel_error *err_out)
{
    struct reel_tombstone tombstone;
    struct reel_error failure;
    enum reel_code code = reel_store_tombstone(ingest->store, plan->device, plan->session_prefix,
                                               &tombstone, &failure);

    if (code == REEL_OK)
        reel_tombstone_finish(&tombstone);
    else if (code != REEL_E_NOT_FOUND)
        return reel_ingest_fail(ingest, &failure);
    else
        return reel_error_set(err_out, code, NULL, "there is no recording %s/%s", plan->device,
                              plan->session_prefix);
    return REEL_OK;
}

static enum reel_code remove_one(struct reel_ingest *ingest, struct reel_deletion *deletion,
                                 struct reel_error *err_out)
{
    const struct reel_list_plan *plan = &deletion->plan.list;
    struct reel_entry *entry;
    enum reel_code code;

    if (!reel_ingest_begin_removing(ingest)) {
        *err_out = ingest->failure;
        return err_out->code;
    }
    code = reel_ingest_get(ingest, plan->device, plan->session_prefix, &entry, err_out);
    if (code == REEL_E_NOT_FOUND)
        return expect_tombstone(ingest, plan, err_out);
    if (code != REEL_OK)
        return code;
    if (reel_entry_recording(entry)->kept && !deletion->plan.force)
        return reel_error_set(err_out, REEL_E_CONFLICT, "force",
                              "%s/%s is kept: it goes only with force: true", plan->device,
                              plan->session_prefix);
    return remove_entry(ingest, deletion, entry);
}

/* ---- many ---- */

/* The names of one slice, by which they are looked up again: the list borrows its rows. */
struct slice {
    struct reel_ingest *ingest;
    size_t count;
    struct {
        char device[REEL_NAME_BYTES];
        char session[REEL_NAME_BYTES];
    } names[SLICE_RECORDINGS];
};

static bool take_name(const struct reel_recording *recording, void *user)
{
    struct slice *slice = user;

    memcpy(slice->names[slice->count].device, recording->device, REEL_NAME_BYTES);
    memcpy(slice->names[slice->count].session, recording->session, REEL_NAME_BYTES);
    slice->count++;
    return true;
}

/* How far the deletion came is the last name that was dealt with: the page may be too long. */
static enum reel_code remove_slice(struct reel_ingest *ingest, struct reel_deletion *deletion,
                                   const struct slice *slice, size_t *done_out)
{
    int64_t until_us = reel_monotonic_us() + SLICE_US;
    size_t done = 0;

    while (done < slice->count && (done == 0 || reel_monotonic_us() < until_us)) {
        struct reel_entry *entry;
        struct reel_error error;
        enum reel_code code = reel_ingest_get(ingest, slice->names[done].device,
                                              slice->names[done].session, &entry, &error);

        if (code == REEL_OK)
            code = remove_entry(ingest, deletion, entry);
        if (code != REEL_OK && code != REEL_E_NOT_FOUND)
            return code;
        done++;
    }
    *done_out = done;
    return REEL_OK;
}

/* One page of the list, as far as there is time. */
static enum reel_code remove_some(struct reel_ingest *ingest, struct reel_deletion *deletion,
                                  bool *more_out)
{
    struct reel_list_plan *plan = &deletion->plan.list;
    struct slice slice = {.ingest = ingest};
    struct reel_list_end end;
    struct reel_error error;
    size_t done;

    if (reel_store_list(ingest->store, plan, take_name, &slice, &end, &error))
        return reel_ingest_fail(ingest, &error);
    if (remove_slice(ingest, deletion, &slice, &done))
        return ingest->failure.code;
    *more_out = end.more || done < slice.count;
    plan->has_cursor = true;
    plan->cursor = end.after;
    if (done < slice.count) {
        memcpy(plan->cursor.device, slice.names[done - 1].device, REEL_NAME_BYTES);
        memcpy(plan->cursor.session, slice.names[done - 1].session, REEL_NAME_BYTES);
    }
    return REEL_OK;
}

static void deletion_destroy(struct reel_deletion *deletion)
{
    reel_delete_plan_finish(&deletion->plan);
    reel_answer_destroy(deletion->answer);
    json_decref(deletion->listed);
    free(deletion);
}

static json_t *describe(const struct reel_deletion *deletion)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_bool(&object, "dry_run", deletion->plan.dry_run);
    reel_object_put_uint(&object, "deleted", deletion->deleted);
    reel_object_put_uint(&object, "bytes", deletion->bytes);
    reel_object_put_uint(&object, "spared", deletion->spared);
    reel_object_put(&object, "recordings", json_incref(deletion->listed));
    return reel_object_take(&object);
}

/* Answered with the commit of its last slice. */
static void finish(struct reel_ingest *ingest, struct reel_deletion *deletion)
{
    DL_DELETE(ingest->deletions, deletion);
    ingest->deletions_count--;
    reel_answer_data(deletion->answer, describe(deletion));
    reel_ingest_answer(ingest, deletion->answer);
    deletion->answer = NULL;
    deletion_destroy(deletion);
}

void reel_ingest_deletions(struct reel_ingest *ingest)
{
    struct reel_deletion *deletion = ingest->deletions;
    bool more;

    if (ingest->failed || !deletion)
        return;
    if (ingest->batch.open) {
        reel_batch_hurry(&ingest->batch, ingest->batch.since_us + HURRY_US);
        return;
    }
    if (!reel_ingest_begin_removing(ingest) || remove_some(ingest, deletion, &more))
        return;
    if (more) { /* the next has its turn */
        DL_DELETE(ingest->deletions, deletion);
        DL_APPEND(ingest->deletions, deletion);
    } else {
        finish(ingest, deletion);
    }
    reel_ingest_commit(ingest);
}

void reel_ingest_drop_deletions(struct reel_ingest *ingest, const struct reel_error *error)
{
    while (ingest->deletions) {
        struct reel_deletion *deletion = ingest->deletions;

        DL_DELETE(ingest->deletions, deletion);
        ingest->deletions_count--;
        if (error) {
            reel_answer_error(deletion->answer, error);
            reel_ingest_tell_answer(ingest, deletion->answer);
            deletion->answer = NULL;
        }
        deletion_destroy(deletion);
    }
}

/* ---- the op ---- */

static enum reel_code wait_for_turn(struct reel_ingest *ingest, struct reel_change *change,
                                    struct reel_deletion *deletion, struct reel_error *err_out)
{
    if (ingest->deletions_count >= DELETIONS_MAX)
        return reel_error_set(err_out, REEL_E_BUSY, NULL,
                              "%d deletions wait to be carried out: ask again", DELETIONS_MAX);
    deletion->answer = change->answer;
    change->answer = NULL;
    DL_APPEND(ingest->deletions, deletion);
    ingest->deletions_count++;
    return REEL_OK;
}

enum reel_code reel_ingest_delete(struct reel_ingest *ingest, struct reel_change *change,
                                  json_t **data_out, struct reel_error *err_out)
{
    struct reel_deletion *deletion = calloc(1, sizeof *deletion);
    enum reel_code code;

    if (!deletion)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    code = reel_delete_plan_decode(change->document, change->confined, &deletion->plan, err_out);
    if (code != REEL_OK) {
        free(deletion);
        return code;
    }
    deletion->listed = json_array();
    deletion->plan.list.limit = SLICE_RECORDINGS;
    if (!deletion->plan.one) {
        code = wait_for_turn(ingest, change, deletion, err_out);
        if (code != REEL_OK)
            deletion_destroy(deletion);
        return code;
    }
    code = remove_one(ingest, deletion, err_out);
    if (code == REEL_OK)
        *data_out = describe(deletion);
    deletion_destroy(deletion);
    return code;
}
