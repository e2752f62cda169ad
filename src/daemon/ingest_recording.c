/* Ingest: the recording that a fragment is for: the one that is there, if it goes with it, or a new
 * one. */
#include <string.h>

#include "daemon/events.h"
#include "daemon/ingest_audio.h"

static enum reel_code check_open_limit(struct reel_ingest *ingest, struct reel_error *err_out)
{
    struct reel_store_stats stats;

    reel_store_stats(ingest->store, &stats);
    if (stats.open_recordings >= ingest->links.config->max_recordings_open)
        return reel_error_set(err_out, REEL_E_BUSY, "limits.max_recordings_open",
                              "%llu recordings are open, and no more are taken",
                              (unsigned long long)stats.open_recordings);
    return REEL_OK;
}

enum reel_code reel_ingest_create_recording(struct reel_ingest *ingest,
                                            const struct reel_arrival *arrival, const char *session,
                                            struct reel_entry **entry_out,
                                            struct reel_error *err_out)
{
    struct reel_error failure;
    enum reel_code code =
        reel_store_create(ingest->store, arrival->topic.device, session, &arrival->fragment.format,
                          arrival->wall_us, entry_out, &failure);

    if (code == REEL_E_NOT_ALLOWED)
        *err_out = failure;
    else if (code)
        reel_ingest_fail(ingest, &failure);
    else
        reel_count(&ingest->links.counters->recordings_started, 1);
    return code;
}

static enum reel_code begin_recording(struct reel_ingest *ingest,
                                      const struct reel_arrival *arrival,
                                      struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_topic *topic = &arrival->topic;
    enum reel_code code = reel_ingest_rules_begin(ingest, arrival, err_out);

    if (code == REEL_OK)
        code = check_open_limit(ingest, err_out);
    if (code)
        return code;
    if (!reel_rate_take(ingest->beginnings, topic->device, arrival->monotonic_us))
        return reel_error_set(err_out, REEL_E_BUSY, "limits.new_recordings_per_minute",
                              "the device has begun %llu recordings within a minute",
                              (unsigned long long)ingest->links.config->new_recordings_per_minute);
    code = reel_ingest_create_recording(ingest, arrival, topic->session, entry_out, err_out);
    if (code)
        return code;
    if (arrival->timed)
        reel_ingest_hermes_began(ingest, arrival, reel_entry_recording(*entry_out));
    reel_ingest_event(
        ingest, topic->device, topic->session,
        reel_event_plain("started", reel_entry_recording(*entry_out), arrival->wall_us));
    return REEL_OK;
}

/* The field of the first difference between two formats. */
static const char *format_difference(const struct reel_format *a, const struct reel_format *b)
{
    if (a->channels != b->channels)
        return "metadata.audio.channels";
    if (a->rate != b->rate)
        return "metadata.audio.rate";
    if (a->sample_bytes != b->sample_bytes)
        return "metadata.audio.sample_size";
    return "metadata.audio.encoding";
}

static enum reel_code check_against(const struct reel_recording *recording,
                                    const struct reel_arrival *arrival, struct reel_error *err_out)
{
    const struct reel_fragment *fragment = &arrival->fragment;
    const struct reel_format *is = &recording->format;

    if (recording->part_of[0] && strcmp(recording->part_of, arrival->topic.session) != 0)
        return reel_error_set(err_out, REEL_E_CONFLICT, "metadata.session.id",
                              "the recording is part %llu of session %s, which is published to",
                              (unsigned long long)recording->part, recording->part_of);
    if (!reel_format_equal(is, &fragment->format))
        return reel_error_set(err_out, REEL_E_CONFLICT, format_difference(is, &fragment->format),
                              "the recording is %s of %u bytes, %u channels, %u frames a second, "
                              "and a recording has one format",
                              reel_encoding_name(is->encoding), (unsigned)is->sample_bytes,
                              (unsigned)is->channels, (unsigned)is->rate);
    if (recording->state == REEL_STATE_COMPLETE && recording->end_reason == REEL_END_UPLOAD)
        return reel_error_set(err_out, REEL_E_CONFLICT, "metadata.session.id",
                              "the recording was uploaded whole and is not appended to");
    return REEL_OK;
}

/* There is none of that name (any more): a new one, unless the fragment comes once more of one that
 * was deleted. */
static enum reel_code begin_or_drop(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                                    struct reel_entry **entry_out, struct reel_error *err_out)
{
    struct reel_tombstone tombstone;
    enum reel_code code = reel_ingest_tombstone(ingest, arrival, &tombstone);

    if (code == REEL_E_NOT_FOUND)
        return begin_recording(ingest, arrival, entry_out, err_out);
    if (code)
        return code;
    if (!reel_ingest_drop_repeat(ingest, arrival, &tombstone))
        code = begin_recording(ingest, arrival, entry_out, err_out);
    if (code == REEL_OK && *entry_out)
        reel_ingest_begin_behind(reel_entry_recording(*entry_out), &tombstone,
                                 &arrival->fragment.numbers);
    reel_tombstone_finish(&tombstone);
    return code;
}

enum reel_code reel_ingest_find_recording(struct reel_ingest *ingest,
                                          const struct reel_arrival *arrival,
                                          struct reel_entry **entry_out, struct reel_error *err_out)
{
    const struct reel_topic *topic = &arrival->topic;
    enum reel_code code;
    struct reel_error failure;

    code = reel_ingest_last(ingest, topic->device, topic->session, entry_out, &failure);
    if (code == REEL_E_NOT_FOUND)
        return begin_or_drop(ingest, arrival, entry_out, err_out);
    return code ? code : check_against(reel_entry_recording(*entry_out), arrival, err_out);
}
