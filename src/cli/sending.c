/* Sending: from the cutter into the outbox, and what acknowledgements make of the whole. */
#include "cli/sending.h"

#include <inttypes.h>
#include <stdlib.h>

#include "io/loop.h"

/* No more slots than a short recording can fill: thousands of those may be under way. */
static size_t slots_of(const struct reel_cutter *cutter)
{
    uint64_t fragments = cutter->total_frames / cutter->fragment_frames + 2;

    if (cutter->total_frames == 0 || fragments > REEL_OUTBOX_WINDOW_FRAGMENTS)
        return REEL_OUTBOX_WINDOW_FRAGMENTS;
    return (size_t)fragments;
}

enum reel_code reel_sending_open(struct reel_sending *sending, struct reel_client *client,
                                 uint32_t number, const struct reel_source_raw *raw,
                                 unsigned fragment_ms, struct reel_error *err_out)
{
    enum reel_code code = reel_cutter_open(&sending->cutter, raw, fragment_ms, err_out);

    if (!code && !reel_outbox_init(&sending->outbox, client, sending->topic, number,
                                   slots_of(&sending->cutter), reel_monotonic_us()))
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    return code;
}

void reel_sending_finish(struct reel_sending *sending)
{
    reel_cutter_finish(&sending->cutter);
    reel_outbox_finish(&sending->outbox);
}

void reel_sending_fail(struct reel_sending *sending, const struct reel_error *error)
{
    sending->error = *error;
    sending->state = REEL_SENDING_FAILED;
    reel_sending_finish(sending);
}

void reel_sending_read(struct reel_sending *sending, int64_t now_us, int64_t wall_us)
{
    struct reel_error error = {0};
    struct reel_cut cut;
    enum reel_code code = reel_cutter_read(&sending->cutter, now_us, wall_us, &cut, &error);

    if (code)
        sending->error = error; /* told once what came before it is durable */
    if (cut.payload &&
        !reel_outbox_push(&sending->outbox, cut.seq, cut.frames, cut.payload, cut.payload_bytes)) {
        free(cut.payload);
        reel_error_set(&error, REEL_E_INTERNAL, NULL, "a fragment found no place");
        reel_sending_fail(sending, &error);
    } else if (code && !sending->outbox.ring.fragments) {
        reel_sending_fail(sending, &error);
    } else if (sending->cutter.ended) {
        sending->state = REEL_SENDING_DRAINING;
    }
}

/* Something left the outbox: it may have been the last. */
static void settle(struct reel_sending *sending, const struct reel_error *error)
{
    if (sending->outbox.ring.fragments)
        return;
    if (error->code)
        reel_sending_fail(sending, error);
    else if (sending->state == REEL_SENDING_DRAINING)
        sending->state = REEL_SENDING_DONE;
}

void reel_sending_published(struct reel_sending *sending, int publication_id, int64_t now_us)
{
    struct reel_error error = sending->error;

    if (sending->state == REEL_SENDING_DONE || sending->state == REEL_SENDING_FAILED)
        return;
    reel_outbox_published(&sending->outbox, publication_id, now_us);
    settle(sending, &error);
}

bool reel_sending_hear(struct reel_sending *sending, const struct reel_bus_message *message,
                       int64_t now_us)
{
    struct reel_error error = sending->error;
    struct reel_outbox_refused refused;
    enum reel_outbox_heard heard;
    uint64_t lost;

    if (sending->state == REEL_SENDING_DONE || sending->state == REEL_SENDING_FAILED)
        return false;
    heard = reel_outbox_hear(&sending->outbox, message, now_us, &refused);
    lost = sending->outbox.ring.lost;
    if (heard == REEL_OUTBOX_REFUSED)
        error = sending->outbox.error;
    else if (lost)
        reel_error_set(&error, REEL_E_INTERNAL, NULL,
                       "the sink has given up %" PRIu64 " fragments of %s for lost", lost,
                       sending->session);
    if (heard == REEL_OUTBOX_REFUSED || lost)
        reel_sending_fail(sending, &error);
    else
        settle(sending, &error);
    return heard == REEL_OUTBOX_ALIVE || heard == REEL_OUTBOX_REFUSED;
}
