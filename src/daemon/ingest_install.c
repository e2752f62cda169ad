/* Ingest, what becomes of uploads: each goes to the importing thread once it is whole, and what
 * that made of it is installed, or the upload refused. One result a batch, and that is committed at
 * once: a reader sees a recording that is not there yet for as short a time as can be. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/describe.h"
#include "daemon/events.h"
#include "daemon/importer.h"
#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"
#include "store/upload.h"

/* How long an upload waits whose making a failing disk has stopped. */
enum { SECOND_US = 1000000, RETRY_US = 10 * SECOND_US, WAITING_MAX = 1024 };

/* Who has asked what becomes of an upload. */
struct reel_waiting {
    struct reel_waiting *prev, *next;
    uint64_t upload_id;
    struct reel_answer *answer;
};

enum reel_code reel_ingest_await_upload(struct reel_ingest *ingest, uint64_t upload_id,
                                        struct reel_answer *answer, struct reel_error *err_out)
{
    struct reel_waiting *waiting;
    unsigned count = 0;

    DL_FOREACH (ingest->waiting, waiting)
        count++;
    waiting = count < WAITING_MAX ? calloc(1, sizeof *waiting) : NULL;
    if (!waiting)
        return reel_error_set(err_out, REEL_E_BUSY, NULL,
                              "too many wait for their uploads: ask again");
    waiting->upload_id = upload_id;
    waiting->answer = answer;
    DL_APPEND(ingest->waiting, waiting);
    return REEL_OK;
}

static struct reel_answer *take_waiting(struct reel_ingest *ingest, struct reel_waiting *waiting)
{
    struct reel_answer *answer = waiting->answer;

    DL_DELETE(ingest->waiting, waiting);
    free(waiting);
    return answer;
}

void reel_ingest_turn_waiting_away(struct reel_ingest *ingest)
{
    struct reel_error error;

    reel_error_set(&error, REEL_E_STALLED, NULL, "the sink ends: ask again");
    while (ingest->waiting) {
        struct reel_answer *answer = take_waiting(ingest, ingest->waiting);

        reel_answer_error(answer, &error);
        reel_ingest_tell_answer(ingest, answer);
    }
}

/* The place that came with a file in one message; NULL where there is none. */
static struct reel_answer *remembered(const struct reel_upload *upload)
{
    const struct reel_answer_place place = {
        .topic = upload->reply_topic,
        .kind = REEL_DOCUMENT_JSON,
        .correlation = upload->correlation,
        .correlation_bytes = upload->correlation_bytes,
    };

    return upload->reply_topic ? reel_answer_create(&place) : NULL;
}

static void answer_one(struct reel_ingest *ingest, struct reel_answer *answer, json_t *data,
                       const struct reel_error *error)
{
    if (error)
        reel_answer_error(answer, error);
    else
        reel_answer_data(answer, json_incref(data));
    reel_ingest_answer(ingest, answer);
}

/* Say what became of it, `data` (its reference is taken over) or the error, once the batch is
 * durable: where the message asked for that, and to all who asked by request. */
static void answer_all(struct reel_ingest *ingest, const struct reel_upload *upload, json_t *data,
                       const struct reel_error *error)
{
    struct reel_answer *answer = remembered(upload);
    struct reel_waiting *waiting;
    struct reel_waiting *after;

    if (answer)
        answer_one(ingest, answer, data, error);
    DL_FOREACH_SAFE (ingest->waiting, waiting, after) {
        if (waiting->upload_id == upload->id)
            answer_one(ingest, take_waiting(ingest, waiting), data, error);
    }
    json_decref(data);
}

static void refuse(struct reel_ingest *ingest, struct reel_upload *upload,
                   const struct reel_error *error)
{
    char topic[REEL_ANSWER_TOPIC_BYTES];
    const struct reel_reject reject = {
        .topic = topic,
        .device = upload->device,
        .session = upload->session,
        .error = *error,
        .time_us = reel_wall_us(),
        .bytes = upload->size_bytes,
    };
    struct reel_error failure;
    uint64_t quarantine_id;

    reel_topic_build(topic, sizeof topic, ingest->links.config->broker_prefix, "upload",
                     upload->device, upload->session);
    answer_all(ingest, upload, NULL, error);
    if (reel_store_upload_drop(ingest->store, upload, &reject, &quarantine_id, &failure)) {
        reel_ingest_fail(ingest, &failure);
        return;
    }
    reel_ingest_note_rejected(ingest, upload->device, upload->session, NULL, error, quarantine_id);
}

static void tell_installed(struct reel_ingest *ingest, const struct reel_upload *upload,
                           const struct reel_recording *recording,
                           const struct reel_recording *removed)
{
    int64_t now_us = reel_wall_us();

    if (removed->rowid != 0)
        reel_ingest_event(ingest, removed->device, removed->session,
                          reel_event_deleted(removed, "overwritten", now_us));
    reel_ingest_event(ingest, recording->device, recording->session,
                      reel_event_plain("completed", recording, now_us));
    reel_count(&ingest->links.counters->recordings_started, 1);
    reel_count(&ingest->links.counters->recordings_completed, 1);
    answer_all(ingest, upload, reel_describe_recording(recording), NULL);
}

/* By the rules of its device, in the place of what has its name. */
static enum reel_code check_rules(struct reel_ingest *ingest, const struct reel_upload *upload,
                                  const struct reel_conversion *made, struct reel_error *err_out)
{
    struct reel_entry *entry;
    enum reel_code code =
        reel_store_get(ingest->store, upload->device, upload->session, &entry, err_out);

    if (code && code != REEL_E_NOT_FOUND)
        return code;
    return reel_ingest_rules_whole(ingest, upload->device, &made->format, made->frames,
                                   code ? NULL : reel_entry_recording(entry), err_out);
}

