/* Catalog plan: filters, sort and cursor as SQL. */
#include "store/catalog_plan.h"

#include <string.h>

#include "store/catalog_filter.h"
#include "store/catalog_way.h"

/* Names are ASCII, so what begins with a prefix stands in one range, without wildcards: `end` is
 * the prefix with its last character raised. */
static void end_prefix(const char *prefix, char end[REEL_NAME_BYTES])
{
    size_t length = strlen(prefix);

    memcpy(end, prefix, length + 1);
    if (length > 0)
        end[length - 1]++;
}

/* A text never equals a number there, and 7 equals 7.0. */
static struct reel_value tag_value(const json_t *value)
{
    if (json_is_string(value))
        return reel_value_text(json_string_value(value));
    if (json_is_integer(value))
        return reel_value_i64(json_integer_value(value));
    return reel_value_real(json_number_value(value));
}

static void add_tag(struct reel_filter *filter, const char *name, const json_t *value)
{
    reel_filter_and(filter, REEL_CLAUSE_CHECK,
                    "EXISTS (SELECT 1 FROM json_each(tags) WHERE key =", reel_value_text(name));
    reel_filter_and(filter, REEL_CLAUSE_CHECK, "atom =", tag_value(value));
    reel_filter_text(filter, REEL_CLAUSE_CHECK, ")");
}

