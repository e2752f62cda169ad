/* Catalog list: recordings by filter, sort and cursor, and how many there are. */
#include "store/catalog_filter.h"

#include <string.h>

static const char doing[] = "listing recordings";

/* Names are ASCII, so what begins with a prefix stands in one range; the range is found in an index
 * and has no wildcards. `end` is the prefix with its last character raised. */
static void add_prefix(struct reel_filter *filter, const char *prefix, char end[REEL_NAME_BYTES])
{
    size_t length = strlen(prefix);

    if (length == 0)
        return;
    memcpy(end, prefix, length + 1);
    end[length - 1]++;
    reel_filter_and(filter, "session >=", reel_value_text(prefix));
    reel_filter_and(filter, "session <", reel_value_text(end));
}

/* A text never equals a number there, and 7 equals 7.0. */
static void add_tag(struct reel_filter *filter, const char *name, const json_t *value)
{
    struct reel_value wanted = reel_value_real(json_number_value(value));

    if (json_is_string(value))
        wanted = reel_value_text(json_string_value(value));
    else if (json_is_integer(value))
        wanted = reel_value_i64(json_integer_value(value));
    reel_filter_and(filter,
                    "EXISTS (SELECT 1 FROM json_each(tags) WHERE key =", reel_value_text(name));
    reel_filter_and(filter, "atom =", wanted);
    reel_filter_text(filter, ")");
}

static void add_tags(struct reel_filter *filter, json_t *tags)
{
    const char *name;
    json_t *value;

    if (json_object_size(tags) > REEL_TAGS_MAX) { /* no recording has so many */
        reel_filter_text(filter, " AND 0");
        return;
    }
    json_object_foreach (tags, name, value)
        add_tag(filter, name, value);
}

static void add_filters(struct reel_filter *filter, const struct reel_list_plan *plan,
                        char prefix_end[REEL_NAME_BYTES])
{
    if (plan->has_device)
        reel_filter_and(filter, "device =", reel_value_text(plan->device));
    if (plan->has_session_prefix)
        add_prefix(filter, plan->session_prefix, prefix_end);
    if (plan->has_min_duration)
        reel_filter_and(filter, "duration_s >=", reel_value_real(plan->min_duration_s));
    if (plan->has_max_duration)
        reel_filter_and(filter, "duration_s <=", reel_value_real(plan->max_duration_s));
    if (plan->has_since)
        reel_filter_and(filter, "started_us >=", reel_value_i64(plan->since_us));
    if (plan->has_until)
        reel_filter_and(filter, "started_us <", reel_value_i64(plan->until_us));
    if (plan->has_rate)
        reel_filter_and(filter, "rate =", reel_value_u64(plan->rate));
    if (plan->has_channels)
        reel_filter_and(filter, "channels =", reel_value_u64(plan->channels));
    if (plan->has_sample_bytes)
        reel_filter_and(filter, "sample_bytes =", reel_value_u64(plan->sample_bytes));
    if (plan->has_end_reason)
        reel_filter_and(filter, "end_reason IS",
                        reel_value_text(reel_catalog_end_reasons[plan->end_reason]));
    if (plan->has_gaps)
        reel_filter_text(filter, plan->gaps ? " AND gap_frames > 0" : " AND gap_frames = 0");
    if (plan->has_kept)
        reel_filter_and(filter, "kept =", reel_value_u64(plan->kept));
    if (plan->tags)
        add_tags(filter, plan->tags);
}

/* What each sort goes by; the second part is what no two recordings share. */
static const char *const sort_keys[][2] = {
    [REEL_SORT_STARTED] = {"started_us", "recording"},
    [REEL_SORT_DURATION] = {"duration_s", "recording"},
    [REEL_SORT_NAME] = {"device", "session"},
};

/* Rows behind the cursor: those of a greater key, or of a lesser where the sort descends. */
static void add_cursor(struct reel_filter *filter, const struct reel_list_plan *plan)
{
    const struct reel_cursor *cursor = &plan->cursor;
    struct reel_value first = reel_value_text(cursor->device);
    struct reel_value second = reel_value_u64(cursor->rowid);

    if (plan->sort == REEL_SORT_STARTED)
        first = reel_value_i64(cursor->integer);
    else if (plan->sort == REEL_SORT_DURATION)
        first = reel_value_real(cursor->real);
    else
        second = reel_value_text(cursor->session);
    sqlite3_str_appendf(filter->sql, " AND (%s, %s) %s (", sort_keys[plan->sort][0],
                        sort_keys[plan->sort][1], plan->descending ? "<" : ">");
    reel_filter_value(filter, first);
    reel_filter_text(filter, ", ");
    reel_filter_value(filter, second);
    reel_filter_text(filter, ")");
}

/* Recordings of each state. The few that grow are found by their own index whatever the question:
 * without statistics SQLite would rather scan all for the order it is asked for. */
static const char *const sources[] = {
    [REEL_STATE_RECORDING] = "recording INDEXED BY recording_open WHERE state = 'recording'",
    [REEL_STATE_COMPLETE] = "recording WHERE state = 'complete'",
};

