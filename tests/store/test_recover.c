/* Recovery: every way in which files, sidecars and catalog can fail to fit each other. */
#include "store/scene.h"

#include <dirent.h>
#include <sndfile.h>

#define WAV     "recordings/mic1/s1.wav"
#define SIDECAR "recordings/mic1/s1.json"

/* A recording s1 of `count` fragments, committed one by one. */
static struct reel_entry *record(struct scene *scene, uint64_t count)
{
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);

    for (uint64_t seq = 0; seq < count; seq++) {
        publish_seq(scene, entry, seq);
        scene_commit(scene);
    }
    return entry;
}

/* Crash, and let `path` have `bytes` bytes before the next start. */
static void restart_with_size(struct scene *scene, const char *path, uint64_t bytes)
{
    scene_crash(scene);
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    scene_open(scene);
}

/* Files below recovered/{folder} whose names end so. */
static unsigned recovered(struct scene *scene, const char *folder, const char *suffix)
{
    DIR *stream = opendir(scene_path(scene, "recovered/%s", folder));
    struct dirent *entry;
    unsigned count = 0;

    while (stream && (entry = readdir(stream)) != NULL) {
        size_t bytes = strlen(entry->d_name);

        count += bytes > strlen(suffix) &&
                 strcmp(entry->d_name + bytes - strlen(suffix), suffix) == 0;
    }
    if (stream)
        closedir(stream);
    return count;
}

/* The path of the only such file. */
static const char *recovered_path(struct scene *scene, const char *folder, const char *suffix)
{
    DIR *stream = opendir(scene_path(scene, "recovered/%s", folder));
    const char *path = NULL;
    struct dirent *entry;

    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL) {
        if (strstr(entry->d_name, suffix)) {
            assert_null(path);
            path = scene_path(scene, "recovered/%s/%s", folder, entry->d_name);
        }
    }
    closedir(stream);
    assert_non_null(path);
    return path;
}

static unsigned index_lines(struct scene *scene)
{
    size_t bytes;
    uint8_t *text = path_read(scene_path(scene, "recovered/index.jsonl"), &bytes);
    unsigned lines = 0;

    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

static int64_t sndfile_frames(const char *path)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);

    if (!file)
        return -1;
    sf_close(file);
    return info.frames;
}

/* That the first `count` fragments read as they were published. */
static void assert_fragments(struct scene *scene, uint64_t count)
{
    uint64_t frames;
    uint8_t *audio = scene_audio(scene, "mic1", "s1", &frames);

    assert_true(frames >= count * FRAGMENT_FRAMES);
    for (uint64_t seq = 0; seq < count; seq++)
        assert_fragment(audio, &mono16, seq, seq);
    free(audio);
}

/* ---- a file that is too long ---- */

static void less_than_a_batch_is_cut_off(void **state)
{
    struct scene *scene = *state;
    uint8_t *surplus = noise(&mono8, 9, SCENE_BATCH_BYTES);

    record(scene, 3);
    scene_crash(scene);
    path_append(scene_path(scene, WAV), surplus, SCENE_BATCH_BYTES - 1);
    scene_open(scene);
    assert_int_equal(path_bytes(scene_path(scene, WAV)),
                     reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
    assert_int_equal(scene->report.recovered, 0);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 0);
    assert_fragments(scene, 3);
    free(surplus);
}

