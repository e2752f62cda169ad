/* Import: files that ffmpeg made of known samples come back as those samples. */
#include "store/fixture.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "store/import.h"

enum { FRAMES = 20011, COMMAND_BYTES = 1024 };

/* A file that ffmpeg makes of raw samples `from` (its name of their form). */
struct lossless {
    const char *from;
    const char *file;
    const char *codec; /* options of the output */
    struct reel_format format;
};

static const struct lossless lossless[] = {
    {"u8", "a.wav", "-c pcm_u8", {8000, 1, 1, REEL_PCM}},
    {"u8", "signed.aiff", "-c pcm_s8", {44100, 2, 1, REEL_PCM}},
    {"s16le", "a.wav", "-c pcm_s16le", {16000, 1, 2, REEL_PCM}},
    {"s16le", "three.wav", "-c pcm_s16le", {48000, 3, 2, REEL_PCM}},
    {"s16le", "big-endian.aiff", "-c pcm_s16be", {44100, 2, 2, REEL_PCM}},
    {"s16le", "a.flac", "-c flac", {44100, 2, 2, REEL_PCM}},
    {"s16le", "rf64.wav", "-c pcm_s16le -rf64 always", {44100, 2, 2, REEL_PCM}},
    {"s24le", "a.wav", "-c pcm_s24le", {96000, 2, 3, REEL_PCM}},
    {"s24le", "big-endian.au", "-c pcm_s24be", {96000, 2, 3, REEL_PCM}},
    {"s24le", "a.flac", "-c flac -sample_fmt s32 -bits_per_raw_sample 24", {96000, 2, 3, REEL_PCM}},
    {"s32le", "a.wav", "-c pcm_s32le", {192000, 1, 4, REEL_PCM}},
    {"s32le", "big-endian.caf", "-c pcm_s32be", {48000, 2, 4, REEL_PCM}},
    {"f32le", "a.wav", "-c pcm_f32le", {48000, 2, 4, REEL_FLOAT}},
    {"f32le", "big-endian.au", "-c pcm_f32be", {48000, 2, 4, REEL_FLOAT}},
    {"f64le", "a.wav", "-c pcm_f64le", {48000, 1, 8, REEL_FLOAT}},
    {"f64le", "big-endian.au", "-c pcm_f64be", {48000, 1, 8, REEL_FLOAT}},
    {"alaw", "a.wav", "-c copy", {8000, 1, 1, REEL_ALAW}},
    {"alaw", "a.au", "-c copy", {8000, 2, 1, REEL_ALAW}},
    {"mulaw", "a.wav", "-c copy", {8000, 2, 1, REEL_ULAW}},
    {"mulaw", "a.au", "-c copy", {8000, 1, 1, REEL_ULAW}},
};

