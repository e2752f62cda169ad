/* Quarantine's rows as they are listed: newest first, by filter, page by page. */
#include "store/fixture.h"

#include <limits.h>

#include "store/catalog.h"

enum { ROWS = 120 };

struct row {
    uint64_t id;
    char topic[128];
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    struct reel_error error;
    int64_t time_us;
    uint64_t bytes;
};

struct world {
    char *folder;
    struct reel_catalog *catalog;
    struct row rows[ROWS];
};

static void add_row(struct world *world, struct chance *chance, struct row *row)
{
    static const char *const devices[] = {"", "mic1", "mic2"};
    static const char *const sessions[] = {"", "s1", "s10"};
    struct reel_reject reject = {
        .topic = row->topic, .device = row->device, .session = row->session};

    strcpy(row->device, devices[chance_below(chance, 3)]);
    strcpy(row->session, sessions[chance_below(chance, 3)]);
    snprintf(row->topic, sizeof row->topic, "reel/v1/audio/%s/'\"; --", row->device);
    reel_error_set(&row->error, (enum reel_code)(1 + chance_below(chance, REEL_CODE_COUNT - 1)),
                   chance_bool(chance) ? "metadata.audio" : NULL, "it's %d", 5);
    row->time_us = (int64_t)chance_below(chance, 50);
    row->bytes = chance_number(chance);
    reject.error = row->error;
    reject.time_us = row->time_us;
    reject.bytes = row->bytes;
    assert_ok(reel_catalog_reject_add(world->catalog, &reject, chance_bool(chance), &row->id, err));
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct chance chance = {11};
    void *folder = NULL;
    char path[PATH_BYTES];

    assert_non_null(world);
    assert_int_equal(make_folder(&folder), 0);
    world->folder = folder;
    assert_ok(reel_catalog_open(path_in(folder, "catalog.db", path), REEL_CATALOG_WRITE,
                                &world->catalog, err));
    assert_ok(reel_catalog_begin(world->catalog, err));
    for (unsigned i = 0; i < ROWS; i++)
        add_row(world, &chance, &world->rows[i]);
    assert_ok(reel_catalog_commit(world->catalog, err));
    *state = world;
    return 0;
}

static int remove_world(void **state)
{
    struct world *world = *state;
    void *folder = world->folder;

    reel_catalog_close(world->catalog);
    free(world);
    return remove_folder(&folder);
}

static bool matches(const struct row *row, const struct reel_rejects_plan *plan)
{
    return (!plan->has_device || strcmp(row->device, plan->device) == 0) &&
           (!plan->has_session || strcmp(row->session, plan->session) == 0) &&
           (!plan->has_code || row->error.code == plan->code) &&
           (!plan->has_since || row->time_us >= plan->since_us) &&
           (!plan->has_until || row->time_us < plan->until_us);
}

struct walk {
    const struct world *world;
    const struct reel_rejects_plan *plan;
    unsigned below; /* rows from here on are done */
    unsigned on_page;
    unsigned stop_after;
    uint64_t last_id;
};

/* The next row below, in the order of their ids, that matches; ROWS if there is none. */
static unsigned next_match(const struct walk *walk)
{
    for (unsigned i = walk->below; i-- > 0;)
        if (matches(&walk->world->rows[i], walk->plan))
            return i;
    return ROWS;
}

static bool check_row(const struct reel_reject *reject, void *user)
{
    struct walk *walk = user;
    unsigned at = next_match(walk);
    const struct row *row = &walk->world->rows[at];

    if (walk->on_page == walk->stop_after)
        return false;
    assert_true(at < ROWS);
    assert_int_equal(reject->quarantine_id, row->id);
    assert_string_equal(reject->topic, row->topic);
    assert_string_equal(reject->device, row->device);
    assert_string_equal(reject->session, row->session);
    assert_int_equal(reject->error.code, row->error.code);
    assert_string_equal(reject->error.field, row->error.field);
    assert_string_equal(reject->error.message, row->error.message);
    assert_int_equal(reject->time_us, row->time_us);
    assert_int_equal(reject->bytes, row->bytes);
    walk->below = at;
    walk->on_page++;
    walk->last_id = reject->quarantine_id;
    return true;
}

static void check_walk(struct world *world, struct reel_rejects_plan plan, unsigned stop_after)
{
    struct walk walk = {.world = world, .plan = &plan, .below = ROWS, .stop_after = stop_after};
    unsigned page_max = stop_after < plan.limit ? stop_after : plan.limit;
    bool more = true;

    while (more) {
        walk.on_page = 0;
        assert_ok(reel_catalog_rejects(world->catalog, &plan, check_row, &walk, &more, err));
        assert_true(walk.on_page <= page_max);
        assert_int_equal(more, next_match(&walk) < ROWS);
        assert_true(!more || walk.on_page == page_max);
        plan.has_before = true;
        plan.before_id = walk.last_id;
    }
    assert_int_equal(next_match(&walk), ROWS);
}

static void test_pages(void **state)
{
    static const uint32_t limits[] = {1, 7, ROWS, 1000};

    for (unsigned i = 0; i < 4; i++) {
        struct reel_rejects_plan plan = {.limit = limits[i]};

        check_walk(*state, plan, UINT_MAX);
        check_walk(*state, plan, 3);
    }
}

static void test_filters(void **state)
{
    struct chance chance = {12};

    for (unsigned i = 0; i < 300; i++) {
        struct reel_rejects_plan plan = {
            .has_device = chance_bool(&chance),
            .device = "mic1",
            .has_session = chance_bool(&chance),
            .session = "s1",
            .has_code = chance_below(&chance, 4) == 0,
            .code = (enum reel_code)(1 + chance_below(&chance, REEL_CODE_COUNT - 1)),
            .has_since = chance_bool(&chance),
            .since_us = (int64_t)chance_below(&chance, 30),
            .has_until = chance_bool(&chance),
            .until_us = (int64_t)chance_below(&chance, 60),
            .limit = 1 + (uint32_t)chance_below(&chance, 20),
        };

        check_walk(*state, plan, UINT_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, make_world, remove_world),
        cmocka_unit_test_setup_teardown(test_filters, make_world, remove_world),
    };

    return cmocka_run_group_tests_name("catalog_reject", tests, NULL, NULL);
}
