/* Files that another program removes, replaces or cuts while the store has them open: nothing that
 * went into one is acknowledged, and none gets a sum as if it were whole. */
#include "store/scene.h"

#include "store/hash.h"
#include "store/wav.h"

#define WAV "recordings/mic1/s1.wav"

/* That fragment's audio behind what there is, as far as the kernel. */
static enum reel_code write_next(struct scene *scene, struct reel_entry *entry, uint64_t seq,
                                 struct reel_error *error)
{
    uint64_t at_frame = reel_entry_recording(entry)->frames;
    uint8_t *data = noise(&mono16, seq, FRAGMENT_FRAMES);
    enum reel_code code =
        reel_store_write(scene->store, entry, at_frame, data, FRAGMENT_FRAMES, error);
    bool equal;

    if (code == REEL_OK)
        code =
            reel_store_equal(scene->store, entry, at_frame, data, FRAGMENT_FRAMES, &equal, error);
    free(data);
    return code;
}

static void assert_stalled(enum reel_code code, const struct reel_error *error, const char *why)
{
    assert_int_equal(code, REEL_E_STALLED);
    if (!strstr(error->message, why))
        fail_msg("\"%s\" does not say \"%s\"", error->message, why);
    assert_non_null(strstr(error->message, "mic1/s1.wav"));
}

static void remove_wav(struct scene *scene)
{
    assert_int_equal(unlink(scene_path(scene, WAV)), 0);
}

static void replace_wav(struct scene *scene)
{
    assert_int_equal(rename(scene_path(scene, WAV), scene_path(scene, "aside")), 0);
    path_copy(scene_path(scene, "aside"), scene_path(scene, WAV));
    assert_int_equal(unlink(scene_path(scene, "aside")), 0);
}

/* To its header and one fragment. */
static void cut_wav(struct scene *scene)
{
    assert_int_equal(truncate(scene_path(scene, WAV), REEL_WAV_DATA_OFFSET + 2 * FRAGMENT_FRAMES),
                     0);
}

static const struct {
    void (*damage)(struct scene *scene);
    const char *why;
} damages[] = {{remove_wav, "removed"}, {replace_wav, "removed"}, {cut_wav, "cut"}};

enum { DAMAGES = sizeof damages / sizeof *damages };

/* Begin the recording anew, whatever is left of the one before. */
static struct reel_entry *begin_anew(struct scene *scene)
{
    scene_crash(scene);
    unlink(scene_path(scene, WAV));
    scene_open(scene);
    return record(scene, 3);
}

static void what_is_damaged_behind_the_last_write_is_not_acknowledged(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < DAMAGES; i++) {
        struct reel_entry *entry = begin_anew(scene);
        struct reel_error error = {0};

        publish_seq(scene, entry, 3);
        damages[i].damage(scene);
        assert_stalled(reel_store_commit(scene->store, NULL, 0, scene->now_us, &error), &error,
                       damages[i].why);
    }
}

static void what_is_damaged_before_a_write_is_not_written_on(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < DAMAGES; i++) {
        struct reel_entry *entry = begin_anew(scene);
        struct reel_error error = {0};

        damages[i].damage(scene);
        assert_stalled(write_next(scene, entry, 3, &error), &error, damages[i].why);
    }
}

static void what_is_damaged_does_not_complete(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < DAMAGES; i++) {
        struct reel_entry *entry = begin_anew(scene);
        struct reel_error error = {0};

        damages[i].damage(scene);
        complete(scene, entry);
        assert_stalled(reel_store_commit(scene->store, NULL, 0, scene->now_us, &error), &error,
                       damages[i].why);
    }
}

/* Opened anew the store marks what was cut off, and the batch comes again behind that. */
static void what_was_cut_is_missing_and_not_zeros(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 3);
    struct reel_recording recording;
    uint64_t frames;
    uint8_t *audio;

    cut_wav(scene);
    assert_int_equal(write_next(scene, entry, 3, NULL), REEL_E_STALLED);
    scene_restart(scene);
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 3);
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", &recording);
    assert_int_equal(recording.gap_frames, 2 * FRAGMENT_FRAMES);
    reel_recording_finish(&recording);
    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_int_equal(frames, 4 * FRAGMENT_FRAMES);
    assert_fragment(audio, &mono16, 0, 0);
    assert_fragment(audio, &mono16, 3, 3);
    free(audio);
}

