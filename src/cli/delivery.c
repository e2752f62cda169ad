/* Delivery: the publisher, and its outcome in words. */
#include "cli/delivery.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/report.h"

static void told_json(const char *device, const struct reel_sending *sending)
{
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "device", device, "session", sending->session,
                  "status", sending->state == REEL_SENDING_DONE ? "ok" : "error", "fragments",
                  (json_int_t)sending->cutter.next_seq, "frames",
                  (json_int_t)sending->outbox.ring.durable_frames, "resent",
                  (json_int_t)sending->outbox.ring.resent);

    if (line && sending->state != REEL_SENDING_DONE)
        reel_report_json_error(line, &sending->error);
    if (line)
        reel_report_json(line);
    json_decref(line);
}

static void told(const struct reel_publisher_config *config, const struct reel_sending *sending)
{
    uint64_t frames = sending->outbox.ring.durable_frames;

    if (config->common->json)
        told_json(config->device, sending);
    else if (sending->state == REEL_SENDING_DONE && !config->common->quiet)
        printf("%s/%s: %.3f s %s, %" PRIu64 " frames in %" PRIu64 " fragments%s\n", config->device,
               sending->session, (double)frames / sending->cutter.format.rate,
               config->broker_only ? "at the broker" : "durable", frames, sending->cutter.next_seq,
               sending->outbox.stored_frames > frames ? ", behind what was there" : "");
}

/* Tell what became of each; `rest` is the error of those that were not finished. */
static enum reel_exit outcome(const struct reel_publisher_config *config,
                              struct reel_sending *sendings, size_t count,
                              const struct reel_error *rest)
{
    enum reel_exit status = REEL_EXIT_OK;

    for (size_t i = 0; i < count; i++) {
        struct reel_sending *sending = &sendings[i];

        if (sending->state == REEL_SENDING_FAILED) {
            reel_report_error(&sending->error);
            status = reel_report_exit(&sending->error);
        } else if (sending->state != REEL_SENDING_DONE) {
            sending->error = *rest;
        }
        told(config, sending);
        reel_sending_finish(sending);
    }
    return status == REEL_EXIT_NOT_FOUND ? REEL_EXIT_FAILED : status;
}

enum reel_exit reel_deliver(const struct reel_publisher_config *config,
                            struct reel_sending *sendings, size_t count, const char *again)
{
    struct reel_error error = {.code = REEL_E_BUSY, .message = "interrupted"};
    bool interrupted;
    enum reel_code code = reel_publisher_run(config, sendings, count, &interrupted, &error);
    enum reel_exit status = outcome(config, sendings, count, &error);

    if (code)
        return reel_report_failed(&error);
    if (interrupted) {
        reel_report_note("interrupted: not all is known to be stored; `reel info` tells what is, "
                         "and %s",
                         again);
        return REEL_EXIT_INTERRUPTED;
    }
    return status;
}
