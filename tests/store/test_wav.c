/* One recording's file: bytes, bounds, the cache of descriptors, and headers around 4 GiB. */
#include "store/scene.h"
#include "store/wav.h"

#include <signal.h>
#include <sys/resource.h>

struct bench {
    char *dir;
    struct reel_sync sync;
    struct reel_wav_files *files;
};

static int set_up_files(void **state, const char *pattern, size_t descriptors)
{
    struct bench *bench = calloc(1, sizeof *bench);
    char path[PATH_BYTES];

    assert_non_null(bench);
    bench->dir = strdup(pattern);
    assert_non_null(bench->dir);
    assert_non_null(mkdtemp(bench->dir));
    assert_int_equal(mkdir(path_in(bench->dir, "recordings", path), 0755), 0);
    reel_sync_init(&bench->sync, REEL_SYNC_AUTO, NULL);
    assert_int_equal(
        reel_wav_files_create(bench->dir, descriptors, &bench->sync, &bench->files, NULL), REEL_OK);
    *state = bench;
    return 0;
}

static int set_up_many(void **state)
{
    return set_up_files(state, "/tmp/reel-test-XXXXXX", 100);
}

static int set_up_two(void **state)
{
    return set_up_files(state, "/tmp/reel-test-XXXXXX", 2);
}

/* On tmpfs, where syncfs promises nothing. */
static int set_up_two_on_tmpfs(void **state)
{
    return set_up_files(state, "/dev/shm/reel-test-XXXXXX", 2);
}

static int tear_down_files(void **state)
{
    struct bench *bench = *state;
    void *folder = bench->dir;

    reel_wav_files_destroy(&bench->files);
    free(bench);
    return remove_folder(&folder);
}

static struct reel_recording recording_of(const char *session, const struct reel_format *format)
{
    struct reel_recording recording;

    reel_recording_init(&recording, "mic1", session, format, SCENE_NOW_US);
    recording.id = 0x0123456789abcdef;
    return recording;
}

static const char *path_of(const struct bench *bench, const char *session, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/recordings/mic1/%s.wav", bench->dir, session);
    return out;
}

static void frames_stand_where_they_were_written(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    const int16_t frames[] = {1, -2, 3, -4, 5};
    const int16_t late[] = {77, 78};
    const int16_t expected[] = {1, 77, 78, -4, 5, 0, 0, 0};
    int16_t found[8];
    struct reel_wav *wav;
    char path[PATH_BYTES];
    SF_INFO info = {0};
    SNDFILE *file;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 0, frames, 5, NULL), REEL_OK);
    assert_int_equal(reel_wav_fill(wav, 5, 3, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 1, late, 2, NULL), REEL_OK);
    assert_int_equal(reel_wav_frames(wav), 8);
    assert_int_equal(reel_wav_header(wav, &recording, NULL), REEL_OK);
    reel_wav_close(&wav);

    file = sf_open(path_of(bench, "s1", path), SFM_READ, &info);
    assert_non_null(file);
    assert_int_equal(info.frames, 8);
    assert_int_equal(info.samplerate, 16000);
    assert_int_equal(sf_readf_short(file, found, 8), 8);
    assert_memory_equal(found, expected, sizeof expected);
    sf_close(file);
}

/* Appended in pieces of many sizes, some by turns with another file, some with looks at what is
 * there: whatever waits in memory is seen, and ends up where it belongs. */
static void what_waits_is_seen_and_lands_in_order(void **state)
{
    enum { FRAMES = 3 * 1024 * 1024 };
    struct bench *bench = *state;
    struct reel_recording recordings[] = {recording_of("s1", &mono16), recording_of("s2", &mono16)};
    uint8_t *data = noise(&mono16, 1, FRAMES);
    uint8_t *found = malloc(2 * FRAMES);
    struct reel_wav *wavs[2];
    uint64_t done = 0;

    assert_non_null(found);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(reel_wav_create(bench->files, &recordings[i], &wavs[i], NULL), REEL_OK);
    for (uint64_t step = 0; done < FRAMES; step++) {
        uint64_t frames = step % 97 == 0 ? 40000 : 1 + step * 61 % 1500;
        bool equal = false;

        frames = frames < FRAMES - done ? frames : FRAMES - done;
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(reel_wav_write(wavs[i], done, data + 2 * done, frames, NULL), REEL_OK);
        done += frames;
        assert_int_equal(reel_wav_frames(wavs[step % 2]), done);
        if (step % 31 == 0)
            assert_int_equal(reel_wav_equal(wavs[step % 2], done - frames,
                                            data + 2 * (done - frames), frames, &equal, NULL),
                             REEL_OK);
        assert_int_equal(equal, step % 31 == 0);
        if (step % 500 == 0)
            assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(reel_wav_read(wavs[i], 0, found, FRAMES, NULL), REEL_OK);
        assert_memory_equal(found, data, 2 * FRAMES);
        reel_wav_close(&wavs[i]);
    }
    free(found);
    free(data);
}

