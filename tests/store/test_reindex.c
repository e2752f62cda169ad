/* The catalog can be thrown away: it is built anew from sidecars and WAV files. */
#include "store/reader.h"
#include "store/scene.h"

enum { RECORDINGS = 6 };

static const char *const sessions[RECORDINGS] = {"gaps",  "boots", "plain",
                                                 "mixed", "bytes", "empty"};

static void publish_boot(struct scene *scene, struct reel_entry *entry, const char *boot,
                         uint64_t seq)
{
    struct reel_numbers numbers = {.has_seq = true, .seq = seq, .frames = FRAGMENT_FRAMES};

    snprintf(numbers.boot.text, sizeof numbers.boot.text, "%s", boot);
    numbers.boot.is_uint = boot[0] >= '0' && boot[0] <= '9';
    publish(scene, entry, &numbers, 100 + seq);
}

static void record_gaps(struct scene *scene, struct reel_entry *entry)
{
    struct reel_recording *recording = reel_entry_recording(entry);

    for (uint64_t seq = 0; seq < 40; seq += seq % 7 == 3 ? 3 : 1)
        publish_seq(scene, entry, seq);
    recording->tags = json_pack("{s:s,s:f,s:i}", "site", "caf\xc3\xa9", "gain", -3.25, "n", 7);
    recording->has_captured = true;
    recording->captured_from_us = 1;
    recording->captured_to_us = INT64_MAX / 4;
    recording->duplicates = 3;
    recording->rejected = 2;
    recording->kept = true;
}

static void record_boots(struct scene *scene, struct reel_entry *entry)
{
    for (uint64_t seq = 0; seq < 12; seq++)
        publish_boot(scene, entry, "7", seq);
    for (uint64_t seq = 0; seq < 4; seq++)
        publish_boot(scene, entry, "second", seq);
}

static void record_plain(struct scene *scene, struct reel_entry *entry)
{
    publish_plain(scene, entry, 1, 1234);
    publish_plain(scene, entry, 2, 99);
}

static void record_mixed(struct scene *scene, struct reel_entry *entry)
{
    publish_seq(scene, entry, 0);
    publish_plain(scene, entry, 2, 77);
    publish_seq(scene, entry, 1);
}

/* One of each kind; the even ones complete. */
static void record_all(struct scene *scene)
{
    for (unsigned i = 0; i < RECORDINGS; i++) {
        struct reel_entry *entry =
            scene_create(scene, "mic1", sessions[i], i == 4 ? &mono8 : &mono16);

        scene->now_us += 12345;
        if (i == 0)
            record_gaps(scene, entry);
        else if (i == 1)
            record_boots(scene, entry);
        else if (i == 2)
            record_plain(scene, entry);
        else if (i == 3)
            record_mixed(scene, entry);
        else if (i == 4)
            publish_plain(scene, entry, 5, 333); /* odd */
        if (i % 2 == 0)
            complete(scene, entry);
    }
    scene_commit(scene);
    for (unsigned i = 1; i < RECORDINGS - 1; i += 2) { /* growth that sidecars do not tell yet */
        struct reel_entry *entry = scene_get(scene, "mic1", sessions[i]);

        if (i == 1)
            publish_boot(scene, entry, "second", 4);
        else
            publish_seq(scene, entry, 2);
    }
    scene_commit(scene);
}

static void load_all(struct scene *scene, struct reel_recording recordings[RECORDINGS])
{
    for (unsigned i = 0; i < RECORDINGS; i++)
        scene_load(scene, "mic1", sessions[i], &recordings[i]);
}

static void finish_all(struct reel_recording recordings[RECORDINGS])
{
    for (unsigned i = 0; i < RECORDINGS; i++)
        reel_recording_finish(&recordings[i]);
}

static void assert_all_same(struct reel_recording before[RECORDINGS],
                            struct reel_recording after[RECORDINGS])
{
    for (unsigned i = 0; i < RECORDINGS; i++) {
        after[i].rowid = before[i].rowid;
        assert_same_recording(&before[i], &after[i]);
    }
}

