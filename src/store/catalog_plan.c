/* Catalog plan: filters, sort and cursor as SQL. */
#include "store/catalog_plan.h"

#include <string.h>

#include "store/catalog_filter.h"

/* Names are ASCII, so what begins with a prefix stands in one range, without wildcards. `end` is
 * the prefix with its last character raised. */
static void add_prefix(struct reel_filter *filter, enum reel_clause clause, const char *prefix,
                       char end[REEL_NAME_BYTES])
{
    size_t length = strlen(prefix);

    if (length == 0)
        return;
    memcpy(end, prefix, length + 1);
    end[length - 1]++;
    reel_filter_and(filter, clause, "session >=", reel_value_text(prefix));
    reel_filter_and(filter, clause, "session <", reel_value_text(end));
}

/* A text never equals a number there, and 7 equals 7.0. */
static void add_tag(struct reel_filter *filter, const char *name, const json_t *value)
{
    struct reel_value wanted = reel_value_real(json_number_value(value));

    if (json_is_string(value))
        wanted = reel_value_text(json_string_value(value));
    else if (json_is_integer(value))
        wanted = reel_value_i64(json_integer_value(value));
    reel_filter_and(filter, REEL_CLAUSE_CHECK,
                    "EXISTS (SELECT 1 FROM json_each(tags) WHERE key =", reel_value_text(name));
    reel_filter_and(filter, REEL_CLAUSE_CHECK, "atom =", wanted);
    reel_filter_text(filter, REEL_CLAUSE_CHECK, ")");
}

static void add_tags(struct reel_filter *filter, json_t *tags)
{
    const char *name;
    json_t *value;

    if (json_object_size(tags) > REEL_TAGS_MAX) { /* no recording has so many */
        reel_filter_text(filter, REEL_CLAUSE_CHECK, " AND 0");
        return;
    }
    json_object_foreach (tags, name, value)
        add_tag(filter, name, value);
}

/* Conditions that bound the walk where it goes by what they are about. */
static void add_ranges(struct reel_filter *filter, const struct reel_list_plan *plan,
                       struct reel_plan_texts *texts)
{
    enum reel_clause started =
        plan->sort == REEL_SORT_STARTED ? REEL_CLAUSE_WHERE : REEL_CLAUSE_CHECK;
    enum reel_clause duration =
        plan->sort == REEL_SORT_DURATION ? REEL_CLAUSE_WHERE : REEL_CLAUSE_CHECK;
    enum reel_clause session =
        plan->sort == REEL_SORT_NAME && plan->has_device ? REEL_CLAUSE_WHERE : REEL_CLAUSE_CHECK;

    if (plan->has_device)
        reel_filter_and(filter, REEL_CLAUSE_WHERE, "device =", reel_value_text(plan->device));
    if (plan->has_session_prefix)
        add_prefix(filter, session, plan->session_prefix, texts->prefix_end);
    if (plan->has_min_duration)
        reel_filter_and(filter, duration, "duration_s >=", reel_value_real(plan->min_duration_s));
    if (plan->has_max_duration)
        reel_filter_and(filter, duration, "duration_s <=", reel_value_real(plan->max_duration_s));
    if (plan->has_since)
        reel_filter_and(filter, started, "started_us >=", reel_value_i64(plan->since_us));
    if (plan->has_until)
        reel_filter_and(filter, started, "started_us <", reel_value_i64(plan->until_us));
}

static void add_checks(struct reel_filter *filter, const struct reel_list_plan *plan)
{
    const enum reel_clause check = REEL_CLAUSE_CHECK;

    if (plan->has_state)
        reel_filter_and(filter, check,
                        "state =", reel_value_text(reel_catalog_states[plan->state]));
    if (plan->has_rate)
        reel_filter_and(filter, check, "rate =", reel_value_u64(plan->rate));
    if (plan->has_channels)
        reel_filter_and(filter, check, "channels =", reel_value_u64(plan->channels));
    if (plan->has_sample_bytes)
        reel_filter_and(filter, check, "sample_bytes =", reel_value_u64(plan->sample_bytes));
    if (plan->has_end_reason)
        reel_filter_and(filter, check, "end_reason IS",
                        reel_value_text(reel_catalog_end_reasons[plan->end_reason]));
    if (plan->has_gaps)
        reel_filter_and(filter, check, "(gap_frames > 0) =", reel_value_u64(plan->gaps));
    if (plan->has_kept)
        reel_filter_and(filter, check, "kept =", reel_value_u64(plan->kept));
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
    sqlite3_str_appendf(filter->clauses[REEL_CLAUSE_WHERE], " AND (%s, %s) %s (",
                        sort_keys[plan->sort][0], sort_keys[plan->sort][1],
                        plan->descending ? "<" : ">");
    reel_filter_value(filter, REEL_CLAUSE_WHERE, first);
    reel_filter_text(filter, REEL_CLAUSE_WHERE, ", ");
    reel_filter_value(filter, REEL_CLAUSE_WHERE, second);
    reel_filter_text(filter, REEL_CLAUSE_WHERE, ")");
}

