/* Metrics: one table from counters to names. */
#include "daemon/metrics.h"

#include <stddef.h>
#include <stdio.h>

struct metric {
    const char *name;
    size_t offset;
};

#define METRIC(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct reel_counters, member)                                               \
    }

static const struct metric metrics[] = {
    METRIC("reel_fragments_total", fragments),
    METRIC("reel_fragment_bytes_total", fragment_bytes),
    METRIC("reel_duplicates_total", duplicates),
    METRIC("reel_rejected_total", rejected),
    METRIC("reel_gaps_total", gaps),
    METRIC("reel_gap_frames_total", gap_frames),
    METRIC("reel_acknowledgements_total", acknowledgements),
    METRIC("reel_commits_total", commits),
    METRIC("reel_commit_failures_total", commit_failures),
    METRIC("reel_connects_total", connects),
    METRIC("reel_sessions_lost_total", sessions_lost),
    METRIC("reel_recordings_started_total", recordings_started),
    METRIC("reel_recordings_completed_total", recordings_completed),
    METRIC("reel_recordings_open", recordings_open),
    METRIC("reel_recordings_deleted_total", recordings_deleted),
    METRIC("reel_deleted_bytes_total", deleted_bytes),
    METRIC("reel_requests_total", requests),
    METRIC("reel_request_errors_total", request_errors),
    METRIC("reel_events_total", events),
    METRIC("reel_events_dropped_total", events_dropped),
};

static int put(json_t *document, const char *name, uint64_t value)
{
    return json_object_set_new(document, name, json_integer((json_int_t)value));
}

static int put_seconds(json_t *document, const char *name, const _Atomic uint64_t *counter_us)
{
    return json_object_set_new(document, name, json_real((double)reel_counted(counter_us) / 1e6));
}

static int put_counters(json_t *document, const struct reel_counters *counters)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const _Atomic uint64_t *counter =
            (const _Atomic uint64_t *)(const void *)((const char *)counters + metrics[i].offset);

        failed |= put(document, metrics[i].name, reel_counted(counter));
    }
    failed |= put_seconds(document, "reel_commit_seconds_total", &counters->commit_us);
    failed |= put_seconds(document, "reel_request_seconds_total", &counters->request_us);
    return failed;
}

/* reel_rejected_CODE_total, with '_' for the code's '-'. */
static int put_rejected(json_t *document, const struct reel_counters *counters)
{
    int failed = 0;

    for (unsigned code = 1; code < REEL_CODE_COUNT; code++) {
        uint64_t count = reel_counted(&counters->rejected_by_code[code]);
        char name[64];

        if (count == 0)
            continue;
        snprintf(name, sizeof name, "reel_rejected_%s_total", reel_code_name((enum reel_code)code));
        for (char *at = name; *at; at++) {
            if (*at == '-')
                *at = '_';
        }
        failed |= put(document, name, count);
    }
    return failed;
}

json_t *reel_metrics_document(const struct reel_counters *counters,
                              const struct reel_reader_totals *totals)
{
    json_t *document = json_object();
    int failed;

    if (!document)
        return NULL;
    failed = put_counters(document, counters);
    failed |= put_rejected(document, counters);
    failed |= put(document, "reel_recordings", totals->recordings);
    failed |= put(document, "reel_quarantine_count", totals->quarantine_count);
    failed |= put(document, "reel_quarantine_bytes", totals->quarantine_bytes);
    failed |= put(document, "reel_disk_free_bytes", totals->disk_free_bytes);
    failed |= put(document, "reel_disk_total_bytes", totals->disk_total_bytes);
    if (failed) {
        json_decref(document);
        return NULL;
    }
    return document;
}