/* What the catalog keeps beside the rows, to find them by. */
static void assert_found_by_tag(struct scene *scene)
{
    struct reel_list_plan plan = {.tags = json_pack("{s:i}", "n", 7)};
    struct reel_reader *reader;
    uint64_t count = 0;
    bool is_minimum;

    assert_ok(reel_reader_open(scene->config.dir, &reader, err));
    assert_ok(reel_reader_count(reader, &plan, NULL, &count, &is_minimum, err));
    assert_int_equal(count, 1);
    reel_reader_close(reader);
    reel_list_plan_finish(&plan);
}

static void remove_catalog(struct scene *scene)
{
    unlink(scene_path(scene, "catalog.db-wal"));
    unlink(scene_path(scene, "catalog.db-shm"));
    assert_int_equal(unlink(scene_path(scene, "catalog.db")), 0);
}

/* After an orderly end everything is as it was; only rows' own keys may be others. */
static void everything_is_as_before(struct scene *scene, bool by_command)
{
    struct reel_recording before[RECORDINGS];
    struct reel_recording after[RECORDINGS];
    struct reel_store_report report = {0};

    record_all(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    load_all(scene, before);
    scene_crash(scene);
    if (by_command)
        assert_ok(reel_store_reindex(&scene->config, scene->now_us, &report, err));
    else
        remove_catalog(scene);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, RECORDINGS);
    assert_int_equal(scene->report.open, RECORDINGS / 2);
    assert_int_equal(scene->report.recovered, 0);
    assert_int_equal(report.recordings, by_command ? RECORDINGS : 0);
    load_all(scene, after);
    assert_all_same(before, after);
    assert_found_by_tag(scene);
    finish_all(before);
    finish_all(after);
}

static void a_removed_catalog_comes_back_at_start(void **state)
{
    everything_is_as_before(*state, false);
}

static void a_catalog_is_built_anew_on_demand(void **state)
{
    struct scene *scene = *state;

    everything_is_as_before(scene, true);
    assert_true(path_exists(scene_path(scene, "recovered/index.jsonl"))); /* the old one is kept */
}

/* After a kill, sidecars lag behind by growth of the last run: it is found in the file. */
static void growth_is_found_in_the_file(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before[RECORDINGS];
    struct reel_recording after[RECORDINGS];
    struct reel_entry *entry;

    record_all(scene);
    load_all(scene, before);
    scene_crash(scene);
    remove_catalog(scene);
    scene_open(scene);
    load_all(scene, after);
    for (unsigned i = 0; i < RECORDINGS; i++) /* when it was last heard of is lost */
        after[i].updated_us = before[i].updated_us;
    assert_all_same(before, after);
    finish_all(before);
    finish_all(after);

    entry = scene_get(scene, "mic1", "boots"); /* and the recorder goes on where it was */
    publish_boot(scene, entry, "second", 5);
    assert_int_equal(reel_entry_recording(entry)->gap_frames, 0);
    assert_int_equal(reel_entry_recording(entry)->stretches_count, 2);
}

/* A tail that is no whole number of fragments cannot have been plain growth. */
static void a_tail_that_does_not_come_out_even_gets_no_numbers(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording after;
    const uint8_t tail[200] = {1};

    publish_seq(scene, entry, 0);
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    scene_crash(scene);
    remove_catalog(scene);
    path_append(scene_path(scene, "recordings/mic1/s1.wav"), tail, sizeof tail);
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_int_equal(after.frames, 2 * FRAGMENT_FRAMES + 100);
    assert_int_equal(after.stretches_count, 2);
    assert_int_equal(after.stretches[0].seqs, 2);
    assert_false(after.stretches[1].has_seq);
    assert_int_equal(after.next_seq, 2);
    reel_recording_finish(&after);
}

static bool publish_uneven(struct scene *scene, struct reel_entry *entry, uint64_t seq)
{
    static const uint64_t starts[] = {0, 300, 500, 810, 1000};
    const struct reel_place_limits limits = {3600, 256 << 20};
    struct reel_numbers numbers = {.has_seq = true,
                                   .has_frame = true,
                                   .seq = seq,
                                   .frame = starts[seq],
                                   .frames = (uint32_t)(starts[seq + 1] - starts[seq])};
    struct reel_placement placement;

    reel_place(reel_entry_recording(entry), &numbers, &limits, &placement);
    if (!reel_place_stores(&placement))
        return false;
    publish(scene, entry, &numbers, seq);
    return true;
}

