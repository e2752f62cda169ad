/* A crash while a header passes from RIFF to RF64 or back: the file opens wherever it came. */
#include "store/faults.h"
#include "store/wav.h"

/* From `before` to `after` frames, killed within each call. The file is as long as either needs:
 * it has holes. Returns whether the call was made at all. */
static bool cross_with_a_crash(const struct reel_format *format, uint64_t before, uint64_t after,
                               uint64_t last)
{
    uint64_t most = before > after ? before : after;
    struct reel_recording recording;
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct scene *scene;
    const char *path;
    void *state;
    bool called;
    int fd;

    set_up(&state);
    scene = state;
    reel_recording_init(&recording, "mic1", "s1", format, SCENE_NOW_US);
    path = scene_path(scene, "s1.wav");
    fd = open(path, O_RDWR | O_CREAT, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)reel_wav_file_bytes(format, most)), 0);
    assert_ok(reel_wav_replace_header(fd, &recording, before, path, err));
    calls.count = 0;
    calls.last = last;
    calls.torn = true;
    (void)reel_wav_replace_header(fd, &recording, after, path, NULL);
    called = calls.count >= last;
    calls.last = 0;
    assert_true(sndfile_frames(path) >= 0);
    assert_int_equal(pread(fd, header, sizeof header, 0), sizeof header);
    if (memcmp(header, "RF64", 4) == 0) /* what else does not open everywhere (facts.md) */
        assert_memory_equal(header + sizeof header - 4, "\xff\xff\xff\xff", 4);
    close(fd);
    tear_down(&state);
    return called;
}

static void a_header_opens_wherever_crossing_4_gib_was_cut_short(void **state)
{
    const struct reel_format formats[] = {
        mono16, mono8, {48000, 2, 2, REEL_PCM}, {96000, 2, 3, REEL_PCM}, {44100, 2, 4, REEL_FLOAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const uint64_t few = 1001; /* an odd number of bytes, where a frame has one */
        const uint64_t many = (UINT64_C(1) << 32) / reel_format_frame_bytes(&formats[i]) + 1001;

        for (uint64_t last = 1; cross_with_a_crash(&formats[i], few, many, last); last++)
            ;
        for (uint64_t last = 1; cross_with_a_crash(&formats[i], many, few, last); last++)
            ;
    }
    forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_opens_wherever_crossing_4_gib_was_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
