/* Probe: the connection's life and what is counted of it. */
#include "daemon/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/connection.h"
#include "io/loop.h"

enum { EXPIRY_S = 60, MISC_US = 1000000, CLIENT_ID_BYTES = REEL_NAME_BYTES + 32 };
enum { HEAD_BYTES = 64 };

struct reel_probe {
    const struct reel_probe_run *run;
    struct reel_bus *bus;
    struct reel_probe_counts counts;
    uint64_t changes; /* of anything that is counted */
    bool connected;
    bool session_present;
    bool ended;
    bool holds;
    int64_t misc_us;
    char reason[REEL_CONNECTION_TEXT_BYTES];
};

/* The beginning of a payload, JSON for whoever looks at it. */
static int head_build(const struct reel_probe_run *run, enum reel_probe_mark mark,
                      char out[HEAD_BYTES])
{
    return snprintf(out, HEAD_BYTES, "{\"check\":\"%016" PRIx64 "\",\"last\":%s}", run->number,
                    mark == REEL_PROBE_LAST ? "true" : "false");
}

static void on_connected(void *user, bool session_present)
{
    struct reel_probe *probe = user;

    probe->connected = true;
    probe->session_present = session_present;
    probe->holds = session_present;
    probe->changes++;
}

static void on_subscribed(void *user, const int *granted, size_t count)
{
    struct reel_probe *probe = user;

    for (size_t i = 0; i < count; i++)
        probe->counts.denied += granted[i] >= 128;
    probe->counts.subscribed++;
    probe->changes++;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct reel_probe *probe = user;
    char head[HEAD_BYTES];

    for (int mark = 0; mark < REEL_PROBE_MARKS; mark++) {
        size_t bytes = (size_t)head_build(probe->run, (enum reel_probe_mark)mark, head);

        if (message->payload_bytes < bytes || memcmp(message->payload, head, bytes) != 0)
            continue;
        probe->counts.heard[mark]++;
        probe->changes++;
    }
}

static void on_published(void *user, int publication_id, int refusal)
{
    struct reel_probe *probe = user;

    (void)publication_id;
    probe->counts.acknowledged++;
    probe->counts.refused += refusal != 0;
    if (refusal)
        probe->counts.refusal = refusal;
    probe->changes++;
}

static void on_disconnected(void *user, const char *reason, bool taken_over)
{
    struct reel_probe *probe = user;

    probe->ended = true;
    reel_connection_describe(probe->run->config, probe->bus, "check",
                             taken_over ? "another client came with its id" : reason,
                             probe->reason);
}

/* What the socket has to give and takes, or nothing until `deadline_us`. */
static void step(struct reel_probe *probe, int64_t deadline_us)
{
    struct pollfd fd = {.fd = reel_bus_fd(probe->bus), .events = POLLIN};

    if (!probe->holds && reel_bus_wants_write(probe->bus))
        fd.events |= POLLOUT;
    reel_poll(&fd, 1, probe->misc_us < deadline_us ? probe->misc_us : deadline_us);
    while (reel_bus_read(probe->bus))
        continue;
    if (reel_monotonic_us() >= probe->misc_us) {
        probe->misc_us = reel_monotonic_us() + MISC_US;
        reel_bus_misc(probe->bus);
    }
    if (!probe->holds && reel_bus_wants_write(probe->bus))
        reel_bus_write(probe->bus);
}

static enum reel_code ended(const struct reel_probe *probe, struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_STALLED, NULL, "%s", probe->reason);
}

static enum reel_code bus_open(struct reel_probe *probe, const char *suffix,
                               uint32_t session_expiry_s, struct reel_error *err_out)
{
    const struct reel_bus_handlers handlers = {
        .user = probe,
        .connected = on_connected,
        .subscribed = on_subscribed,
        .message = on_message,
        .published = on_published,
        .disconnected = on_disconnected,
    };
    const struct reel_config *config = probe->run->config;
    struct reel_bus_config bus_config;
    char client_id[CLIENT_ID_BYTES];
    enum reel_code code;

    snprintf(client_id, sizeof client_id, "reeld-%s-check%s", config->sink_name, suffix);
    reel_config_bus(config, probe->run->password, &bus_config);
    bus_config.client_id = client_id;
    bus_config.session_expiry_s = session_expiry_s;
    bus_config.receive_maximum = UINT16_MAX;
    code = reel_bus_create(&bus_config, &handlers, &probe->bus, err_out);
    return code ? code : reel_bus_connect(probe->bus, err_out);
}