/* One that is closed takes along what waits for it, and nothing that waits for others. */
static void what_waits_goes_with_its_file(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recordings[] = {recording_of("s1", &mono16), recording_of("s2", &mono16)};
    const int16_t frames[] = {1, -2, 3};
    struct reel_wav *wavs[2];
    char path[PATH_BYTES];

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(reel_wav_create(bench->files, &recordings[i], &wavs[i], NULL), REEL_OK);
        assert_int_equal(reel_wav_write(wavs[i], 0, frames, 3, NULL), REEL_OK);
    }
    reel_wav_close(&wavs[0]);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(path_bytes(path_of(bench, "s2", path)), REEL_WAV_DATA_OFFSET + sizeof frames);
    reel_wav_close(&wavs[1]);
}

static void a_write_past_the_end_would_leave_a_hole(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    const int16_t frame = 1;
    struct reel_wav *wav;
    char path[PATH_BYTES];
    bool equal = true;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 1, &frame, 1, NULL), REEL_E_INTERNAL);
    assert_int_equal(reel_wav_fill(wav, UINT64_MAX, 1, NULL), REEL_E_INTERNAL);
    assert_int_equal(reel_wav_equal(wav, 0, &frame, 1, &equal, NULL), REEL_E_INTERNAL);
    assert_true(equal);
    assert_int_equal(reel_wav_fill(wav, 0, UINT64_MAX / 2, NULL), REEL_E_STALLED);
    assert_int_equal(path_bytes(path_of(bench, "s1", path)), REEL_WAV_DATA_OFFSET);
    reel_wav_close(&wav);
}

static void a_file_that_exists_is_not_taken(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    struct reel_wav *wav;
    struct reel_wav *second = NULL;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(reel_wav_create(bench->files, &recording, &second, NULL), REEL_E_CONFLICT);
    assert_null(second);
    reel_wav_close(&wav);
}

static void a_link_is_not_followed(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    struct reel_wav *wav;
    char path[PATH_BYTES];
    char elsewhere[PATH_BYTES];
    const int16_t frame = 1;

    assert_int_equal(mkdir(path_in(bench->dir, "recordings/mic1", path), 0755), 0);
    path_write_at(path_in(bench->dir, "elsewhere", elsewhere), 0, "x", 1);
    assert_int_equal(symlink(elsewhere, path_of(bench, "s1", path)), 0);
    assert_int_equal(reel_wav_open(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 0, &frame, 1, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_E_STALLED);
    assert_int_equal(path_bytes(elsewhere), 1);
    reel_wav_close(&wav);
}

/* 0x80 for 1-byte PCM, 0xD5 for A-law, 0xFF for u-law, 0 for the rest (protocol.md). */
static void silence_is_what_the_encoding_calls_so(void **state)
{
    static const struct {
        struct reel_format format;
        uint8_t silence;
    } cases[] = {
        {{8000, 1, 1, REEL_PCM}, 0x80},  {{8000, 1, 1, REEL_ALAW}, 0xD5},
        {{8000, 1, 1, REEL_ULAW}, 0xFF}, {{8000, 2, 3, REEL_PCM}, 0},
        {{8000, 1, 4, REEL_FLOAT}, 0},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char session[] = {'s', (char)('0' + i), 0};
        struct reel_recording recording = recording_of(session, &cases[i].format);
        struct reel_wav *wav;
        char path[PATH_BYTES];
        uint8_t *bytes;
        size_t count;

        assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
        assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
        assert_int_equal(reel_wav_fill(wav, 0, 100000, NULL), REEL_OK); /* more than a slice */
        bytes = path_read(path_of(bench, session, path), &count);
        assert_int_equal(count,
                         REEL_WAV_DATA_OFFSET + 100000 * reel_format_frame_bytes(&cases[i].format));
        for (size_t at = REEL_WAV_DATA_OFFSET; at < count; at++)
            assert_int_equal(bytes[at], cases[i].silence);
        free(bytes);
        reel_wav_close(&wav);
    }
}

static void odd_data_is_padded_and_the_pad_overwritten(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono8);
    const uint8_t frames[] = {1, 2, 3};
    struct reel_wav *wav;
    char path[PATH_BYTES];
    uint8_t *bytes;
    size_t count;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 0, frames, 3, NULL), REEL_OK);
    assert_int_equal(reel_wav_header(wav, &recording, NULL), REEL_OK);
    bytes = path_read(path_of(bench, "s1", path), &count);
    assert_int_equal(count, REEL_WAV_DATA_OFFSET + 4);
    assert_int_equal(bytes[count - 1], 0);
    free(bytes);

    assert_int_equal(reel_wav_write(wav, 3, frames, 1, NULL), REEL_OK);
    assert_int_equal(reel_wav_header(wav, &recording, NULL), REEL_OK);
    bytes = path_read(path, &count);
    assert_int_equal(count, REEL_WAV_DATA_OFFSET + 4);
    assert_int_equal(bytes[count - 1], 1);
    assert_int_equal(sndfile_frames(path), 4);
    free(bytes);
    reel_wav_close(&wav);
}