static void a_batch_or_more_goes_to_recovered(void **state)
{
    struct scene *scene = *state;
    uint8_t *surplus = noise(&mono16, 9, SCENE_BATCH_BYTES / 2);
    const char *path;
    uint8_t *found;
    size_t bytes;

    record(scene, 3);
    scene_crash(scene);
    path_append(scene_path(scene, WAV), surplus, SCENE_BATCH_BYTES);
    scene_open(scene);
    assert_int_equal(path_bytes(scene_path(scene, WAV)),
                     reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
    assert_int_equal(scene->report.recovered, 1);
    assert_int_equal(index_lines(scene), 1);
    path = recovered_path(scene, "mic1", ".wav");
    assert_int_equal(sndfile_frames(path), SCENE_BATCH_BYTES / 2);
    found = path_read(path, &bytes);
    assert_memory_equal(found + REEL_WAV_DATA_OFFSET, surplus, SCENE_BATCH_BYTES);
    assert_fragments(scene, 3);
    free(found);
    free(surplus);
}

/* What a batch filled in is no audio: a large gap does not make a crash look like a lost row. */
static void surplus_silence_is_not_saved(void **state)
{
    struct scene *scene = *state;

    record(scene, 3);
    restart_with_size(scene, scene_path(scene, WAV),
                      REEL_WAV_DATA_OFFSET + 10 * SCENE_BATCH_BYTES);
    assert_int_equal(path_bytes(scene_path(scene, WAV)),
                     reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
    assert_int_equal(scene->report.recovered, 0);
}

/* ---- a file that is too short ---- */

static void a_lost_tail_becomes_missing(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;
    uint64_t frames;
    uint8_t *audio;

    record(scene, 5);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.rewrites, 0);
    reel_recording_finish(&recording);
    restart_with_size(scene, scene_path(scene, WAV),
                      reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.frames, 5 * FRAGMENT_FRAMES);
    assert_int_equal(recording.gap_frames, 2 * FRAGMENT_FRAMES);
    assert_int_equal(recording.rewrites, 1);
    assert_true(reel_recording_next_gap(&recording, &cursor, &gap));
    assert_int_equal(gap.from_frame, 3 * FRAGMENT_FRAMES);
    assert_int_equal(gap.frames, 2 * FRAGMENT_FRAMES);
    assert_int_equal(gap.first_seq, 3);
    assert_int_equal(gap.seqs, 2);
    assert_false(reel_recording_next_gap(&recording, &cursor, &gap));
    reel_recording_finish(&recording);

    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_fragments(scene, 3);
    assert_silent(audio, &mono16, 3);
    assert_silent(audio, &mono16, 4);
    free(audio);

    publish_seq(scene, scene_get(scene, "mic1", "s1"), 4); /* sent again */
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 3);
    scene_commit(scene);
    assert_fragments(scene, 5);
}

/* Half of fragment 2 is there: it is worth nothing to a recorder that sends fragments. */
static void a_cut_fragment_is_missing_whole(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;

    record(scene, 4);
    restart_with_size(scene, scene_path(scene, WAV),
                      reel_wav_file_bytes(&mono16, 2 * FRAGMENT_FRAMES + 100) + 1);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.gap_frames, 2 * FRAGMENT_FRAMES);
    reel_recording_finish(&recording);
    assert_fragments(scene, 2);
    assert_int_equal(sndfile_frames(recovered_path(scene, "mic1", ".wav")), 100);
    assert_int_equal(sndfile_frames(scene_path(scene, WAV)), 4 * FRAGMENT_FRAMES);
}

static void a_lost_tail_over_several_stretches(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording recording;

    publish_plain(scene, entry, 50, 1000);
    publish_plain(scene, entry, 51, 500);
    complete(scene, entry);
    scene_commit(scene);
    restart_with_size(scene, scene_path(scene, WAV),
                      reel_wav_file_bytes(&mono16, FRAGMENT_FRAMES));
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.state, REEL_STATE_COMPLETE);
    assert_int_equal(recording.frames, 3 * FRAGMENT_FRAMES + 1500);
    assert_int_equal(recording.gap_frames, 2 * FRAGMENT_FRAMES + 1500);
    assert_int_equal(recording.stretches_count, 2);
    reel_recording_finish(&recording);
    scene_restart(scene); /* and it stays so */
    assert_int_equal(scene->report.repaired, 0);
    assert_fragments(scene, 1);
}

static void an_empty_file_loses_all_but_its_row(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;

    record(scene, 2);
    restart_with_size(scene, scene_path(scene, WAV), 0);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.gap_frames, 2 * FRAGMENT_FRAMES);
    reel_recording_finish(&recording);
    assert_int_equal(sndfile_frames(scene_path(scene, WAV)), 2 * FRAGMENT_FRAMES);
}

