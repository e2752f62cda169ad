/* reel upload: hand whole audio files to the sink, each of which becomes a recording. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/report.h"
#include "cli/tags.h"
#include "cli/uploader.h"

struct values {
    const char *device, *session;
    struct reel_texts_option tags;
    bool overwrite;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "(the user's name, else this host's)",
     "REEL_DEVICE"},
    {0, "session", "NAME", REEL_OPTION_TEXT, FIELD(session), "(the file's name)", NULL},
    {0, "tag", "NAME=VALUE", REEL_OPTION_TEXTS, FIELD(tags), "goes with the recording; repeatable",
     NULL},
    {0, "overwrite", NULL, REEL_OPTION_FLAG, FIELD(overwrite),
     "take the place of a recording of that name", NULL},
    {0},
};

static const char help[] =
    "FILE is WAV, or FLAC, Ogg, AIFF or MP3 where the sink's `upload.formats` allows them. It "
    "goes\n"
    "over as it is, and becomes a recording once the sink has compared its sha256: all of it, or\n"
    "nothing. An old recording is there until the new one is. Broken off, the same command sends\n"
    "just what the sink does not have; it keeps that for a day. `reel publish` takes what is "
    "live,\n"
    "and continues recordings.\n";

static void told_json(const struct reel_upload_job *job, const struct reel_error *error)
{
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "file", job->file->path, "device",
                  job->device, "session", job->session, "status", error ? "error" : "ok", "bytes",
                  (json_int_t)job->file->size_bytes, "found_bytes", (json_int_t)job->found_bytes,
                  "sent_bytes", (json_int_t)job->sent_bytes);

    if (line && error)
        reel_report_json_error(line, error);
    else if (line)
        json_object_set(line, "recording", job->recording);
    if (line)
        reel_report_json(line);
    json_decref(line);
}

/* Tell what became of it; `error` is NULL where all is well. */
static enum reel_exit told(const struct reel_upload_job *job, const struct reel_error *error)
{
    char length[REEL_HUMAN_BYTES], sent[REEL_HUMAN_BYTES], found[REEL_HUMAN_BYTES];
    enum reel_exit status =
        error ? reel_report_failed_of(job->device, job->session, error) : REEL_EXIT_OK;

    if (job->common->json) {
        told_json(job, error);
    } else if (!error && !job->common->quiet) {
        reel_human_duration(reel_member_number(job->recording, "duration"), length);
        reel_human_bytes(job->sent_bytes, sent);
        reel_human_bytes(job->found_bytes, found);
        reel_report_line("%s/%s: %s, %s sent%s%s", job->device,
                         reel_member_text(job->recording, "session"), length, sent,
                         job->found_bytes ? ", already there " : "", job->found_bytes ? found : "");
    }
    return status == REEL_EXIT_NOT_FOUND ? REEL_EXIT_FAILED : status;
}

static enum reel_exit upload(const struct reel_upload_job *prepared, const char *path)
{
    struct reel_upload_file file;
    struct reel_upload_job job = *prepared;
    struct reel_error error;
    enum reel_code code = reel_upload_file_open(&file, path, job.common, &error);
    enum reel_exit status;

    job.file = &file;
    if (!code)
        code = reel_upload_run(&job, &error);
    status = told(&job, code ? &error : NULL);
    json_decref(job.recording);
    reel_upload_file_close(&file);
    return status;
}

static enum reel_exit upload_all(struct reel_upload_job *job, char (*sessions)[REEL_NAME_BYTES],
                                 const struct reel_arguments *arguments)
{
    enum reel_exit last = REEL_EXIT_OK;

    for (size_t i = 0; i < arguments->count && last != REEL_EXIT_NOT_NOW; i++) {
        enum reel_exit status;

        job->session = sessions[i];
        status = upload(job, arguments->items[i]);
        last = status ? status : last;
    }
    return last;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    char device[REEL_NAME_BYTES];
    char(*sessions)[REEL_NAME_BYTES] = calloc(arguments->count, sizeof *sessions);
    struct reel_tags tags = {0};
    json_t *document = NULL;
    struct reel_upload_job job = {
        .common = common, .device = device, .overwrite = values->overwrite};
    enum reel_exit status =
        sessions ? reel_names_device(common, values->device, device) : REEL_EXIT_FAILED;

    if (!status)
        status = reel_names_of_files(values->session, device, arguments, sessions);
    if (!status)
        status = reel_tags_take(values->tags.items, values->tags.count, &tags);
    if (!status && tags.count)
        job.tags = document = reel_tags_document(&tags);
    if (!status)
        status = upload_all(&job, sessions, arguments);
    json_decref(document);
    reel_tags_finish(&tags);
    free(sessions);
    return status;
}

const struct reel_command reel_cmd_upload = {
    .name = "upload",
    .arguments = "FILE...",
    .summary = "hand whole audio files to the sink",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 1,
    .arguments_max = 100000,
    .timeout_s = 60,
    .run = run,
};