/* The few that grow are found by their own index whatever the question: without statistics SQLite
 * would rather walk all for the order it is asked for. */
#define FROM_ALL      "recording WHERE 1"
#define FROM_GROWING  "recording INDEXED BY recording_open WHERE state = 'recording'"
#define FROM_COMPLETE "recording WHERE state = 'complete'"

static char *select_from(const char *source, const struct reel_filter *filter, const char *tail)
{
    return sqlite3_mprintf("SELECT 1%s, recording, device, session, started_us, duration_s"
                           " FROM %s%s%s",
                           reel_filter_sql(filter, REEL_CLAUSE_CHECK), source,
                           reel_filter_sql(filter, REEL_CLAUSE_WHERE), tail);
}

/* By duration, complete and growing recordings are two walks merged: only the complete ones stand
 * in that index. */
static char *select_by_duration(const struct reel_filter *filter, const char *tail)
{
    char *complete = select_from(FROM_COMPLETE, filter, "");
    char *growing = select_from(FROM_GROWING, filter, tail);
    char *both = complete && growing ? sqlite3_mprintf("%s UNION ALL %s", complete, growing) : NULL;

    sqlite3_free(complete);
    sqlite3_free(growing);
    return both;
}

static char *select_in_order(const struct reel_list_plan *plan, const struct reel_filter *filter)
{
    const char *const *keys = sort_keys[plan->sort];
    const char *direction = plan->descending ? " DESC" : "";
    char tail[128];

    sqlite3_snprintf(sizeof tail, tail, " ORDER BY %s%s, %s%s", keys[0], direction, keys[1],
                     direction);
    if (plan->has_state && plan->state == REEL_STATE_RECORDING)
        return select_from(FROM_GROWING, filter, tail);
    if (plan->sort != REEL_SORT_DURATION)
        return select_from(FROM_ALL, filter, tail);
    return plan->has_state ? select_from(FROM_COMPLETE, filter, tail)
                           : select_by_duration(filter, tail);
}

void reel_plan_start(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                     struct reel_plan_texts *texts, struct reel_statement *statement)
{
    struct reel_filter filter;
    char *sql;

    reel_filter_init(&filter);
    add_ranges(&filter, plan, texts);
    add_checks(&filter, plan);
    if (plan->has_cursor)
        add_cursor(&filter, plan);
    sql = select_in_order(plan, &filter);
    reel_filter_start(&filter, catalog, sql, statement);
    sqlite3_free(sql);
    reel_filter_finish(&filter);
}

void reel_plan_start_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                           struct reel_plan_texts *texts, struct reel_statement *statement)
{
    bool growing = plan->has_state && plan->state == REEL_STATE_RECORDING;
    struct reel_filter filter;
    char *sql;

    reel_filter_init(&filter);
    add_ranges(&filter, plan, texts);
    add_checks(&filter, plan);
    sql = select_from(growing ? FROM_GROWING : FROM_ALL, &filter, "");
    reel_filter_start(&filter, catalog, sql, statement);
    sqlite3_free(sql);
    reel_filter_finish(&filter);
}

bool reel_plan_take(struct reel_statement *statement, struct reel_cursor *cursor_out)
{
    bool matches = reel_take_bool(statement);

    cursor_out->rowid = reel_take_u64(statement);
    reel_take_text(statement, cursor_out->device, sizeof cursor_out->device);
    reel_take_text(statement, cursor_out->session, sizeof cursor_out->session);
    cursor_out->integer = reel_take_i64(statement);
    cursor_out->real = reel_take_real(statement);
    return matches;
}