static void a_missing_file_takes_its_row_along(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    scene_crash(scene);
    assert_int_equal(unlink(scene_path(scene, WAV)), 0);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 0);
    assert_int_equal(recovered(scene, "mic1", ".json"), 1);
    assert_false(path_exists(scene_path(scene, SIDECAR)));
    record(scene, 1); /* the name is free */
}

/* ---- the header ---- */

static void a_stale_header_is_brought_up(void **state)
{
    struct scene *scene = *state;

    record(scene, 3);
    assert_int_equal(sndfile_frames(scene_path(scene, WAV)), 0); /* it lags */
    scene_restart(scene);
    assert_int_equal(scene->report.repaired, 1);
    assert_int_equal(sndfile_frames(scene_path(scene, WAV)), 3 * FRAGMENT_FRAMES);
    scene_restart(scene);
    assert_int_equal(scene->report.repaired, 0);
}

static void a_damaged_header_is_written_anew(void **state)
{
    struct scene *scene = *state;
    const char zeros[REEL_WAV_DATA_OFFSET] = {0};

    record(scene, 3);
    scene_crash(scene);
    path_write_at(scene_path(scene, WAV), 0, zeros, sizeof zeros);
    scene_open(scene);
    assert_int_equal(sndfile_frames(scene_path(scene, WAV)), 3 * FRAGMENT_FRAMES);
    assert_fragments(scene, 3);
}

static void another_recordings_file_is_not_taken_for_ours(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *other = scene_create(scene, "mic2", "s9", &mono16);

    publish_seq(scene, other, 0);
    record(scene, 2);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    scene_crash(scene);
    path_copy(scene_path(scene, "recordings/mic2/s9.wav"), scene_path(scene, WAV));
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_false(scene_has(scene, "mic1", "s1"));
    assert_int_equal(recovered(scene, "mic1", ".wav"), 1);
    assert_int_equal(recovered(scene, "mic1", ".json"), 1);
}

/* ---- gaps ---- */

static void noted_gaps_of_open_recordings_become_silence(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 2);
    size_t bytes;
    uint8_t *file;

    publish_seq(scene, entry, 5);
    scene_commit(scene);
    publish_seq(scene, entry, 3); /* into the gap, and lost with the batch */
    scene_restart(scene);
    file = path_read(scene_path(scene, WAV), &bytes);
    for (uint64_t seq = 2; seq < 5; seq++)
        assert_silent(file + REEL_WAV_DATA_OFFSET, &mono16, seq);
    assert_fragment(file + REEL_WAV_DATA_OFFSET, &mono16, 5, 5);
    free(file);
}

/* ---- rows that are not there ---- */

static void put_sidecar_aside(struct scene *scene)
{
    assert_int_equal(unlink(scene_path(scene, SIDECAR)), 0);
}

/* Run SQL over the closed store's catalog, as an administrator could. */
static void run_sql(struct scene *scene, const char *sql)
{
    char command[2 * PATH_BYTES];

    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"import sqlite3; c = sqlite3.connect('%s'); c.execute('PRAGMA "
             "foreign_keys=ON'); c.execute('%s'); c.commit()\"",
             scene_path(scene, "catalog.db"), sql);
    assert_int_equal(system(command), 0);
}

