/* Lists against a naive filter and sort over the same recordings in memory; pages walked by their
 * cursors. */
#include "store/fixture.h"

#include "store/catalog_plan.h"
#include "store/catalog_way.h"

enum { ROWS = 400, ROWS_MAX = 2 * ROWS };

struct world {
    char *folder;
    struct reel_catalog *writer;
    struct reel_catalog *reader;
    struct reel_recording rows[ROWS_MAX];
    size_t rows_count;
    struct chance chance;
};

static const char *const devices[] = {"mic1", "mic10", "mic2", "Mic2", "z"};
static const char *const prefixes[] = {"", "a", "a-", "a_1", "b.", "B", "zz", "a-1"};
static const char *const tag_texts[] = {
    "{\"site\": \"roof\"}",
    "{\"site\": \"roof\", \"gain\": 3}",
    "{\"site\": \"cellar\", \"gain\": 3.0}",
    "{\"gain\": \"3\"}",
    "{\"gain\": 2.5, \"a\\\"b'c\\\\d\": \"x\"}",
    "{\"\xc3\xa9.$[0]\": \"\xe2\x82\xac\", \"nested.path\": 1}",
    "{\"site\": \"%\", \"zero\": 0}",
};
enum { DEVICES = 5, PREFIXES = 8, TAGS = 7 };

/* Ties in what is sorted by, all values of what is filtered by. */
static void vary(struct world *world, struct reel_recording *row)
{
    static const uint32_t rates[] = {8000, 16000, 48000};
    struct chance *chance = &world->chance;

    row->started_us = 1700000000000000 + (int64_t)chance_below(chance, 40) * 1000000;
    row->format = (struct reel_format){
        .rate = rates[chance_below(chance, 3)],
        .channels = (uint16_t)(1 + chance_below(chance, 2)),
        .sample_bytes = (uint8_t)(2 + chance_below(chance, 2)),
    };
    row->frames = chance_below(chance, 30) * 8000;
    row->gap_frames = chance_bool(chance) ? chance_below(chance, 100) : 0;
    json_decref(row->tags);
    row->tags = chance_below(chance, 4) == 0
                    ? NULL
                    : json_loads(tag_texts[chance_below(chance, TAGS)], 0, NULL);
}

static void add_row(struct world *world)
{
    struct reel_recording *row = &world->rows[world->rows_count];
    char session[REEL_NAME_BYTES];

    if (world->rows_count < 2) /* the prefix itself, and just behind all that begins with it */
        strcpy(session, world->rows_count == 0 ? "a" : "b");
    else
        snprintf(session, sizeof session, "%s%zu", prefixes[chance_below(&world->chance, PREFIXES)],
                 world->rows_count);
    chance_recording(&world->chance, devices[chance_below(&world->chance, DEVICES)], session, row);
    vary(world, row);
    assert_ok(reel_catalog_save(world->writer, row, err));
    world->rows_count++;
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    void *folder = NULL;
    char path[PATH_BYTES];

    assert_non_null(world);
    assert_int_equal(make_folder(&folder), 0);
    world->folder = folder;
    world->chance.state = 3;
    path_in(folder, "catalog.db", path);
    assert_ok(reel_catalog_open(path, REEL_CATALOG_WRITE, &world->writer, err));
    assert_ok(reel_catalog_open(path, REEL_CATALOG_READ, &world->reader, err));
    assert_ok(reel_catalog_begin(world->writer, err));
    for (unsigned i = 0; i < ROWS; i++)
        add_row(world);
    assert_ok(reel_catalog_commit(world->writer, err));
    *state = world;
    return 0;
}

static int remove_world(void **state)
{
    struct world *world = *state;
    void *folder = world->folder;

    for (size_t i = 0; i < world->rows_count; i++)
        reel_recording_finish(&world->rows[i]);
    reel_catalog_close(world->reader);
    reel_catalog_close(world->writer);
    free(world);
    return remove_folder(&folder);
}

/* --- the oracle --- */

