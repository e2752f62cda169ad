/* reel publish --spool: wiring, and the report. */
#include "cli/publish_spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/drain.h"
#include "cli/report.h"
#include "cli/spool.h"

struct told {
    const struct reel_common *common;
    const char *device;
    bool failed;
};

struct asked {
    const char *device;
    const struct reel_recording *recordings;
    size_t count;
};

/* Whether one of the recordings goes on with the file that the lane is read from. */
static bool on_resumed(void *user, const struct reel_spool_lane *lane)
{
    const struct asked *asked = user;
    struct reel_spool_source source;

    for (size_t i = 0; i < asked->count; i++) {
        if (strcmp(lane->session, asked->recordings[i].session) != 0)
            continue;
        reel_recorder_source(asked->recordings[i].cutter.path, &source);
        if (source.path_hash && memcmp(&source, &lane->source, sizeof source) == 0)
            return strcmp(lane->device, asked->device) == 0;
    }
    return false;
}

/* "100", or "100 of 101" where not all were there to be sent. */
static void count_text(const struct reel_drained *drained, char out[64])
{
    if (drained->missing)
        snprintf(out, 64, "%" PRIu64 " of %" PRIu64, drained->fragments,
                 drained->fragments + drained->refused + drained->lost + drained->missing);
    else
        snprintf(out, 64, "%" PRIu64, drained->fragments);
}

static void on_drained(void *user, const struct reel_drained *drained)
{
    struct told *told = user;
    char count[64];
    json_t *line;

    told->failed = told->failed || drained->refused || drained->lost;
    if (told->common->json) {
        line = json_pack(
            "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "device", told->device, "session",
            drained->session, "status", drained->refused || drained->lost ? "error" : "ok",
            "fragments", (json_int_t)drained->fragments, "frames", (json_int_t)drained->frames,
            "resent", (json_int_t)drained->resent, "refused", (json_int_t)drained->refused, "lost",
            (json_int_t)drained->lost, "missing", (json_int_t)drained->missing);
        if (line)
            reel_report_json(line);
        json_decref(line);
        return;
    }
    count_text(drained, count);
    if (!told->common->quiet)
        printf("%s/%s: %" PRIu64 " frames in %s fragments durable\n", told->device,
               drained->session, drained->frames, count);
    if (drained->refused)
        reel_report_note("%s: the sink refuses %" PRIu64 " fragments; `reel rejects` shows them",
                         drained->session, drained->refused);
    if (drained->lost)
        reel_report_note("%s: the sink has given up %" PRIu64 " fragments for lost",
                         drained->session, drained->lost);
}

/* What the recorder met; and whether a file was left in the middle. */
static enum reel_exit recorded(const struct reel_recording *recordings, size_t count)
{
    enum reel_exit status = REEL_EXIT_OK;

    for (size_t i = 0; i < count; i++) {
        if (recordings[i].error.code) {
            reel_report_error(&recordings[i].error);
            status = reel_report_exit(&recordings[i].error);
        } else if (recordings[i].left_out_frames) {
            status = REEL_EXIT_FAILED;
        }
    }
    return status == REEL_EXIT_NOT_FOUND ? REEL_EXIT_FAILED : status;
}

static enum reel_exit run(const struct reel_publish_spool_config *config, const char *device,
                          struct reel_spool *spool, struct reel_recorder *recorder,
                          struct reel_drain_outcome *outcome)
{
    struct told told = {config->common, device, false};
    const struct reel_drain_config drain = {
        .common = config->common,
        .device = device,
        .folder = config->folder,
        .spool = spool,
        .recorder = recorder->count ? recorder : NULL,
    };
    struct reel_error error;
    enum reel_exit status;
    enum reel_code code;

    outcome->user = &told;
    outcome->drained = on_drained;
    code = reel_drain_run(&drain, outcome, &error);
    if (outcome->abandoned)
        return REEL_EXIT_INTERRUPTED;
    status = recorded(recorder->recordings, recorder->count);
    if (code)
        return reel_report_failed(&error);
    if (outcome->interrupted) {
        reel_report_note("interrupted: %" PRIu64 " fragments stay in %s", reel_spool_waiting(spool),
                         config->folder);
        return REEL_EXIT_INTERRUPTED;
    }
    if (reel_spool_clear(spool, &error))
        return reel_report_failed(&error);
    if (!status && atomic_load(&recorder->stop) && recorder->unread) {
        reel_report_note("interrupted: the same command goes on where it was");
        return REEL_EXIT_INTERRUPTED;
    }
    return status || !(told.failed || reel_spool_damaged(spool)) ? status : REEL_EXIT_FAILED;
}

enum reel_exit reel_publish_spool(const struct reel_publish_spool_config *config,
                                  struct reel_recording *recordings, size_t count)
{
    struct reel_drain_outcome outcome = {0};
    struct reel_recorder recorder = {
        .raw = config->raw,
        .fragment_ms = config->fragment_ms,
        .quiet = config->common->quiet,
        .recordings = recordings,
        .count = count,
    };
    struct asked asked = {config->device, recordings, count};
    char device[REEL_NAME_BYTES];
    struct reel_spool *spool = NULL;
    struct reel_error error;
    enum reel_exit status;

    if (reel_spool_open(config->folder, config->max_bytes, on_resumed, &asked, &spool, &error))
        return reel_report_failed(&error);
    strcpy(device, config->device);
    if (reel_spool_device(spool) && strcmp(device, reel_spool_device(spool)) != 0) {
        if (config->device_given || count > 0) {
            status = reel_report_usage("%s holds recordings of device %s: --device", config->folder,
                                       reel_spool_device(spool));
            reel_spool_close(&spool);
            return status;
        }
        strcpy(device, reel_spool_device(spool));
    }
    recorder.spool = spool;
    recorder.device = device;
    status = run(config, device, spool, &recorder, &outcome);
    if (outcome.abandoned) { /* the recorder waits for its source, and uses all that is here */
        reel_report_flush(status);
        _exit((int)status);
    }
    reel_spool_close(&spool);
    return status;
}