static void a_comparison_sees_one_byte(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    uint64_t frames = 100000;
    uint8_t *data = noise(&mono16, 1, frames);
    struct reel_wav *wav;
    bool equal = false;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_write(wav, 0, data, frames, NULL), REEL_OK);
    assert_int_equal(reel_wav_equal(wav, 0, data, frames, &equal, NULL), REEL_OK);
    assert_true(equal);
    data[2 * frames - 1] ^= 1;
    assert_int_equal(reel_wav_equal(wav, 0, data, frames, &equal, NULL), REEL_OK);
    assert_false(equal);
    assert_int_equal(reel_wav_equal(wav, 0, data, frames - 1, &equal, NULL), REEL_OK);
    assert_true(equal);
    reel_wav_close(&wav);
    free(data);
}

static unsigned descriptors_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void more_files_than_descriptors(void **state)
{
    enum { FILES = 20 };
    struct bench *bench = *state;
    struct reel_wav *wavs[FILES];
    unsigned before = descriptors_open();
    uint64_t synced = 0;

    for (unsigned i = 0; i < FILES; i++) {
        char session[8];
        struct reel_recording recording;

        snprintf(session, sizeof session, "s%u", i);
        recording = recording_of(session, &mono16);
        assert_int_equal(reel_wav_create(bench->files, &recording, &wavs[i], NULL), REEL_OK);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < FILES; i++) {
            int16_t frame = (int16_t)(100 * round + i);

            assert_int_equal(reel_wav_write(wavs[i], round, &frame, 1, NULL), REEL_OK);
        }
        assert_int_equal(reel_wav_files_sync(bench->files, &synced, NULL), REEL_OK);
    }
    assert_in_range(synced, 1, FILES);
    assert_true(descriptors_open() <= before + 2);
    for (unsigned i = 0; i < FILES; i++) {
        const int16_t frames[] = {(int16_t)i, (int16_t)(100 + i), (int16_t)(200 + i)};
        bool equal = false;

        assert_int_equal(reel_wav_equal(wavs[i], 0, frames, 3, &equal, NULL), REEL_OK);
        assert_true(equal);
        reel_wav_close(&wavs[i]);
    }
}

/* After a power cut a name may be there without what was written before it: a file whose header is
 * not durable would not open (invariant 5). */
static void a_new_file_gets_its_name_after_its_header_is_synced(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    char path[PATH_BYTES];
    struct reel_wav *wav;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(access(path_of(bench, "s1", path), F_OK), -1);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    assert_int_equal(access(path, R_OK), 0);
    reel_wav_close(&wav);
}

/* A full disk, by the limit on a file's size: a write that is short, then fails. */
static void a_short_write_is_an_error(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    struct reel_error error = {0};
    uint8_t *data = noise(&mono16, 1, 1000);
    struct rlimit before;
    struct rlimit small;
    struct reel_wav *wav;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = REEL_WAV_DATA_OFFSET + 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(reel_wav_write(wav, 0, data, 1000, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, &error), REEL_E_STALLED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(error.message, "mic1/s1.wav"));
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_E_STALLED);
    reel_wav_close(&wav);
    free(data);
}