static void install(struct reel_ingest *ingest, struct reel_upload *upload,
                    const struct reel_conversion *made)
{
    struct reel_recording removed;
    struct reel_entry *entry;
    struct reel_error error;
    enum reel_code code = check_rules(ingest, upload, made, &error);

    if (code == REEL_OK)
        code = reel_store_upload_install(ingest->store, upload, &made->format, made->frames,
                                         reel_wall_us(), &removed, &entry, &error);
    switch (code) {
    case REEL_OK:
        tell_installed(ingest, upload, reel_entry_recording(entry), &removed);
        reel_recording_finish(&removed);
        break;
    case REEL_E_NOT_FOUND: /* recovery has removed what was made: it is made anew */
        break;
    case REEL_E_CONFLICT:
    case REEL_E_NOT_ALLOWED:
        refuse(ingest, upload, &error);
        break;
    default:
        reel_ingest_fail(ingest, &error);
    }
}

static bool is_refusal(enum reel_code code)
{
    return code == REEL_E_BAD_REQUEST || code == REEL_E_NOT_ALLOWED || code == REEL_E_TOO_LARGE;
}

static void take_result(struct reel_ingest *ingest, const struct reel_conversion *made)
{
    struct reel_upload *upload = reel_store_upload_find(ingest->store, made->id);

    if (!upload || upload->state != REEL_UPLOAD_WHOLE)
        return;
    if (made->code != REEL_OK && !is_refusal(made->code)) {
        upload->retry_us = reel_monotonic_us() + RETRY_US;
        reel_log_write_about(ingest->links.log, REEL_LOG_ERROR,
                             REEL_LOG_OF(made->device, made->session),
                             "the upload to %s/%s waits, and is tried again: %s", made->device,
                             made->session, made->error.message);
        return;
    }
    reel_batch_open(&ingest->batch, reel_monotonic_us());
    if (made->code == REEL_OK)
        install(ingest, upload, made);
    else
        refuse(ingest, upload, &made->error);
    if (!ingest->failed)
        reel_ingest_commit(ingest);
}

static void take_results(struct reel_ingest *ingest)
{
    struct reel_conversion *conversion;

    while (!ingest->failed && !ingest->batch.open &&
           (conversion = reel_mailbox_take(ingest->links.imports)) != NULL) {
        ingest->importing = false;
        take_result(ingest, conversion);
        free(conversion);
    }
}

static void give_job(struct reel_ingest *ingest, const struct reel_upload *upload)
{
    struct reel_conversion *conversion = calloc(1, sizeof *conversion);

    if (!conversion)
        return; /* at the next turn */
    conversion->id = upload->id;
    conversion->in_blocks = upload->block_bytes > 0;
    conversion->begun_us = upload->begun_us;
    memcpy(conversion->device, upload->device, sizeof upload->device);
    memcpy(conversion->session, upload->session, sizeof upload->session);
    memcpy(conversion->sha256, upload->sha256, sizeof upload->sha256);
    if (!reel_mailbox_post(ingest->links.import_jobs, conversion, 0)) {
        free(conversion);
        return;
    }
    ingest->importing = true;
    ingest->importing_id = upload->id;
}

/* The oldest that is whole, but for those that the disk has no room for now: what is smaller, or
 * goes elsewhere, does not wait for them. */
static void give_next(struct reel_ingest *ingest)
{
    int64_t now_us = reel_monotonic_us();
    struct reel_upload *upload = NULL;

    if (ingest->importing)
        return;
    while ((upload = reel_store_upload_next(ingest->store, upload)) != NULL &&
           (upload->state != REEL_UPLOAD_WHOLE || now_us < upload->retry_us))
        continue;
    if (upload && upload->rowid != 0)
        give_job(ingest, upload);
}

static void give_discards(struct reel_ingest *ingest)
{
    struct reel_discard discard;

    while (reel_store_next_discard(ingest->store, &discard))
        reel_ingest_discard(ingest, &discard);
}

/* One that nothing came for, or that the disk does not let become a recording. */
static void expire(struct reel_ingest *ingest, struct reel_upload *upload)
{
    struct reel_error error;

    reel_batch_open(&ingest->batch, reel_monotonic_us());
    reel_log_write_about(
        ingest->links.log, REEL_LOG_NOTICE, REEL_LOG_OF(upload->device, upload->session),
        "the upload to %s/%s is given up: nothing came of it for %llu s", upload->device,
        upload->session, (unsigned long long)ingest->links.config->upload_expire_s);
    if (upload->state == REEL_UPLOAD_WHOLE) {
        reel_error_set(&error, REEL_E_STALLED, NULL, "the disk does not let it become a recording");
        refuse(ingest, upload, &error);
    } else if (reel_store_upload_drop(ingest->store, upload, NULL, NULL, &error)) {
        reel_ingest_fail(ingest, &error);
    }
}

static void expire_old(struct reel_ingest *ingest)
{
    int64_t expire_us = (int64_t)ingest->links.config->upload_expire_s * SECOND_US;
    int64_t now_us = reel_wall_us();
    struct reel_upload *upload = NULL;

    if (reel_monotonic_us() < ingest->expire_next_us)
        return;
    ingest->expire_next_us = reel_monotonic_us() + SECOND_US;
    while (!ingest->failed && (upload = reel_store_upload_next(ingest->store, upload)) != NULL) {
        if (now_us - upload->updated_us > expire_us &&
            !(ingest->importing && upload->id == ingest->importing_id))
            expire(ingest, upload);
    }
}

void reel_ingest_uploads(struct reel_ingest *ingest)
{
    take_results(ingest);
    if (!ingest->failed)
        expire_old(ingest);
    if (ingest->failed)
        return;
    give_discards(ingest);
    give_next(ingest);
}
