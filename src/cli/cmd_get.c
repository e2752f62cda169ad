/* reel get: a recording, or a slice of it, into a file or to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/part.h"
#include "cli/report.h"

struct values {
    const char *out;
    struct reel_seconds_option from, to;
    bool raw;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {'o', "out", "FILE", REEL_OPTION_TEXT, FIELD(out),
     "(SESSION.wav here); a folder to put it in; - is stdout", NULL},
    {0, "from", "TIME", REEL_OPTION_SECONDS, FIELD(from), "seconds, or HH:MM:SS", NULL},
    {0, "to", "TIME", REEL_OPTION_SECONDS, FIELD(to), "seconds, or HH:MM:SS", NULL},
    {0, "raw", NULL, REEL_OPTION_FLAG, FIELD(raw), "samples without a WAV header", NULL},
    {0},
};

static const char help[] =
    "A recording that still grows is fetched as long as it is now. What has come stands in\n"
    "FILE.part until all is there; the same command goes on from there after a break, unless the\n"
    "audio or the tags, which stand in the header, have changed since: then it begins anew, and "
    "says\n"
    "so. FILE is replaced if it exists.\n";

/* Where the bytes go. */
struct target {
    char path[PATH_MAX];
    bool stream; /* not a file: written as it comes */
    int fd;      /* of the stream */
    struct reel_part *part;
    bool resumed;
};

static bool is_stdout(const struct target *target)
{
    return strcmp(target->path, "-") == 0;
}

static enum reel_code stream_write(void *user, uint64_t offset, const void *bytes, size_t size,
                                   struct reel_error *err_out)
{
    const struct target *target = user;
    const char *from = bytes;

    (void)offset;
    while (size > 0) {
        ssize_t written = write(target->fd, from, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return reel_error_errno(err_out, errno, "writing to %s",
                                    is_stdout(target) ? "standard output" : target->path);
        from += written;
        size -= (size_t)written;
    }
    return REEL_OK;
}

static enum reel_code file_begin(void *user, const struct reel_fetch *fetch,
                                 struct reel_error *err_out)
{
    const struct target *target = user;

    return target->resumed ? REEL_OK : reel_part_begin(target->part, fetch->version, err_out);
}

static enum reel_code file_write(void *user, uint64_t offset, const void *bytes, size_t size,
                                 struct reel_error *err_out)
{
    return reel_part_write(((const struct target *)user)->part, offset, bytes, size, err_out);
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_device(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* Name the target from --out and the session. */
static bool target_name(struct target *target, const struct values *values, const char *session)
{
    const char *suffix = values->raw ? ".raw" : ".wav";
    int used;

    if (!values->out)
        used = snprintf(target->path, sizeof target->path, "%s%s", session, suffix);
    else if (is_folder(values->out))
        used = snprintf(target->path, sizeof target->path, "%s/%s%s", values->out, session, suffix);
    else
        used = snprintf(target->path, sizeof target->path, "%s", values->out);
    return used > 0 && (size_t)used < sizeof target->path;
}

static enum reel_code target_open(struct target *target, struct reel_fetch *fetch,
                                  struct reel_error *err_out)
{
    enum reel_code code;

    fetch->user = target;
    if (is_stdout(target) || is_device(target->path)) {
        target->stream = true;
        target->fd = is_stdout(target) ? STDOUT_FILENO : open(target->path, O_WRONLY | O_CLOEXEC);
        fetch->write = stream_write;
        return target->fd >= 0 ? REEL_OK : reel_report_open_error(target->path, err_out);
    }
    fetch->begin = file_begin;
    fetch->write = file_write;
    code = reel_part_open(target->path, fetch->view, REEL_FETCH_BLOCK_BYTES, &target->part,
                          &fetch->offset, fetch->version, sizeof fetch->version, err_out);
    target->resumed = !code && fetch->version[0];
    return code;
}

/* Fetch into the target; where the version that it holds a beginning of is gone, begin anew. */
static enum reel_code target_fill(struct target *target, struct reel_fetch *fetch,
                                  struct reel_error *err_out)
{
    char text[REEL_HUMAN_BYTES];
    enum reel_code code;

    if (fetch->offset > 0 && !fetch->common->quiet) {
        reel_human_bytes(fetch->offset, text);
        reel_report_note("going on with %s.part after %s", target->path, text);
    }
    code = reel_fetch_run(fetch, err_out);
    if (code == REEL_E_VERSION_MISMATCH && !target->stream) {
        reel_report_note("the audio or its tags have changed since; beginning anew");
        fetch->version[0] = '\0';
        fetch->offset = 0;
        target->resumed = false;
        code = reel_fetch_run(fetch, err_out);
    }
    if (!code && !target->stream)
        code = reel_part_finish(target->part, err_out);
    return code;
}

static void told(const struct reel_fetch *fetch, const struct target *target)
{
    json_t *line;
    char text[REEL_HUMAN_BYTES];

    if (target->stream)
        return;
    if (!fetch->common->json) {
        reel_human_bytes(fetch->size, text);
        if (!fetch->common->quiet)
            printf("%s: %s, frames %" PRIu64 " to %" PRIu64 "\n", target->path, text,
                   fetch->from_frame, fetch->to_frame);
        return;
    }
    line = json_pack("{s:s, s:O, s:O, s:s, s:I, s:I, s:I}", "file", target->path, "device",
                     json_object_get(fetch->view, "device"), "session",
                     json_object_get(fetch->view, "session"), "version", fetch->version, "bytes",
                     (json_int_t)fetch->size, "from_frame", (json_int_t)fetch->from_frame,
                     "to_frame", (json_int_t)fetch->to_frame);
    if (line)
        reel_report_json(line);
    json_decref(line);
}

static json_t *view_make(const struct values *values, const char *device, const char *session)
{
    json_t *view = reel_fetch_view(device, session, &values->from, &values->to);

    if (view && values->raw)
        json_object_set_new(view, "format", json_string("raw"));
    return view;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct target target = {.fd = -1};
    struct reel_fetch fetch = {.common = common, .device = device, .label = session};
    struct reel_error error;
    enum reel_code code;
    json_t *view;

    if (reel_name_pair(arguments, device, session, &error))
        return reel_report_usage("%s", error.message);
    if (values->from.given && values->to.given && values->to.value < values->from.value)
        return reel_report_usage("--to lies before --from");
    if (!target_name(&target, values, session))
        return reel_report_usage("--out: the name is too long");
    fetch.view = view = view_make(values, device, session);
    code = view ? target_open(&target, &fetch, &error)
                : reel_error_set(&error, REEL_E_INTERNAL, NULL, "out of memory");
    if (!code)
        code = target_fill(&target, &fetch, &error);
    if (!code)
        told(&fetch, &target);
    reel_part_close(&target.part);
    json_decref(view);
    return code ? reel_report_failed_of(device, session, &error) : REEL_EXIT_OK;
}

const struct reel_command reel_cmd_get = {
    .name = "get",
    .arguments = "DEVICE/SESSION|DEVICE SESSION",
    .summary = "fetch a recording, or a slice of it",
    .help = help,
    .options = options,
    .values_bytes = sizeof(struct values),
    .arguments_min = 1,
    .arguments_max = 2,
    .timeout_s = 30,
    .run = run,
};
