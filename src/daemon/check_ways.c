/* Check of the broker: each topic that the sink reads or writes, tried by a message to itself. What
 * mosquitto 2.0.11 says to a subscription tells nothing: it grants them all, and delivers only what
 * may be read. */
#include <stdio.h>
#include <string.h>

#include "core/discovery.h"
#include "daemon/check_internal.h"
#include "wire/hermes.h"
#include "wire/topic.h"

/* How long something that the broker has taken may be on its way back. */
enum { RETURN_S = 2 };

/* What the sink does at a topic. */
enum access { READ = 1, WRITE = 2, RETAINED = 4 };

struct way {
    const char *kind; /* below the prefix */
    const char *below;
    unsigned access;
};

static const struct way ways[] = {
    {"audio", "#", READ},
    {"upload", "#", READ},
    {"request", "#", READ},
    {"status", "+", READ | WRITE | RETAINED},
    {"metrics", "+", WRITE | RETAINED},
    {"event", "#", WRITE},
    {"response", "#", WRITE},
    {"reply", "#", WRITE},
};

/* One of them, tried. */
struct trial {
    const char *filter; /* what the sink may do it to */
    const char *topic;  /* the one at which it is tried */
    unsigned access;
};

enum outcome { FINE, NOT_WRITTEN, NOT_SUBSCRIBED, NOT_READ, FAILED };

/* Send something, and see whether it comes back. */
static enum outcome pass(struct reel_probe *probe, const struct trial *trial,
                         struct reel_error *err_out)
{
    const struct reel_probe_message message = {
        .topic = trial->topic,
        .mark = REEL_PROBE_ONE,
        .bytes = 1,
        .qos = 1,
        .retain = (trial->access & RETAINED) != 0,
    };
    bool reads = (trial->access & READ) != 0;

    if (reads && reel_probe_subscribe(probe, trial->filter, err_out))
        return FAILED;
    if (reads && reel_probe_counts(probe)->denied)
        return NOT_SUBSCRIBED;
    if (reel_probe_deliver(probe, &message, REEL_PROBE_PATIENCE_S, err_out))
        return NOT_WRITTEN;
    if (reel_probe_counts(probe)->refused) {
        reel_error_set(err_out, REEL_E_NOT_ALLOWED, NULL, "%s",
                       reel_bus_reason_text(reel_probe_counts(probe)->refusal));
        return NOT_WRITTEN;
    }
    if (reads && reel_probe_await(probe, reel_probe_heard_one, 1, RETURN_S, err_out))
        return NOT_READ;
    return FINE;
}

/* What is retained goes again. */
static void take_back(struct reel_probe *probe, const struct trial *trial)
{
    const struct reel_probe_message nothing = {.topic = trial->topic, .qos = 1, .retain = true};
    struct reel_error error;

    if (trial->access & RETAINED)
        (void)reel_probe_deliver(probe, &nothing, REEL_PROBE_PATIENCE_S,
                                 &error); /* where that fails, it expires */
}

/* On a connection of its own: where a broker ends it for what it refuses, the next goes on. */
static enum outcome try_one(struct reel_check *check, const struct trial *trial,
                            struct reel_error *err_out)
{
    struct reel_probe *probe = NULL;
    enum outcome outcome;
    int refusal;

    if (reel_probe_open(&check->run, "", 0, &probe, &refusal, err_out))
        return FAILED;
    outcome = pass(probe, trial, err_out);
    take_back(probe, trial);
    reel_probe_close(&probe);
    return outcome;
}