/* The first one's rows of table tag; what else is in its WHERE is said of columns it has too. */
static void add_tag_range(struct reel_filter *filter, json_t *tags)
{
    void *first = json_object_iter(tags);

    reel_filter_and(filter, REEL_CLAUSE_WHERE,
                    "name =", reel_value_text(json_object_iter_key(first)));
    reel_filter_and(filter, REEL_CLAUSE_WHERE, "value =", tag_value(json_object_iter_value(first)));
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

/* Where a condition stands: it bounds the walk where that goes by what it is about. */
static enum reel_clause clause_of(bool bounds)
{
    return bounds ? REEL_CLAUSE_WHERE : REEL_CLAUSE_CHECK;
}

/* The same of an end of a range that is gathered, or of what is sorted by. Where a cursor says
 * where the walk goes on, the end that it began at is only checked: SQLite bounds a walk by one
 * condition, and by that one it would come by all of the pages before once more, without a word. */
static enum reel_clause clause_of_end(const struct reel_list_plan *plan, bool gathered, bool sorted,
                                      bool upper)
{
    return clause_of(gathered || (sorted && !(plan->has_cursor && plan->descending == upper)));
}

static void add_ranges(struct reel_filter *filter, const struct reel_list_plan *plan,
                       enum reel_way way)
{
    bool by_started = plan->sort == REEL_SORT_STARTED;
    bool by_duration = plan->sort == REEL_SORT_DURATION;
    bool durations = way == REEL_WAY_DURATIONS;

    if (plan->has_device)
        reel_filter_and(filter, REEL_CLAUSE_WHERE, "device =", reel_value_text(plan->device));
    if (plan->has_min_duration)
        reel_filter_and(filter, clause_of_end(plan, durations, by_duration, false),
                        "duration_s >=", reel_value_real(plan->min_duration_s));
    if (plan->has_max_duration)
        reel_filter_and(filter, clause_of_end(plan, durations, by_duration, true),
                        "duration_s <=", reel_value_real(plan->max_duration_s));
    if (plan->has_since)
        reel_filter_and(filter, clause_of_end(plan, false, by_started, false),
                        "started_us >=", reel_value_i64(plan->since_us));
    if (plan->has_until)
        reel_filter_and(filter, clause_of_end(plan, false, by_started, true), "started_us <",
                        reel_value_i64(plan->until_us));
}

/* What the name begins with stands in one range. */
static void add_prefix(struct reel_filter *filter, const struct reel_list_plan *plan,
                       enum reel_way way, const char *end)
{
    bool by_session = plan->sort == REEL_SORT_NAME && plan->has_device;
    bool gathered = way == REEL_WAY_SESSIONS;

    reel_filter_and(filter, clause_of_end(plan, gathered, by_session, false),
                    "session >=", reel_value_text(plan->session_prefix));
    reel_filter_and(filter, clause_of_end(plan, gathered, by_session, true), "session <",
                    reel_value_text(end));
}

static void add_values(struct reel_filter *filter, const struct reel_list_plan *plan,
                       enum reel_way way)
{
    if (plan->has_state)
        reel_filter_and(filter, REEL_CLAUSE_CHECK,
                        "state =", reel_value_text(reel_catalog_states[plan->state]));
    if (plan->has_rate)
        reel_filter_and(filter, clause_of(way == REEL_WAY_RATE),
                        "rate =", reel_value_u64(plan->rate));
    if (plan->has_channels)
        reel_filter_and(filter, clause_of(way == REEL_WAY_CHANNELS),
                        "channels =", reel_value_u64(plan->channels));
    if (plan->has_sample_bytes)
        reel_filter_and(filter, clause_of(way == REEL_WAY_SAMPLE_BYTES),
                        "sample_bytes =", reel_value_u64(plan->sample_bytes));
    if (plan->has_end_reason)
        reel_filter_and(filter, clause_of(way == REEL_WAY_END_REASON), "end_reason IS",
                        reel_value_text(reel_catalog_end_reasons[plan->end_reason]));
    if (plan->has_gaps)
        reel_filter_and(filter, REEL_CLAUSE_CHECK,
                        "(gap_frames > 0) =", reel_value_u64(plan->gaps));
    if (plan->has_kept)
        reel_filter_and(filter, clause_of(way == REEL_WAY_KEPT),
                        "kept =", reel_value_u64(plan->kept));
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

    if (plan->sort == REEL_SORT_NAME && plan->has_device) { /* the first part is the same in all */
        reel_filter_and(filter, REEL_CLAUSE_WHERE, plan->descending ? "session <" : "session >",
                        reel_value_text(cursor->session));
        return;
    }
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

#define COMPLETE "recording WHERE state = 'complete'"
#define COLUMNS  "recording, device, session, started_us, duration_s"

static char *select_from(const char *source, const struct reel_filter *filter, const char *tail)
{
    return sqlite3_mprintf("SELECT 1%s, " COLUMNS " FROM %s%s%s",
                           reel_filter_sql(filter, REEL_CLAUSE_CHECK), source,
                           reel_filter_sql(filter, REEL_CLAUSE_WHERE), tail);
}

/* Complete and growing recordings as two walks merged: only the complete ones stand in the index
 * of what a growing one changes. */
static char *select_both(const char *complete_source, const struct reel_filter *filter,
                         const char *tail)
{
    char *complete = select_from(complete_source, filter, "");
    char *growing = select_from(reel_way_source(REEL_WAY_GROWING, NULL), filter, tail);
    char *both = complete && growing ? sqlite3_mprintf("%s UNION ALL %s", complete, growing) : NULL;

    sqlite3_free(complete);
    sqlite3_free(growing);
    return both;
}

/* Recordings that another walk names, in its order. */
#define BY_NAMED "CROSS JOIN recording ON recording = named"
#define NAMES    "SELECT recording AS named, started_us AS began_us FROM "

static char *select_by_tag(const struct reel_filter *filter, const char *direction)
{
    return sqlite3_mprintf(
        "SELECT 1%s, " COLUMNS " FROM (" NAMES "%s%s) " BY_NAMED " ORDER BY began_us%s, named%s",
        reel_filter_sql(filter, REEL_CLAUSE_CHECK), reel_way_source(REEL_WAY_TAG, NULL),
        reel_filter_sql(filter, REEL_CLAUSE_WHERE), direction, direction);
}

/* The rows of those gathered are looked up after the sort, as far as the page goes. Without a LIMIT
 * SQLite would leave out a sort that the join does not ask for. */
static char *select_gathered(const struct reel_list_plan *plan, enum reel_way way,
                             const struct reel_filter *filter, const char *direction)
{
    const char *where = reel_filter_sql(filter, REEL_CLAUSE_WHERE);
    bool both = way == REEL_WAY_DURATIONS;

    return sqlite3_mprintf("WITH gathered AS MATERIALIZED (" NAMES "%s%s%s%s%s"
                           " ORDER BY 2%s, 1%s LIMIT -1) SELECT 1%s, " COLUMNS
                           " FROM gathered " BY_NAMED,
                           reel_way_source(way, plan), where, both ? " UNION ALL " NAMES : "",
                           both ? reel_way_source(REEL_WAY_GROWING, plan) : "", both ? where : "",
                           direction, direction, reel_filter_sql(filter, REEL_CLAUSE_CHECK));
}

static char *select_in_order(const struct reel_list_plan *plan, enum reel_way way,
                             const struct reel_filter *filter)
{
    const char *const *keys = sort_keys[plan->sort];
    const char *direction = plan->descending ? " DESC" : "";
    char tail[128];

    if (way == REEL_WAY_TAG)
        return select_by_tag(filter, direction);
    if (way == REEL_WAY_SESSIONS || way == REEL_WAY_DURATIONS)
        return select_gathered(plan, way, filter, direction);
    sqlite3_snprintf(sizeof tail, tail, " ORDER BY %s%s, %s%s", keys[0], direction, keys[1],
                     direction);
    if (way == REEL_WAY_GAPS)
        return select_both(reel_way_source(way, plan), filter, tail);
    if (way != REEL_WAY_ORDER || plan->sort != REEL_SORT_DURATION)
        return select_from(reel_way_source(way, plan), filter, tail);
    return plan->has_state ? select_from(COMPLETE, filter, tail)
                           : select_both(COMPLETE, filter, tail);
}

/* Start a plan's walk, or that which counts. */
static void start(struct reel_catalog *catalog, const struct reel_list_plan *plan, bool counts,
                  struct reel_plan_texts *texts, struct reel_statement *statement)
{
    struct reel_filter filter;
    enum reel_way way;
    int result;
    char *sql;

    end_prefix(plan->session_prefix, texts->prefix_end);
    result = reel_way_choose(catalog, plan, texts->prefix_end, &way);
    reel_filter_init(&filter);
    add_ranges(&filter, plan, way);
    if (plan->has_session_prefix && *plan->session_prefix)
        add_prefix(&filter, plan, way, texts->prefix_end);
    add_values(&filter, plan, way);
    if (way == REEL_WAY_TAG)
        add_tag_range(&filter, plan->tags);
    if (plan->has_cursor && !counts)
        add_cursor(&filter, plan);
    sql = counts && way <= REEL_WAY_GROWING ? select_from(reel_way_source(way, plan), &filter, "")
                                            : select_in_order(plan, way, &filter);
    reel_filter_start(&filter, catalog, sql, statement);
    if (result != SQLITE_OK)
        statement->result = result;
    sqlite3_free(sql);
    reel_filter_finish(&filter);
}

void reel_plan_start(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                     struct reel_plan_texts *texts, struct reel_statement *statement)
{
    start(catalog, plan, false, texts, statement);
}

/* What is counted has no order of its own: that with the most indexes serves. */
void reel_plan_start_count(struct reel_catalog *catalog, const struct reel_list_plan *plan,
                           struct reel_plan_texts *texts, struct reel_statement *statement)
{
    texts->plan = *plan;
    texts->plan.sort = REEL_SORT_STARTED;
    start(catalog, &texts->plan, true, texts, statement);
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
