/* Responder, metrics: gathered once for the topic and for the text file, which is written whether
 * there is a broker or not. */
#include "daemon/announce.h"
#include "daemon/metrics_file.h"
#include "daemon/responder_internal.h"
#include "io/loop.h"
#include "io/memory.h"

enum { SECOND_US = 1000000 };

static struct reel_figures figures_of(const struct reel_responder *responder)
{
    const struct reel_responder_links *links = &responder->links;
    const struct reel_sink_state *state = &responder->state;
    struct reel_figures figures = {
        .online = state->subscribed && !state->stalled,
        .stalled = state->stalled,
        .started_us = (uint64_t)state->started_us,
        .resident_bytes = reel_memory_resident_bytes(),
        .waiting_changes = reel_mailbox_count(links->changes, NULL),
        .unacknowledged = responder->bus ? reel_bus_pending(responder->bus) : 0,
    };
    size_t bytes;

    figures.waiting_events = reel_mailbox_count(links->notices, &bytes);
    figures.waiting_event_bytes = bytes;
    return figures;
}

/* A failure is logged once, until it went well. */
static void write_file(struct reel_responder *responder, const struct reel_metrics *metrics)
{
    const char *path = responder->links.config->metrics_textfile;
    struct reel_error error;
    bool failed;

    if (path[0] == '\0')
        return;
    failed = reel_metrics_file_write(path, metrics, &error) != REEL_OK;
    if (failed && !responder->textfile_failed)
        reel_log_write(responder->links.log, REEL_LOG_WARNING, "%s", error.message);
    responder->textfile_failed = failed;
}

void reel_responder_metrics(struct reel_responder *responder)
{
    const struct reel_responder_links *links = &responder->links;
    struct reel_metrics metrics = {.counters = links->counters, .figures = figures_of(responder)};
    struct reel_reader_totals totals;
    struct reel_error error;

    responder->next_metrics_us = reel_monotonic_us() + (int64_t)REEL_METRICS_INTERVAL_S * SECOND_US;
    if (reel_reader_totals(links->reader, &totals, &error) == REEL_OK) {
        metrics.totals = &totals;
        responder->disk_free_bytes = totals.disk_free_bytes;
    } else {
        reel_log_write(links->log, REEL_LOG_WARNING, "metrics of the store: %s", error.message);
    }
    write_file(responder, &metrics);
    if (responder->bus && reel_responder_hears(responder) && !responder->lost)
        reel_announce(responder->bus, links->log, links->config->broker_prefix,
                      REEL_ANNOUNCE_METRICS, links->config->sink_name, NULL,
                      reel_metrics_document(&metrics));
    reel_responder_tell_service(responder);
}
