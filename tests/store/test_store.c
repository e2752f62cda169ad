/* The store's verbs, and what a crash leaves of a batch. */
#include "store/scene.h"

static struct reel_store_stats stats_of(const struct scene *scene)
{
    struct reel_store_stats stats;

    reel_store_stats(scene->store, &stats);
    return stats;
}

static void a_committed_batch_outlives_a_crash(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    uint64_t frames;
    uint8_t *audio;

    for (uint64_t seq = 0; seq < 5; seq++)
        publish_seq(scene, entry, seq);
    scene_commit(scene);
    scene_restart(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.open, 1);
    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_int_equal(frames, 5 * FRAGMENT_FRAMES);
    for (uint64_t seq = 0; seq < 5; seq++)
        assert_fragment(audio, &mono16, seq, seq);
    free(audio);
}

static void an_uncommitted_batch_is_gone_after_a_crash(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    uint64_t frames;

    publish_seq(scene, entry, 0);
    scene_commit(scene);
    publish_seq(scene, entry, 1);
    publish_seq(scene, entry, 2);
    scene_restart(scene);
    entry = scene_get(scene, "mic1", "s1");
    assert_int_equal(reel_entry_recording(entry)->frames, FRAGMENT_FRAMES);
    assert_int_equal(path_bytes(scene_path(scene, "recordings/mic1/s1.wav")),
                     reel_wav_file_bytes(&mono16, FRAGMENT_FRAMES));
    publish_seq(scene, entry, 1);
    scene_commit(scene);
    free(scene_audio(scene, "mic1", "s1", &frames));
    assert_int_equal(frames, 2 * FRAGMENT_FRAMES);
}

static void a_recording_that_was_never_committed_can_begin_again(void **state)
{
    struct scene *scene = *state;
    uint64_t frames;
    uint8_t *audio;

    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 7);
    scene_restart(scene);
    assert_int_equal(scene->report.recordings, 0);
    assert_false(scene_has(scene, "mic1", "s1"));
    assert_false(path_exists(scene_path(scene, "recordings/mic1/s1.wav")));
    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    scene_commit(scene);
    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_int_equal(frames, FRAGMENT_FRAMES);
    assert_fragment(audio, &mono16, 0, 0);
    free(audio);
}

static void a_reader_sees_committed_audio_only(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording recording;

    publish_seq(scene, entry, 0);
    scene_commit(scene);
    publish_seq(scene, entry, 1);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.frames, FRAGMENT_FRAMES);
    reel_recording_finish(&recording);
}

static void the_same_recording_is_held_once(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_entry *other;

    assert_ptr_equal(scene_get(scene, "mic1", "s1"), entry);
    assert_int_equal(reel_store_get(scene->store, "mic1", "s2", &other, NULL), REEL_E_NOT_FOUND);
    assert_int_equal(reel_store_get(scene->store, "mic1s1", "", &other, NULL), REEL_E_NOT_FOUND);
    publish_seq(scene, entry, 0);
    scene_commit(scene);
    assert_ptr_equal(scene_get(scene, "mic1", "s1"), entry);
    assert_int_equal(reel_entry_recording(entry)->format.rate, 16000);
    assert_true(reel_entry_recording(entry)->id != 0);
}

static void complete_recordings_are_let_go(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);

    publish_seq(scene, entry, 0);
    scene_create(scene, "mic1", "s2", &mono16);
    scene_commit(scene);
    assert_int_equal(stats_of(scene).held_recordings, 2);
    assert_int_equal(stats_of(scene).open_recordings, 2);
    complete(scene, entry);
    scene_commit(scene);
    assert_int_equal(stats_of(scene).held_recordings, 1);
    assert_int_equal(stats_of(scene).open_recordings, 1);

    scene_get(scene, "mic1", "s1"); /* looked at, then left alone */
    assert_int_equal(stats_of(scene).held_recordings, 2);
    scene_commit(scene);
    assert_int_equal(stats_of(scene).held_recordings, 1);
}

