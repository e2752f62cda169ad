/* Scene: a store in a folder of its own, and fragments that come in as ingest would take them. */
#ifndef REEL_TESTS_STORE_SCENE_H
#define REEL_TESTS_STORE_SCENE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/place.h"
#include "core/wav_header.h"
#include "store/fixture.h"
#include "store/reader.h"
#include "store/store.h"

#define SCENE_NOW_US INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */

enum { SCENE_BATCH_BYTES = 64 * 1024, SCENE_HELD_BYTES = 1 << 20, FRAGMENT_FRAMES = 320 };

static const struct reel_format mono16 = {16000, 1, 2, REEL_PCM};
static const struct reel_format mono8 = {8000, 1, 1, REEL_PCM};

struct scene {
    char *dir;
    struct reel_store_config config;
    struct reel_store *store;
    struct reel_store_report report;
    int64_t now_us;
};

static inline void scene_open(struct scene *scene)
{
    struct reel_error error = {0};

    if (reel_store_open(&scene->config, scene->now_us, &scene->store, &scene->report, &error) !=
        REEL_OK)
        fail_msg("reel_store_open: %s", error.message);
}

/* As a killed process leaves it: without a commit. */
static inline void scene_crash(struct scene *scene)
{
    reel_store_close(scene->store);
    scene->store = NULL;
}

static inline void scene_restart(struct scene *scene)
{
    scene_crash(scene);
    scene->now_us += 1000000;
    scene_open(scene);
}

static inline int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    void *folder;

    assert_int_equal(make_folder(&folder), 0);
    scene->dir = folder;
    scene->config.dir = scene->dir;
    scene->config.quarantine_max_bytes = 1 << 20;
    scene->config.batch_max_bytes = SCENE_BATCH_BYTES;
    scene->config.held_max_bytes = SCENE_HELD_BYTES;
    scene->now_us = SCENE_NOW_US;
    scene_open(scene);
    *state = scene;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *scene = *state;
    void *folder = scene->dir;

    scene_crash(scene);
    free(scene);
    return remove_folder(&folder);
}

/* A second passes with each commit. */
static inline void scene_commit(struct scene *scene)
{
    struct reel_error error = {0};

    scene->now_us += 1000000;
    if (reel_store_commit(scene->store, NULL, 0, scene->now_us, &error) != REEL_OK)
        fail_msg("reel_store_commit: %s", error.message);
}

/* Frames of noise that depends on `seed` alone; freed by the caller. */
static inline uint8_t *noise(const struct reel_format *format, uint64_t seed, uint64_t frames)
{
    size_t bytes = frames * reel_format_frame_bytes(format);
    uint8_t *out = malloc(bytes + 1);
    struct chance chance = {seed};

    assert_non_null(out);
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(chance_u64(&chance) | 1); /* never silence */
    return out;
}

static inline struct reel_entry *scene_create(struct scene *scene, const char *device,
                                              const char *session, const struct reel_format *format)
{
    struct reel_error error = {0};
    struct reel_entry *entry;

    if (reel_store_create(scene->store, device, session, format, scene->now_us, &entry, &error) !=
        REEL_OK)
        fail_msg("reel_store_create: %s", error.message);
    return entry;
}

static inline struct reel_entry *scene_get(struct scene *scene, const char *device,
                                           const char *session)
{
    struct reel_error error = {0};
    struct reel_entry *entry;

    if (reel_store_get(scene->store, device, session, &entry, &error) != REEL_OK)
        fail_msg("reel_store_get %s/%s: %s", device, session, error.message);
    return entry;
}

static inline bool scene_has(struct scene *scene, const char *device, const char *session)
{
    struct reel_entry *entry;
    enum reel_code code = reel_store_get(scene->store, device, session, &entry, NULL);

    assert_true(code == REEL_OK || code == REEL_E_NOT_FOUND);
    return code == REEL_OK;
}