static void a_file_with_its_sidecar_is_indexed(void **state)
{
    struct scene *scene = *state;
    struct reel_recording before;
    struct reel_recording after;

    record(scene, 3);
    complete(scene, scene_get(scene, "mic1", "s1"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    scene_open(scene);
    assert_int_equal(scene->report.recovered, 1);
    scene_load(scene, "mic1", "s1", &after);
    after.rowid = before.rowid;
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    assert_fragments(scene, 3);
}

static void a_long_file_alone_is_indexed_without_numbers(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording after;
    uint64_t id;

    publish_plain(scene, entry, 77, SCENE_BATCH_BYTES);
    complete(scene, entry);
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &after);
    id = after.id;
    reel_recording_finish(&after);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    put_sidecar_aside(scene);
    scene_open(scene);
    scene_load(scene, "mic1", "s1", &after);
    assert_true(after.id == id);
    assert_int_equal(after.started_us, SCENE_NOW_US);
    assert_int_equal(after.frames, 3 * FRAGMENT_FRAMES + SCENE_BATCH_BYTES);
    assert_int_equal(after.state, REEL_STATE_COMPLETE);
    assert_int_equal(after.stretches_count, 1);
    assert_false(after.stretches[0].has_seq);
    assert_true(path_exists(scene_path(scene, SIDECAR)));
    reel_recording_finish(&after);
    assert_fragments(scene, 3);
}

static void a_short_file_alone_goes_to_recovered(void **state)
{
    struct scene *scene = *state;

    record(scene, 3);
    scene_crash(scene);
    run_sql(scene, "DELETE FROM recording");
    put_sidecar_aside(scene);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 0);
    assert_int_equal(path_bytes(recovered_path(scene, "mic1", ".wav")),
                     reel_wav_file_bytes(&mono16, 3 * FRAGMENT_FRAMES));
}

static void strays_are_put_aside_and_strangers_left_alone(void **state)
{
    struct scene *scene = *state;
    char junk[REEL_WAV_DATA_OFFSET + SCENE_BATCH_BYTES] = "no wav";

    record(scene, 1);
    scene_crash(scene);
    path_write_at(scene_path(scene, "recordings/mic1/a.wav"), 0, junk, sizeof junk);
    path_write_at(scene_path(scene, "recordings/mic1/b.json"), 0, "{}", 2);
    path_write_at(scene_path(scene, "recordings/mic1/.s1.json.tmp"), 0, "{", 1);
    path_write_at(scene_path(scene, "recordings/mic1/empty.wav"), 0, junk, 10);
    path_write_at(scene_path(scene, "recordings/mic1/notes.txt"), 0, "x", 1);
    path_write_at(scene_path(scene, "recordings/README"), 0, "x", 1);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.recovered, 2);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 1);
    assert_int_equal(recovered(scene, "mic1", ".json"), 1);
    assert_false(path_exists(scene_path(scene, "recordings/mic1/.s1.json.tmp")));
    assert_false(path_exists(scene_path(scene, "recordings/mic1/empty.wav")));
    assert_true(path_exists(scene_path(scene, "recordings/mic1/notes.txt")));
    assert_true(path_exists(scene_path(scene, "recordings/README")));
    scene_restart(scene);
    assert_int_equal(scene->report.recovered, 0);
}

/* ---- sidecars ---- */

static void a_missing_or_damaged_sidecar_is_written_anew(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 2);

    for (unsigned round = 0; round < 2; round++) {
        scene_crash(scene);
        put_sidecar_aside(scene);
        scene_open(scene);
        assert_true(path_exists(scene_path(scene, SIDECAR)));
        path_write_at(scene_path(scene, SIDECAR), 0, "xxxx", 4);
        scene_restart(scene);
        entry = scene_get(scene, "mic1", "s1");
        assert_fragments(scene, 2);
        complete(scene, entry); /* the second round: of a complete one */
        scene_commit(scene);
    }
}

/* ---- a catalog from yesterday, or of another store ---- */

static void copy_catalog(struct scene *scene, const char *from, const char *to)
{
    unlink(scene_path(scene, "%s-wal", to));
    unlink(scene_path(scene, "%s-shm", to));
    unlink(scene_path(scene, "%s", to));
    path_copy(scene_path(scene, "%s", from), scene_path(scene, "%s", to));
}