static void the_oldest_is_the_least_recently_touched(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *a = scene_create(scene, "mic1", "a", &mono16);
    struct reel_entry *b = scene_create(scene, "mic1", "b", &mono16);
    int64_t heard_us;

    reel_store_touch(scene->store, a, 10);
    reel_store_touch(scene->store, b, 20);
    assert_ptr_equal(reel_store_oldest(scene->store, &heard_us), a);
    assert_int_equal(heard_us, 10);
    reel_store_touch(scene->store, a, 30);
    assert_ptr_equal(reel_store_oldest(scene->store, &heard_us), b);
    assert_int_equal(heard_us, 20);
    scene_commit(scene);

    reel_store_touch(scene->store, b, 40);
    reel_recording_complete(reel_entry_recording(b), REEL_END_IDLE, 0);
    assert_ptr_equal(reel_store_oldest(scene->store, &heard_us), a);
    reel_store_touch(scene->store, a, 50);
    reel_recording_complete(reel_entry_recording(a), REEL_END_IDLE, 0);
    assert_null(reel_store_oldest(scene->store, &heard_us));
    scene_commit(scene);
    assert_null(reel_store_oldest(scene->store, &heard_us));
}

static void after_opening_all_that_is_open_counts_as_never_heard(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry;
    int64_t heard_us = -1;

    reel_store_touch(scene->store, scene_create(scene, "mic1", "a", &mono16), 77);
    entry = scene_create(scene, "mic1", "b", &mono16);
    complete(scene, entry);
    scene_commit(scene);
    scene_restart(scene);
    assert_int_equal(scene->report.recordings, 2);
    entry = reel_store_oldest(scene->store, &heard_us);
    assert_string_equal(reel_entry_recording(entry)->session, "a");
    assert_int_equal(heard_us, 0);
    reel_store_touch(scene->store, entry, 5);
    assert_ptr_equal(reel_store_oldest(scene->store, &heard_us), entry);
}

static void a_complete_recording_opens_again(void **state)
{
    struct scene *scene = *state;
    struct reel_numbers numbers = {.frames = 3};
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono8);
    struct reel_recording recording;
    uint64_t frames;
    int64_t heard_us;

    publish(scene, entry, &numbers, 1); /* three bytes and a pad */
    complete(scene, entry);
    scene_commit(scene);
    scene_restart(scene);
    assert_int_equal(path_bytes(scene_path(scene, "recordings/mic1/s1.wav")),
                     REEL_WAV_DATA_OFFSET + 4);
    entry = scene_get(scene, "mic1", "s1");
    publish(scene, entry, &numbers, 2);
    assert_ptr_equal(reel_store_oldest(scene->store, &heard_us), entry);
    complete(scene, entry);
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.frames, 6);
    assert_int_equal(recording.state, REEL_STATE_COMPLETE);
    reel_recording_finish(&recording);
    free(scene_audio(scene, "mic1", "s1", &frames));
    assert_int_equal(path_bytes(scene_path(scene, "recordings/mic1/s1.wav")),
                     REEL_WAV_DATA_OFFSET + 6);
    assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s1.wav")), 6);
}

/* Sealed in the batch that reopened it and lost: the first state stands, its file as it was. */
static void a_lost_reopening_leaves_the_complete_file(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono8);
    size_t before_bytes;
    size_t after_bytes;
    uint8_t *before;
    uint8_t *after;

    publish_plain(scene, entry, 1, 333);
    complete(scene, entry);
    scene_commit(scene);
    before = path_read(scene_path(scene, "recordings/mic1/s1.wav"), &before_bytes);
    entry = scene_get(scene, "mic1", "s1");
    publish_plain(scene, entry, 2, 500);
    scene_restart(scene);
    after = path_read(scene_path(scene, "recordings/mic1/s1.wav"), &after_bytes);
    assert_int_equal(before_bytes, after_bytes);
    assert_memory_equal(before, after, before_bytes);
    assert_int_equal(scene->report.open, 0);
    free(before);
    free(after);
}

