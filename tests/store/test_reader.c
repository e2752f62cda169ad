/* The reader: committed audio, gaps as silence, and files that are not what the row says. */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "store/scene.h"

static struct reel_reader *open_reader(struct scene *scene)
{
    struct reel_reader *reader;

    assert_ok(reel_reader_open(scene->dir, &reader, err));
    return reader;
}

/* s1: fragments 0, 1, a gap of two, 4; as the reader loads it. */
static void record_with_gap(struct scene *scene, struct reel_recording *recording_out)
{
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono8);

    publish_seq(scene, entry, 0);
    publish_seq(scene, entry, 1);
    publish_seq(scene, entry, 4);
    scene_commit(scene);
    scene_load(scene, "mic1", "s1", recording_out);
}

static void any_part_reads_as_the_whole_does(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;
    struct reel_reader *reader;
    struct chance chance = {1};
    uint64_t frames;
    uint8_t *whole;

    record_with_gap(scene, &recording);
    whole = scene_audio(scene, "mic1", "s1", &frames);
    reader = open_reader(scene);
    assert_fragment(whole, &mono8, 0, 0);
    assert_fragment(whole, &mono8, 1, 1);
    assert_silent(whole, &mono8, 2);
    assert_silent(whole, &mono8, 3);
    assert_fragment(whole, &mono8, 4, 4);
    for (unsigned i = 0; i < 500; i++) {
        uint64_t from = chance_below(&chance, frames + 1);
        uint64_t count = chance_below(&chance, frames - from + 1);
        uint8_t *part = malloc(count + 1);

        assert_non_null(part);
        part[count] = 0x55;
        assert_ok(reel_reader_audio(reader, &recording, from, count, part, err));
        assert_memory_equal(part, whole + from, count);
        assert_int_equal(part[count], 0x55);
        free(part);
    }
    reel_reader_close(reader);
    reel_recording_finish(&recording);
    free(whole);
}

static void a_gap_is_silence_whatever_the_file_holds(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;
    uint8_t junk[FRAGMENT_FRAMES];
    uint64_t frames;
    uint8_t *audio;

    record_with_gap(scene, &recording);
    memset(junk, 0x11, sizeof junk);
    path_write_at(scene_path(scene, "recordings/mic1/s1.wav"),
                  REEL_WAV_DATA_OFFSET + 2 * FRAGMENT_FRAMES + 7, junk, sizeof junk);
    audio = scene_audio(scene, "mic1", "s1", &frames);
    assert_silent(audio, &mono8, 2);
    assert_silent(audio, &mono8, 3);
    assert_fragment(audio, &mono8, 1, 1);
    assert_fragment(audio, &mono8, 4, 4);
    reel_recording_finish(&recording);
    free(audio);
}

/* A view of what was loaded stays what it was while the recording grows. */
static void a_loaded_recording_ends_where_it_ended(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;
    struct reel_reader *reader;
    uint8_t frame;

    record_with_gap(scene, &recording);
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 5);
    scene_commit(scene);
    reader = open_reader(scene);
    assert_ok(reel_reader_audio(reader, &recording, recording.frames - 1, 1, &frame, err));
    assert_int_equal(reel_reader_audio(reader, &recording, recording.frames, 1, &frame, NULL),
                     REEL_E_INTERNAL);
    assert_int_equal(reel_reader_audio(reader, &recording, 1, UINT64_MAX, &frame, NULL),
                     REEL_E_INTERNAL);
    reel_reader_close(reader);
    reel_recording_finish(&recording);
}

static void assert_mismatch(struct reel_reader *reader, const struct reel_recording *recording)
{
    struct reel_error error = {0};
    uint8_t frame;

    assert_int_equal(reel_reader_audio(reader, recording, recording->frames - 1, 1, &frame, &error),
                     REEL_E_VERSION_MISMATCH);
    assert_string_equal(error.field, "version");
}

static void a_file_that_is_gone_or_short_is_a_mismatch(void **state)
{
    struct scene *scene = *state;
    const char *path = scene_path(scene, "recordings/mic1/s1.wav");
    struct reel_recording recording;
    struct reel_reader *reader;

    record_with_gap(scene, &recording);
    reader = open_reader(scene);
    assert_int_equal(truncate(path, (off_t)path_bytes(path) - 1), 0);
    assert_mismatch(reader, &recording);
    reel_reader_close(reader);
    reader = open_reader(scene);
    assert_int_equal(unlink(path), 0);
    assert_mismatch(reader, &recording);
    reel_reader_close(reader);
    reel_recording_finish(&recording);
}

