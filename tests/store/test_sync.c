/* The choice between syncing files one by one and one syncfs: by itself, against costs that are
 * made up, and in a store whose syncs take what this program says. */
#include "store/scene.h"
#include "store/sync.h"

/* Time passes in syncs only. */
static struct {
    int64_t now_us;
    int64_t single_us;
    int64_t whole_us;
    unsigned singles;
    unsigned wholes;
} disk;

static int64_t disk_clock(void)
{
    return disk.now_us;
}

static int take(int64_t cost_us, unsigned *count)
{
    disk.now_us += cost_us;
    *count += 1;
    return 0;
}

int fsync(int fd)
{
    (void)fd;
    return take(disk.single_us, &disk.singles);
}

int fdatasync(int fd)
{
    (void)fd;
    return take(disk.single_us, &disk.singles);
}

int syncfs(int fd)
{
    (void)fd;
    return take(disk.whole_us, &disk.wholes);
}

/* ---- the choice by itself ---- */

/* Make so many items durable as it says; whether it was by syncfs. */
static bool sync_items(struct reel_sync *sync, size_t items, int64_t single_us, int64_t whole_us)
{
    bool whole = reel_sync_whole(sync, items);
    int64_t took_us = whole ? whole_us : (int64_t)items * single_us;

    disk.now_us += took_us;
    reel_sync_took(sync, whole, items, took_us);
    return whole;
}

static void at_first_more_than_four_ask_for_a_syncfs(void **state)
{
    struct reel_sync sync;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
    assert_false(reel_sync_whole(&sync, 0));
    assert_false(reel_sync_whole(&sync, 1));
    assert_false(reel_sync_whole(&sync, 4));
    assert_true(reel_sync_whole(&sync, 5));
    assert_true(reel_sync_whole(&sync, 20000));
}

static void a_way_that_is_set_is_kept(void **state)
{
    struct reel_sync files;
    struct reel_sync whole;

    (void)state;
    reel_sync_init(&files, REEL_SYNC_FILES, disk_clock);
    reel_sync_init(&whole, REEL_SYNC_FILE_SYSTEM, disk_clock);
    assert_false(reel_sync_whole_allowed(&files));
    assert_true(reel_sync_whole_allowed(&whole));
    for (size_t items = 1; items < 1000; items++) {
        assert_false(sync_items(&files, items, 1000, 1));
        assert_true(sync_items(&whole, items, 1, 1000));
    }
}

static void without_a_clock_the_first_guess_stays(void **state)
{
    struct reel_sync sync;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(sync_items(&sync, 5, 1, 1000000));
        assert_false(sync_items(&sync, 4, 1000000, 1));
    }
}

/* Another program keeps the disk busy: the first syncfs shows it, and few follow. */
static void a_dear_syncfs_gives_way_to_single_syncs(void **state)
{
    struct reel_sync sync;
    unsigned wholes = 0;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
    assert_true(sync_items(&sync, 20, 100, 500000));
    for (unsigned i = 0; i < 6000; i++)
        wholes += sync_items(&sync, 20, 100, 500000);
    /* After 16 times the 0.25 s that are believed first, 16 times 0.375 s more; of 12 s. */
    assert_int_equal(wholes, 2);
}

static void dear_single_syncs_give_way_to_a_syncfs(void **state)
{
    struct reel_sync sync;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
    assert_false(sync_items(&sync, 3, 20000, 30000));
    assert_true(sync_items(&sync, 3, 20000, 30000));
    assert_true(sync_items(&sync, 3, 20000, 30000));
    assert_false(reel_sync_whole(&sync, 1)); /* one alone is never worth it */
}

static void a_wrong_figure_heals(void **state)
{
    struct reel_sync sync;
    unsigned singly = 0;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
    assert_true(sync_items(&sync, 100, 80, 5000000)); /* hurt once */
    for (unsigned in_a_row = 0; in_a_row < 50; in_a_row++) {
        if (sync_items(&sync, 100, 80, 1500))
            continue;
        in_a_row = 0;
        singly++;
    }
    assert_in_range(singly, 1, 16 * 5000000 / (100 * 80) + 16); /* one more for each try */
}

/* Whatever the costs: in the long run no more than a sixteenth above the cheaper way. */
static void trying_costs_a_sixteenth_at_most(void **state)
{
    struct chance chance = {3};

    (void)state;
    for (unsigned run = 0; run < 500; run++) {
        int64_t single_us = 1 + (int64_t)chance_below(&chance, 30000);
        int64_t whole_us = 1 + (int64_t)chance_below(&chance, 300000);
        size_t items = 2 + (size_t)chance_below(&chance, 200);
        int64_t singles_us = (int64_t)items * single_us;
        int64_t best_us = whole_us < singles_us ? whole_us : singles_us;
        int64_t began_us = disk.now_us;
        int64_t guess_us;
        struct reel_sync sync;

        reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
        for (unsigned i = 0; i < 1000; i++)
            sync_items(&sync, items, single_us, whole_us);
        /* And what it costs to come to know them: each way twice, and the first guess too long. */
        guess_us = 16 * (items > 4 ? 250 * (int64_t)items : 1000);
        assert_true(disk.now_us - began_us <=
                    1000 * best_us + 1000 * best_us / 16 + 2 * (singles_us + whole_us) + guess_us);
    }
}