static void a_comparison_sees_what_the_batch_wrote(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    uint8_t *data = noise(&mono16, 0, FRAGMENT_FRAMES);
    bool equal = false;

    publish_seq(scene, entry, 0);
    assert_int_equal(reel_store_equal(scene->store, entry, 0, data, FRAGMENT_FRAMES, &equal, NULL),
                     REEL_OK);
    assert_true(equal);
    data[9] ^= 0x10;
    assert_int_equal(reel_store_equal(scene->store, entry, 0, data, FRAGMENT_FRAMES, &equal, NULL),
                     REEL_OK);
    assert_false(equal);
    free(data);
}

static void an_empty_batch_costs_nothing(void **state)
{
    struct scene *scene = *state;
    uint64_t before;

    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    scene_commit(scene);
    before = stats_of(scene).commits;
    assert_int_equal(stats_of(scene).synced_files, 1);
    scene_commit(scene);
    assert_int_equal(stats_of(scene).commits, before);
    assert_int_equal(stats_of(scene).synced_files, 1);
}

static void deliveries_are_those_of_the_last_durable_batches(void **state)
{
    struct scene *scene = *state;
    const struct reel_delivery first[] = {{1, 11, false}, {2, UINT64_MAX, true}};
    const struct reel_delivery second[] = {{65535, 33, false}};
    const struct reel_delivery *found;
    size_t count;

    assert_ok(reel_store_commit(scene->store, first, 2, scene->now_us, err));
    scene_restart(scene);
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, 2);
    assert_int_equal(found[1].packet_id, 2);
    assert_true(found[1].hash == UINT64_MAX);
    assert_true(found[1].refused);
    assert_ok(reel_store_commit(scene->store, second, 1, scene->now_us, err));
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, 3);
    assert_int_equal(found[2].packet_id, 65535);
    scene_commit(scene); /* an empty one takes nothing in */
    scene_restart(scene);
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, 3);
    assert_true(found[0].hash == 11);
    assert_true(found[2].hash == 33);
    assert_ok(reel_store_forget_deliveries(scene->store, err));
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, 0);
    scene_restart(scene);
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, 0);
}

/* A file where a device's folder must be is nobody's recording: that device's are refused. */
static void no_recording_below_a_file(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry;

    path_write_at(scene_path(scene, "recordings/notes"), 0, "x", 1);
    assert_int_equal(
        reel_store_create(scene->store, "notes", "s1", &mono16, scene->now_us, &entry, NULL),
        REEL_E_NOT_ALLOWED);
    record(scene, 2);
    assert_fragments(scene, 2);
}

static void only_so_many_deliveries_are_kept(void **state)
{
    struct scene *scene = *state;
    struct reel_delivery *many = calloc(REEL_DELIVERIES_MAX, sizeof *many);
    const struct reel_delivery *found;
    size_t count;

    assert_non_null(many);
    many[REEL_DELIVERIES_MAX - 1].hash = 5;
    assert_ok(reel_store_commit(scene->store, many, REEL_DELIVERIES_MAX, scene->now_us, err));
    assert_ok(reel_store_commit(scene->store, many, 2, scene->now_us, err));
    reel_store_deliveries(scene->store, &found, &count);
    assert_int_equal(count, REEL_DELIVERIES_MAX);
    assert_true(found[count - 3].hash == 5);
    free(many);
}