/* The name went to another recording: with the descriptor still open, and without. */
static void another_recordings_file_is_a_mismatch(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;
    struct reel_recording other;
    struct reel_reader *reader;
    uint8_t frame;

    record_with_gap(scene, &recording);
    publish_seq(scene, scene_create(scene, "mic1", "s2", &mono8), 0);
    scene_commit(scene);
    scene_load(scene, "mic1", "s2", &other);
    reader = open_reader(scene);
    assert_ok(reel_reader_audio(reader, &recording, 0, 1, &frame, err));
    assert_int_equal(rename(scene_path(scene, "recordings/mic1/s2.wav"),
                            scene_path(scene, "recordings/mic1/s1.wav")),
                     0);
    strcpy(other.session, "s1");
    assert_ok(reel_reader_audio(reader, &other, 0, 1, &frame, err));
    assert_mismatch(reader, &recording);
    reel_reader_close(reader);
    reel_recording_finish(&recording);
    reel_recording_finish(&other);
}

static void a_folder_without_a_catalog_is_stalled(void **state)
{
    struct scene *scene = *state;
    struct reel_reader_totals totals;
    struct reel_reader *reader;

    assert_ok(reel_reader_open(scene_path(scene, "recordings"), &reader, err));
    assert_int_equal(reel_reader_totals(reader, &totals, NULL), REEL_E_STALLED);
    reel_reader_close(reader);
    reel_reader_close(NULL);
}

/* No file may grow: a disk that is full, without being root. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void assert_answered_without_room(const char *dir)
{
    struct reel_recording recording;
    struct reel_reader_totals totals;
    struct reel_reader *reader;
    enum reel_code loaded, counted;

    assert_ok(reel_reader_open(dir, &reader, err));
    limit_files(0);
    loaded = reel_reader_load(reader, "mic1", "s1", &recording, NULL);
    counted = reel_reader_totals(reader, &totals, NULL);
    limit_files(RLIM_INFINITY);
    assert_int_equal(loaded, REEL_OK);
    assert_int_equal(recording.frames, 5 * FRAGMENT_FRAMES);
    assert_int_equal(counted, REEL_OK);
    assert_int_equal(totals.recordings, 1);
    reel_recording_finish(&recording);
    reel_reader_close(reader);
}

static void a_full_disk_leaves_the_catalog_readable(void **state)
{
    struct scene *scene = *state;
    struct reel_recording recording;

    record_with_gap(scene, &recording);
    reel_recording_finish(&recording);
    reel_store_close(scene->store);
    scene->store = NULL;
    assert_false(path_exists(scene_path(scene, "catalog.db-wal")));
    assert_answered_without_room(scene->dir);
}

/* As a sink leaves it that was killed: what was committed last is in the log. */
static void a_full_disk_leaves_the_log_of_the_catalog_readable(void **state)
{
    static const char *const files[] = {"catalog.db", "catalog.db-wal"};
    struct scene *scene = *state;
    struct reel_recording recording;
    char dir[PATH_MAX];
    char from[PATH_MAX];

    record_with_gap(scene, &recording);
    reel_recording_finish(&recording);
    snprintf(dir, sizeof dir, "%s", scene_path(scene, "killed"));
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(mkdir(scene_path(scene, "killed/recordings"), 0755), 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s", scene_path(scene, "%s", files[i]));
        path_copy(from, scene_path(scene, "killed/%s", files[i]));
    }
    assert_true(path_bytes(scene_path(scene, "killed/catalog.db-wal")) > 0);
    snprintf(from, sizeof from, "%s", scene_path(scene, "catalog.db-shm"));
    path_copy(from, scene_path(scene, "killed/catalog.db-shm"));
    assert_answered_without_room(dir);
}

struct toucher {
    const char *path;
    atomic_bool stop;
};

/* As the writer does that opens the store: the catalog is another one all the time. */
static void *touch_always(void *user)
{
    struct toucher *toucher = user;

    for (long i = 0; !toucher->stop; i++) {
        const struct timespec times[2] = {{i, 0}, {i, 0}};

        utimensat(AT_FDCWD, toucher->path, times, 0);
    }
    return NULL;
}

/* What was read then is let go of (sanitizers would tell), and the caller's is as it was. */
static void a_catalog_that_is_written_while_a_full_disk_lets_it_be_read(void **state)
{
    struct scene *scene = *state;
    struct toucher toucher = {.path = scene_path(scene, "catalog.db")};
    struct reel_recording recording, again;
    struct reel_reader *reader;
    struct reel_error error;
    enum reel_code code, at_rest;
    pthread_t thread;

    record_with_gap(scene, &recording);
    reel_recording_finish(&recording);
    scene_crash(scene);
    reader = open_reader(scene);
    assert_int_equal(pthread_create(&thread, NULL, touch_always, &toucher), 0);
    limit_files(0);
    do {
        memset(&recording, 0, sizeof recording);
        code = reel_reader_load(reader, "mic1", "s1", &recording, &error);
        if (code == REEL_OK)
            reel_recording_finish(&recording);
    } while (code == REEL_OK);
    toucher.stop = true;
    pthread_join(thread, NULL);
    at_rest = reel_reader_load(reader, "mic1", "s1", &again, NULL);
    limit_files(RLIM_INFINITY);
    assert_int_equal(code, REEL_E_STALLED);
    assert_string_equal(error.message, "the store is being opened");
    assert_int_equal(recording.frames, 0);
    assert_int_equal(at_rest, REEL_OK);
    reel_recording_finish(&again);
    reel_reader_close(reader);
}

