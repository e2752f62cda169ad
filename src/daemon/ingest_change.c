/* Ingest: requests that change the store, carried out in the batch, answered when it is durable. */
#include <string.h>

#include "core/describe.h"
#include "core/fields.h"
#include "daemon/change.h"
#include "daemon/events.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

/* Who asks does not wait for the batch's time; those who ask within this share a commit. */
enum { CHANGE_WAIT_US = 20000 };

/* `keep`: spare it, or no more. */
static enum reel_code keep(struct reel_ingest *ingest, struct reel_change *change,
                           json_t **data_out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = change->document, .err_out = err_out};
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct reel_recording *recording;
    struct reel_entry *entry;
    bool kept = true;
    enum reel_code code;

    reel_fields_need(&fields, "device", reel_fields_name(&fields, "device", device));
    reel_fields_need(&fields, "session", reel_fields_name(&fields, "session", session));
    reel_fields_bool(&fields, "keep", &kept);
    code = fields.code;
    if (code == REEL_OK)
        code = reel_ingest_get(ingest, device, session, &entry, err_out);
    if (code != REEL_OK)
        return code;
    recording = reel_entry_recording(entry);
    if (recording->kept != kept) {
        recording->kept = kept;
        reel_store_touch_said(ingest->store, entry);
        reel_ingest_event(ingest, device, session,
                          reel_event_plain("kept", recording, reel_wall_us()));
    }
    *data_out = reel_describe_recording(recording);
    return REEL_OK;
}

static const struct {
    const char *op;
    reel_change_fn *carry_out;
} ops[] = {
    {"keep", keep},
    {"tag", reel_ingest_tag},
    {"delete", reel_ingest_delete},
    {"upload-begin", reel_ingest_upload_begin},
    {"upload-end", reel_ingest_upload_end},
};

static reel_change_fn *find(const char *op)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(ops[i].op, op) == 0)
            return ops[i].carry_out;
    }
    return NULL;
}

enum reel_code reel_ingest_get(struct reel_ingest *ingest, const char *device, const char *session,
                               struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_error failure;
    enum reel_code code = reel_store_get(ingest->store, device, session, entry_out, &failure);

    if (code == REEL_E_NOT_FOUND)
        return reel_error_set(err_out, code, NULL, "there is no recording %s/%s", device, session);
    if (code != REEL_OK) {
        *err_out = failure;
        return reel_ingest_fail(ingest, &failure);
    }
    return REEL_OK;
}

static void carry_out(struct reel_ingest *ingest, struct reel_change *change)
{
    reel_change_fn *carry_out_op = find(change->op);
    struct reel_error error;
    json_t *data = NULL;
    enum reel_code code;

    if (carry_out_op)
        code = carry_out_op(ingest, change, &data, &error);
    else
        code = reel_error_set(&error, REEL_E_NOT_ALLOWED, "op",
                              "%s is not supported by this version of the sink", change->op);
    if (!change->answer)
        return;
    if (code == REEL_OK)
        reel_answer_data(change->answer, data);
    else
        reel_answer_error(change->answer, &error);
    reel_ingest_answer(ingest, change->answer);
    change->answer = NULL;
}

/* The disk fails: what is asked now would wait for it. */
static void turn_away(struct reel_ingest *ingest, struct reel_change *change)
{
    struct reel_error error;

    reel_error_set(&error, REEL_E_STALLED, NULL, "the store is not open: the disk fails");
    reel_answer_error(change->answer, &error);
    reel_ingest_tell_answer(ingest, change->answer);
    change->answer = NULL;
}

void reel_ingest_changes(struct reel_ingest *ingest)
{
    struct reel_change *change;

    while (!ingest->failed && !(ingest->store && reel_batch_full(ingest, INT64_MIN)) &&
           (change = reel_mailbox_take(ingest->links.changes)) != NULL) {
        if (ingest->store) {
            int64_t now_us = reel_monotonic_us();

            reel_batch_open(&ingest->batch, now_us);
            reel_batch_hurry(&ingest->batch, now_us + CHANGE_WAIT_US);
            carry_out(ingest, change);
            if (!ingest->failed && ingest->batch.removes)
                reel_ingest_commit(ingest);
        } else {
            turn_away(ingest, change);
        }
        reel_change_destroy(change);
    }
}