/* Past 4 GiB, in a file with holes: 16-bit mono, 2^31 frames and some. */
static void headers_cross_4_gib_and_come_back(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    const uint64_t many = (UINT64_C(1) << 31) + 1000;
    const uint64_t few = 500;
    struct reel_wav *wav;
    char path[PATH_BYTES];
    uint8_t head[4];
    int fd;

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    reel_wav_close(&wav);
    fd = open(path_of(bench, "s1", path), O_RDWR);
    assert_true(fd >= 0);

    assert_int_equal(ftruncate(fd, (off_t)reel_wav_file_bytes(&mono16, many)), 0);
    assert_int_equal(reel_wav_replace_header(fd, &recording, many, path, NULL), REEL_OK);
    assert_int_equal(pread(fd, head, 4, 0), 4);
    assert_memory_equal(head, "RF64", 4);
    assert_int_equal(sndfile_frames(path), many);

    assert_int_equal(ftruncate(fd, (off_t)reel_wav_file_bytes(&mono16, few)), 0);
    assert_int_equal(reel_wav_replace_header(fd, &recording, few, path, NULL), REEL_OK);
    assert_int_equal(pread(fd, head, 4, 0), 4);
    assert_memory_equal(head, "RIFF", 4);
    assert_int_equal(sndfile_frames(path), few);
    close(fd);
}

/* Whichever of a header's two sectors is on the disk, old or new, the file opens. */
static void a_torn_header_opens(void **state)
{
    struct bench *bench = *state;
    struct reel_recording recording = recording_of("s1", &mono16);
    const uint64_t many = (UINT64_C(1) << 31) + 1000;
    const enum reel_wav_sizes steps[] = {REEL_WAV_SIZES_PLAIN, REEL_WAV_SIZES_CROSSING,
                                         REEL_WAV_SIZES_RF64};
    struct reel_wav *wav;
    char path[PATH_BYTES];

    assert_int_equal(reel_wav_create(bench->files, &recording, &wav, NULL), REEL_OK);
    assert_int_equal(reel_wav_files_sync(bench->files, NULL, NULL), REEL_OK);
    reel_wav_close(&wav);
    assert_int_equal(
        truncate(path_of(bench, "s1", path), (off_t)reel_wav_file_bytes(&mono16, many)), 0);
    for (unsigned i = 0; i + 1 < 3; i++) {
        uint8_t old[REEL_WAV_DATA_OFFSET];
        uint8_t new[REEL_WAV_DATA_OFFSET];
        uint64_t frames = steps[i] == REEL_WAV_SIZES_PLAIN ? 1000 : many;

        reel_wav_file_header(&recording, frames, steps[i], old);
        reel_wav_file_header(&recording, many, steps[i + 1], new);
        path_write_at(path, 0, new, 512);
        path_write_at(path, 512, old + 512, 512);
        assert_true(sndfile_frames(path) >= 0);
        path_write_at(path, 0, old, 512);
        path_write_at(path, 512, new + 512, 512);
        assert_true(sndfile_frames(path) >= 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_many, tear_down_files)
    const struct CMUnitTest tests[] = {
        TEST(frames_stand_where_they_were_written),
        TEST(what_waits_is_seen_and_lands_in_order),
        TEST(what_waits_goes_with_its_file),
        TEST(a_write_past_the_end_would_leave_a_hole),
        TEST(a_file_that_exists_is_not_taken),
        TEST(a_link_is_not_followed),
        TEST(silence_is_what_the_encoding_calls_so),
        TEST(odd_data_is_padded_and_the_pad_overwritten),
        TEST(a_comparison_sees_one_byte),
        cmocka_unit_test_setup_teardown(more_files_than_descriptors, set_up_two, tear_down_files),
        {"more_files_than_descriptors on tmpfs", more_files_than_descriptors, set_up_two_on_tmpfs,
         tear_down_files, NULL},
        TEST(a_new_file_gets_its_name_after_its_header_is_synced),
        TEST(a_short_write_is_an_error),
        TEST(headers_cross_4_gib_and_come_back),
        TEST(a_torn_header_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