static bool tag_matches(const json_t *has, const json_t *wanted)
{
    if (json_is_string(wanted))
        return json_is_string(has) &&
               strcmp(json_string_value(has), json_string_value(wanted)) == 0;
    return json_is_number(has) && !(json_number_value(has) < json_number_value(wanted) ||
                                    json_number_value(has) > json_number_value(wanted));
}

static bool tags_match(const struct reel_recording *row, json_t *wanted)
{
    const char *name;
    json_t *value;

    json_object_foreach (wanted, name, value)
        if (!tag_matches(json_object_get(row->tags, name), value))
            return false;
    return true;
}

static bool matches(const struct reel_recording *row, const struct reel_list_plan *plan)
{
    double duration_s = (double)row->frames / (double)row->format.rate;

    return (!plan->has_device || strcmp(row->device, plan->device) == 0) &&
           (!plan->has_session_prefix ||
            strncmp(row->session, plan->session_prefix, strlen(plan->session_prefix)) == 0) &&
           (!plan->has_state || row->state == plan->state) &&
           (!plan->has_min_duration || duration_s >= plan->min_duration_s) &&
           (!plan->has_max_duration || duration_s <= plan->max_duration_s) &&
           (!plan->has_since || row->started_us >= plan->since_us) &&
           (!plan->has_until || row->started_us < plan->until_us) &&
           (!plan->has_rate || row->format.rate == plan->rate) &&
           (!plan->has_channels || row->format.channels == plan->channels) &&
           (!plan->has_sample_bytes || row->format.sample_bytes == plan->sample_bytes) &&
           (!plan->has_end_reason || row->end_reason == plan->end_reason) &&
           (!plan->has_gaps || (row->gap_frames > 0) == plan->gaps) &&
           (!plan->has_kept || row->kept == plan->kept) && tags_match(row, plan->tags);
}

static int compare_names(const struct reel_recording *a, const struct reel_recording *b)
{
    int devices_order = strcmp(a->device, b->device);

    return devices_order != 0 ? devices_order : strcmp(a->session, b->session);
}

/* Negative where `a` comes first, ascending. */
static int compare(const struct reel_recording *a, const struct reel_recording *b,
                   enum reel_sort sort)
{
    double a_s = (double)a->frames / (double)a->format.rate;
    double b_s = (double)b->frames / (double)b->format.rate;
    int order = 0;

    if (sort == REEL_SORT_NAME)
        return compare_names(a, b);
    if (sort == REEL_SORT_STARTED)
        order = (a->started_us > b->started_us) - (a->started_us < b->started_us);
    else
        order = (a_s > b_s) - (a_s < b_s);
    return order != 0 ? order : (a->rowid > b->rowid) - (a->rowid < b->rowid);
}

/* All matches in order, by insertion. */
static size_t expect(const struct world *world, const struct reel_list_plan *plan,
                     const struct reel_recording *out[ROWS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < world->rows_count; i++) {
        const struct reel_recording *row = &world->rows[i];
        size_t at = count;

        if (!matches(row, plan))
            continue;
        for (; at > 0; at--) {
            int order = compare(row, out[at - 1], plan->sort);

            if (plan->descending ? order < 0 : order > 0)
                break;
            out[at] = out[at - 1];
        }
        out[at] = row;
        count++;
    }
    return count;
}

/* --- the walk --- */

struct walk {
    const struct reel_recording **expected;
    size_t expected_count;
    size_t at;
    size_t on_page;
    size_t stop_after; /* rows of a page; SIZE_MAX for all */
};

static bool check_row(const struct reel_recording *recording, void *user)
{
    struct walk *walk = user;

    if (walk->on_page == walk->stop_after)
        return false;
    assert_true(walk->at < walk->expected_count);
    assert_same_summary(recording, walk->expected[walk->at]);
    assert_int_equal(recording->stretches_count, 0);
    assert_int_equal(recording->candidate.kind, REEL_CANDIDATE_NONE);
    walk->at++;
    walk->on_page++;
    return true;
}

