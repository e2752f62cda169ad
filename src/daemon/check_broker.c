/* Check of the broker: the connection itself, and the order of the other parts. */
#include "daemon/check_broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "daemon/check_internal.h"
#include "wire/topic.h"

/* CONNACK's reasons, MQTT 5, 3.2.2.2. */
enum { UNSUPPORTED_VERSION = 132, BAD_PASSWORD = 134, NOT_AUTHORIZED = 135 };

void reel_check_topic(const struct reel_check *check, const char *kind,
                      char out[REEL_CHECK_TOPIC_BYTES])
{
    snprintf(out, REEL_CHECK_TOPIC_BYTES, "%.64s/%s/" REEL_TOPIC_CHECK "/%016" PRIx64,
             check->run.config->broker_prefix, kind, check->run.number);
}

const char *reel_check_user(const struct reel_check *check)
{
    const char *name = check->run.config->broker_username;

    if (!name[0])
        name = check->run.config->broker_psk_identity;
    return name[0] ? name : "NAME";
}

void reel_check_forget(struct reel_check *check, const char *suffix)
{
    struct reel_probe *probe = NULL;
    struct reel_error error;
    int refusal;

    if (reel_probe_open(&check->run, suffix, 0, &probe, &refusal, &error) == REEL_OK)
        reel_probe_close(&probe);
}

/* What to do where there is no connection. What TLS says has its advice in it. */
static const char *connection_advice(const struct reel_config *config, int refusal, char *out,
                                     size_t capacity)
{
    out[0] = '\0';
    if (refusal == BAD_PASSWORD || refusal == NOT_AUTHORIZED)
        snprintf(out, capacity,
                 "set broker.username and broker.password_file, and let the broker know them: "
                 "mosquitto_passwd /etc/mosquitto/reel.passwd %.64s",
                 config->broker_username[0] ? config->broker_username : "reeld");
    else if (refusal == UNSUPPORTED_VERSION)
        snprintf(out, capacity, "the sink needs a broker that speaks MQTT 5");
    else if (!refusal && !config->broker_cafile[0] && !config->broker_psk_file[0])
        snprintf(out, capacity, "listener %d", (int)config->broker_port);
    return out;
}

static struct reel_probe *connect_first(struct reel_check *check)
{
    const struct reel_config *config = check->run.config;
    struct reel_probe *probe = NULL;
    struct reel_error error;
    char advice[256];
    int refusal;

    /* Asked for as the sink asks for it; what is left of it goes with the next of this name. */
    if (reel_probe_open(&check->run, "", UINT32_MAX, &probe, &refusal, &error)) {
        reel_check_tell(&check->report, REEL_VERDICT_CHANGE, "connection",
                        connection_advice(config, refusal, advice, sizeof advice), "%s",
                        error.message);
        return NULL;
    }
    reel_probe_hold(probe, false);
    reel_check_tell(&check->report, REEL_VERDICT_OK, "connection", "", "%.100s port %d, %s TLS",
                    config->broker_host, (int)config->broker_port,
                    config->broker_cafile[0] || config->broker_psk_file[0] ? "with" : "without");
    return probe;
}

static void check_terms(struct reel_check *check, const struct reel_bus_terms *terms)
{
    struct reel_check_report *report = &check->report;

    if (terms->session_expiry_s != UINT32_MAX)
        reel_check_tell(report, REEL_VERDICT_CHANGE, "session",
                        "let the broker keep sessions for ever",
                        "one that is away is forgotten after %" PRIu32 " s, with what waits in it",
                        terms->session_expiry_s);
    if (terms->qos_maximum < 1)
        reel_check_tell(report, REEL_VERDICT_CHANGE, "quality of service", "max_qos 2",
                        "the broker takes nothing at QoS 1, so nothing is acknowledged");
    if (!terms->retain)
        reel_check_tell(report, REEL_VERDICT_CHANGE, "retained messages", "retain_available true",
                        "the broker keeps none, so nobody who comes later sees the sink's status");
}