enum reel_code reel_probe_open(const struct reel_probe_run *run, const char *suffix,
                               uint32_t session_expiry_s, struct reel_probe **probe_out,
                               int *refusal_out, struct reel_error *err_out)
{
    struct reel_probe *probe = calloc(1, sizeof *probe);
    enum reel_code code;

    *refusal_out = 0;
    if (!probe)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    probe->run = run;
    code = bus_open(probe, suffix, session_expiry_s, err_out);
    while (!code && !probe->connected) {
        step(probe, INT64_MAX); /* the bus gives up by itself */
        if (probe->ended) {
            *refusal_out = reel_bus_refusal(probe->bus);
            code = ended(probe, err_out);
        }
    }
    if (code) {
        reel_bus_destroy(&probe->bus);
        free(probe);
        return code;
    }
    *probe_out = probe;
    return REEL_OK;
}

void reel_probe_close(struct reel_probe **probe)
{
    if (!*probe)
        return;
    reel_bus_disconnect((*probe)->bus);
    reel_bus_write((*probe)->bus);
    reel_bus_destroy(&(*probe)->bus);
    free(*probe);
    *probe = NULL;
}

const struct reel_bus_terms *reel_probe_terms(const struct reel_probe *probe)
{
    return reel_bus_terms(probe->bus);
}

bool reel_probe_session_present(const struct reel_probe *probe)
{
    return probe->session_present;
}

const struct reel_probe_counts *reel_probe_counts(const struct reel_probe *probe)
{
    return &probe->counts;
}

void reel_probe_hold(struct reel_probe *probe, bool hold)
{
    probe->holds = hold;
}

enum reel_code reel_probe_send(struct reel_probe *probe, const struct reel_probe_message *message,
                               struct reel_error *err_out)
{
    uint32_t most = reel_bus_terms(probe->bus)->packet_max_bytes;
    size_t head_bytes, bytes = message->bytes;
    char head[HEAD_BYTES];
    char *payload;
    enum reel_code code;

    if (probe->ended)
        return ended(probe, err_out);
    head_bytes = (size_t)head_build(probe->run, message->mark, head);
    if (bytes > 0 && bytes < head_bytes)
        bytes = head_bytes;
    if (most && bytes + strlen(message->topic) + HEAD_BYTES > most)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, NULL,
                              "the broker takes packets of up to %" PRIu32 " bytes", most);
    payload = malloc(bytes + 1);
    if (!payload)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    memset(payload, ' ', bytes);
    memcpy(payload, head, bytes < head_bytes ? bytes : head_bytes);
    const struct reel_bus_publication what = {
        .topic = message->topic,
        .payload = payload,
        .payload_bytes = bytes,
        .qos = message->qos,
        .retain = message->retain,
        .expiry_s = EXPIRY_S,
    };
    code = reel_bus_publish(probe->bus, &what, NULL, err_out);
    free(payload);
    if (!probe->holds)
        reel_bus_write(probe->bus);
    probe->counts.sent += code == REEL_OK && message->qos > 0;
    return code;
}

enum reel_code reel_probe_await(struct reel_probe *probe, reel_probe_until_fn *until, size_t wanted,
                                unsigned patience_s, struct reel_error *err_out)
{
    int64_t patience_us = (int64_t)patience_s * 1000000;
    int64_t deadline_us = reel_monotonic_us() + patience_us;

    while (!until(&probe->counts, wanted)) {
        uint64_t before = probe->changes;

        if (probe->ended)
            return ended(probe, err_out);
        if (reel_monotonic_us() >= deadline_us)
            return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "nothing comes for %u s",
                                  patience_s);
        step(probe, deadline_us);
        if (probe->changes != before)
            deadline_us = reel_monotonic_us() + patience_us;
    }
    return REEL_OK;
}

bool reel_probe_all_acknowledged(const struct reel_probe_counts *counts, size_t ignored)
{
    (void)ignored;
    return counts->acknowledged >= counts->sent;
}

bool reel_probe_heard_one(const struct reel_probe_counts *counts, size_t wanted)
{
    return counts->heard[REEL_PROBE_ONE] >= wanted;
}

bool reel_probe_heard_last(const struct reel_probe_counts *counts, size_t wanted)
{
    return counts->heard[REEL_PROBE_LAST] >= wanted;
}

static bool is_subscribed(const struct reel_probe_counts *counts, size_t wanted)
{
    return counts->subscribed >= wanted;
}

enum reel_code reel_probe_subscribe(struct reel_probe *probe, const char *filter,
                                    struct reel_error *err_out)
{
    size_t wanted = probe->counts.subscribed + 1;
    enum reel_code code;

    if (probe->ended)
        return ended(probe, err_out);
    code = reel_bus_subscribe(probe->bus, &filter, 1, false, err_out);
    return code ? code
                : reel_probe_await(probe, is_subscribed, wanted, REEL_PROBE_PATIENCE_S, err_out);
}

enum reel_code reel_probe_deliver(struct reel_probe *probe,
                                  const struct reel_probe_message *message, unsigned patience_s,
                                  struct reel_error *err_out)
{
    enum reel_code code = reel_probe_send(probe, message, err_out);

    return code ? code
                : reel_probe_await(probe, reel_probe_all_acknowledged, 0, patience_s, err_out);
}
