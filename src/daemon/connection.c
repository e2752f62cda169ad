/* Connection: waits between attempts, and the text of a failure. */
#include "daemon/connection.h"

#include <stdio.h>
#include <string.h>

enum { LEAST_US = 1000000 };

void reel_backoff_reset(struct reel_backoff *backoff)
{
    backoff->wait_us = LEAST_US;
}

void reel_backoff_wait(struct reel_backoff *backoff, int64_t most_us, int64_t monotonic_us)
{
    if (backoff->wait_us > most_us)
        backoff->wait_us = most_us;
    backoff->next_us = monotonic_us + backoff->wait_us;
    backoff->wait_us *= 2;
}

/* What is wrong with TLS its own words say. */
static const char *advice(const struct reel_config *config, const struct reel_bus *bus)
{
    if (reel_bus_refuses_user(bus))
        return " (look at broker.username and broker.password_file)";
    if (reel_bus_refusal(bus) || config->broker_cafile[0] || config->broker_psk_file[0])
        return "";
    return " (does it run, and are broker.host and broker.port its own?)";
}

void reel_connection_describe(const struct reel_config *config, const struct reel_bus *bus,
                              const char *name, const char *reason,
                              char text_out[REEL_CONNECTION_TEXT_BYTES])
{
    size_t used;

    if (reel_bus_accepted(bus)) {
        snprintf(text_out, REEL_CONNECTION_TEXT_BYTES, "the %s connection ended: %s", name, reason);
        return;
    }
    snprintf(text_out, REEL_CONNECTION_TEXT_BYTES, "no %s connection%s to %.100s port %d: %s%s",
             name, config->broker_cafile[0] || config->broker_psk_file[0] ? " by TLS" : "",
             config->broker_host, (int)config->broker_port,
             reel_bus_refusal(bus) ? "the broker refuses us: " : "", reason);
    used = strlen(text_out);
    snprintf(text_out + used, REEL_CONNECTION_TEXT_BYTES - used, "%s", advice(config, bus));
}
