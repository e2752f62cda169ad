/* Check of the broker: whether it takes messages as large as the settings have them. They go where
 * nobody listens, so the broker alone has to carry them. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/check_internal.h"

/* How slow a network may be. */
enum { BYTES_PER_S = 100000 };

/* `connected_out`: there was something to pass it to. */
static enum reel_code pass(struct reel_check *check, uint64_t bytes, bool *connected_out,
                           struct reel_error *err_out)
{
    char topic[REEL_CHECK_TOPIC_BYTES];
    const struct reel_probe_message message = {.topic = topic, .bytes = (size_t)bytes, .qos = 1};
    unsigned patience_s = REEL_PROBE_PATIENCE_S + (unsigned)(bytes / BYTES_PER_S);
    struct reel_probe *probe = NULL;
    enum reel_code code;
    int refusal;

    reel_check_topic(check, "reply", topic);
    code = reel_probe_open(&check->run, "", 0, &probe, &refusal, err_out);
    *connected_out = code == REEL_OK;
    if (code == REEL_OK)
        code = reel_probe_deliver(probe, &message, patience_s, err_out);
    if (code == REEL_OK && reel_probe_counts(probe)->refused)
        code = reel_error_set(err_out, REEL_E_TOO_LARGE, NULL, "%s",
                              reel_bus_reason_text(reel_probe_counts(probe)->refusal));
    reel_probe_close(&probe);
    return code;
}

void reel_check_size(struct reel_check *check)
{
    const struct reel_config *config = check->run.config;
    const struct {
        const char *setting;
        uint64_t bytes;
        enum reel_verdict otherwise; /* such an upload can come in blocks */
    } sizes[] = {
        {"limits.max_fragment_bytes", config->max_fragment_bytes, REEL_VERDICT_CHANGE},
        {"limits.max_response_bytes", config->max_response_bytes, REEL_VERDICT_CHANGE},
        {"upload.block_bytes", config->upload_block_bytes, REEL_VERDICT_CHANGE},
        {"limits.max_upload_bytes", config->max_upload_bytes, REEL_VERDICT_NOTE},
    };
    char advice[160];
    struct reel_error error;
    bool connected;

    if (!check->answers) {
        reel_check_tell(&check->report, REEL_VERDICT_NOTE, "message size", "",
                        "could not be tried, since the sink may not write to reply/");
        return;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t bytes = sizes[i].bytes;
        enum reel_code code = pass(check, bytes, &connected, &error);

        if (code == REEL_E_TOO_LARGE)
            snprintf(advice, sizeof advice,
                     "message_size_limit %" PRIu64 "\nmax_packet_size %" PRIu64, bytes,
                     bytes + bytes / 16);
        else
            snprintf(advice, sizeof advice, "memory_limit 0");
        if (code == REEL_OK)
            reel_check_tell(&check->report, REEL_VERDICT_OK, sizes[i].setting, "",
                            "a message of %" PRIu64 " bytes passes", bytes);
        else if (!connected)
            reel_check_tell(&check->report, sizes[i].otherwise, sizes[i].setting, "",
                            "could not be tried: %s", error.message);
        else
            reel_check_tell(&check->report, sizes[i].otherwise, sizes[i].setting, advice,
                            "a message of %" PRIu64 " bytes does not pass (%s); either lower the "
                            "setting or change the broker's",
                            bytes, error.message);
    }
}