static void a_payload_is_read_by_its_device_only(void **state)
{
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "t",
                                       .device = "mic1",
                                       .session = "",
                                       .bytes = 3,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    struct reel_buffer payload = {0};
    struct reel_reader *reader;
    uint64_t id;

    assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
    scene_commit(scene);
    reader = open_reader(scene);
    assert_int_equal(reel_reader_reject(reader, id, "mic2", &payload, NULL), REEL_E_NOT_FOUND);
    assert_int_equal(reel_reader_reject(reader, id + 1, NULL, &payload, NULL), REEL_E_NOT_FOUND);
    assert_ok(reel_reader_reject(reader, id, "mic1", &payload, err));
    assert_ok(reel_reader_reject(reader, id, NULL, &payload, err));
    assert_int_equal(payload.size, 6);
    assert_memory_equal(payload.bytes, "abcabc", 6);
    reel_buffer_finish(&payload);
    reel_reader_close(reader);
}

static void totals_count_everything(void **state)
{
    struct scene *scene = *state;
    const struct reel_reject reject = {.topic = "t",
                                       .device = "",
                                       .session = "",
                                       .bytes = 3,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    struct reel_reader_totals totals;
    struct reel_recording recording;
    struct reel_reader *reader;
    uint64_t id;

    record_with_gap(scene, &recording);
    reel_recording_finish(&recording);
    complete(scene, scene_create(scene, "mic1", "s2", &mono16));
    assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
    scene_commit(scene);
    reader = open_reader(scene);
    assert_ok(reel_reader_totals(reader, &totals, err));
    assert_int_equal(totals.recordings, 2);
    assert_int_equal(totals.recordings_open, 1);
    assert_int_equal(totals.quarantine_count, 1);
    assert_int_equal(totals.quarantine_bytes, 3);
    assert_true(totals.disk_free_bytes > 0 && totals.disk_free_bytes <= totals.disk_total_bytes);
    reel_reader_close(reader);
}

static uint64_t recordings_seen(struct reel_reader *reader)
{
    struct reel_reader_totals totals;

    assert_ok(reel_reader_totals(reader, &totals, err));
    return totals.recordings;
}

/* The catalog was damaged, put aside and built anew: the old one is still there to be read. */
static void renewed_reader_sees_the_catalog_that_took_the_place_of_the_old(void **state)
{
    struct scene *scene = *state;
    struct reel_reader *reader;
    uint8_t zeros[4096] = {0};

    record(scene, 2);
    scene_crash(scene);
    reader = open_reader(scene);
    assert_int_equal(recordings_seen(reader), 1);
    path_write_at(scene_path(scene, "catalog.db"), 0, zeros, sizeof zeros);
    scene_open(scene);
    scene_create(scene, "mic2", "s2", &mono16);
    scene_commit(scene);
    reel_reader_renew(reader);
    assert_int_equal(recordings_seen(reader), 2);
    reel_reader_renew(reader);
    scene_crash(scene);
    assert_int_equal(unlink(scene_path(scene, "catalog.db")), 0);
    assert_int_equal(reel_reader_load(reader, "mic1", "s1", &(struct reel_recording){0}, NULL),
                     REEL_E_STALLED);
    scene_open(scene);
    assert_int_equal(recordings_seen(reader), 2);
    reel_reader_close(reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(any_part_reads_as_the_whole_does),
        TEST(a_gap_is_silence_whatever_the_file_holds),
        TEST(a_loaded_recording_ends_where_it_ended),
        TEST(a_file_that_is_gone_or_short_is_a_mismatch),
        TEST(another_recordings_file_is_a_mismatch),
        TEST(a_folder_without_a_catalog_is_stalled),
        TEST(a_full_disk_leaves_the_catalog_readable),
        TEST(a_full_disk_leaves_the_log_of_the_catalog_readable),
        TEST(a_catalog_that_is_written_while_a_full_disk_lets_it_be_read),
        TEST(a_payload_is_read_by_its_device_only),
        TEST(totals_count_everything),
        TEST(renewed_reader_sees_the_catalog_that_took_the_place_of_the_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
