/* What a commit leaves beside the catalog: headers, sidecars, and the sums that are wanting. */
#include "store/scene.h"

#include "store/hash.h"

static json_t *read_sidecar(struct scene *scene, const char *session)
{
    json_error_t error;
    json_t *document =
        json_load_file(scene_path(scene, "recordings/mic1/%s.json", session), 0, &error);

    assert_non_null(document);
    return document;
}

static void assert_sidecar(struct scene *scene, const char *field, json_int_t value)
{
    json_t *document = read_sidecar(scene, "s1");

    assert_int_equal(json_integer_value(json_object_get(document, field)), value);
    json_decref(document);
}

static void a_header_lags_a_few_seconds_at_most(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    const char *path = scene_path(scene, "recordings/mic1/s1.wav");

    scene_create(scene, "mic1", "s2", &mono16);
    for (uint64_t seq = 0; seq < 30; seq++) {
        publish_seq(scene, entry, seq);
        scene_commit(scene); /* a second each */
        assert_true(sndfile_frames(path) >= ((int64_t)seq - 6) * FRAGMENT_FRAMES);
    }
    /* Not spoken of any more, it is brought up by the commits of others. */
    for (unsigned i = 0; i < 7; i++) {
        reel_store_touch(scene->store, scene_get(scene, "mic1", "s2"), 0);
        scene_commit(scene);
    }
    assert_int_equal(sndfile_frames(path), 30 * FRAGMENT_FRAMES);
}

/* A burst, and then nothing: no recording is touched any more. */
static void what_is_due_is_written_without_a_batch(void **state)
{
    enum { RECORDINGS = 50 };
    struct scene *scene = *state;
    struct reel_store_stats before, after;
    char session[16];

    assert_true(reel_store_due_in_us(scene->store, scene->now_us) == INT64_MAX);
    for (unsigned i = 0; i < RECORDINGS; i++) {
        snprintf(session, sizeof session, "s%u", i);
        publish_seq(scene, scene_create(scene, "mic1", session, &mono16), 0);
    }
    scene_commit(scene);
    for (unsigned i = 0; i < RECORDINGS; i++) {
        snprintf(session, sizeof session, "s%u", i);
        publish_seq(scene, scene_get(scene, "mic1", session), 1);
    }
    scene_commit(scene);
    assert_int_equal(reel_store_due_in_us(scene->store, scene->now_us), 4000000);
    assert_int_equal(reel_store_due_in_us(scene->store, scene->now_us + 4000000), 0);
    assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s7.wav")), 0);

    reel_store_stats(scene->store, &before);
    scene->now_us += 3000000;
    scene_commit(scene);
    reel_store_stats(scene->store, &after);
    assert_int_equal(after.commits, before.commits + 1);
    for (unsigned i = 0; i < RECORDINGS; i++)
        assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s%u.wav", i)),
                         2 * FRAGMENT_FRAMES);

    scene_commit(scene); /* nothing is due, and nothing done */
    reel_store_stats(scene->store, &before);
    assert_int_equal(before.commits, after.commits);
    assert_in_range(reel_store_due_in_us(scene->store, scene->now_us), 50000000, 60000000);
}

/* Also of a recording whose stretches are in the catalog alone. */
static void a_sidecar_is_brought_up_at_rest(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;

    scene_crash(scene);
    scene->config.held_max_bytes = 0;
    scene_open(scene);
    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    scene_commit(scene);
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 1);
    scene_commit(scene);
    assert_sidecar(scene, "frames", FRAGMENT_FRAMES);
    scene->now_us += reel_store_due_in_us(scene->store, scene->now_us);
    scene_commit(scene); /* the header */
    assert_sidecar(scene, "frames", FRAGMENT_FRAMES);
    scene->now_us += reel_store_due_in_us(scene->store, scene->now_us);
    scene_commit(scene);
    assert_sidecar(scene, "frames", 2 * FRAGMENT_FRAMES);
    assert_sidecar(scene, "fragments", 2);
    assert_true(reel_store_due_in_us(scene->store, scene->now_us) == INT64_MAX);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.frames, 2 * FRAGMENT_FRAMES);
    reel_recording_finish(&recording);
}

static void settling_brings_headers_up(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);

    publish_seq(scene, entry, 0);
    scene_commit(scene);
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s1.wav")), 0);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s1.wav")),
                     2 * FRAGMENT_FRAMES);
    assert_int_equal(path_bytes(scene_path(scene, "catalog.db-wal")), 0);
}

static void a_sidecar_follows_what_is_no_plain_growth(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);

    publish_seq(scene, entry, 0);
    assert_false(path_exists(scene_path(scene, "recordings/mic1/s1.json")));
    scene_commit(scene);
    assert_sidecar(scene, "frames", FRAGMENT_FRAMES);
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    assert_sidecar(scene, "frames", FRAGMENT_FRAMES);
    publish_seq(scene, entry, 3);
    scene_commit(scene);
    assert_sidecar(scene, "frames", 4 * FRAGMENT_FRAMES);
    assert_sidecar(scene, "gap_frames", FRAGMENT_FRAMES);
    for (uint64_t seq = 4; seq < 70; seq++) { /* growth: once a minute */
        publish_seq(scene, entry, seq);
        scene_commit(scene);
    }
    assert_sidecar(scene, "frames", 64 * FRAGMENT_FRAMES);
}

/* ---- sums ---- */