/* Only what core/query_plan.h promises to carry for the sort may be needed. */
static void hand_back(struct reel_list_plan *plan, const struct reel_cursor *after)
{
    plan->has_cursor = true;
    plan->cursor = (struct reel_cursor){.rowid = after->rowid};
    if (plan->sort == REEL_SORT_STARTED)
        plan->cursor.integer = after->integer;
    if (plan->sort == REEL_SORT_DURATION)
        plan->cursor.real = after->real;
    if (plan->sort == REEL_SORT_NAME) {
        strcpy(plan->cursor.device, after->device);
        strcpy(plan->cursor.session, after->session);
    }
}

static void check_walk(struct world *world, struct reel_list_plan plan, size_t stop_after)
{
    const struct reel_recording *expected[ROWS_MAX];
    struct walk walk = {.expected = expected, .stop_after = stop_after};
    size_t page_max = stop_after < plan.limit ? stop_after : plan.limit;
    struct reel_list_end end = {.more = true};

    walk.expected_count = expect(world, &plan, expected);
    while (end.more) {
        size_t left = walk.expected_count - walk.at;

        walk.on_page = 0;
        assert_ok(reel_catalog_list(world->reader, &plan, NULL, check_row, &walk, &end, err));
        assert_int_equal(walk.on_page, left < page_max ? left : page_max);
        assert_int_equal(end.more, left > page_max);
        hand_back(&plan, &end.after);
    }
    assert_int_equal(walk.at, walk.expected_count);
}

/* A page that may come by few rows only is short, or empty; the walk comes by all of them once. */
static void check_bounded_walk(struct world *world, struct reel_list_plan plan, uint64_t rows_max)
{
    const struct reel_list_bound bound = {.rows_max = rows_max};
    const struct reel_recording *expected[ROWS_MAX];
    struct walk walk = {.expected = expected, .stop_after = SIZE_MAX};
    struct reel_list_end end = {.more = true};
    size_t pages = 0;

    walk.expected_count = expect(world, &plan, expected);
    for (; end.more; pages++) {
        walk.on_page = 0;
        assert_ok(reel_catalog_list(world->reader, &plan, &bound, check_row, &walk, &end, err));
        assert_true(walk.on_page <= rows_max && walk.on_page <= plan.limit);
        hand_back(&plan, &end.after);
    }
    assert_int_equal(walk.at, walk.expected_count);
    assert_true(pages <= world->rows_count / rows_max + walk.expected_count / plan.limit + 2);
}

static void check_count(struct world *world, const struct reel_list_plan *plan)
{
    const struct reel_recording *expected[ROWS_MAX];
    uint64_t count = 0;
    bool is_minimum = true;

    assert_ok(reel_catalog_count(world->reader, plan, NULL, &count, &is_minimum, err));
    assert_int_equal(count, expect(world, plan, expected));
    assert_false(is_minimum);
}

static void test_sorts_and_pages(void **state)
{
    static const uint32_t limits[] = {1, 7, 100, 1000};

    for (unsigned i = 0; i < 6 * 4; i++) {
        struct reel_list_plan plan = {
            .sort = (enum reel_sort)(i % 3),
            .descending = i / 3 % 2,
            .limit = limits[i / 6],
        };

        check_walk(*state, plan, SIZE_MAX);
        check_walk(*state, plan, 3);
        check_count(*state, &plan);
    }
}

/* Each filter with a chance of one in four. */
static void chance_plan(struct chance *chance, struct reel_list_plan *plan)
{
#define PICK(flag) (plan->flag = chance_below(chance, 4) == 0)
    *plan = (struct reel_list_plan){.sort = (enum reel_sort)chance_below(chance, 3),
                                    .descending = chance_bool(chance),
                                    .limit = 1 + (uint32_t)chance_below(chance, 50)};
    if (PICK(has_device))
        strcpy(plan->device, devices[chance_below(chance, DEVICES)]);
    if (PICK(has_session_prefix))
        strcpy(plan->session_prefix, prefixes[chance_below(chance, PREFIXES)]);
    if (PICK(has_state))
        plan->state = (enum reel_state)chance_below(chance, 2);
    if (PICK(has_min_duration))
        plan->min_duration_s = (double)chance_below(chance, 10);
    if (PICK(has_max_duration))
        plan->max_duration_s = (double)chance_below(chance, 40);
    if (PICK(has_since))
        plan->since_us = 1700000000000000 + (int64_t)chance_below(chance, 40) * 1000000;
    if (PICK(has_until))
        plan->until_us = 1700000000000000 + (int64_t)chance_below(chance, 60) * 1000000;
    if (PICK(has_rate))
        plan->rate = chance_bool(chance) ? 16000 : 8000;
    if (PICK(has_channels))
        plan->channels = 1 + chance_below(chance, 3);
    if (PICK(has_sample_bytes))
        plan->sample_bytes = 2 + chance_below(chance, 2);
    if (PICK(has_end_reason))
        plan->end_reason = (enum reel_end_reason)(1 + chance_below(chance, 4));
    if (PICK(has_gaps))
        plan->gaps = chance_bool(chance);
    if (PICK(has_kept))
        plan->kept = chance_bool(chance);
    if (chance_below(chance, 4) == 0)
        plan->tags = json_loads(tag_texts[chance_below(chance, TAGS)], 0, NULL);
#undef PICK
}

