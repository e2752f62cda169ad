/* Sending: from a source into fragments, and what acknowledgements do to them. */
#include "cli/sending.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    FILE_FRAGMENT_MS = 250,
    LIVE_FRAGMENT_MS = 100,
    FRAGMENT_BYTES_MAX = 256 * 1024,
    RESEND_PATIENCE_US = 2000000, /* an acknowledgement may be older than what was sent again */
    RETRY_US = 2000000,           /* after a sink that is busy */
    BUSY_US = 300000000,          /* for so long at most */
};

static uint32_t fragment_frames(const struct reel_format *format, unsigned ms)
{
    uint64_t frames = (uint64_t)format->rate * ms / 1000;
    uint64_t most = FRAGMENT_BYTES_MAX / reel_format_frame_bytes(format);

    frames = frames < most ? frames : most;
    return frames ? (uint32_t)frames : 1;
}

enum reel_code reel_sending_open(struct reel_sending *sending, const struct reel_source_raw *raw,
                                 unsigned fragment_ms, struct reel_error *err_out)
{
    enum reel_code code = reel_source_open(sending->path, raw, &sending->source, err_out);
    bool live;

    if (code)
        return code;
    live = sending->realtime || reel_source_live(sending->source);
    sending->format = *reel_source_format(sending->source);
    sending->total_frames = reel_source_frames(sending->source);
    if (!fragment_ms)
        fragment_ms = live ? LIVE_FRAGMENT_MS : FILE_FRAGMENT_MS;
    sending->fragment_frames = fragment_frames(&sending->format, fragment_ms);
    sending->fragment =
        malloc((size_t)sending->fragment_frames * reel_format_frame_bytes(&sending->format));
    if (!sending->fragment ||
        getrandom(&sending->boot, sizeof sending->boot, 0) != (ssize_t)sizeof sending->boot)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory or randomness");
    sending->boot %= REEL_NUMBER_MAX;
    return REEL_OK;
}

void reel_sending_finish(struct reel_sending *sending)
{
    reel_source_close(&sending->source);
    reel_outbox_finish(&sending->outbox);
    free(sending->fragment);
    sending->fragment = NULL;
}

void reel_sending_fail(struct reel_sending *sending, const struct reel_error *error)
{
    sending->error = *error;
    sending->state = REEL_SENDING_FAILED;
    reel_sending_finish(sending);
}

int64_t reel_sending_next_us(const struct reel_sending *sending)
{
    uint64_t end_frame = sending->next_frame + sending->fragment_frames;

    if (!sending->realtime || !sending->started_us)
        return 0;
    return sending->started_us + (int64_t)((double)end_frame * 1e6 / sending->format.rate);
}

static enum reel_recorder_encoding encoding_of(const struct reel_format *format)
{
    static const enum reel_recorder_encoding encodings[] = {
        [REEL_PCM] = REEL_RECORDER_PCM,
        [REEL_FLOAT] = REEL_RECORDER_FLOAT,
        [REEL_ALAW] = REEL_RECORDER_ALAW,
        [REEL_ULAW] = REEL_RECORDER_ULAW,
    };

    return encodings[format->encoding];
}

/* Encode what is in the fragment and put it into the outbox. */
static enum reel_code fragment_close(struct reel_sending *sending, bool end, int64_t wall_us,
                                     struct reel_error *err_out)
{
    const struct reel_format *format = &sending->format;
    int64_t length_us = (int64_t)((double)sending->have_frames * 1e6 / format->rate);
    const struct reel_recorder_fragment fragment = {
        .rate = format->rate,
        .channels = format->channels,
        .sample_bytes = format->sample_bytes,
        .encoding = encoding_of(format),
        .data = sending->fragment,
        .data_bytes = (size_t)sending->have_frames * reel_format_frame_bytes(format),
        .has_seq = true,
        .seq = sending->next_seq,
        .has_frame = true,
        .frame = sending->next_frame,
        .has_boot_number = true,
        .boot_number = sending->boot,
        .end = end,
        .has_time = sending->realtime || reel_source_live(sending->source),
        .time_us = (uint64_t)(wall_us - length_us),
        .tags = sending->tags,
        .tags_count = sending->next_seq == 0 ? sending->tags_count : 0,
    };
    size_t bytes = reel_recorder_encode(NULL, 0, &fragment);
    uint8_t *payload = bytes ? malloc(bytes) : NULL;