/* What was sent again after the catalog was lost stood twice. */
static void uneven_growth_is_known_by_its_frames(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording after;

    publish_uneven(scene, entry, 0);
    publish_uneven(scene, entry, 1); /* from here on it is uneven, and the sidecar says so */
    scene_commit(scene);
    publish_uneven(scene, entry, 2);
    scene_commit(scene);
    scene_crash(scene);
    remove_catalog(scene);
    scene_open(scene);
    entry = scene_get(scene, "mic1", "s1");
    assert_int_equal(reel_entry_recording(entry)->frames, 810);
    for (uint64_t seq = 0; seq < 3; seq++)
        assert_false(publish_uneven(scene, entry, seq));
    assert_true(publish_uneven(scene, entry, 3));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_int_equal(after.frames, 1000);
    assert_int_equal(after.gap_frames, 0);
    assert_int_equal(after.rejected, 0);
    assert_int_equal(after.next_seq, 4);
    reel_recording_finish(&after);
}

/* The size changed since the sidecar was written, in a way that comes out even. */
static void growth_that_turns_uneven_is_told_at_once(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording after;

    publish_uneven(scene, entry, 0);
    scene_commit(scene);
    publish_uneven(scene, entry, 1);
    scene_commit(scene);
    scene_crash(scene);
    remove_catalog(scene);
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_int_equal(after.frames, 500);
    assert_int_equal(after.next_seq, 2);
    assert_int_equal(after.stretches_count, 1);
    reel_recording_finish(&after);
}

static void files_alone_are_indexed(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before[RECORDINGS];
    struct reel_recording after[RECORDINGS];

    record_all(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    load_all(scene, before);
    scene_crash(scene);
    remove_catalog(scene);
    for (unsigned i = 0; i < RECORDINGS; i++)
        assert_int_equal(unlink(scene_path(scene, "recordings/mic1/%s.json", sessions[i])), 0);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, RECORDINGS);
    load_all(scene, after);
    for (unsigned i = 0; i < RECORDINGS; i++) {
        assert_true(after[i].id == before[i].id);
        assert_int_equal(after[i].frames, before[i].frames);
        /* A header keeps the start to a frame. */
        assert_true(before[i].started_us - after[i].started_us <= 1000000 / 8000);
        assert_true(reel_format_equal(&after[i].format, &before[i].format));
        assert_int_equal(after[i].state, REEL_STATE_COMPLETE);
    }
    finish_all(before);
    finish_all(after);
}

/* A sidecar that is damaged, or another recording's, is no witness: the file speaks for itself. */
static void a_sidecar_that_does_not_fit_is_not_believed(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before[RECORDINGS];
    struct reel_recording after[RECORDINGS];

    record_all(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    load_all(scene, before);
    scene_crash(scene);
    remove_catalog(scene);
    path_write_at(scene_path(scene, "recordings/mic1/gaps.json"), 20, "????", 4);
    path_write_at(scene_path(scene, "recordings/mic1/boots.json"),
                  strlen("{\"reel_sidecar\":1,\"id\":\""), "0123456789abcdef", 16);
    scene_open(scene);
    load_all(scene, after);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(after[i].id == before[i].id);
        assert_int_equal(after[i].frames, before[i].frames);
        assert_int_equal(after[i].stretches_count, 1);
        assert_false(after[i].stretches[0].has_seq);
    }
    finish_all(before);
    finish_all(after);
    scene_restart(scene); /* their sidecars are new */
    assert_int_equal(scene->report.recovered, 0);
}

/* Rows are committed a thousand at a time. */
static void many_recordings_are_indexed(void **state)
{
    enum { MANY = 1100 };
    struct scene *scene = *state;
    struct reel_store_report report;

    for (unsigned i = 0; i < MANY; i++) {
        char session[16];

        snprintf(session, sizeof session, "s%u", i);
        publish_plain(scene, scene_create(scene, i % 2 ? "mic1" : "mic2", session, &mono16), i, 10);
    }
    scene_commit(scene);
    scene_crash(scene);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, &report, err));
    assert_int_equal(report.recordings, MANY);
    assert_int_equal(report.open, MANY);
    scene_open(scene);
    assert_int_equal(scene->report.open, MANY);
}