static void test_filters(void **state)
{
    struct chance chance = {4};

    for (unsigned i = 0; i < 600; i++) {
        struct reel_list_plan plan;

        chance_plan(&chance, &plan);
        check_walk(*state, plan, SIZE_MAX);
        check_bounded_walk(*state, plan, 1 + chance_below(&chance, 60));
        check_count(*state, &plan);
        reel_list_plan_finish(&plan);
    }
}

/* Every filter alone, with a value that some recordings have and some have not. */
static void test_each_filter_tells_apart(void **state)
{
    struct world *world = *state;
    const struct reel_list_plan plans[] = {
        {.has_device = true, .device = "mic1"},
        {.has_session_prefix = true, .session_prefix = "a"},
        {.has_state = true, .state = REEL_STATE_RECORDING},
        {.has_min_duration = true, .min_duration_s = 5},
        {.has_max_duration = true, .max_duration_s = 5},
        {.has_since = true, .since_us = 1700000020000000},
        {.has_until = true, .until_us = 1700000020000000},
        {.has_rate = true, .rate = 8000},
        {.has_channels = true, .channels = 1},
        {.has_sample_bytes = true, .sample_bytes = 3},
        {.has_end_reason = true, .end_reason = REEL_END_IDLE},
        {.has_gaps = true, .gaps = true},
        {.has_kept = true, .kept = false},
    };

    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        uint64_t count = 0;
        bool is_minimum;

        assert_ok(reel_catalog_count(world->reader, &plans[i], NULL, &count, &is_minimum, err));
        if (count == 0 || count == world->rows_count)
            fail_msg("filter %zu takes %llu of %zu", i, (unsigned long long)count,
                     world->rows_count);
        check_count(world, &plans[i]);
    }
    for (size_t i = 0; i < TAGS; i++) {
        struct reel_list_plan plan = {.tags = json_loads(tag_texts[i], 0, NULL)};
        const struct reel_recording *expected[ROWS_MAX];

        assert_true(expect(world, &plan, expected) > 0);
        check_count(world, &plan);
        reel_list_plan_finish(&plan);
    }
}

/* What is not text of ours is never SQL, and names are compared byte for byte. */
static void test_hostile_values(void **state)
{
    static const char *const tags[] = {
        "{\"') OR 1 --\": \"x\"}", "{\"site\": \"' OR '1'='1\"}",
        "{\"$.site\": \"roof\"}",  "{\"site\": \"\"}",
        "{\"zero\": -0.0}",        "{\"gain\": 9007199254740993}",
    };
    struct reel_list_plan plan = {.has_device = true, .device = "mic1' OR '1'='1"};

    check_count(*state, &plan);
    plan = (struct reel_list_plan){.has_session_prefix = true, .session_prefix = "%"};
    check_count(*state, &plan);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        plan = (struct reel_list_plan){.tags = json_loads(tags[i], 0, NULL)};
        check_count(*state, &plan);
        reel_list_plan_finish(&plan);
    }
}

static bool add_started(const struct reel_recording *recording, void *user)
{
    uint64_t *sum = user;

    *sum = *sum * 31 + (uint64_t)recording->started_us;
    return true;
}