/* As long as they take an eighth of the time at most. */
static void single_syncs_are_at_leisure(void **state)
{
    struct reel_sync sync;

    (void)state;
    reel_sync_init(&sync, REEL_SYNC_AUTO, disk_clock);
    sync_items(&sync, 20, 1000, 1500);
    assert_false(reel_sync_at_leisure(&sync, 20)); /* one right after the other */
    for (unsigned i = 0; i < 100; i++) {
        disk.now_us += 8 * 20 * 1000;
        assert_true(reel_sync_at_leisure(&sync, 20));
        disk.now_us += 20 * 1000;
        reel_sync_took(&sync, false, 20, 20 * 1000);
    }
    for (unsigned i = 0; i < 100; i++) {
        disk.now_us += 8 * 20 * 1000 - 100;
        assert_false(reel_sync_at_leisure(&sync, 20));
        reel_sync_took(&sync, true, 20, 1500);
    }
}

/* ---- in a store ---- */

enum { RECORDINGS = 8 };

static int set_up_measured(void **state)
{
    struct scene *scene;

    memset(&disk, 0, sizeof disk);
    set_up(state);
    scene = *state;
    scene->config.clock = disk_clock;
    scene_restart(scene);
    disk.single_us = 100;
    disk.whole_us = 400;
    return 0;
}

static void publish_to_all(struct scene *scene, uint64_t seq)
{
    char session[8];

    for (unsigned i = 0; i < RECORDINGS; i++) {
        snprintf(session, sizeof session, "s%u", i);
        if (seq == 0)
            scene_create(scene, "mic1", session, &mono16);
        publish_seq(scene, scene_get(scene, "mic1", session), seq);
    }
}

/* One commit with a fragment for each; true if it went by syncfs. */
static bool commit_all(struct scene *scene, uint64_t seq)
{
    publish_to_all(scene, seq);
    scene->now_us -= 999999; /* no header or sidecar falls due */
    disk.singles = disk.wholes = 0;
    scene_commit(scene);
    /* The catalog's is single, at times more than one. */
    assert_int_equal(disk.wholes, disk.singles < RECORDINGS ? 1 : 0);
    return disk.wholes > 0;
}

static void a_store_goes_by_what_its_syncs_took(void **state)
{
    struct scene *scene = *state;
    unsigned wholes = 0;
    unsigned singly = 0;
    uint64_t seq = 0;

    publish_to_all(scene, seq++);
    scene_commit(scene);
    while (seq < 10)
        assert_true(commit_all(scene, seq++));
    disk.whole_us = 20000; /* another program begins to write */
    while (seq < 410)
        wholes += commit_all(scene, seq++);
    assert_in_range(wholes, 1, 3);
    disk.whole_us = 400; /* and has ended */
    while (seq < 1410)
        singly += !commit_all(scene, seq++);
    assert_in_range(singly, 1, 16 * 20000 / (RECORDINGS * 100) + 1000 / 16);
}

static void a_store_keeps_to_the_way_that_is_set(void **state)
{
    static const enum reel_sync_way ways[] = {REEL_SYNC_FILES, REEL_SYNC_FILE_SYSTEM};
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "t", .device = "", .session = "", .bytes = 3};
    char session[8];
    uint64_t id;

    for (unsigned i = 0; i < 2 * RECORDINGS; i++) {
        scene->config.sync_way = ways[i / RECORDINGS];
        if (i % RECORDINGS == 0)
            scene_restart(scene);
        disk.singles = disk.wholes = 0;
        for (unsigned made = 0; made <= i % RECORDINGS; made++) {
            snprintf(session, sizeof session, "s%u-%u", i, made);
            publish_seq(scene, scene_create(scene, "mic1", session, &mono16), 0);
            assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
        }
        scene_commit(scene);
        /* Files before and after their renaming, sidecars the same, quarantine; and the catalog,
         * which makes its log anew after a restart. */
        assert_int_equal(disk.wholes, i < RECORDINGS ? 0 : 5);
        assert_true(i < RECORDINGS ? disk.singles > 3 * (i + 1) : disk.singles <= 3);
    }
}

int main(void)
{
#define IN_STORE(name) cmocka_unit_test_setup_teardown(name, set_up_measured, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_more_than_four_ask_for_a_syncfs),
        cmocka_unit_test(a_way_that_is_set_is_kept),
        cmocka_unit_test(without_a_clock_the_first_guess_stays),
        cmocka_unit_test(a_dear_syncfs_gives_way_to_single_syncs),
        cmocka_unit_test(dear_single_syncs_give_way_to_a_syncfs),
        cmocka_unit_test(a_wrong_figure_heals),
        cmocka_unit_test(trying_costs_a_sixteenth_at_most),
        cmocka_unit_test(single_syncs_are_at_leisure),
        IN_STORE(a_store_goes_by_what_its_syncs_took),
        IN_STORE(a_store_keeps_to_the_way_that_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
