/* Presence: made from the settings and the ingest side's state; read from what others publish. */
#include "daemon/presence.h"

#include <stdio.h>
#include <string.h>

#include "core/describe.h"
#include "daemon/accepts.h"
#include "wire/message.h"

json_t *reel_presence_status(const struct reel_config *config, const struct reel_sink_state *state,
                             bool online, const char *reason, int64_t connected_at_us,
                             int64_t now_us)
{
    char connected_at[REEL_TIME_BYTES];
    char now[REEL_TIME_BYTES];

    reel_time_format(connected_at_us, connected_at);
    reel_time_format(now_us, now);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:o}", "online", online, "connected_at",
                     connected_at, "time", now, "state", state->stalled ? "stalled" : "ok",
                     "reason", reason[0] ? reason : state->reason, "version", REEL_VERSION,
                     "accepts", reel_accepts(config));
}

json_t *reel_presence_will(int64_t connected_at_us)
{
    char connected_at[REEL_TIME_BYTES];

    reel_time_format(connected_at_us, connected_at);
    return json_pack("{s:b, s:s}", "online", 0, "connected_at", connected_at);
}

/* The connection that a status is of; false if it is no status. */
static bool status_read(const uint8_t *payload, size_t payload_bytes, bool *online_out,
                        int64_t *connected_at_us_out)
{
    enum reel_document_kind kind;
    json_t *status = NULL;
    const char *connected_at;
    bool read;

    if (reel_document_decode(payload, payload_bytes, &status, &kind, NULL))
        return false;
    connected_at = json_string_value(json_object_get(status, "connected_at"));
    *online_out = json_is_true(json_object_get(status, "online"));
    read = connected_at && reel_time_parse(connected_at, connected_at_us_out);
    json_decref(status);
    return read;
}

void reel_namesake_note(struct reel_namesake *namesake, int64_t connected_at_us)
{
    if (namesake->own_count == 0)
        namesake->own_first_us = connected_at_us;
    namesake->own_us[namesake->own_count++ % REEL_CONNECTIONS_KNOWN] = connected_at_us;
}

static bool is_own(const struct reel_namesake *namesake, int64_t connected_at_us)
{
    for (unsigned i = 0; i < namesake->own_count && i < REEL_CONNECTIONS_KNOWN; i++) {
        if (namesake->own_us[i] == connected_at_us)
            return true;
    }
    return false;
}

bool reel_namesake_hear(struct reel_namesake *namesake, const uint8_t *payload,
                        size_t payload_bytes)
{
    bool online;
    int64_t connected_at_us;

    if (status_read(payload, payload_bytes, &online, &connected_at_us) &&
        connected_at_us > namesake->own_first_us && !is_own(namesake, connected_at_us) &&
        (namesake->other_count == 0 || connected_at_us != namesake->other_us)) {
        namesake->other_us = connected_at_us;
        namesake->other_count++;
    }
    return namesake->other_count >= REEL_NAMESAKE_CONNECTIONS;
}

bool reel_rival_hear(struct reel_rival *rival, const char *own_name, int64_t own_connected_at_us,
                     const char *name, const uint8_t *payload, size_t payload_bytes,
                     int64_t monotonic_us)
{
    bool known = rival->present && strcmp(rival->name, name) == 0;
    int64_t since_us;
    bool online;

    if (strcmp(name, own_name) == 0)
        return false;
    if (status_read(payload, payload_bytes, &online, &since_us) && online &&
        since_us < own_connected_at_us) {
        if (rival->present && !known)
            return false; /* one is enough */
        rival->present = true;
        rival->heard_us = monotonic_us;
        snprintf(rival->name, sizeof rival->name, "%s", name);
        return !known;
    }
    if (known)
        rival->present = false;
    return known;
}

bool reel_rival_expire(struct reel_rival *rival, int64_t monotonic_us)
{
    if (!rival->present || monotonic_us - rival->heard_us < (int64_t)REEL_STATUS_EXPIRY_S * 1000000)
        return false;
    rival->present = false;
    return true;
}