static void shell(const char *folder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void shell(const char *folder, const char *format, ...)
{
    char command[COMMAND_BYTES];
    va_list args;
    int used = snprintf(command, sizeof command, "cd %s && ", folder);

    va_start(args, format);
    vsnprintf(command + used, sizeof command - (size_t)used, format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static int open_file(const char *folder, const char *name, int flags)
{
    char path[PATH_BYTES];
    int fd = open(path_in(folder, name, path), flags, 0600);

    assert_true(fd >= 0);
    return fd;
}

/* Bytes that any encoding may hold; floats are finite, as decoders may stumble over others. */
static uint8_t *make_samples(const struct reel_format *format, size_t *bytes_out)
{
    size_t count = (size_t)FRAMES * format->channels;
    uint8_t *bytes = malloc(count * format->sample_bytes);
    struct chance chance = {7};

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        uint64_t sample = chance_u64(&chance);
        double real = (double)(int64_t)sample / 1e18;
        float narrow = (float)real;

        if (format->encoding == REEL_FLOAT && format->sample_bytes == 8)
            memcpy(&sample, &real, sizeof real);
        else if (format->encoding == REEL_FLOAT)
            memcpy(&sample, &narrow, sizeof narrow);
        memcpy(bytes + i * format->sample_bytes, &sample, format->sample_bytes);
    }
    *bytes_out = count * format->sample_bytes;
    return bytes;
}

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    int fd = open_file(folder, name, O_WRONLY | O_CREAT | O_TRUNC);

    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

/* Read all of it, in steps that fit nothing in particular. */
static uint64_t read_all(struct reel_import *import, uint8_t *out, uint64_t capacity_frames)
{
    uint32_t frame_bytes = reel_format_frame_bytes(reel_import_format(import));
    uint64_t done = 0, got;

    do {
        uint64_t wanted = capacity_frames - done < 7001 ? capacity_frames - done : 7001;

        assert_ok(reel_import_read(import, out + done * frame_bytes, wanted, &got, err));
        done += got;
        if (got < wanted)
            break;
    } while (done < capacity_frames);
    return done;
}

static void check_lossless(const char *folder, const struct lossless *what)
{
    size_t bytes;
    uint8_t *samples = make_samples(&what->format, &bytes);
    uint8_t *found = calloc(1, 2 * bytes);
    struct reel_import *import = NULL;
    int fd;

    write_file(folder, "samples", samples, bytes);
    shell(folder, "ffmpeg -v error -y -f %s -ar %u -ac %u -i samples %s %s", what->from,
          what->format.rate, what->format.channels, what->codec, what->file);
    fd = open_file(folder, what->file, O_RDONLY);
    assert_ok(reel_import_open(fd, what->file, &import, err));
    if (!reel_format_equal(reel_import_format(import), &what->format))
        fail_msg("%s (%s): another format", what->file, what->from);
    if (reel_import_frames(import) != FRAMES || read_all(import, found, 2 * FRAMES) != FRAMES)
        fail_msg("%s (%s): %llu frames", what->file, what->from,
                 (unsigned long long)reel_import_frames(import));
    if (memcmp(found, samples, bytes) != 0)
        fail_msg("%s (%s): other samples", what->file, what->from);
    reel_import_close(&import);
    close(fd);
    free(found);
    free(samples);
}

static void test_lossless(void **state)
{
    for (size_t i = 0; i < sizeof lossless / sizeof *lossless; i++)
        check_lossless(*state, &lossless[i]);
}

/* A lossy file, against what ffmpeg's own decoder makes of it. */
static void check_lossy(const char *folder, const char *file, const char *codec, uint32_t rate)
{
    const struct reel_format expected = {rate, 1, 4, REEL_FLOAT};
    float *found = calloc(8 * rate, sizeof *found), *other = calloc(8 * rate, sizeof *other);
    struct reel_import *import = NULL;
    ssize_t other_bytes;
    uint64_t frames;
    double error = 0, power = 0;
    int fd;

    shell(folder,
          "ffmpeg -v error -y -f lavfi -i 'sine=440:r=%u:d=3' %s %s && "
          "ffmpeg -v error -y -i %s -f f32le -ac 1 -ar %u decoded",
          rate, codec, file, file, rate);
    fd = open_file(folder, file, O_RDONLY);
    assert_ok(reel_import_open(fd, file, &import, err));
    assert_true(reel_format_equal(reel_import_format(import), &expected));
    frames = read_all(import, (uint8_t *)found, 8 * rate);
    reel_import_close(&import);
    close(fd);
    fd = open_file(folder, "decoded", O_RDONLY);
    other_bytes = read(fd, other, 8 * rate * sizeof *other);
    close(fd);
    assert_in_range(frames, 3 * rate, (uint64_t)other_bytes / 4 + rate / 10);
    for (uint32_t i = rate; i < 2 * rate; i++) {
        error += pow((double)found[i] - (double)other[i], 2);
        power += pow((double)other[i], 2);
    }
    if (!(power > 0 && error < power / 1e4))
        fail_msg("%s: decoded to something else (%g of %g)", file, error, power);
    free(found);
    free(other);
}

static void test_lossy(void **state)
{
    check_lossy(*state, "a.ogg", "-c libvorbis", 44100);
    check_lossy(*state, "a.opus", "-c libopus", 48000);
}

/* ADPCM decodes to 16 bit, as sox says, too. */
static void test_adpcm(void **state)
{
    struct reel_import *import = NULL;
    uint8_t found[2 * 9000], other[2 * 9000];
    uint64_t frames;
    int fd;

    shell(*state, "ffmpeg -v error -y -f lavfi -i 'sine=440:r=8000:d=1' -c adpcm_ima_wav a.wav && "
                  "sox a.wav -t raw decoded");
    fd = open_file(*state, "a.wav", O_RDONLY);
    assert_ok(reel_import_open(fd, "a.wav", &import, err));
    assert_int_equal(reel_import_format(import)->sample_bytes, 2);
    frames = read_all(import, found, 8000);
    reel_import_close(&import);
    close(fd);
    fd = open_file(*state, "decoded", O_RDONLY);
    assert_true(read(fd, other, sizeof other) >= (ssize_t)(2 * frames));
    close(fd);
    assert_true(frames >= 8000);
    assert_memory_equal(found, other, 2 * frames);
}

static void assert_refused(const char *folder, const char *name, const char *field)
{
    struct reel_import *import = NULL;
    struct reel_error error = {0};
    int fd = open_file(folder, name, O_RDONLY);

    assert_int_equal(reel_import_open(fd, name, &import, &error), REEL_E_BAD_REQUEST);
    assert_null(import);
    assert_string_equal(error.field, field);
    assert_non_null(strstr(error.message, name));
    assert_int_equal(close(fd), 0); /* it is still ours */
}

static void test_refused(void **state)
{
    write_file(*state, "text", "this is no audio, and never was", 31);
    assert_refused(*state, "text", "");
    write_file(*state, "empty", "", 0);
    assert_refused(*state, "empty", "");
    shell(*state, "ffmpeg -v error -y -f s16le -ar 8000 -ac 65 -i /dev/zero -t 0.1 "
                  "-c pcm_s16le wide.wav");
    assert_refused(*state, "wide.wav", "metadata.audio.channels");
}

/* That the file cannot be read says nothing of what it holds. */
static void test_unreadable(void **state)
{
    struct reel_error error = {0};
    struct reel_import *import = NULL;
    int fd;

    write_file(*state, "text", "this is no audio, and never was", 31);
    fd = open_file(*state, "text", O_WRONLY);
    assert_int_equal(reel_import_open(fd, "text", &import, &error), REEL_E_STALLED);
    assert_non_null(strstr(error.message, "text"));
    assert_int_equal(close(fd), 0);
}

/* What stands before the break comes, and then the error. */
static void test_breaks_off(void **state)
{
    struct reel_error error = {0};
    struct reel_import *import = NULL;
    uint8_t *out = malloc(2 * 50000);
    uint64_t frames = 0;
    enum reel_code code;
    int fd;

    shell(*state, "ffmpeg -v error -y -f lavfi -i 'anoisesrc=r=16000:d=3' -c flac whole.flac && "
                  "head -c 40000 whole.flac >half.flac");
    fd = open_file(*state, "half.flac", O_RDONLY);
    assert_ok(reel_import_open(fd, "half.flac", &import, err));
    assert_int_equal(reel_import_frames(import), 48000);
    code = reel_import_read(import, out, 50000, &frames, &error);
    assert_int_equal(code, REEL_E_BAD_REQUEST);
    assert_non_null(strstr(error.message, "half.flac"));
    assert_in_range(frames, 1000, 47999);
    reel_import_close(&import);
    close(fd);
    free(out);
}

/* A file that is cut short while it is read. */
static void test_shrinks(void **state)
{
    struct reel_error error = {0};
    struct reel_import *import = NULL;
    uint8_t out[2 * 4000];
    uint64_t frames = 0;
    int fd;

    shell(*state, "ffmpeg -v error -y -f lavfi -i 'anoisesrc=r=8000:d=10' -c pcm_s16le a.wav && "
                  "ffmpeg -v error -y -i a.wav -f s16le samples");
    fd = open_file(*state, "a.wav", O_RDWR);
    assert_ok(reel_import_open(fd, "a.wav", &import, err));
    assert_int_equal(ftruncate(fd, 6000), 0);
    assert_int_equal(reel_import_read(import, out, 4000, &frames, &error), REEL_E_BAD_REQUEST);
    assert_non_null(strstr(error.message, "of 80000 frames"));
    assert_in_range(frames, 2500, 3000);
    reel_import_close(&import);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lossless, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_lossy, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_adpcm, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_unreadable, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_breaks_off, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_shrinks, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
