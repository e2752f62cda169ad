/* Uploader: one loop over questions, blocks and the connection. */
#include "cli/uploader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/blocks.h"
#include "cli/client.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "io/loop.h"
#include "wire/topic.h"

enum {
    AGAIN_US = 5000000, /* a question that nobody answered is asked again, at first */
    AGAIN_MOST_US = 60000000,
    RETRY_US = 1000000,    /* ... or one that the sink had no time for */
    PACE_US = 100000,      /* between questions while blocks are under way */
    PATIENCE_US = 5000000, /* a block that is missing so long after it was sent is lost */
    TURN_US = 200000,
    ID_BYTES = 17,
};

/* What a sink sums and decodes in a second, at least. */
#define SINK_BYTES_PER_S 10e6

/* Stands for all blocks, whose answers are refusals. */
#define BLOCK_NUMBER UINT32_MAX

struct uploader {
    struct reel_upload_job *job;
    struct reel_client *client;
    struct reel_blocks blocks;
    uint8_t *memory;   /* a block's */
    char id[ID_BYTES]; /* of the upload; "": it is not begun */
    uint32_t number;   /* of the question under way; 0: none */
    bool ending;       /* ... and it is the last one */
    bool whole;        /* the sink has said that nothing is missing */
    bool refused;
    int64_t again_us;       /* when to ask next */
    int64_t wait_us;        /* how long for the answer to the last one */
    int64_t forward_us;     /* when something last moved forward */
    struct reel_error last; /* why the sink had no time */
    enum reel_code code;    /* what ended it, from within on_message */
    struct reel_error *err_out;
    struct reel_progress progress;
};

/* Answers: what the sink says. */

/* It is another upload than before, or the first: nothing is known of its blocks. */
static enum reel_code adopt(struct uploader *uploader, const char *id, uint64_t block_bytes)
{
    uint8_t *memory;

    reel_blocks_finish(&uploader->blocks);
    if (strlen(id) + 1 != ID_BYTES ||
        !reel_blocks_init(&uploader->blocks, uploader->job->file->size_bytes, block_bytes))
        return reel_error_set(uploader->err_out, REEL_E_INTERNAL, NULL,
                              "the sink begins an upload in blocks of %" PRIu64 " bytes",
                              block_bytes);
    memory = realloc(uploader->memory, reel_blocks_bytes(&uploader->blocks, 0));
    if (!memory)
        return reel_error_set(uploader->err_out, REEL_E_INTERNAL, NULL, "out of memory");
    uploader->memory = memory;
    strcpy(uploader->id, id);
    return REEL_OK;
}

static enum reel_code begun(struct uploader *uploader, const json_t *answer, int64_t now_us)
{
    const char *id = reel_member_text(answer, "upload");
    const json_t *missing = json_object_get(answer, "missing");
    bool first = strcmp(uploader->id, id) != 0;
    enum reel_code code = REEL_OK;

    if (first)
        code = adopt(uploader, id,
                     (uint64_t)json_integer_value(json_object_get(answer, "block_size")));
    if (code)
        return code;
    if (reel_blocks_missing(&uploader->blocks, missing, now_us, PATIENCE_US) || first)
        uploader->forward_us = now_us;
    if (first && uploader->job->sent_bytes == 0)
        uploader->job->found_bytes = reel_blocks_stored_bytes(&uploader->blocks);
    uploader->whole = json_array_size(missing) == 0;
    uploader->again_us = now_us + (uploader->whole ? 0 : PACE_US);
    return REEL_OK;
}

/* Not for good: what does not change by waiting, or by asking what is missing, is. */
static enum reel_code bear(struct uploader *uploader, const struct reel_error *error,
                           int64_t now_us)
{
    bool wait = error->code == REEL_E_BUSY || error->code == REEL_E_STALLED;
    bool incomplete = uploader->ending &&
                      (error->code == REEL_E_NOT_FOUND || strcmp(error->field, "missing") == 0);

    if (!wait && !incomplete) {
        *uploader->err_out = *error;
        return error->code;
    }
    uploader->last = *error;
    uploader->whole = wait && uploader->whole;
    uploader->again_us = now_us + (wait ? RETRY_US : 0);
    return REEL_OK;
}

