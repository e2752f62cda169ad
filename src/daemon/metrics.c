/* Metrics: one table of names, where each number comes from, and both forms made from it. */
#include "daemon/metrics.h"

#include <stddef.h>
#include <stdio.h>

const uint64_t reel_sync_bounds_us[REEL_BUCKETS] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000,
};
const uint64_t reel_batch_bounds[REEL_BUCKETS] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 16384,
};

enum source { COUNTER, TOTAL, FIGURE };

struct metric {
    const char *name;
    const char *help;
    enum reel_metric_type type;
    enum source source;
    bool is_us;
    size_t offset;
    const uint64_t *bounds; /* HISTOGRAM */
};

#define METRIC(name, type, source, is_us, of, member, bounds, help)                                \
    {                                                                                              \
        name, help, REEL_METRIC_##type, source, is_us, offsetof(struct of, member), bounds         \
    }
#define COUNTED(name, member, help)                                                                \
    METRIC(name, COUNTER, COUNTER, false, reel_counters, member, NULL, help)
#define COUNTED_US(name, member, help)                                                             \
    METRIC(name, COUNTER, COUNTER, true, reel_counters, member, NULL, help)
#define GAUGED(name, member, help)                                                                 \
    METRIC(name, GAUGE, COUNTER, false, reel_counters, member, NULL, help)
#define MEASURED(name, member, is_us, bounds, help)                                                \
    METRIC(name, HISTOGRAM, COUNTER, is_us, reel_counters, member, bounds, help)
#define TOTALLED(name, member, help)                                                               \
    METRIC(name, GAUGE, TOTAL, false, reel_reader_totals, member, NULL, help)
#define FIGURED(name, member, is_us, help)                                                         \
    METRIC(name, GAUGE, FIGURE, is_us, reel_figures, member, NULL, help)

static const char rejected_name[] = "reel_rejected_total";

static const struct metric metrics[] = {
    FIGURED("reel_online", online, false, "1 while audio is taken in, else 0."),
    FIGURED("reel_stalled", stalled, false, "1 while the disk fails, else 0."),
    FIGURED("reel_start_time_seconds", started_us, true, "When the sink started, since 1970 UTC."),
    FIGURED("reel_resident_memory_bytes", resident_bytes, false, "Memory that the sink takes."),
    COUNTED("reel_fragments_total", fragments, "Fragments stored, repeats not among them."),
    COUNTED("reel_fragment_bytes_total", fragment_bytes, "Bytes of their audio."),
    COUNTED("reel_duplicates_total", duplicates, "Repeats."),
    COUNTED(rejected_name, rejected, "Fragments refused, by reason."),
    COUNTED("reel_gaps_total", gaps, "Gaps noted."),
    COUNTED("reel_gap_frames_total", gap_frames,
            "Frames of silence put in for them; not less when they are filled."),
    COUNTED("reel_acknowledgements_total", acknowledgements, "Acknowledgements sent to recorders."),
    COUNTED("reel_commits_total", commits, "Batches made durable."),
    COUNTED("reel_commit_failures_total", commit_failures, "Batches that could not be."),
    COUNTED_US("reel_commit_seconds_total", commit_us, "Time spent on making batches durable."),
    MEASURED("reel_sync_seconds", sync_us, true, reel_sync_bounds_us,
             "Of that, what a batch's files and the catalog took to be on stable storage."),
    MEASURED("reel_batch_messages", batch_messages, false, reel_batch_bounds,
             "Messages that a batch took in."),
    COUNTED("reel_batch_bytes_total", batch_bytes, "Bytes of these, and silence put in for gaps."),
    COUNTED("reel_connects_total", connects, "Connections for fragments made to the broker."),
    COUNTED("reel_sessions_lost_total", sessions_lost,
            "Times that the broker came back without what it held for the sink."),
    COUNTED("reel_recordings_started_total", recordings_started, "Recordings begun."),
    COUNTED("reel_recordings_completed_total", recordings_completed, "Recordings completed."),
    GAUGED("reel_recordings_open", recordings_open, "Recordings that grow now."),
    COUNTED("reel_recordings_deleted_total", recordings_deleted,
            "Recordings deleted, by request or retention."),
    COUNTED("reel_deleted_bytes_total", deleted_bytes, "Bytes of their WAV files."),
    COUNTED("reel_requests_total", requests, "Requests."),
    COUNTED_US("reel_request_seconds_total", request_us, "Time spent on answering them."),
    COUNTED("reel_request_errors_total", request_errors, "Requests answered with an error."),
    COUNTED("reel_events_total", events, "Events told."),
    COUNTED("reel_events_dropped_total", events_dropped,
            "Events not told, because there were too many at once."),
    FIGURED("reel_waiting_events", waiting_events, false,
            "Events and answers that wait to be told."),
    FIGURED("reel_waiting_event_bytes", waiting_event_bytes, false, "Memory that they take."),
    FIGURED("reel_waiting_changes", waiting_changes, false,
            "Requests for changes of the store that wait for their turn."),
    FIGURED("reel_unacknowledged_messages", unacknowledged, false,
            "Messages of the sink that the broker has not confirmed."),
    TOTALLED("reel_recordings", recordings, "Recordings in the store."),
    TOTALLED("reel_recordings_bytes", complete_bytes, "Bytes of those that are complete."),
    TOTALLED("reel_quarantine_payloads", quarantine_count, "Payloads in quarantine."),
    TOTALLED("reel_quarantine_bytes", quarantine_bytes, "Their bytes."),
    TOTALLED("reel_disk_free_bytes", disk_free_bytes, "Room where store.dir is."),
    TOTALLED("reel_disk_used_bytes", disk_used_bytes, "What all files take on that file system."),
    TOTALLED("reel_disk_total_bytes", disk_total_bytes, "Size of that file system."),
};
enum { METRICS = sizeof metrics / sizeof metrics[0] };