static void a_catalog_that_is_behind_is_brought_up_from_sidecars(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording before;
    struct reel_recording after;

    publish_seq(scene, scene_create(scene, "mic1", "old", &mono16), 0);
    scene_commit(scene);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    copy_catalog(scene, "catalog.db", "yesterday");
    publish_seq(scene, entry, 3);
    publish_seq(scene, entry, 6);
    complete(scene, entry);
    publish_seq(scene, scene_create(scene, "mic1", "new", &mono16), 0);
    scene_commit(scene);
    complete(scene, scene_get(scene, "mic1", "old"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    scene_crash(scene);
    copy_catalog(scene, "yesterday", "catalog.db");

    scene_open(scene);
    assert_int_equal(scene->report.recordings, 3);
    assert_int_equal(scene->report.open, 1);
    scene_load(scene, "mic1", "s1", &after);
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 0);
}

/* The store's id file decides whose catalog it is. */
static void another_stores_catalog_is_put_aside(void **state)
{
    struct scene *scene = *state;
    void *other_state;
    struct scene *other;
    struct reel_recording before;
    struct reel_recording after;

    record(scene, 3);
    complete(scene, scene_get(scene, "mic1", "s1"));
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &before);
    set_up(&other_state);
    other = other_state;
    publish_seq(other, scene_create(other, "mic7", "theirs", &mono16), 0);
    scene_commit(other);
    assert_ok(reel_store_settle(other->store, other->now_us, err));
    scene_crash(scene);
    unlink(scene_path(scene, "catalog.db-wal"));
    unlink(scene_path(scene, "catalog.db-shm"));
    unlink(scene_path(scene, "catalog.db"));
    path_copy(scene_path(other, "catalog.db"), scene_path(scene, "catalog.db"));
    tear_down(&other_state);

    scene_open(scene);
    assert_int_equal(recovered(scene, "", ".db"), 1);
    assert_int_equal(scene->report.recordings, 1);
    scene_load(scene, "mic1", "s1", &after);
    after.rowid = before.rowid;
    assert_same_recording(&before, &after);
    reel_recording_finish(&before);
    reel_recording_finish(&after);
    scene_restart(scene); /* the new one is this store's */
    assert_int_equal(recovered(scene, "", ".db"), 1);
}

static void a_damaged_catalog_is_built_anew(void **state)
{
    struct scene *scene = *state;
    char junk[8192];

    record(scene, 3);
    assert_ok(reel_store_settle(scene->store, scene->now_us, err));
    scene_crash(scene);
    memset(junk, 'x', sizeof junk);
    path_write_at(scene_path(scene, "catalog.db"), 0, junk, sizeof junk);
    scene_open(scene);
    assert_int_equal(recovered(scene, "", ".db"), 1);
    assert_int_equal(scene->report.recordings, 1);
    assert_int_equal(scene->report.open, 1);
    assert_fragments(scene, 3);
}

static void quarantine_goes_aside_with_its_catalog(void **state)
{
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "t", .device = "", .session = "", .bytes = 3,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    uint64_t id;

    assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
    scene_commit(scene);
    scene_crash(scene);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    assert_true(path_bytes(recovered_path(scene, "", "quarantine-")) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(less_than_a_batch_is_cut_off),
        TEST(a_batch_or_more_goes_to_recovered),
        TEST(surplus_silence_is_not_saved),
        TEST(a_lost_tail_becomes_missing),
        TEST(a_cut_fragment_is_missing_whole),
        TEST(a_lost_tail_over_several_stretches),
        TEST(an_empty_file_loses_all_but_its_row),
        TEST(a_missing_file_takes_its_row_along),
        TEST(a_stale_header_is_brought_up),
        TEST(a_damaged_header_is_written_anew),
        TEST(another_recordings_file_is_not_taken_for_ours),
        TEST(noted_gaps_of_open_recordings_become_silence),
        TEST(a_file_with_its_sidecar_is_indexed),
        TEST(a_long_file_alone_is_indexed_without_numbers),
        TEST(a_short_file_alone_goes_to_recovered),
        TEST(strays_are_put_aside_and_strangers_left_alone),
        TEST(a_missing_or_damaged_sidecar_is_written_anew),
        TEST(a_catalog_that_is_behind_is_brought_up_from_sidecars),
        TEST(another_stores_catalog_is_put_aside),
        TEST(a_damaged_catalog_is_built_anew),
        TEST(quarantine_goes_aside_with_its_catalog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