static void a_copy_under_another_name_is_another_recording(void **state)
{
    struct scene *scene = *state;
    struct reel_recording original;
    struct reel_recording copy;
    struct reel_reader *reader;
    uint8_t frame[2];

    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    scene_commit(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    scene_crash(scene);
    path_copy(scene_path(scene, "recordings/mic1/s1.wav"),
              scene_path(scene, "recordings/mic1/copy.wav"));
    remove_catalog(scene);
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &original);
    scene_load(scene, "mic1", "copy", &copy);
    assert_true(original.id != copy.id);
    assert_int_equal(copy.frames, FRAGMENT_FRAMES);
    assert_ok(reel_reader_open(scene->dir, &reader, err));
    assert_ok(reel_reader_audio(reader, &copy, 0, 1, frame, err)); /* its header says so too */
    reel_reader_close(reader);
    reel_recording_finish(&original);
    reel_recording_finish(&copy);
}

/* Ids and the store's own stay what they were, so that it is not put aside again. */
static void a_store_can_be_reindexed_again_and_again(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before[RECORDINGS];
    struct reel_recording after[RECORDINGS];

    record_all(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    load_all(scene, before);
    scene_crash(scene);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    load_all(scene, after);
    assert_all_same(before, after);
    finish_all(before);
    finish_all(after);
}

struct progress {
    uint64_t found;
    uint64_t done;
    uint64_t total;
};

static bool note_progress(void *user, uint64_t done, uint64_t total)
{
    struct progress *progress = user;

    assert_true(total >= progress->total); /* names are found first */
    if (total > 0) {
        assert_int_equal(done, progress->done + 1);
        progress->done = done;
        progress->total = total;
    } else {
        assert_true(done >= progress->found);
        progress->found = done;
    }
    return true;
}

/* Of a start that mends what was under way, one by one, and of a catalog that is built anew,
 * however that comes. */
static void it_tells_how_far_it_is(void **state)
{
    struct scene *scene = *state;
    struct progress progress = {0};

    record_all(scene);
    scene->config.progress = note_progress;
    scene->config.progress_user = &progress;
    scene_restart(scene);
    assert_int_equal(progress.found, RECORDINGS);
    assert_int_equal(progress.done, RECORDINGS);
    assert_int_equal(progress.total, RECORDINGS);
    progress = (struct progress){0};
    scene_crash(scene);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    assert_int_equal(progress.found, RECORDINGS);
    assert_int_equal(progress.done, RECORDINGS);
    assert_int_equal(progress.total, RECORDINGS);
    progress = (struct progress){0};
    remove_catalog(scene);
    scene_open(scene);
    assert_int_equal(progress.done, RECORDINGS);
}

struct end {
    uint64_t at; /* the count of the question at which it is asked for */
    uint64_t asked;
};

static bool go_on_until(void *user, uint64_t done, uint64_t total)
{
    struct end *end = user;

    (void)done;
    (void)total;
    return ++end->asked < end->at;
}

/* Wherever it ends, the next start makes of it what one that was not ended does. */
static void it_ends_when_that_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct reel_error error;
    struct reel_store *store;
    struct end end = {.at = 1};
    enum reel_code code;

    record_all(scene);
    scene_crash(scene);
    scene->config.progress = go_on_until;
    scene->config.progress_user = &end;
    do {
        remove_catalog(scene);
        end.asked = 0;
        code = reel_store_open(&scene->config, scene->now_us, &store, NULL, &error);
        assert_true(code == REEL_OK || (code == REEL_E_STALLED && error.errno_value == ECANCELED));
        assert_int_equal(end.asked, end.at - (code == REEL_OK));
        end.at++;
    } while (code != REEL_OK);
    assert_true(end.at > RECORDINGS);
    reel_store_close(store);
    scene->config.progress = NULL;
    scene_open(scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_removed_catalog_comes_back_at_start),
        TEST(a_catalog_is_built_anew_on_demand),
        TEST(growth_is_found_in_the_file),
        TEST(a_tail_that_does_not_come_out_even_gets_no_numbers),
        TEST(uneven_growth_is_known_by_its_frames),
        TEST(growth_that_turns_uneven_is_told_at_once),
        TEST(files_alone_are_indexed),
        TEST(a_sidecar_that_does_not_fit_is_not_believed),
        TEST(many_recordings_are_indexed),
        TEST(a_copy_under_another_name_is_another_recording),
        TEST(a_store_can_be_reindexed_again_and_again),
        TEST(it_tells_how_far_it_is),
        TEST(it_ends_when_that_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
