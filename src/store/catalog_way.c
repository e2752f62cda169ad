/* Catalog way: choose between the indexes. */
#include "store/catalog_way.h"

#include <math.h>

/* Without statistics SQLite would rather walk all for the order it is asked for, so each index is
 * named that is not there for the order alone. */
static const char *const sources[] = {
    [REEL_WAY_ORDER] = "recording WHERE 1",
    [REEL_WAY_GROWING] = "recording INDEXED BY recording_open WHERE state = 'recording'",
    [REEL_WAY_GAPS] =
        "recording INDEXED BY recording_gaps WHERE state = 'complete' AND gap_frames > 0",
    [REEL_WAY_END_REASON] = "recording INDEXED BY recording_end_reason WHERE 1",
    [REEL_WAY_KEPT] = "recording INDEXED BY recording_kept WHERE 1",
    [REEL_WAY_CHANNELS] = "recording INDEXED BY recording_channels WHERE 1",
    [REEL_WAY_SAMPLE_BYTES] = "recording INDEXED BY recording_sample_bytes WHERE 1",
    [REEL_WAY_RATE] = "recording INDEXED BY recording_rate WHERE 1",
    [REEL_WAY_TAG] = "tag WHERE 1",
    [REEL_WAY_SESSIONS] = "recording INDEXED BY recording_session WHERE 1",
    [REEL_WAY_DURATIONS] = "recording INDEXED BY recording_duration WHERE state = 'complete'",
};

const char *reel_way_source(enum reel_way way, const struct reel_list_plan *plan)
{
    if (way == REEL_WAY_DURATIONS && plan->has_device)
        return "recording INDEXED BY recording_device_duration WHERE state = 'complete'";
    return sources[way];
}

/* Whether the bound statement, which selects no more than that, finds at most REEL_WAY_FEW. */
static int are_few(struct reel_statement *statement, bool *few_out)
{
    uint64_t count = 0;
    int result;

    if (reel_statement_next(statement))
        count = reel_take_u64(statement);
    result = statement->result;
    (void)reel_statement_end(statement, "listing recordings", NULL); /* seen in `result` */
    *few_out = result == SQLITE_OK && count <= REEL_WAY_FEW;
    return result;
}

static int few_sessions(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                        const char *prefix_end, bool *few_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_COUNT_SESSIONS,
        "SELECT count(*) FROM (SELECT 1 FROM recording INDEXED BY recording_session"
        " WHERE session >= ? AND session < ? LIMIT ?)");
    reel_bind_text(&statement, plan->session_prefix);
    reel_bind_text(&statement, prefix_end);
    reel_bind_u64(&statement, REEL_WAY_FEW + 1);
    return are_few(&statement, few_out);
}

static int few_durations(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                         bool *few_out)
{
    struct reel_statement statement;

    if (plan->has_device) {
        reel_statement_start(
            &statement, catalog, REEL_STATEMENT_COUNT_DEVICE_DURATIONS,
            "SELECT count(*) FROM (SELECT 1 FROM recording INDEXED BY recording_device_duration"
            " WHERE state = 'complete' AND device = ? AND duration_s BETWEEN ? AND ? LIMIT ?)");
        reel_bind_text(&statement, plan->device);
    } else {
        reel_statement_start(
            &statement, catalog, REEL_STATEMENT_COUNT_DURATIONS,
            "SELECT count(*) FROM (SELECT 1 FROM recording INDEXED BY recording_duration"
            " WHERE state = 'complete' AND duration_s BETWEEN ? AND ? LIMIT ?)");
    }
    reel_bind_real(&statement, plan->has_min_duration ? plan->min_duration_s : -HUGE_VAL);
    reel_bind_real(&statement, plan->has_max_duration ? plan->max_duration_s : HUGE_VAL);
    reel_bind_u64(&statement, REEL_WAY_FEW + 1);
    return are_few(&statement, few_out);
}

/* The filter by a value that commonly leaves least. */
static enum reel_way by_value(const struct reel_list_plan *plan)
{
    if (plan->has_gaps && plan->gaps)
        return REEL_WAY_GAPS;
    if (plan->has_end_reason)
        return REEL_WAY_END_REASON;
    if (plan->has_kept)
        return REEL_WAY_KEPT;
    if (plan->has_channels)
        return REEL_WAY_CHANNELS;
    if (plan->has_sample_bytes)
        return REEL_WAY_SAMPLE_BYTES;
    return plan->has_rate ? REEL_WAY_RATE : REEL_WAY_ORDER;
}

int reel_way_choose(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                    const char *prefix_end, enum reel_way *way_out)
{
    bool few = false;
    int result = SQLITE_OK;

    *way_out = REEL_WAY_ORDER;
    if (plan->has_state && plan->state == REEL_STATE_RECORDING)
        *way_out = REEL_WAY_GROWING;
    if (*way_out == REEL_WAY_GROWING || plan->sort != REEL_SORT_STARTED)
        return result;
    if (plan->tags && !plan->has_device) {
        *way_out = REEL_WAY_TAG;
        return result;
    }
    if (plan->has_session_prefix && !plan->has_device)
        result = few_sessions(catalog, plan, prefix_end, &few);
    if (few)
        *way_out = REEL_WAY_SESSIONS;
    if (!few && result == SQLITE_OK && (plan->has_min_duration || plan->has_max_duration)) {
        result = few_durations(catalog, plan, &few);
        if (few)
            *way_out = REEL_WAY_DURATIONS;
    }
    if (!few && !plan->has_device)
        *way_out = by_value(plan);
    return result;
}