static void quarantine_is_part_of_the_batch(void **state)
{
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "reel/v1/audio/mic1/s1",
                                       .device = "mic1",
                                       .session = "s1",
                                       .time_us = 5,
                                       .bytes = 6,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    struct reel_buffer payload = {0};
    uint64_t id;

    assert_ok(reel_store_quarantine(scene->store, &reject, "lost!!", &id, err));
    scene_restart(scene);
    assert_int_equal(stats_of(scene).quarantine_count, 0);
    assert_ok(reel_store_quarantine(scene->store, &reject, "kept!!", &id, err));
    scene_commit(scene);
    scene_restart(scene);
    assert_int_equal(stats_of(scene).quarantine_count, 1);
    assert_int_equal(stats_of(scene).quarantine_bytes, 6);
    assert_ok(reel_store_unquarantine(scene->store, id, &payload, err));
    assert_int_equal(payload.size, 6);
    assert_memory_equal(payload.bytes, "kept!!", 6);
    reel_buffer_finish(&payload);
    scene_commit(scene);
    assert_int_equal(reel_store_unquarantine(scene->store, id, &payload, NULL), REEL_E_NOT_FOUND);
}

static void a_second_sink_is_locked_out(void **state)
{
    struct scene *scene = *state;
    struct reel_store *second = NULL;
    struct reel_error error = {0};

    assert_int_equal(reel_store_open(&scene->config, 0, &second, NULL, &error), REEL_E_NOT_ALLOWED);
    assert_null(second);
    assert_string_equal(error.field, "store.dir");
    assert_int_equal(reel_store_reindex(&scene->config, 0, NULL, &error), REEL_E_NOT_ALLOWED);
    scene_restart(scene); /* the lock went with the first */
}

static void a_folder_that_cannot_be_made_is_stalled(void **state)
{
    struct scene *scene = *state;
    struct reel_store_config config = scene->config;
    struct reel_store *store = NULL;

    path_write_at(scene_path(scene, "file"), 0, "x", 1);
    config.dir = scene_path(scene, "file/store");
    assert_int_equal(reel_store_open(&config, 0, &store, NULL, NULL), REEL_E_STALLED);
    config.dir = scene_path(scene, "deep/er/store");
    assert_int_equal(reel_store_open(&config, 0, &store, NULL, NULL), REEL_OK);
    reel_store_close(store);
    reel_store_close(NULL);
}

/* A file that came to be while the store was open: one failed batch, then it is out of the way. */
static void a_stranger_under_a_new_name_goes_to_recovered(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry;
    char noise_bytes[3000] = "no wav";

    assert_int_equal(mkdir(scene_path(scene, "recordings/mic1"), 0755), 0);
    path_write_at(scene_path(scene, "recordings/mic1/s1.wav"), 0, noise_bytes, sizeof noise_bytes);
    assert_int_equal(reel_store_create(scene->store, "mic1", "s1", &mono16, 0, &entry, NULL),
                     REEL_E_STALLED);
    scene_restart(scene);
    assert_int_equal(scene->report.recovered, 1);
    publish_seq(scene, scene_create(scene, "mic1", "s1", &mono16), 0);
    scene_commit(scene);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_committed_batch_outlives_a_crash),
        TEST(an_uncommitted_batch_is_gone_after_a_crash),
        TEST(a_recording_that_was_never_committed_can_begin_again),
        TEST(a_reader_sees_committed_audio_only),
        TEST(the_same_recording_is_held_once),
        TEST(complete_recordings_are_let_go),
        TEST(the_oldest_is_the_least_recently_touched),
        TEST(after_opening_all_that_is_open_counts_as_never_heard),
        TEST(a_complete_recording_opens_again),
        TEST(a_lost_reopening_leaves_the_complete_file),
        TEST(a_comparison_sees_what_the_batch_wrote),
        TEST(an_empty_batch_costs_nothing),
        TEST(deliveries_are_those_of_the_last_durable_batches),
        TEST(no_recording_below_a_file),
        TEST(only_so_many_deliveries_are_kept),
        TEST(quarantine_is_part_of_the_batch),
        TEST(a_second_sink_is_locked_out),
        TEST(a_folder_that_cannot_be_made_is_stalled),
        TEST(a_stranger_under_a_new_name_goes_to_recovered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