static void sums_are_asked_for_once(void **state)
{
    struct scene *scene = *state;
    struct reel_hash_job job;

    for (unsigned i = 0; i < 2; i++) {
        struct reel_entry *entry = scene_create(scene, "mic1", i ? "b" : "a", &mono16);

        publish_seq(scene, entry, 0);
        if (i)
            complete(scene, entry);
    }
    assert_false(reel_store_next_hash(scene->store, &job));
    scene_commit(scene);
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_string_equal(job.session, "b");
    assert_false(reel_store_next_hash(scene->store, &job));

    /* An older row completes behind the walk. */
    complete(scene, scene_get(scene, "mic1", "a"));
    scene_commit(scene);
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_string_equal(job.session, "a");
    assert_false(reel_store_next_hash(scene->store, &job));

    scene_restart(scene); /* no sum came back: both again */
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_false(reel_store_next_hash(scene->store, &job));
}

/* A repeat, say: nothing is written into a file for it. */
static void what_changes_no_audio_costs_no_sync_of_it(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_store_stats before, after;

    publish_seq(scene, entry, 0);
    complete(scene, entry);
    scene_commit(scene);
    reel_store_stats(scene->store, &before);
    entry = scene_get(scene, "mic1", "s1");
    reel_store_touch_quietly(scene->store, entry);
    reel_entry_recording(entry)->duplicates++;
    scene_commit(scene);
    reel_store_stats(scene->store, &after);
    assert_int_equal(after.synced_files, before.synced_files);

    reel_store_touch_said(scene->store, scene_get(scene, "mic1", "s1"));
    scene_commit(scene);
    reel_store_stats(scene->store, &after);
    assert_int_equal(after.synced_files, before.synced_files + 1);
}

/* Its row may be there before the batch is durable: its file is not what it will be. */
static void a_sum_waits_for_the_batch(void **state)
{
    struct scene *scene = *state;
    struct reel_hash_job job;

    for (unsigned i = 0; i < 2; i++) { /* as the walk finds it, and behind the walk */
        struct reel_entry *entry =
            i ? scene_get(scene, "mic1", "s1") : scene_create(scene, "mic1", "s1", &mono16);

        publish_seq(scene, entry, i);
        complete(scene, entry);
        assert_ok(reel_store_stage(scene->store, entry, err));
        assert_false(reel_store_next_hash(scene->store, &job));
        scene_commit(scene);
        assert_true(reel_store_next_hash(scene->store, &job));
        assert_false(reel_store_next_hash(scene->store, &job));
    }
}

static void the_sum_is_that_of_sha256sum(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono8);
    struct reel_recording recording;
    struct reel_hash_job job;
    char command[PATH_BYTES + 16];
    char sum[65] = "";
    FILE *program;

    publish_plain(scene, entry, 1, 100001);
    complete(scene, entry);
    scene_commit(scene);
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_ok(reel_hash_file(scene->dir, &job, err));
    snprintf(command, sizeof command, "sha256sum %s", scene_path(scene, "recordings/mic1/s1.wav"));
    program = popen(command, "r");
    assert_non_null(program);
    assert_int_equal(fscanf(program, "%64s", sum), 1);
    pclose(program);
    assert_string_equal(job.sha256, sum);

    assert_ok(reel_store_hashed(scene->store, &job, err));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &recording);
    assert_string_equal(recording.sha256, sum);
    reel_recording_finish(&recording);
    assert_false(reel_store_next_hash(scene->store, &job));
}

static void a_sum_of_what_has_changed_is_dropped(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording recording;
    struct reel_hash_job job;

    publish_seq(scene, entry, 0);
    complete(scene, entry);
    scene_commit(scene);
    assert_true(reel_store_next_hash(scene->store, &job));
    memset(job.sha256, 'a', 64);
    entry = scene_get(scene, "mic1", "s1");
    publish_seq(scene, entry, 1);
    complete(scene, entry);
    scene_commit(scene);
    assert_ok(reel_store_hashed(scene->store, &job, err));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &recording);
    assert_string_equal(recording.sha256, "");
    reel_recording_finish(&recording);
    assert_true(reel_store_next_hash(scene->store, &job)); /* asked for anew */
    snprintf(job.session, sizeof job.session, "none");
    assert_int_equal(reel_hash_file(scene->dir, &job, NULL), REEL_E_NOT_FOUND);
    assert_ok(reel_store_hashed(scene->store, &job, err));
}

/* A sidecar cannot be written: the commit stands, and the next one says what is wrong. */
static void what_failed_after_a_commit_is_said_by_the_next(void **state)
{
    struct scene *scene = *state;
    struct reel_error error = {.code = REEL_OK};

    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    assert_int_equal(mkdir(scene_path(scene, "recordings/mic1/.s1.json.tmp"), 0755), 0);
    scene_commit(scene);
    assert_int_equal(reel_store_commit(scene->store, NULL, 0, scene->now_us, &error),
                     REEL_E_STALLED);
    assert_non_null(strstr(error.message, "s1.json"));
    assert_int_equal(error.errno_value, EISDIR);
    assert_int_equal(rmdir(scene_path(scene, "recordings/mic1/.s1.json.tmp")), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_header_lags_a_few_seconds_at_most),
        TEST(what_is_due_is_written_without_a_batch),
        TEST(a_sidecar_is_brought_up_at_rest),
        TEST(settling_brings_headers_up),
        TEST(a_sidecar_follows_what_is_no_plain_growth),
        TEST(what_failed_after_a_commit_is_said_by_the_next),
        TEST(sums_are_asked_for_once),
        TEST(what_changes_no_audio_costs_no_sync_of_it),
        TEST(a_sum_waits_for_the_batch),
        TEST(the_sum_is_that_of_sha256sum),
        TEST(a_sum_of_what_has_changed_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
