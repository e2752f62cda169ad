/* Recovery of one recording's file: its length, its header, its gaps. */
#include "store/scene.h"

#define WAV     "recordings/mic1/s1.wav"
#define SIDECAR "recordings/mic1/s1.json"

/* Crash, and let `path` have `bytes` bytes before the next start. */
static void restart_with_size(struct scene *scene, const char *path, uint64_t bytes)
{
    scene_crash(scene);
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    scene_open(scene);
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
    restart_with_size(scene, scene_path(scene, WAV), REEL_WAV_DATA_OFFSET + 10 * SCENE_BATCH_BYTES);
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

/* A fragment of `frames` frames, its number and frame given. */
static void publish_sized(struct scene *scene, struct reel_entry *entry, uint64_t seq,
                          uint64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = {
        .has_seq = true, .has_frame = true, .seq = seq, .frame = frame, .frames = frames};

    publish(scene, entry, &numbers, seq);
}

/* One byte too few made a recording of uneven fragments silent from its beginning. */
static void a_lost_byte_of_uneven_fragments_costs_no_more_than_a_frame(void **state)
{
    static const uint32_t sizes[] = {300, 200, 310, 190};
    struct scene *scene = *state;
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);
    struct reel_recording recording;
    uint64_t frame = 0;
    uint64_t next_seq;
    uint8_t *before;
    uint8_t *after;
    size_t bytes;

    for (unsigned i = 0; i < 4; frame += sizes[i++])
        publish_sized(scene, entry, i, frame, sizes[i]);
    scene_commit(scene);
    complete(scene, entry);
    scene_commit(scene);
    before = path_read(scene_path(scene, WAV), &bytes);
    restart_with_size(scene, scene_path(scene, WAV), bytes - 1);
    after = path_read(scene_path(scene, WAV), &bytes);
    assert_memory_equal(after, before, bytes - 2); /* the last frame is silent */
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.gap_frames, 1);
    assert_true(reel_epoch_next_seq(&recording, reel_recording_epoch(&recording, NULL), &next_seq));
    assert_int_equal(next_seq, 4);
    reel_recording_finish(&recording);
    publish_sized(scene, scene_get(scene, "mic1", "s1"), 3, 810, 190); /* it comes again */
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.gap_frames, 0);
    reel_recording_finish(&recording);
    free(after);
    after = path_read(scene_path(scene, WAV), &bytes);
    assert_memory_equal(after + REEL_WAV_DATA_OFFSET, before + REEL_WAV_DATA_OFFSET,
                        bytes - REEL_WAV_DATA_OFFSET);
    free(before);
    free(after);
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
    restart_with_size(scene, scene_path(scene, WAV), reel_wav_file_bytes(&mono16, FRAGMENT_FRAMES));
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

/* A folder with the name of a file, a link to nowhere with that of a sidecar. */
static void what_is_in_the_way_goes_to_recovered(void **state)
{
    struct scene *scene = *state;

    record(scene, 2);
    scene_crash(scene);
    assert_int_equal(unlink(scene_path(scene, WAV)), 0);
    assert_int_equal(mkdir(scene_path(scene, WAV), 0755), 0);
    assert_int_equal(unlink(scene_path(scene, SIDECAR)), 0);
    assert_int_equal(symlink("nowhere", scene_path(scene, SIDECAR)), 0);
    scene_open(scene);
    assert_int_equal(scene->report.recordings, 0);
    assert_int_equal(recovered(scene, "mic1", ".wav"), 1);
    assert_int_equal(recovered(scene, "mic1", ".json"), 1);
    assert_int_equal(scene->report.recovered, 2);
    record(scene, 2);
    assert_fragments(scene, 2);
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

static struct timespec modified(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_mtim;
}

/* Cut the power, so that the audio reached the disk and the time of its writing did not. */
static void sealed_recording_whose_fill_was_not_committed_is_as_it_was(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 2);
    struct timespec times[2];
    uint8_t *sealed;
    uint8_t *found;
    size_t bytes;

    publish_seq(scene, entry, 5);
    complete(scene, entry);
    scene_commit(scene);
    sealed = path_read(scene_path(scene, WAV), &bytes);
    times[0] = times[1] = modified(scene_path(scene, WAV));
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 3);
    scene_crash(scene);
    assert_int_equal(utimensat(AT_FDCWD, scene_path(scene, WAV), times, 0), 0);
    scene_open(scene);
    found = path_read(scene_path(scene, WAV), &bytes);
    assert_memory_equal(found, sealed, bytes);
    assert_int_equal(scene->report.repaired, 1);
    scene_restart(scene); /* its sidecar is younger again: it is passed over */
    assert_true(modified(scene_path(scene, SIDECAR)).tv_sec > 0);
    free(sealed);
    free(found);
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
        TEST(a_lost_byte_of_uneven_fragments_costs_no_more_than_a_frame),
        TEST(a_lost_tail_over_several_stretches),
        TEST(an_empty_file_loses_all_but_its_row),
        TEST(a_missing_file_takes_its_row_along),
        TEST(a_stale_header_is_brought_up),
        TEST(a_damaged_header_is_written_anew),
        TEST(another_recordings_file_is_not_taken_for_ours),
        TEST(what_is_in_the_way_goes_to_recovered),
        TEST(noted_gaps_of_open_recordings_become_silence),
        TEST(sealed_recording_whose_fill_was_not_committed_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