static enum reel_code answer_take(struct uploader *uploader, const struct reel_bus_message *message,
                                  int64_t now_us)
{
    struct reel_error error;
    json_t *answer = NULL;
    enum reel_code code = reel_answer_decode(message, &answer, &error);

    uploader->number = 0;
    uploader->wait_us = AGAIN_US;
    if (code)
        return bear(uploader, &error, now_us);
    uploader->last.code = REEL_OK;
    if (uploader->ending)
        uploader->job->recording = json_incref(answer);
    else
        code = begun(uploader, answer, now_us);
    json_decref(answer);
    return code;
}

/* Of blocks only what is wrong is told. What is no upload any more, or comes too fast, the next
 * question tells. */
static enum reel_code refusal_take(struct uploader *uploader,
                                   const struct reel_bus_message *message)
{
    struct reel_error error;
    json_t *data = NULL;
    enum reel_code code = reel_answer_decode(message, &data, &error);

    json_decref(data);
    if (!code || code == REEL_E_BUSY || code == REEL_E_STALLED || code == REEL_E_NOT_FOUND)
        return REEL_OK;
    *uploader->err_out = error;
    return code;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct uploader *uploader = user;
    uint32_t number = reel_client_number(message);

    if (number == 0 || uploader->code || uploader->job->recording)
        return;
    if (number == BLOCK_NUMBER)
        uploader->code = refusal_take(uploader, message);
    else if (number == uploader->number)
        uploader->code = answer_take(uploader, message, reel_monotonic_us());
}

static void on_refused(void *user, int publication_id)
{
    (void)publication_id;
    ((struct uploader *)user)->refused = true;
}

/* Questions and blocks: what goes out. */

static json_t *question_make(const struct uploader *uploader)
{
    const struct reel_upload_job *job = uploader->job;
    json_t *question = json_pack("{s:s, s:s}", "device", job->device, "session", job->session);

    if (!question)
        return NULL;
    if (uploader->ending) {
        json_object_set_new(question, "upload", json_string(uploader->id));
        return question;
    }
    json_object_set_new(question, "size", json_integer((json_int_t)job->file->size_bytes));
    json_object_set_new(question, "sha256", json_string(job->file->sha256));
    json_object_set_new(question, "overwrite", json_boolean(job->overwrite));
    if (job->tags)
        json_object_set(question, "tags", (json_t *)(uintptr_t)job->tags);
    return question;
}

/* Ask what is missing; once nothing is, for the recording. By the device's own topic: its blocks
 * are answered below reply/{device}/ alone, and so is what is asked there. */
static enum reel_code ask(struct uploader *uploader, int64_t now_us)
{
    const struct reel_upload_job *job = uploader->job;
    json_t *question;
    enum reel_code code = REEL_OK;

    uploader->ending = uploader->whole;
    if (uploader->ending)
        code = reel_upload_file_check(job->file, uploader->err_out);
    if (code)
        return code;
    question = question_make(uploader);
    code = reel_client_request(uploader->client, uploader->ending ? "upload-end" : "upload-begin",
                               job->device, question, &uploader->number, uploader->err_out);
    json_decref(question);
    uploader->again_us = now_us + uploader->wait_us;
    uploader->wait_us =
        uploader->wait_us * 2 < AGAIN_MOST_US ? uploader->wait_us * 2 : AGAIN_MOST_US;
    return code;
}

static enum reel_code block_send(struct uploader *uploader, uint64_t block)
{
    static const uint32_t number = BLOCK_NUMBER;
    struct reel_upload_job *job = uploader->job;
    uint64_t offset = block * uploader->blocks.block_bytes;
    size_t bytes = reel_blocks_bytes(&uploader->blocks, block);
    char topic[512], place[2 * REEL_NAME_BYTES];
    const struct reel_bus_publication what = {
        .topic = topic,
        .payload = uploader->memory,
        .payload_bytes = bytes,
        .qos = 1,
        .response_topic = reel_client_reply_topic(uploader->client),
        .correlation = (const uint8_t *)&number,
        .correlation_bytes = sizeof number,
    };
    enum reel_code code;