/* What two pages hold, as a number that tells their order too. */
static uint64_t two_pages(struct world *world, struct reel_list_plan plan)
{
    struct reel_list_end end = {.more = false};
    uint64_t sum = 1;

    assert_ok(reel_catalog_list(world->writer, &plan, NULL, add_started, &sum, &end, err));
    assert_true(end.more);
    hand_back(&plan, &end.after);
    assert_ok(reel_catalog_list(world->writer, &plan, NULL, add_started, &sum, &end, err));
    return sum;
}

/* Whether a range's recordings are few, and gathered, or many, they come in the same order. */
static void test_few_and_many(void **state)
{
    struct world *world = *state;
    struct reel_list_plan plan = {.has_session_prefix = true, .session_prefix = "few-", .limit = 3};
    uint64_t while_few = 0;

    assert_ok(reel_catalog_begin(world->writer, err));
    for (unsigned i = 0; i <= REEL_WAY_FEW; i++) {
        struct reel_format format = {16000, 1, 2, REEL_PCM};
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        snprintf(session, sizeof session, "few-%u", i);
        reel_recording_init(&recording, "mic1", session, &format,
                            i < REEL_WAY_FEW ? (int64_t)(i * 7919 % 10007) : 20000);
        assert_ok(reel_catalog_save(world->writer, &recording, err));
        reel_recording_finish(&recording);
        if (i == REEL_WAY_FEW - 1)
            while_few = two_pages(world, plan);
    }
    assert_true(two_pages(world, plan) == while_few);
    assert_ok(reel_catalog_commit(world->writer, err));
}

/* How SQLite goes about a plan's walk, its words one after the other. */
static void explain(struct world *world, const struct reel_list_plan *plan, char *out, size_t size)
{
    struct reel_statement statement;
    struct reel_plan_texts texts;
    char sql[8192];

    reel_plan_start(world->reader, plan, &texts, &statement);
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement.handle));
    assert_ok(reel_statement_end(&statement, "explaining", err));
    reel_statement_start(&statement, world->reader, REEL_STATEMENT_ONCE, sql);
    for (size_t used = 0; reel_statement_next(&statement);) {
        statement.taken = 3;
        used += (size_t)snprintf(out + used, size - used, "%s\n", reel_take_text_if(&statement));
        assert_true(used < size);
    }
    assert_ok(reel_statement_end(&statement, "explaining", err));
}

static unsigned times_in(const char *text, const char *word)
{
    unsigned times = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        times++;
    return times;
}

/* A walk sorts the recordings that grow, and those that it gathers, which it takes from the index
 * alone; everything else comes in order. */
static void check_way(struct world *world, const struct reel_list_plan *plan, unsigned number)
{
    char text[4096] = "";
    unsigned sorts, allowed;

    explain(world, plan, text, sizeof text);
    sorts = times_in(text, "TEMP B-TREE");
    allowed = times_in(text, "recording_open") + times_in(text, "MATERIALIZE");
    if (sorts != allowed || times_in(text, "RIGHT PART") > 0 ||
        times_in(text, "MATERIALIZE") != times_in(text, "COVERING"))
        fail_msg("plan %u, sort %d:\n%s", number, (int)plan->sort, text);
}

/* What the page behind so many recordings costs, in steps of SQLite's machine. */
static int steps_behind(struct world *world, struct reel_list_plan plan, size_t behind)
{
    struct reel_list_end end = {.more = true};
    struct reel_statement statement;
    struct reel_plan_texts texts;
    struct reel_cursor here;
    uint64_t sum = 0;
    int steps;

    plan.limit = (uint32_t)behind;
    assert_ok(reel_catalog_list(world->reader, &plan, NULL, add_started, &sum, &end, err));
    assert_true(end.more);
    hand_back(&plan, &end.after);
    reel_plan_start(world->reader, &plan, &texts, &statement);
    for (unsigned i = 0; i < 5 && reel_statement_next(&statement); i++)
        reel_plan_take(&statement, &here);
    steps = sqlite3_stmt_status(statement.handle, SQLITE_STMTSTATUS_VM_STEP, 0);
    assert_ok(reel_statement_end(&statement, "listing", err));
    return steps;
}

