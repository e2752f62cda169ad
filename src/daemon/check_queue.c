/* Check of the broker: what it keeps for a session that is away, whether it keeps the session, and
 * how much of it comes before the first acknowledgement. The messages go where running sinks look
 * away, and not where one that is away would have them kept. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/check_internal.h"
#include "wire/topic.h"

/* Twice what mosquitto keeps by default. More would tell more, and disturb more. */
enum { MESSAGES = 2000, MESSAGE_BYTES = 1024, EXPIRY_S = 300 };
/* A queue from which nothing has come for so long is empty. */
enum { SILENCE_S = 2 };
#define SUFFIX "-queue"

/* What was found. */
struct found {
    bool session_present;
    size_t at_once;
    size_t kept;
};

/* A session that begins anew, and is left. */
static enum reel_code leave_session(struct reel_check *check, const char *topic,
                                    struct reel_error *err_out)
{
    struct reel_probe *probe = NULL;
    enum reel_code code;
    int refusal;

    code = reel_probe_open(&check->run, SUFFIX, 0, &probe, &refusal, err_out);
    reel_probe_close(&probe);
    if (code == REEL_OK)
        code = reel_probe_open(&check->run, SUFFIX, EXPIRY_S, &probe, &refusal, err_out);
    if (code == REEL_OK)
        code = reel_probe_subscribe(probe, topic, err_out);
    reel_probe_close(&probe);
    return code;
}

static enum reel_code fill(struct reel_probe *sender, const char *topic, struct reel_error *err_out)
{
    const struct reel_probe_message message = {
        .topic = topic, .mark = REEL_PROBE_ONE, .bytes = MESSAGE_BYTES, .qos = 1};
    enum reel_code code = REEL_OK;

    for (int i = 0; i < MESSAGES && code == REEL_OK; i++)
        code = reel_probe_send(sender, &message, err_out);
    if (code == REEL_OK)
        code = reel_probe_await(sender, reel_probe_all_acknowledged, 0, REEL_PROBE_PATIENCE_S,
                                err_out);
    return code;
}

/* One message at QoS 0 is not held up by what waits for acknowledgements: when it comes, all has
 * come that comes without them. */
static enum reel_code receive(struct reel_probe *sender, struct reel_probe *receiver,
                              const char *topic, struct found *found, struct reel_error *err_out)
{
    const struct reel_probe_message last = {.topic = topic, .mark = REEL_PROBE_LAST, .bytes = 1};
    const size_t *heard = reel_probe_counts(receiver)->heard;
    enum reel_code code = reel_probe_send(sender, &last, err_out);

    if (code == REEL_OK)
        code = reel_probe_await(receiver, reel_probe_heard_last, 1, SILENCE_S, err_out);
    found->at_once = heard[REEL_PROBE_ONE];
    reel_probe_hold(receiver, false);
    if (code == REEL_OK || code == REEL_E_NOT_FOUND)
        code = reel_probe_await(receiver, reel_probe_heard_one, MESSAGES, SILENCE_S, err_out);
    found->kept = heard[REEL_PROBE_ONE];
    return code == REEL_E_NOT_FOUND ? REEL_OK : code; /* that not all are there is an answer */
}

static enum reel_code find(struct reel_check *check, const char *topic, struct found *found,
                           struct reel_error *err_out)
{
    struct reel_probe *sender = NULL, *receiver = NULL;
    enum reel_code code = leave_session(check, topic, err_out);
    int refusal;

    if (code == REEL_OK)
        code = reel_probe_open(&check->run, "", 0, &sender, &refusal, err_out);
    if (code == REEL_OK)
        code = fill(sender, topic, err_out);
    if (code == REEL_OK)
        code = reel_probe_open(&check->run, SUFFIX, EXPIRY_S, &receiver, &refusal, err_out);
    if (code == REEL_OK) {
        found->session_present = reel_probe_session_present(receiver);
        if (found->session_present)
            code = receive(sender, receiver, topic, found, err_out);
    }
    reel_probe_close(&receiver);
    reel_probe_close(&sender);
    reel_check_forget(check, SUFFIX);
    return code;
}

static void tell(struct reel_check *check, const struct found *found)
{
    struct reel_check_report *report = &check->report;

    if (!found->session_present) {
        reel_check_tell(report, REEL_VERDICT_CHANGE, "session", "let the broker keep sessions",
                        "it is gone once the connection is, and what is sent meanwhile with it");
        return;
    }
    reel_check_tell(report, REEL_VERDICT_OK, "session", "", "it is kept while the sink is away");
    if (found->kept < MESSAGES)
        reel_check_tell(
            report, REEL_VERDICT_CHANGE, "queue",
            "max_queued_messages 10000000\nmax_queued_bytes 536870912",
            "of %d messages of %d bytes, sent and acknowledged while a session was away, "
            "%zu were kept: the rest is lost",
            MESSAGES, MESSAGE_BYTES, found->kept);
    else
        reel_check_tell(report, REEL_VERDICT_OK, "queue", "",
                        "%d messages of %d bytes were kept for a session that was away; more were "
                        "not tried",
                        MESSAGES, MESSAGE_BYTES);
    if (found->at_once < found->kept)
        reel_check_tell(report, REEL_VERDICT_CHANGE, "in flight",
                        "max_inflight_messages 0\nmax_inflight_bytes 0",
                        "%zu messages come before the first is acknowledged, and 65535 were asked "
                        "for: so few share a commit",
                        found->at_once);
    else
        reel_check_tell(report, REEL_VERDICT_OK, "in flight", "",
                        "%zu messages came before the first was acknowledged", found->at_once);
}

void reel_check_queue(struct reel_check *check)
{
    char topic[REEL_CHECK_TOPIC_BYTES];
    struct found found = {.kept = 0};
    struct reel_error error;

    if (!check->asks_itself) {
        reel_check_tell(&check->report, REEL_VERDICT_NOTE, "queue", "",
                        "could not be tried, since the sink can send itself nothing at "
                        "request/" REEL_TOPIC_CHECK "/");
        return;
    }
    reel_check_topic(check, "request", topic);
    if (find(check, topic, &found, &error))
        reel_check_tell(&check->report, REEL_VERDICT_CHANGE, "queue", "", "could not be tried: %s",
                        error.message);
    else
        tell(check, &found);
}