static void tell(struct reel_check *check, const struct trial *trial, enum outcome outcome,
                 const struct reel_error *error)
{
    bool reads = (trial->access & READ) != 0, writes = (trial->access & WRITE) != 0;
    const char *verb = reads && writes ? "readwrite" : reads ? "read" : "write";
    const char *user = reel_check_user(check);
    struct reel_check_report *report = &check->report;
    char advice[REEL_CHECK_TOPIC_BYTES + 160];

    snprintf(advice, sizeof advice, "in the acl_file: user %.64s\ntopic %s %s", user, verb,
             trial->filter);
    if (outcome == FINE)
        reel_check_tell(report, REEL_VERDICT_OK, trial->filter, "", "%s",
                        reads && writes ? "read and written"
                        : reads         ? "read"
                                        : "written");
    else if (outcome == NOT_SUBSCRIBED)
        reel_check_tell(report, REEL_VERDICT_CHANGE, trial->filter, advice,
                        "the broker refuses the subscription");
    else if (outcome == NOT_READ)
        reel_check_tell(report, REEL_VERDICT_CHANGE, trial->filter, advice,
                        "what is sent there does not reach the sink");
    else if (outcome == FAILED)
        reel_check_tell(report, REEL_VERDICT_CHANGE, trial->filter, "", "could not be tried: %s",
                        error->message);
    else if (writes)
        reel_check_tell(report, REEL_VERDICT_CHANGE, trial->filter, advice,
                        "the broker refuses what the sink sends: %s", error->message);
    else {
        snprintf(advice, sizeof advice, "in the acl_file: user %.64s\ntopic write %s", user,
                 trial->topic);
        reel_check_tell(report, REEL_VERDICT_CHANGE, trial->filter, advice,
                        "whether the sink may read there is not to be found out: it may not write "
                        "to %s, where nobody listens: %s",
                        trial->topic, error->message);
    }
}

static enum outcome check_way(struct reel_check *check, const struct way *way)
{
    char filter[REEL_CHECK_TOPIC_BYTES], topic[REEL_CHECK_TOPIC_BYTES];
    const struct trial trial = {filter, topic, way->access};
    struct reel_error error = {.code = REEL_OK};
    enum outcome outcome;

    snprintf(filter, sizeof filter, "%.64s/%s/%s", check->run.config->broker_prefix, way->kind,
             way->below);
    if (way->below[0] == '+')
        snprintf(topic, sizeof topic, "%.64s/%s/" REEL_TOPIC_CHECK,
                 check->run.config->broker_prefix, way->kind);
    else
        reel_check_topic(check, way->kind, topic);
    outcome = try_one(check, &trial, &error);
    tell(check, &trial, outcome, &error);
    return outcome;
}

static void check_hermes(struct reel_check *check)
{
    static const char *const topics[REEL_HERMES_FILTERS] = {REEL_HERMES_CHECKS};

    for (size_t i = 0; i < REEL_HERMES_FILTERS && check->run.config->hermes_enabled; i++) {
        const struct trial trial = {reel_hermes_filters[i], topics[i], READ};
        struct reel_error error = {.code = REEL_OK};

        tell(check, &trial, try_one(check, &trial, &error), &error);
    }
}

static void check_homeassistant(struct reel_check *check)
{
    const struct reel_config *config = check->run.config;
    const struct reel_discovery discovery = {config->homeassistant_prefix, config->broker_prefix,
                                             config->sink_name, REEL_VERSION};
    char filter[REEL_DISCOVERY_TOPIC_BYTES], topic[REEL_DISCOVERY_TOPIC_BYTES];
    const struct trial trial = {filter, topic, READ | WRITE | RETAINED};
    struct reel_error error = {.code = REEL_OK};

    if (!config->homeassistant_enabled)
        return;
    reel_discovery_check(&discovery, filter, topic);
    tell(check, &trial, try_one(check, &trial, &error), &error);
}

void reel_check_ways(struct reel_check *check)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        enum outcome outcome = check_way(check, &ways[i]);

        if (strcmp(ways[i].kind, "request") == 0)
            check->asks_itself = outcome == FINE;
        if (strcmp(ways[i].kind, "reply") == 0)
            check->answers = outcome == FINE;
    }
    check_hermes(check);
    check_homeassistant(check);
}