static inline void write_parts(struct scene *scene, struct reel_entry *entry,
                               const struct reel_numbers *numbers,
                               const struct reel_placement *placement, const uint8_t *data)
{
    struct reel_recording *recording = reel_entry_recording(entry);
    uint32_t frame_bytes = reel_format_frame_bytes(&recording->format);
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;

    if (placement->fill_frames > 0)
        assert_int_equal(
            reel_store_fill(scene->store, entry, recording->frames, placement->fill_frames, NULL),
            REEL_OK);
    while (reel_place_next_segment(recording, numbers, placement, &cursor, &segment)) {
        if (!segment.stored)
            assert_int_equal(reel_store_write(scene->store, entry, segment.at_frame,
                                              data + (size_t)segment.offset_frames * frame_bytes,
                                              segment.frames, NULL),
                             REEL_OK);
    }
}

/* One fragment of noise(seed), placed by its numbers, which must be storable. */
static inline void publish(struct scene *scene, struct reel_entry *entry,
                           const struct reel_numbers *numbers, uint64_t seed)
{
    const struct reel_place_limits limits = {3600, 256 << 20};
    struct reel_recording *recording = reel_entry_recording(entry);
    uint8_t *data = noise(&recording->format, seed, numbers->frames);
    struct reel_placement placement;

    reel_place(recording, numbers, &limits, &placement);
    assert_true(reel_place_stores(&placement));
    write_parts(scene, entry, numbers, &placement, data);
    assert_true(reel_place_apply(recording, numbers, &placement, 0));
    if (recording->state == REEL_STATE_COMPLETE) {
        recording->state = REEL_STATE_RECORDING;
        recording->end_reason = REEL_END_NONE;
    }
    recording->updated_us = scene->now_us;
    reel_store_touch(scene->store, entry, scene->now_us);
    free(data);
}

/* The fragment of that number, of FRAGMENT_FRAMES, its noise of the same seed. */
static inline void publish_seq(struct scene *scene, struct reel_entry *entry, uint64_t seq)
{
    struct reel_numbers numbers = {.has_seq = true,
                                   .has_frame = true,
                                   .seq = seq,
                                   .frame = seq * FRAGMENT_FRAMES,
                                   .frames = FRAGMENT_FRAMES};

    publish(scene, entry, &numbers, seq);
}

/* A fragment without numbers. */
static inline void publish_plain(struct scene *scene, struct reel_entry *entry, uint64_t seed,
                                 uint32_t frames)
{
    struct reel_numbers numbers = {.frames = frames};

    publish(scene, entry, &numbers, seed);
}

static inline void complete(struct scene *scene, struct reel_entry *entry)
{
    reel_recording_complete(reel_entry_recording(entry), REEL_END_END, scene->now_us);
    reel_store_touch(scene->store, entry, scene->now_us);
}

/* A path below store.dir, in one of a few buffers that are used again. */
static inline const char *scene_path(const struct scene *scene, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline const char *scene_path(const struct scene *scene, const char *format, ...)
{
    static char paths[8][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 8];
    va_list args;
    int used = snprintf(path, PATH_BYTES, "%s/", scene->dir);

    va_start(args, format);
    vsnprintf(path + used, PATH_BYTES - (size_t)used, format, args);
    va_end(args);
    return path;
}

static inline bool path_exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

static inline uint64_t path_bytes(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return (uint64_t)status.st_size;
}

/* The whole file, freed by the caller. */
static inline uint8_t *path_read(const char *path, size_t *bytes_out)
{
    size_t bytes = path_bytes(path);
    uint8_t *data = malloc(bytes + 1);
    FILE *file = fopen(path, "rb");

    assert_non_null(data);
    assert_non_null(file);
    assert_int_equal(fread(data, 1, bytes, file), bytes);
    fclose(file);
    data[bytes] = 0;
    *bytes_out = bytes;
    return data;
}

static inline void path_write_at(const char *path, uint64_t offset, const void *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, bytes, (off_t)offset), bytes);
    close(fd);
}

static inline void path_append(const char *path, const void *data, size_t bytes)
{
    path_write_at(path, path_bytes(path), data, bytes);
}

static inline void path_copy(const char *from, const char *to)
{
    size_t bytes;
    uint8_t *data = path_read(from, &bytes);

    path_write_at(to, 0, data, bytes);
    free(data);
}