/* A page further back costs what the first ones do: a walk goes on, it does not begin anew. */
static void test_pages_go_on(void **state)
{
    const struct reel_list_plan plans[] = {
        {.has_since = true, .since_us = 1},
        {.has_until = true, .until_us = INT64_MAX},
        {.has_kept = true, .kept = false, .has_since = true, .since_us = 1},
        {.sort = REEL_SORT_DURATION,
         .has_state = true,
         .state = REEL_STATE_COMPLETE,
         .has_min_duration = true},
        {.sort = REEL_SORT_DURATION,
         .has_state = true,
         .state = REEL_STATE_COMPLETE,
         .has_max_duration = true,
         .max_duration_s = 1e9},
        {.sort = REEL_SORT_NAME},
        {.sort = REEL_SORT_NAME, .has_device = true, .device = "mic1"},
    };

    for (unsigned i = 0; i < 2 * sizeof plans / sizeof plans[0]; i++) {
        struct reel_list_plan plan = plans[i / 2];
        int near, far;

        plan.descending = i % 2;
        near = steps_behind(*state, plan, 5);
        far = steps_behind(*state, plan, 65);
        if (far > 2 * near)
            fail_msg("plan %u: %d steps behind 5, %d behind 65", i, near, far);
    }
}

static void test_ways(void **state)
{
    json_t *tags = json_pack("{s:s}", "site", "roof");
    const struct reel_list_plan plans[] = {
        {.limit = 1},
        {.has_device = true, .device = "mic1"},
        {.has_session_prefix = true, .session_prefix = "a"},
        {.has_state = true, .state = REEL_STATE_COMPLETE},
        {.has_min_duration = true, .min_duration_s = 5},
        {.has_device = true, .device = "mic1", .has_max_duration = true, .max_duration_s = 5},
        {.has_since = true, .since_us = 1700000020000000},
        {.has_device = true, .device = "mic1", .has_since = true, .since_us = 1700000020000000},
        {.has_rate = true, .rate = 8000},
        {.has_channels = true, .channels = 1},
        {.has_sample_bytes = true, .sample_bytes = 3},
        {.has_end_reason = true, .end_reason = REEL_END_IDLE},
        {.has_gaps = true, .gaps = true},
        {.has_kept = true, .kept = false},
        {.tags = tags},
    };

    for (unsigned i = 0; i < 12 * sizeof plans / sizeof plans[0]; i++) {
        struct reel_list_plan plan = plans[i / 12];

        plan.sort = (enum reel_sort)(i % 3);
        plan.descending = i / 3 % 2;
        plan.has_cursor = i / 6 % 2;
        check_way(*state, &plan, i / 12);
    }
    json_decref(tags);
}

struct seen {
    uint64_t rowids[ROWS_MAX];
    size_t count;
};

static bool note_row(const struct reel_recording *recording, void *user)
{
    struct seen *seen = user;

    assert_true(seen->count < ROWS_MAX);
    seen->rowids[seen->count++] = recording->rowid;
    return true;
}

/* Rows that stood when the walk began come exactly once, whatever is added meanwhile. */
static void test_walk_while_rows_are_added(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 6; i++) {
        struct reel_list_plan plan = {
            .sort = (enum reel_sort)(i % 3), .descending = i >= 3, .limit = 20};
        struct seen seen = {.count = 0};
        size_t stood = world->rows_count;
        struct reel_list_end end = {.more = true};

        while (end.more) {
            assert_ok(reel_catalog_list(world->reader, &plan, NULL, note_row, &seen, &end, err));
            hand_back(&plan, &end.after);
            if (world->rows_count < ROWS_MAX)
                add_row(world);
        }
        for (size_t row = 0; row < stood; row++) {
            unsigned times = 0;

            for (size_t at = 0; at < seen.count; at++)
                times += seen.rowids[at] == world->rows[row].rowid;
            assert_int_equal(times, 1);
        }
    }
}