    snprintf(place, sizeof place, "%s/%s/%" PRIu64, job->session, uploader->id, offset);
    if (!reel_topic_build(topic, sizeof topic, job->common->prefix, "upload", job->device, place))
        return reel_error_set(uploader->err_out, REEL_E_BAD_REQUEST, NULL, "--prefix is too long");
    code = reel_upload_file_read(job->file, offset, uploader->memory, bytes, uploader->err_out);
    if (!code)
        code = reel_client_publish(uploader->client, &what, NULL, uploader->err_out);
    job->sent_bytes += bytes;
    return code;
}

static enum reel_code send_due(struct uploader *uploader, int64_t now_us)
{
    enum reel_code code = REEL_OK;
    uint64_t block;

    while (!code && uploader->blocks.count && reel_blocks_take(&uploader->blocks, now_us, &block))
        code = block_send(uploader, block);
    if (!code && now_us >= uploader->again_us)
        code = ask(uploader, now_us);
    return code;
}

/* The loop. */

static enum reel_code reconnect(struct uploader *uploader)
{
    int64_t patience_us = (int64_t)(uploader->job->common->timeout.value * 1e6);
    enum reel_code code = reel_client_reconnect(uploader->client, reel_monotonic_us() + patience_us,
                                                uploader->err_out);

    uploader->number = 0;
    uploader->again_us = 0;
    uploader->wait_us = AGAIN_US;
    uploader->forward_us = reel_monotonic_us();
    if (uploader->blocks.count)
        reel_blocks_doubt(&uploader->blocks);
    return code;
}

static enum reel_code overdue(const struct uploader *uploader, int64_t now_us)
{
    const struct reel_upload_job *job = uploader->job;
    double patience_s = job->common->timeout.value;

    if (uploader->ending)
        patience_s += (double)job->file->size_bytes / SINK_BYTES_PER_S;
    if (now_us < uploader->forward_us + (int64_t)(patience_s * 1e6))
        return REEL_OK;
    if (uploader->last.code) {
        *uploader->err_out = uploader->last;
        return uploader->last.code;
    }
    return reel_error_set(uploader->err_out, REEL_E_STALLED, NULL,
                          "no sink took anything of %s under %s within %g s%s", job->file->path,
                          job->common->prefix, patience_s, reel_client_presence(uploader->client));
}

static enum reel_code step(struct uploader *uploader)
{
    int64_t now_us = reel_monotonic_us(), until_us = now_us + TURN_US;
    enum reel_code code = send_due(uploader, now_us);

    if (uploader->again_us < until_us)
        until_us = uploader->again_us;
    if (!code)
        code = reel_client_run(uploader->client, NULL, 0, until_us, uploader->err_out);
    if (uploader->refused) /* some brokers close the connection besides */
        return reel_error_set(uploader->err_out, REEL_E_NOT_ALLOWED, NULL,
                              "the broker refuses what we publish for device %s: an access list, "
                              "or its limit on size",
                              uploader->job->device);
    if (code == REEL_E_STALLED)
        code = reconnect(uploader);
    if (!code)
        code = uploader->code;
    if (!code)
        code = overdue(uploader, reel_monotonic_us());
    if (uploader->blocks.count)
        reel_progress_show(&uploader->progress, uploader->job->session,
                           reel_blocks_stored_bytes(&uploader->blocks),
                           uploader->job->file->size_bytes, now_us);
    return code;
}

static enum reel_code upload(struct uploader *uploader)
{
    const struct reel_client_handlers handlers = {
        .user = uploader, .message = on_message, .refused = on_refused};
    enum reel_code code;

    reel_client_handle(uploader->client, &handlers);
    code = reel_client_connect(uploader->client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US,
                               uploader->err_out);
    uploader->wait_us = AGAIN_US;
    uploader->forward_us = reel_monotonic_us();
    reel_progress_init(&uploader->progress, uploader->job->common);
    while (!code && !uploader->job->recording)
        code = step(uploader);
    reel_progress_finish(&uploader->progress);
    return code;
}

enum reel_code reel_upload_run(struct reel_upload_job *job, struct reel_error *err_out)
{
    struct uploader uploader = {.job = job, .err_out = err_out};
    enum reel_code code = reel_client_create(job->common, job->device, &uploader.client, err_out);

    if (!code)
        code = upload(&uploader);
    reel_client_destroy(&uploader.client);
    reel_blocks_finish(&uploader.blocks);
    free(uploader.memory);
    return code;
}
