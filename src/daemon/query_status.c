/* Query, `status`: how the sink does. */
#include "core/object.h"
#include "daemon/query_request.h"

static json_t *describe_limits(const struct reel_config *config)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_uint(&object, "max_fragment_bytes", config->max_fragment_bytes);
    reel_object_put_uint(&object, "max_gap_s", config->max_gap_s);
    reel_object_put_uint(&object, "max_gap_bytes", config->max_gap_bytes);
    reel_object_put_uint(&object, "max_request_bytes", REEL_REQUEST_MAX_BYTES);
    reel_object_put_uint(&object, "max_response_bytes", config->max_response_bytes);
    reel_object_put_uint(&object, "max_upload_bytes", config->max_upload_bytes);
    reel_object_put_uint(&object, "max_recordings_open", config->max_recordings_open);
    reel_object_put_uint(&object, "new_recordings_per_minute", config->new_recordings_per_minute);
    return reel_object_take(&object);
}

static json_t *describe_disk(const struct reel_reader_totals *totals)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_uint(&object, "free_bytes", totals->disk_free_bytes);
    reel_object_put_uint(&object, "total_bytes", totals->disk_total_bytes);
    return reel_object_take(&object);
}

static json_t *describe_store(const struct reel_reader_totals *totals)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_uint(&object, "recordings", totals->recordings);
    reel_object_put_uint(&object, "recordings_open", totals->recordings_open);
    reel_object_put_uint(&object, "quarantined", totals->quarantine_count);
    reel_object_put_uint(&object, "quarantined_bytes", totals->quarantine_bytes);
    return reel_object_take(&object);
}

static json_t *describe_counters(const struct reel_counters *counters)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_uint(&object, "fragments", reel_counted(&counters->fragments));
    reel_object_put_uint(&object, "fragment_bytes", reel_counted(&counters->fragment_bytes));
    reel_object_put_uint(&object, "duplicates", reel_counted(&counters->duplicates));
    reel_object_put_uint(&object, "rejected", reel_counted(&counters->rejected));
    reel_object_put_uint(&object, "gaps", reel_counted(&counters->gaps));
    reel_object_put_uint(&object, "gap_frames", reel_counted(&counters->gap_frames));
    reel_object_put_uint(&object, "acknowledgements", reel_counted(&counters->acknowledgements));
    reel_object_put_uint(&object, "commits", reel_counted(&counters->commits));
    reel_object_put_uint(&object, "commit_failures", reel_counted(&counters->commit_failures));
    reel_object_put_uint(&object, "sessions_lost", reel_counted(&counters->sessions_lost));
    reel_object_put_uint(&object, "requests", reel_counted(&counters->requests));
    reel_object_put_uint(&object, "request_errors", reel_counted(&counters->request_errors));
    reel_object_put_uint(&object, "events", reel_counted(&counters->events));
    return reel_object_take(&object);
}

enum reel_code reel_query_status(struct reel_request *request, struct reel_error *err_out)
{
    const struct reel_query_links *links = request->links;
    const struct reel_sink_state *state = links->state;
    int64_t uptime_us = request->wall_us - state->started_us;
    struct reel_reader_totals totals;
    struct reel_object data;
    enum reel_code code = reel_reader_totals(links->reader, &totals, err_out);

    if (code != REEL_OK)
        return code;
    reel_object_init(&data);
    reel_object_put_text(&data, "sink", links->config->sink_name);
    reel_object_put_text(&data, "version", REEL_VERSION);
    reel_object_put_text(&data, "state", state->stalled ? "stalled" : "ok");
    reel_object_put_text(&data, "reason", state->reason);
    reel_object_put_uint(&data, "uptime", uptime_us > 0 ? (uint64_t)uptime_us / 1000000 : 0);
    reel_object_put(&data, "limits", describe_limits(links->config));
    reel_object_put(&data, "disk", describe_disk(&totals));
    reel_object_put(&data, "store", describe_store(&totals));
    reel_object_put(&data, "counters", describe_counters(links->counters));
    return reel_request_reply(request, reel_object_take(&data), err_out);
}