static void test_count_is_capped(void **state)
{
    struct world *world = *state;
    struct reel_list_plan plan = {.has_device = true, .device = "many"};
    uint64_t count = 0;
    bool is_minimum = false;

    assert_ok(reel_catalog_begin(world->writer, err));
    for (unsigned i = 0; i <= REEL_LIST_COUNT_MAX; i++) {
        struct reel_format format = {16000, 1, 2, REEL_PCM};
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        if (i == REEL_LIST_COUNT_MAX) { /* just as many as are counted */
            assert_ok(reel_catalog_commit(world->writer, err));
            assert_ok(reel_catalog_count(world->reader, &plan, NULL, &count, &is_minimum, err));
            assert_int_equal(count, REEL_LIST_COUNT_MAX);
            assert_false(is_minimum);
        }
        snprintf(session, sizeof session, "s%u", i);
        reel_recording_init(&recording, "many", session, &format, 0);
        assert_ok(reel_catalog_save(world->writer, &recording, err));
        reel_recording_finish(&recording);
    }
    assert_ok(reel_catalog_count(world->reader, &plan, NULL, &count, &is_minimum, err));
    assert_int_equal(count, REEL_LIST_COUNT_MAX);
    assert_true(is_minimum);
}

/* A clock that is past its time at once, and counts how often it is looked at. */
static bool always_expired(void *user)
{
    ++*(unsigned *)user;
    return true;
}

/* A question whose time is over at once has come by a few all the same: its pages end, and hold
 * each recording that matches once. */
static void test_time_that_is_over(void **state)
{
    struct world *world = *state;
    struct reel_list_plan plan = {
        .has_gaps = true, .gaps = false, .sort = REEL_SORT_NAME, .limit = 1000};
    const struct reel_recording *expected[ROWS_MAX];
    struct walk walk = {.expected = expected, .stop_after = SIZE_MAX};
    unsigned looks = 0, pages = 0;
    const struct reel_list_bound bound = {.expired = always_expired, .user = &looks};
    struct reel_list_end end = {.more = true};
    uint64_t count;
    bool is_minimum;

    walk.expected_count = expect(world, &plan, expected);
    for (; end.more; pages++) {
        walk.on_page = 0;
        assert_ok(reel_catalog_list(world->reader, &plan, &bound, check_row, &walk, &end, err));
        assert_true(walk.on_page <= 16);
        hand_back(&plan, &end.after);
    }
    assert_int_equal(walk.at, walk.expected_count);
    assert_int_equal(pages, looks + 1);
    assert_int_equal(pages, (ROWS + 15) / 16);
    assert_ok(reel_catalog_count(world->reader, &plan, &bound, &count, &is_minimum, err));
    assert_true(count <= 16 && is_minimum);
}

/* A count that would come by too many rows is a minimum. */
static void test_count_is_bounded(void **state)
{
    struct world *world = *state;
    struct reel_list_plan plan = {.has_gaps = true, .gaps = false};
    const struct reel_recording *expected[ROWS_MAX];
    struct reel_list_bound bound = {.rows_max = ROWS};
    size_t all = expect(world, &plan, expected);
    uint64_t count;
    bool is_minimum;

    assert_ok(reel_catalog_count(world->reader, &plan, &bound, &count, &is_minimum, err));
    assert_int_equal(count, all);
    assert_false(is_minimum);
    bound.rows_max = ROWS - 1;
    assert_ok(reel_catalog_count(world->reader, &plan, &bound, &count, &is_minimum, err));
    assert_true(count == all || count == all - 1);
    assert_true(is_minimum);
}

int main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, remove_world)
    const struct CMUnitTest tests[] = {
        WORLD(test_sorts_and_pages),
        WORLD(test_filters),
        WORLD(test_each_filter_tells_apart),
        WORLD(test_hostile_values),
        WORLD(test_walk_while_rows_are_added),
        WORLD(test_count_is_capped),
        WORLD(test_count_is_bounded),
        WORLD(test_time_that_is_over),
        WORLD(test_few_and_many),
        WORLD(test_ways),
        WORLD(test_pages_go_on),
    };

    return cmocka_run_group_tests_name("catalog_list", tests, NULL, NULL);
}
