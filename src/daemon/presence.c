/* Presence: made from the settings and the ingest side's state; read from what others publish. */
#include "daemon/presence.h"

#include <stdio.h>
#include <string.h>

#include "core/describe.h"
#include "wire/message.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* What a recorder should know before it sends. */
static json_t *accepts(const struct reel_config *config)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:{s:[i,i,i,i], s:[i,i], s:[i], s:[i]}}",
                     "max_fragment_bytes", number(config->max_fragment_bytes), "max_gap_s",
                     number(config->max_gap_s), "max_gap_bytes", number(config->max_gap_bytes),
                     "max_response_bytes", number(config->max_response_bytes), "max_channels",
                     (int)REEL_CHANNELS_MAX, "max_rate", (int)REEL_RATE_MAX, "encodings", "pcm", 1,
                     2, 3, 4, "float", 4, 8, "alaw", 1, "ulaw", 1);
}

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
                     "accepts", accepts(config));
}

json_t *reel_presence_will(int64_t connected_at_us)
{
    char connected_at[REEL_TIME_BYTES];

    reel_time_format(connected_at_us, connected_at);
    return json_pack("{s:b, s:s}", "online", 0, "connected_at", connected_at);
}

/* Whether the status says that a sink has been online since before `than_us`. */
static bool online_before(const uint8_t *payload, size_t payload_bytes, int64_t than_us)
{
    enum reel_document_kind kind;
    json_t *status = NULL;
    const char *connected_at;
    int64_t connected_at_us;
    bool before;

    if (reel_document_decode(payload, payload_bytes, &status, &kind, NULL))
        return false;
    connected_at = json_string_value(json_object_get(status, "connected_at"));
    before = json_is_true(json_object_get(status, "online")) && connected_at &&
             reel_time_parse(connected_at, &connected_at_us) && connected_at_us < than_us;
    json_decref(status);
    return before;
}

bool reel_rival_hear(struct reel_rival *rival, const char *own_name, int64_t own_connected_at_us,
                     const char *name, const uint8_t *payload, size_t payload_bytes,
                     int64_t monotonic_us)
{
    bool known = rival->present && strcmp(rival->name, name) == 0;

    if (strcmp(name, own_name) == 0)
        return false;
    if (online_before(payload, payload_bytes, own_connected_at_us)) {
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
    if (!rival->present ||
        monotonic_us - rival->heard_us < (int64_t)REEL_STATUS_EXPIRY_S * 1000000)
        return false;
    rival->present = false;
    return true;
}
