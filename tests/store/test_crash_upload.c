/* A crash at every single call while an upload takes a recording's place, before it and in the
 * middle of it, and a power cut at each: there is always one whole recording of that name, the old
 * or the new one, and what was taken in ends as the new one. */
#include "store/faults.h"

#include "store/upload_scene.h"

enum { OLD_FRAMES = 2 * FRAGMENT_FRAMES, NEW_FRAMES = 1001, NEW_SEED = 77 };

/* How far it came, as told. */
enum reached { REACHED_NOTHING, REACHED_SPOOL, REACHED_INSTALLED, REACHED_END };

/* The old one's sidecar becomes younger than what was made of the upload. */
static bool note_something(struct scene *scene)
{
    struct reel_entry *entry;

    if (reel_store_get(scene->store, "mic1", "s1", &entry, NULL) != REEL_OK)
        return false;
    json_decref(reel_entry_recording(entry)->tags);
    reel_entry_recording(entry)->tags = json_pack("{s:s}", "site", "cellar");
    reel_store_touch_said(scene->store, entry);
    return reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) == REEL_OK;
}

/* Where a failed step leaves it. */
static enum reached go_on(struct scene *scene, bool spooled)
{
    struct reel_conversion made;
    struct reel_upload *upload;

    upload = reel_store_upload_next(scene->store, NULL);
    if (upload) {
        convert(scene, upload, &made);
        if (made.code != REEL_OK || !note_something(scene) ||
            try_install(scene, upload, &made) != REEL_OK ||
            reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) != REEL_OK)
            return spooled ? REACHED_SPOOL : REACHED_NOTHING;
    }
    if (reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) != REEL_OK)
        return REACHED_INSTALLED;
    throw_away(scene);
    return REACHED_END;
}

static enum reached upload_over(struct scene *scene, const uint8_t *file, size_t bytes)
{
    if (try_spool(scene, "s1", true, file, bytes) != REEL_OK ||
        reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) != REEL_OK)
        return REACHED_NOTHING;
    return go_on(scene, true);
}

static void assert_audio(struct scene *scene, const struct reel_recording *recording,
                         uint64_t seed_of_first, uint64_t frames, uint64_t frames_a_seed)
{
    uint64_t frame_bytes = reel_format_frame_bytes(&recording->format);
    uint8_t *found = malloc(frames * frame_bytes + 1);
    struct reel_reader *reader;

    assert_non_null(found);
    assert_int_equal(recording->frames, frames);
    assert_ok(reel_reader_open(scene->dir, &reader, err));
    assert_ok(reel_reader_audio(reader, recording, 0, frames, found, err));
    reel_reader_close(reader);
    for (uint64_t at = 0; at < frames; at += frames_a_seed) {
        uint8_t *wanted = noise(&recording->format, seed_of_first++, frames_a_seed);

        assert_memory_equal(found + at * frame_bytes, wanted, frames_a_seed * frame_bytes);
        free(wanted);
    }
    free(found);
}

static void assert_sidecar_is_of(struct scene *scene, const struct reel_recording *recording)
{
    char id[32];
    json_t *document = json_load_file(scene_path(scene, "recordings/mic1/s1.json"), 0, NULL);

    snprintf(id, sizeof id, "%016llx", (unsigned long long)recording->id);
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(document, "id")), id);
    json_decref(document);
}

/* The recording of that name is one of the two, whole; returns whether it is the new one. */
static bool is_new(struct scene *scene)
{
    struct reel_recording found;
    bool is;

    scene_load(scene, "mic1", "s1", &found);
    is = found.end_reason == REEL_END_UPLOAD;
    if (is)
        assert_audio(scene, &found, NEW_SEED, NEW_FRAMES, NEW_FRAMES);
    else
        assert_audio(scene, &found, 0, OLD_FRAMES, FRAGMENT_FRAMES);
    assert_sidecar_is_of(scene, &found);
    assert_int_equal(sndfile_frames(scene_path(scene, "recordings/mic1/s1.wav")), found.frames);
    reel_recording_finish(&found);
    return is;
}

static void check(struct scene *scene, enum reached reached)
{
    bool has_new = is_new(scene);
    bool has_upload = reel_store_upload_next(scene->store, NULL) != NULL;

    if (reached >= REACHED_INSTALLED)
        assert_true(has_new);
    if (reached == REACHED_SPOOL)
        assert_true(has_new || has_upload);
    assert_false(has_new && has_upload);
    assert_int_equal(go_on(scene, true), REACHED_END);
    assert_int_equal(is_new(scene), has_new || has_upload);
    scene_restart(scene);
    assert_int_equal(is_new(scene), has_new || has_upload);
    assert_int_equal(files_in(scene, "uploads", ".part"), 0);
    assert_int_equal(files_in(scene, "recordings/mic1", ".tmp"), 0);
    assert_int_equal(recovered(scene, "mic1", ""), 0);
}

enum way { KILLED, TORN, POWER_CUT };

static uint64_t crash_at(uint64_t last, enum way way, const uint8_t *file, size_t bytes)
{
    struct reel_entry *entry;
    enum reached reached;
    struct scene *scene;
    uint64_t made;
    void *state;

    forget_all();
    calls.last = 0;
    set_up(&state);
    scene = state;
    entry = record(scene, 2);
    complete(scene, entry);
    scene_commit(scene);
    calls.count = 0;
    calls.last = last;
    calls.torn = way == TORN;
    reached = upload_over(scene, file, bytes);
    made = calls.count;
    scene_crash(scene);
    calls.last = 0;
    if (way == POWER_CUT)
        cut_power();
    /* And once more in the recovery. */
    calls.count = 0;
    calls.last = 1 + last % 40;
    if (reel_store_open(&scene->config, scene->now_us, &scene->store, NULL, NULL) == REEL_OK)
        scene_crash(scene);
    calls.last = 0;
    scene->store = NULL;
    scene_open(scene);
    check(scene, reached);
    tear_down(&state);
    return made;
}

static void crash_everywhere(enum way way)
{
    size_t bytes;
    uint8_t *file = wav_of(&mono16, NEW_SEED, NEW_FRAMES, &bytes);
    uint64_t calls_in_all = crash_at(UINT64_MAX, way, file, bytes);

    assert_true(calls_in_all > 20);
    for (uint64_t last = 1; last <= calls_in_all; last++)
        crash_at(last, way, file, bytes);
    forget_all();
    free(file);
}

static void killed_before_any_call(void **state)
{
    (void)state;
    crash_everywhere(KILLED);
}

static void killed_within_any_write(void **state)
{
    (void)state;
    crash_everywhere(TORN);
}

static void with_the_power_cut(void **state)
{
    (void)state;
    crash_everywhere(POWER_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_before_any_call),
        cmocka_unit_test(killed_within_any_write),
        cmocka_unit_test(with_the_power_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
