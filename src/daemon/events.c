/* Events: the documents. */
#include "daemon/events.h"

#include <stddef.h>

#include "core/describe.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* {"event", "time", "recording"}, with the reference to `recording` taken over. */
static json_t *event_create(const char *event, json_t *recording, int64_t now_us)
{
    char time[REEL_TIME_BYTES];

    reel_time_format(now_us, time);
    return json_pack("{s:s, s:s, s:o}", "event", event, "time", time, "recording", recording);
}

/* Add a member, the reference to `value` taken over; a document that lacks one is given up. */
static json_t *with(json_t *event, const char *key, json_t *value)
{
    if (!event || json_object_set_new(event, key, value) != 0) {
        if (!event)
            json_decref(value);
        json_decref(event);
        return NULL;
    }
    return event;
}

json_t *reel_event_plain(const char *event, const struct reel_recording *recording, int64_t now_us)
{
    return event_create(event, reel_describe_recording(recording), now_us);
}

json_t *reel_event_gap(const struct reel_recording *recording, uint64_t from_frame, uint64_t frames,
                       uint64_t seqs, bool inferred, int64_t now_us)
{
    json_t *event = reel_event_plain("gap", recording, now_us);

    event = with(event, "from_frame", number(from_frame));
    event = with(event, "frames", number(frames));
    event = with(event, "seqs", number(seqs));
    return with(event, "inferred", json_boolean(inferred));
}

json_t *reel_event_gap_filled(const struct reel_recording *recording, uint64_t from_frame,
                              uint64_t frames, int64_t now_us)
{
    json_t *event = reel_event_plain("gap_filled", recording, now_us);

    event = with(event, "from_frame", number(from_frame));
    return with(event, "frames", number(frames));
}

static const char *discontinuity_reason(const struct reel_placement *placement)
{
    switch (placement->reason) {
    case REEL_STRETCH_BOOT:
        return "boot";
    case REEL_STRETCH_RESTART:
        return "restart";
    case REEL_STRETCH_JUMP:
        return "jump";
    default:
        return "unknown";
    }
}

json_t *reel_event_discontinuity(const struct reel_recording *recording,
                                 const struct reel_placement *placement, uint64_t at_frame,
                                 int64_t now_us)
{
    json_t *event = reel_event_plain("discontinuity", recording, now_us);
    json_t *skipped = placement->skipped_frames ? number(placement->skipped_frames) : json_null();

    event = with(event, "at_frame", number(at_frame));
    event = with(event, "reason", json_string(discontinuity_reason(placement)));
    return with(event, "skipped_frames", skipped);
}

json_t *reel_event_deleted(const struct reel_recording *recording, const char *reason,
                           int64_t now_us)
{
    json_t *event = reel_event_plain("deleted", recording, now_us);

    return with(event, "reason", json_string(reason));
}

/* No more than the names. */
static json_t *who(const char *device, const char *session)
{
    return json_pack("{s:s, s:s}", "device", device[0] ? device : "-", "session",
                     session[0] ? session : "-");
}

json_t *reel_event_silence(const char *event, const char *device, const char *session,
                           int64_t heard_us, int64_t now_us)
{
    char heard_at[REEL_TIME_BYTES];

    reel_time_format(heard_us, heard_at);
    return with(event_create(event, who(device, session), now_us), "heard_at",
                json_string(heard_at));
}

json_t *reel_event_rejected(const char *device, const char *session, const struct reel_error *error,
                            uint64_t quarantine_id, uint64_t count, int64_t now_us)
{
    json_t *event = event_create("rejected", who(device, session), now_us);

    event = with(event, "code", json_string(reel_code_name(error->code)));
    event = with(event, "message", json_string(error->message));
    event = with(event, "field", error->field[0] ? json_string(error->field) : json_null());
    event = with(event, "quarantine_id", number(quarantine_id));
    return with(event, "count", number(count));
}