/* "SELECT what FROM recording WHERE ..." for the states asked. By duration, complete and growing
 * recordings are two questions merged: only the complete ones stand in that index. */
static char *select_text(const char *what, const struct reel_list_plan *plan, bool by_duration,
                         const struct reel_filter *filter, const char *tail)
{
    const char *conditions = reel_filter_sql(filter);

    if (plan->has_state)
        return sqlite3_mprintf("SELECT %s FROM %s%s%s", what, sources[plan->state], conditions,
                               tail);
    if (!by_duration)
        return sqlite3_mprintf("SELECT %s FROM recording WHERE 1%s%s", what, conditions, tail);
    return sqlite3_mprintf("SELECT %s FROM %s%s UNION ALL SELECT %s FROM %s%s%s", what,
                           sources[REEL_STATE_COMPLETE], conditions, what,
                           sources[REEL_STATE_RECORDING], conditions, tail);
}

static void start_page(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                       char prefix_end[REEL_NAME_BYTES], struct reel_statement *statement)
{
    const char *direction = plan->descending ? " DESC" : "";
    struct reel_filter filter;
    char tail[128], *sql;

    reel_filter_init(&filter);
    add_filters(&filter, plan, prefix_end);
    if (plan->has_cursor)
        add_cursor(&filter, plan);
    /* One more than the page holds tells whether it is the last. */
    sqlite3_snprintf(sizeof tail, tail, " ORDER BY %s%s, %s%s LIMIT %lld", sort_keys[plan->sort][0],
                     direction, sort_keys[plan->sort][1], direction, (long long)plan->limit + 1);
    sql =
        select_text(REEL_RECORDING_COLUMNS, plan, plan->sort == REEL_SORT_DURATION, &filter, tail);
    reel_filter_start(&filter, catalog, sql, statement);
    sqlite3_free(sql);
    reel_filter_finish(&filter);
}

static void cursor_after(const struct reel_recording *recording, const struct reel_list_plan *plan,
                         struct reel_cursor *out)
{
    *out = (struct reel_cursor){.rowid = recording->rowid};
    if (plan->sort == REEL_SORT_STARTED)
        out->integer = recording->started_us;
    else if (plan->sort == REEL_SORT_DURATION)
        out->real = reel_recording_duration_s(recording);
    memcpy(out->device, recording->device, sizeof out->device);
    memcpy(out->session, recording->session, sizeof out->session);
}

/* Show the row that the statement is at; whether it was taken. */
static bool show_row(struct reel_statement *statement, const struct reel_list_plan *plan,
                     reel_reader_row_fn *row, void *user)
{
    struct reel_recording recording;
    struct reel_cursor after;
    bool taken = false;

    reel_catalog_take_recording(statement, &recording);
    if (!statement->contradicts && statement->result == SQLITE_OK) {
        recording.candidate = (struct reel_candidate){0};
        cursor_after(&recording, plan, &after);
        taken = row(&recording, &after, user);
    }
    reel_recording_finish(&recording);
    return taken;
}

enum reel_code reel_catalog_list(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                 reel_reader_row_fn *row, void *user, bool *more_out,
                                 struct reel_error *err_out)
{
    struct reel_statement statement;
    char prefix_end[REEL_NAME_BYTES];
    uint32_t shown = 0;
    bool more = false;
    enum reel_code code;

    start_page(catalog, plan, prefix_end, &statement);
    while (!more && reel_statement_next(&statement)) {
        if (shown < plan->limit && show_row(&statement, plan, row, user))
            shown++;
        else
            more = true;
    }
    code = reel_statement_end(&statement, doing, err_out);
    if (code == REEL_OK)
        *more_out = more;
    return code;
}

enum reel_code reel_catalog_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                                  uint64_t *count_out, bool *is_minimum_out,
                                  struct reel_error *err_out)
{
    struct reel_statement statement;
    struct reel_filter filter;
    char prefix_end[REEL_NAME_BYTES], tail[32], *inner, *sql;
    uint64_t count = 0;
    enum reel_code code;

    reel_filter_init(&filter);
    add_filters(&filter, plan, prefix_end);
    sqlite3_snprintf(sizeof tail, tail, " LIMIT %u", REEL_LIST_COUNT_MAX + 1);
    inner = select_text("1", plan, false, &filter, tail);
    sql = inner ? sqlite3_mprintf("SELECT count(*) FROM (%s)", inner) : NULL;
    reel_filter_start(&filter, catalog, sql, &statement);
    sqlite3_free(sql);
    sqlite3_free(inner);
    reel_filter_finish(&filter);
    if (reel_statement_next(&statement))
        count = reel_take_u64(&statement);
    code = reel_statement_end(&statement, "counting recordings", err_out);
    if (code != REEL_OK)
        return code;
    *is_minimum_out = count > REEL_LIST_COUNT_MAX;
    *count_out = *is_minimum_out ? REEL_LIST_COUNT_MAX : count;
    return REEL_OK;
}