    if (!bytes)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "metadata.tags",
                              "the fragment cannot be encoded: a tag has no valid name or value");
    if (!payload || !reel_recorder_encode(payload, bytes, &fragment) ||
        !reel_outbox_push(&sending->outbox, sending->next_seq, (uint32_t)sending->have_frames,
                          payload, bytes))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    sending->next_seq++;
    sending->next_frame += sending->have_frames;
    sending->have_frames = 0;
    return REEL_OK;
}

void reel_sending_read(struct reel_sending *sending, int64_t now_us, int64_t wall_us)
{
    struct reel_error error = {0};
    bool end = sending->stop;
    enum reel_code code = REEL_OK, closing = REEL_OK;

    if (!sending->started_us)
        sending->started_us = now_us;
    if (!end)
        code = reel_source_read(sending->source, sending->fragment, sending->fragment_frames,
                                &sending->have_frames, &end, &error);
    if (!code && end && !sending->next_seq && !sending->have_frames)
        code = reel_error_set(&error, REEL_E_BAD_REQUEST, NULL, "there is no audio in %s",
                              strcmp(sending->path, "-") == 0 ? "standard input" : sending->path);
    if (code)
        sending->error = error; /* told once what came before it is durable */
    if (sending->have_frames == sending->fragment_frames || (end && !code) ||
        (code && sending->have_frames))
        closing = fragment_close(sending, end && !code, wall_us, &error);
    if (closing)
        reel_sending_fail(sending, &error);
    else if (end)
        sending->state = REEL_SENDING_DRAINING;
    if (code && !closing && !sending->outbox.count)
        reel_sending_fail(sending, &error);
}

struct reel_outbox_item *reel_sending_due(struct reel_sending *sending, int64_t now_us)
{
    struct reel_outbox_item *first = sending->outbox.items;

    if (!sending->busy_since_us)
        return reel_outbox_due(&sending->outbox, now_us);
    return first && first->due && first->at_us <= now_us ? first : NULL;
}

/* A refusal that may pass by itself: the fragment is sent again. False if it lasts too long. */
static bool refusal_bear(struct reel_sending *sending, const struct reel_recorder_ack *ack,
                         int64_t now_us)
{
    if (!sending->busy_since_us)
        sending->busy_since_us = now_us;
    if (now_us - sending->busy_since_us >= BUSY_US)
        return false;
    reel_outbox_again(&sending->outbox, ack->seq, now_us + RETRY_US);
    return true;
}

static bool refusal_take(struct reel_sending *sending, const struct reel_recorder_ack *ack,
                         int64_t now_us)
{
    struct reel_error error;
    enum reel_code code = reel_code_from_name(ack->code);

    if (ack->has_seq && (code == REEL_E_BUSY || code == REEL_E_STALLED || code == REEL_E_JUMP) &&
        refusal_bear(sending, ack, now_us))
        return true;
    reel_error_set(&error, code == REEL_CODE_COUNT || code == REEL_OK ? REEL_E_INTERNAL : code,
                   ack->field, "the sink refuses a fragment of %s: %s", sending->session,
                   ack->message);
    reel_sending_fail(sending, &error);
    return true;
}

bool reel_sending_acknowledge(struct reel_sending *sending, const struct reel_recorder_ack *ack,
                              int64_t now_us)
{
    struct reel_error error = sending->error;
    size_t lost, left;

    if (sending->state == REEL_SENDING_DONE || sending->state == REEL_SENDING_FAILED)
        return false;
    if (!ack->ok)
        return refusal_take(sending, ack, now_us);
    left = reel_outbox_acknowledge(&sending->outbox, ack, now_us, RESEND_PATIENCE_US, &lost);
    sending->stored_frames = ack->frames;
    sending->busy_since_us = 0;
    if (lost)
        reel_error_set(&error, REEL_E_INTERNAL, NULL,
                       "the sink has given up %zu fragments of %s for lost", lost,
                       sending->session);
    if (lost || (error.code && !sending->outbox.count))
        reel_sending_fail(sending, &error);
    else if (sending->state == REEL_SENDING_DRAINING && !sending->outbox.count)
        sending->state = REEL_SENDING_DONE;
    return left > 0;
}