/* NULL where the source is not known. */
static const void *place_of(const struct reel_metrics *from, const struct metric *metric)
{
    const char *start = (const char *)from->counters;

    if (metric->source == TOTAL)
        start = (const char *)from->totals;
    if (metric->source == FIGURE)
        start = (const char *)&from->figures;
    return start ? start + metric->offset : NULL;
}

static struct reel_metric_number number_at(const struct metric *metric, const void *place)
{
    uint64_t value = metric->source == COUNTER ? reel_counted((const _Atomic uint64_t *)place)
                                               : *(const uint64_t *)place;

    return (struct reel_metric_number){value, metric->is_us};
}

/* What was counted in each bucket, and the sum, at about one time; returns how many in all. */
static uint64_t read_histogram(const struct reel_histogram *histogram,
                               uint64_t counts_out[REEL_BUCKETS + 1], uint64_t *sum_out)
{
    uint64_t all = 0;

    for (size_t i = 0; i <= REEL_BUCKETS; i++) {
        counts_out[i] = reel_counted(&histogram->counts[i]);
        all += counts_out[i];
    }
    *sum_out = reel_counted(&histogram->sum);
    return all;
}

/* ---- as a JSON map ---- */

static int put(json_t *document, const char *name, struct reel_metric_number number)
{
    json_t *value = number.is_us ? json_real((double)number.value / 1e6)
                                 : json_integer((json_int_t)number.value);

    return json_object_set_new(document, name, value);
}

/* Of a histogram what a map without labels can hold: how many, and their sum. */
static int put_histogram(json_t *document, const struct metric *metric,
                         const struct reel_histogram *histogram)
{
    uint64_t counts[REEL_BUCKETS + 1];
    struct reel_metric_number sum = {.is_us = metric->is_us};
    struct reel_metric_number all = {read_histogram(histogram, counts, &sum.value), false};
    char name[64];
    int failed;

    snprintf(name, sizeof name, "%s_sum", metric->name);
    failed = put(document, name, sum);
    snprintf(name, sizeof name, "%s_count", metric->name);
    return failed | put(document, name, all);
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
        failed |= put(document, name, (struct reel_metric_number){count, false});
    }
    return failed;
}

json_t *reel_metrics_document(const struct reel_metrics *from)
{
    json_t *document = json_object();
    int failed = document ? 0 : -1;

    for (size_t i = 0; i < METRICS && !failed; i++) {
        const void *place = place_of(from, &metrics[i]);

        if (place && metrics[i].type == REEL_METRIC_HISTOGRAM)
            failed = put_histogram(document, &metrics[i], place);
        else if (place)
            failed = put(document, metrics[i].name, number_at(&metrics[i], place));
    }
    if (!failed)
        failed = put_rejected(document, from->counters);
    if (failed) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* ---- as text ---- */

static void expose_histogram(const struct metric *metric, const struct reel_histogram *histogram,
                             struct reel_exposition *out)
{
    uint64_t counts[REEL_BUCKETS + 1];
    struct reel_metric_number sum = {.is_us = metric->is_us};

    read_histogram(histogram, counts, &sum.value);
    reel_exposition_histogram(out, metric->name, metric->bounds, counts, REEL_BUCKETS, sum);
}

/* Each reason that there is, so that a first one is seen as an increase. */
static void expose_rejected(const struct reel_counters *counters, struct reel_exposition *out)
{
    for (unsigned code = 1; code < REEL_CODE_COUNT; code++) {
        struct reel_metric_number count = {reel_counted(&counters->rejected_by_code[code]), false};

        reel_exposition_sample(out, rejected_name, "reason", reel_code_name((enum reel_code)code),
                               count);
    }
}

static void expose(const struct reel_metrics *from, const struct metric *metric, const void *place,
                   struct reel_exposition *out)
{
    reel_exposition_family(out, metric->name, metric->type, metric->help);
    if (metric->type == REEL_METRIC_HISTOGRAM)
        expose_histogram(metric, place, out);
    else if (metric->name == rejected_name)
        expose_rejected(from->counters, out);
    else
        reel_exposition_sample(out, metric->name, NULL, NULL, number_at(metric, place));
}

void reel_metrics_expose(const struct reel_metrics *from, struct reel_exposition *out)
{
    reel_exposition_family(out, "reel_build_info", REEL_METRIC_GAUGE, "Which reel this is.");
    reel_exposition_sample(out, "reel_build_info", "version", REEL_VERSION,
                           (struct reel_metric_number){1, false});
    for (size_t i = 0; i < METRICS; i++) {
        const void *place = place_of(from, &metrics[i]);

        if (place)
            expose(from, &metrics[i], place, out);
    }
}
