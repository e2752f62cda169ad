/* Ingest, frames of Hermes satellites: small WAV files without numbers, and mostly without a
 * session in the topic. Such a session has the time of its first frame as its name; which one it is
 * is known from the recordings that are open, so a restart does not end it. */
#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "daemon/ingest_audio.h"
#include "wire/hermes.h"

#define SECOND_US INT64_C(1000000)

bool reel_ingest_hermes_ignores(const struct reel_ingest *ingest, const char *topic)
{
    const struct reel_config *config = ingest->links.config;
    struct reel_hermes_topic hermes;

    return reel_hermes_parse(topic, &hermes) &&
           (!config->hermes_enabled ||
            !reel_hermes_listed(config->hermes_sites, hermes.site, hermes.site_bytes));
}

bool reel_ingest_hermes_topic(struct reel_arrival *arrival)
{
    struct reel_hermes_topic hermes;

    if (!reel_hermes_parse(arrival->message->topic, &hermes))
        return false;
    arrival->satellite = true;
    arrival->topic.kind = REEL_TOPIC_AUDIO;
    memcpy(arrival->topic.device, hermes.device, sizeof hermes.device);
    memcpy(arrival->topic.session, hermes.session, sizeof hermes.session);
    return true;
}

enum reel_code reel_ingest_hermes_decode(struct reel_ingest *ingest, struct reel_arrival *arrival,
                                         struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    const struct reel_envelope bare = {0}; /* its numbers are none of theirs */

    if (reel_payload_kind_of(message->payload, message->payload_bytes) != REEL_PAYLOAD_WAV)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                              "a frame of a satellite is a WAV file");
    return reel_fragment_decode(message->payload, message->payload_bytes, &bare, &ingest->scratch,
                                &arrival->fragment, err_out);
}

static void note_open(void *user, const struct reel_recording *recording)
{
    struct reel_ingest *ingest = user;

    if (reel_time_is_name(recording->session))
        reel_satellites_note(ingest->satellites, recording->device, recording->session,
                             recording->started_us);
}

/* How long a recording of the device may be; it is not one that goes on in parts. */
static uint64_t most_seconds(const struct reel_ingest *ingest, const char *device)
{
    const struct reel_config *config = ingest->links.config;
    struct reel_rules rules;
    uint64_t most_s = config->hermes_max_duration_s;

    reel_config_rules(config, device, &rules);
    if (config->session_max_duration_s > 0 && config->session_max_duration_s < most_s)
        most_s = config->session_max_duration_s;
    return rules.max_duration_s > 0 && rules.max_duration_s < most_s ? rules.max_duration_s
                                                                     : most_s;
}

/* Whether the frame would make the recording longer than one may be. Or whether that has lasted so
 * long by the clock, which may be set meanwhile. */
static bool is_over(const struct reel_ingest *ingest, const struct reel_arrival *arrival,
                    const struct reel_recording *recording)
{
    uint64_t most_s = most_seconds(ingest, recording->device);

    return recording->frames + arrival->fragment.numbers.frames > most_s * recording->format.rate ||
           arrival->wall_us - recording->started_us >= (int64_t)most_s * SECOND_US;
}

/* A recorder that numbers its fragments may name its sessions so, too. */
static bool is_numbered(const struct reel_recording *recording)
{
    for (size_t i = 0; i < recording->stretches_count; i++) {
        if (recording->stretches[i].has_seq || recording->stretches[i].has_frame)
            return true;
    }
    return false;
}

/* Whether the session goes on. Where another takes its place it is complete once that has begun: a
 * frame that is refused ends nothing. Another format is another recording, so a satellite that was
 * set up anew is not refused until it falls silent. */
static enum reel_code go_on(struct reel_ingest *ingest, struct reel_arrival *arrival,
                            const char *session, bool *goes_on_out)
{
    struct reel_recording *recording;
    struct reel_entry *entry;
    struct reel_error failure;
    enum reel_code code =
        reel_store_get(ingest->store, arrival->topic.device, session, &entry, &failure);

    *goes_on_out = false;
    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (code != REEL_OK)
        return reel_ingest_fail(ingest, &failure);
    recording = reel_entry_recording(entry);
    if (recording->state != REEL_STATE_RECORDING || is_numbered(recording))
        return REEL_OK;
    if (is_over(ingest, arrival, recording))
        arrival->ended_reason = REEL_END_LIMIT;
    else if (!reel_format_equal(&recording->format, &arrival->fragment.format))
        arrival->ended_reason = REEL_END_END;
    else
        *goes_on_out = true;
    arrival->ended = *goes_on_out ? NULL : entry;
    return REEL_OK;
}

/* The name of a session that begins now: to the second, where that is taken to the microsecond. */
static enum reel_code name_session(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    char name[REEL_TIME_BYTES];
    struct reel_entry *entry;
    struct reel_error failure;
    enum reel_code code;
    int64_t time_us = arrival->wall_us;

    reel_time_format_name(time_us, false, name);
    while ((code = reel_store_get(ingest->store, arrival->topic.device, name, &entry, &failure)) ==
           REEL_OK)
        reel_time_format_name(time_us++, true, name);
    if (code != REEL_E_NOT_FOUND)
        return reel_ingest_fail(ingest, &failure);
    snprintf(arrival->topic.session, sizeof arrival->topic.session, "%s", name);
    return REEL_OK;
}

enum reel_code reel_ingest_hermes_session(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const char *session;
    bool goes_on = false;
    enum reel_code code = REEL_OK;

    if (arrival->topic.session[0])
        return REEL_OK;
    arrival->timed = true;
    if (!ingest->satellites_known)
        reel_store_each_open(ingest->store, note_open, ingest);
    ingest->satellites_known = true;
    session = reel_satellites_find(ingest->satellites, arrival->topic.device);
    if (session) {
        snprintf(arrival->topic.session, sizeof arrival->topic.session, "%s", session);
        code = go_on(ingest, arrival, arrival->topic.session, &goes_on);
    }
    return code == REEL_OK && !goes_on ? name_session(ingest, arrival) : code;
}

void reel_ingest_hermes_began(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              const struct reel_recording *recording)
{
    if (arrival->ended) {
        reel_store_touch(ingest->store, arrival->ended, arrival->monotonic_us);
        reel_ingest_complete(ingest, arrival->ended, arrival->ended_reason, arrival->wall_us);
    }
    reel_satellites_note(ingest->satellites, recording->device, recording->session,
                         recording->started_us);
}

void reel_ingest_hermes_ended(struct reel_ingest *ingest, const struct reel_recording *recording)
{
    reel_satellites_forget(ingest->satellites, recording->device, recording->session);
}

void reel_ingest_hermes_forget(struct reel_ingest *ingest)
{
    reel_satellites_forget_all(ingest->satellites);
    ingest->satellites_known = false;
}