/* The sink has two connections; a broker that names clients after their users lets the one end the
 * other. */
static void check_second(struct reel_check *check, struct reel_probe *first)
{
    struct reel_probe *second = NULL;
    struct reel_error error;
    char topic[REEL_CHECK_TOPIC_BYTES];
    enum reel_code code;
    int refusal;

    reel_check_topic(check, "reply", topic);
    code = reel_probe_open(&check->run, "-2", 0, &second, &refusal, &error);
    if (code == REEL_OK)
        code = reel_probe_subscribe(first, topic, &error);
    reel_probe_close(&second);
    if (code == REEL_OK)
        reel_check_tell(&check->report, REEL_VERDICT_OK, "two connections", "",
                        "both stay, as the sink needs it");
    else
        reel_check_tell(&check->report, REEL_VERDICT_CHANGE, "two connections",
                        "use_username_as_clientid false",
                        "a second one with another client id does not go well with the first: %s",
                        error.message);
}

/* Where nobody may write: what becomes of who does. Other brokers than mosquitto may allow it. */
static enum reel_code survive_refusal(struct reel_check *check, struct reel_error *err_out)
{
    const struct reel_probe_message message = {.topic = "$SYS/reel-check", .bytes = 1, .qos = 1};
    char topic[REEL_CHECK_TOPIC_BYTES];
    struct reel_probe *probe = NULL;
    enum reel_code code;
    int refusal;

    reel_check_topic(check, "reply", topic);
    code = reel_probe_open(&check->run, "-2", 0, &probe, &refusal, err_out);
    if (code == REEL_OK)
        code = reel_probe_deliver(probe, &message, REEL_PROBE_PATIENCE_S, err_out);
    if (code == REEL_OK)
        code = reel_probe_subscribe(probe, topic, err_out);
    reel_probe_close(&probe);
    return code;
}

static void check_refusal(struct reel_check *check)
{
    struct reel_error error;

    if (survive_refusal(check, &error))
        reel_check_tell(
            &check->report, REEL_VERDICT_CHANGE, "refusals", "max_queued_messages 10000000",
            "who publishes where it may not is disconnected, as mosquitto 2.0.11 does "
            "with max_queued_messages 0: a recorder that does connects again and again");
    else
        reel_check_tell(&check->report, REEL_VERDICT_OK, "refusals", "",
                        "who publishes where it may not is told, and stays connected");
}

static void check_all(struct reel_check *check)
{
    struct reel_probe *first = connect_first(check);

    if (!first)
        return;
    check_terms(check, reel_probe_terms(first));
    if (reel_probe_terms(first)->qos_maximum < 1) { /* then nothing that follows could be tried */
        reel_probe_close(&first);
        return;
    }
    check_second(check, first);
    reel_probe_close(&first);
    reel_check_forget(check, "");
    check_refusal(check);
    reel_check_ways(check);
    reel_check_size(check);
    reel_check_queue(check);
    reel_check_tell(&check->report, REEL_VERDICT_NOTE, "persistence",
                    "persistence true\nautosave_on_changes false\nautosave_interval 60",
                    "whether what waits outlives a restart of the broker, or an absence of hours "
                    "(persistent_client_expiration), is not to be seen from "
                    "here");
}

enum reel_code reel_check_broker_run(const struct reel_config *config, const char *password,
                                     bool as_json, bool *well_out, struct reel_error *err_out)
{
    struct reel_check check = {.run = {.config = config, .password = password}};
    size_t bytes = sizeof check.run.number;

    if (getrandom(&check.run.number, bytes, 0) != (ssize_t)bytes ||
        !reel_check_report_init(&check.report, as_json))
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory or randomness");
    check_all(&check);
    *well_out = check.report.changes == 0;
    return reel_check_report_finish(&check.report, err_out);
}