/* Frames that libsndfile finds; -1 where it does not open. */
static inline int64_t sndfile_frames(const char *path)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);

    if (!file)
        return -1;
    sf_close(file);
    return info.frames;
}

/* Files below recovered/{folder} whose names end so. */
static inline unsigned recovered(struct scene *scene, const char *folder, const char *suffix)
{
    DIR *stream = opendir(scene_path(scene, "recovered/%s", folder));
    struct dirent *entry;
    unsigned count = 0;

    while (stream && (entry = readdir(stream)) != NULL) {
        size_t bytes = strlen(entry->d_name);

        count +=
            bytes > strlen(suffix) && strcmp(entry->d_name + bytes - strlen(suffix), suffix) == 0;
    }
    if (stream)
        closedir(stream);
    return count;
}

/* The path of the only such file. */
static inline const char *recovered_path(struct scene *scene, const char *folder,
                                         const char *suffix)
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

static inline unsigned index_lines(struct scene *scene)
{
    size_t bytes;
    uint8_t *text = path_read(scene_path(scene, "recovered/index.jsonl"), &bytes);
    unsigned lines = 0;

    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

/* The committed recording, as a reader sees it; finished by the caller. */
static inline void scene_load(struct scene *scene, const char *device, const char *session,
                              struct reel_recording *recording_out)
{
    struct reel_error error = {0};
    struct reel_reader *reader;

    assert_int_equal(reel_reader_open(scene->dir, &reader, NULL), REEL_OK);
    if (reel_reader_load(reader, device, session, recording_out, &error) != REEL_OK)
        fail_msg("reel_reader_load %s/%s: %s", device, session, error.message);
    reel_reader_close(reader);
}

/* All committed frames, as a reader sees them; freed by the caller. */
static inline uint8_t *scene_audio(struct scene *scene, const char *device, const char *session,
                                   uint64_t *frames_out)
{
    struct reel_recording recording;
    struct reel_reader *reader;
    uint8_t *audio;

    scene_load(scene, device, session, &recording);
    audio = malloc(recording.frames * reel_format_frame_bytes(&recording.format) + 1);
    assert_non_null(audio);
    assert_int_equal(reel_reader_open(scene->dir, &reader, NULL), REEL_OK);
    assert_int_equal(reel_reader_audio(reader, &recording, 0, recording.frames, audio, NULL),
                     REEL_OK);
    reel_reader_close(reader);
    *frames_out = recording.frames;
    reel_recording_finish(&recording);
    return audio;
}

/* That the frames of fragment `seq` stand at its place. */
static inline void assert_fragment(const uint8_t *audio, const struct reel_format *format,
                                   uint64_t place, uint64_t seed)
{
    size_t bytes = (size_t)FRAGMENT_FRAMES * reel_format_frame_bytes(format);
    uint8_t *expected = noise(format, seed, FRAGMENT_FRAMES);

    assert_memory_equal(audio + place * bytes, expected, bytes);
    free(expected);
}

static inline void assert_silent(const uint8_t *audio, const struct reel_format *format,
                                 uint64_t place)
{
    size_t bytes = (size_t)FRAGMENT_FRAMES * reel_format_frame_bytes(format);

    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(audio[place * bytes + i], reel_format_silence_byte(format));
}

/* A recording mic1/s1 of `count` fragments, committed one by one. */
static inline struct reel_entry *record(struct scene *scene, uint64_t count)
{
    struct reel_entry *entry = scene_create(scene, "mic1", "s1", &mono16);

    for (uint64_t seq = 0; seq < count; seq++) {
        publish_seq(scene, entry, seq);
        scene_commit(scene);
    }
    return entry;
}

/* That the first `count` fragments of mic1/s1 read as they were published. */
static inline void assert_fragments(struct scene *scene, uint64_t count)
{
    uint64_t frames;
    uint8_t *audio = scene_audio(scene, "mic1", "s1", &frames);

    assert_true(frames >= count * FRAGMENT_FRAMES);
    for (uint64_t seq = 0; seq < count; seq++)
        assert_fragment(audio, &mono16, seq, seq);
    free(audio);
}

#endif