/* ---- files that the cache of descriptors has closed ---- */

struct pair {
    struct reel_sync sync;
    struct reel_wav_files *files;
    struct reel_wav *first, *second;
};

static struct reel_wav *make_one(struct scene *scene, struct pair *pair, const char *session)
{
    struct reel_recording recording;
    struct reel_wav *wav;

    reel_recording_init(&recording, "mic1", session, &mono16, scene->now_us);
    assert_ok(reel_wav_create(pair->files, &recording, &wav, err));
    reel_recording_finish(&recording);
    return wav;
}

static enum reel_code write_one(struct reel_wav *wav, struct reel_error *error)
{
    uint64_t at_frame = reel_wav_frames(wav);
    uint8_t *data = noise(&mono16, 1, FRAGMENT_FRAMES);
    enum reel_code code = reel_wav_write(wav, at_frame, data, FRAGMENT_FRAMES, error);
    bool equal;

    if (code == REEL_OK)
        code = reel_wav_equal(wav, at_frame, data, FRAGMENT_FRAMES, &equal, error);
    free(data);
    return code;
}

/* Two files, of which one can be open at a time: mic1/s1.wav is not. */
static void make_pair(struct scene *scene, struct pair *pair, enum reel_sync_way way)
{
    reel_sync_init(&pair->sync, way, NULL);
    assert_ok(reel_wav_files_create(scene->dir, 1, &pair->sync, &pair->files, err));
    pair->first = make_one(scene, pair, "s1");
    pair->second = make_one(scene, pair, "s2");
    assert_ok(reel_wav_files_sync(pair->files, NULL, err));
    assert_ok(write_one(pair->first, err));
    assert_ok(write_one(pair->first, err));
    assert_ok(write_one(pair->second, err));
}

static void drop_pair(struct scene *scene, struct pair *pair)
{
    reel_wav_close(&pair->first);
    reel_wav_close(&pair->second);
    reel_wav_files_destroy(&pair->files);
    unlink(scene_path(scene, WAV));
    unlink(scene_path(scene, "recordings/mic1/s2.wav"));
}

static const enum reel_sync_way ways[] = {REEL_SYNC_FILES, REEL_SYNC_FILE_SYSTEM};

static void one_that_was_closed_unsynced_is_looked_at_too(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < 2 * DAMAGES; i++) {
        struct reel_error error = {0};
        struct pair pair;

        make_pair(scene, &pair, ways[i % 2]);
        damages[i / 2].damage(scene);
        assert_int_equal(reel_wav_files_sync(pair.files, NULL, &error), REEL_E_STALLED);
        assert_non_null(strstr(error.message, "mic1/s1.wav"));
        drop_pair(scene, &pair);
    }
}

static void one_that_is_opened_again_must_be_the_same(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < DAMAGES; i++) {
        struct reel_error error = {0};
        struct pair pair;

        make_pair(scene, &pair, REEL_SYNC_FILES);
        assert_ok(reel_wav_files_sync(pair.files, NULL, err));
        damages[i].damage(scene);
        assert_int_equal(write_one(pair.first, &error), REEL_E_STALLED);
        assert_non_null(strstr(error.message, "mic1/s1.wav"));
        drop_pair(scene, &pair);
    }
}

/* ---- sums ---- */

static void a_file_that_lacks_frames_gets_no_sum(void **state)
{
    struct scene *scene = *state;
    struct reel_error error = {0};
    struct reel_hash_job job;

    complete(scene, record(scene, 3));
    scene_commit(scene);
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_int_equal(truncate(scene_path(scene, WAV), (off_t)job.file_bytes - 1), 0);
    assert_int_equal(reel_hash_file(scene->dir, &job, &error), REEL_E_NOT_FOUND);
    assert_string_equal(job.sha256, "");
    assert_non_null(strstr(error.message, "mic1/s1.wav"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_damaged_behind_the_last_write_is_not_acknowledged),
        TEST(what_is_damaged_before_a_write_is_not_written_on),
        TEST(what_is_damaged_does_not_complete),
        TEST(what_was_cut_is_missing_and_not_zeros),
        TEST(one_that_was_closed_unsynced_is_looked_at_too),
        TEST(one_that_is_opened_again_must_be_the_same),
        TEST(a_file_that_lacks_frames_gets_no_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
