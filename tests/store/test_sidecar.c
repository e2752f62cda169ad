/* Sidecars: what they say, that it comes back, and what is refused. */
#include "store/scene.h"
#include "store/sidecar.h"

static void random_recordings_come_back(void **state)
{
    struct chance chance = {20260102};

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct reel_recording recording;
        struct reel_recording decoded;
        bool plain_growth;
        size_t bytes;
        char *text;

        chance_recording(&chance, "mic1", "s1", &recording);
        memset(&recording.candidate, 0, sizeof recording.candidate); /* is not in it */
        if (recording.gap_frames > recording.frames)
            recording.gap_frames = recording.frames;
        text = reel_sidecar_encode(&recording, &bytes);
        assert_non_null(text);
        assert_ok(reel_sidecar_decode(text, bytes, &decoded, &plain_growth, err));
        assert_same_recording(&recording, &decoded);
        assert_true(plain_growth);
        assert_int_equal(decoded.stretches_dirty_from, 0);
        for (size_t j = 0; j < decoded.stretches_count; j++)
            assert_int_equal(decoded.stretches[j].runs_dirty_from, 0);
        free(text);
        reel_recording_finish(&recording);
        reel_recording_finish(&decoded);
    }
}

/* One that is written out here, so that a later version still reads it. */
static const char written[] =
    "{\"reel_sidecar\":1,\"id\":\"00000000000000ab\",\"device\":\"mic1\",\"session\":\"s1\","
    "\"channels\":1,\"rate\":16000,\"sample_size\":2,\"encoding\":\"pcm\",\"state\":\"complete\","
    "\"end_reason\":\"idle\",\"kept\":true,\"plain_growth\":true,\"sha256\":\"\","
    "\"tags\":{\"site\":\"roof\"},\"frames\":960,\"rewrites\":1,\"started_us\":5,"
    "\"updated_us\":6,\"captured_us\":[7,8],\"fragments\":2,\"duplicates\":0,\"rejected\":0,"
    "\"gap_frames\":320,\"boot\":\"7\",\"boot_is_uint\":true,\"next_seq\":3,\"stretches\":["
    "{\"epoch\":0,\"reason\":\"first\",\"boot\":\"7\",\"boot_is_uint\":true,\"first_seq\":0,"
    "\"first_frame\":null,\"runs\":[[\"stored\",320,1,320],[\"gap-inferred\",320,1,320],"
    "[\"stored\",320,1,320]]}]}";

static enum reel_code decode(const char *text, struct reel_error *error)
{
    struct reel_recording recording;
    bool plain_growth;
    enum reel_code code;

    memset(error, 0, sizeof *error);
    code = reel_sidecar_decode(text, strlen(text), &recording, &plain_growth, error);
    if (code == REEL_OK)
        reel_recording_finish(&recording);
    return code;
}

static void version_1_is_read(void **state)
{
    struct reel_recording recording;
    const struct reel_run *runs;
    bool plain_growth;

    (void)state;
    assert_ok(reel_sidecar_decode(written, strlen(written), &recording, &plain_growth, err));
    assert_int_equal(recording.id, 0xab);
    assert_string_equal(recording.device, "mic1");
    assert_int_equal(recording.end_reason, REEL_END_IDLE);
    assert_true(recording.kept);
    assert_int_equal(recording.captured_to_us, 8);
    assert_string_equal(json_string_value(json_object_get(recording.tags, "site")), "roof");
    assert_int_equal(recording.next_seq, 3);
    assert_int_equal(recording.stretches_count, 1);
    assert_false(recording.stretches[0].has_frame);
    assert_int_equal(recording.stretches[0].seqs, 3);
    runs = recording.stretches[0].runs;
    assert_int_equal(runs[1].kind, REEL_RUN_GAP_INFERRED);
    assert_int_equal(runs[2].fragment_frames, 320);
    reel_recording_finish(&recording);
}

/* `written` with one part replaced. */
static void assert_refused(const char *part, const char *by, const char *field)
{
    const char *at = strstr(written, part);
    struct reel_error error;
    char text[sizeof written + 64];

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - written), written, by, at + strlen(part));
    assert_int_equal(decode(text, &error), REEL_E_BAD_REQUEST);
    assert_string_equal(error.field, field);
}

static void each_field_is_checked(void **state)
{
    struct reel_error error;

    (void)state;
    assert_int_equal(decode(written, &error), REEL_OK);
    assert_refused("\"reel_sidecar\":1", "\"reel_sidecar\":2", "reel_sidecar");
    assert_refused("00000000000000ab", "0000000000000xab", "id");
    assert_refused("\"mic1\"", "\"../x\"", "session");
    assert_refused("\"s1\"", "\"-s1\"", "session");
    assert_refused("\"s1\"", "1", "session");
    assert_refused("\"rate\":16000", "\"rate\":0", "metadata.audio.rate");
    assert_refused("\"rate\":16000", "\"rate\":1e3", "format");
    assert_refused("\"pcm\"", "\"mp3\"", "encoding");
    assert_refused("\"complete\"", "\"done\"", "state");
    assert_refused("\"idle\"", "\"bored\"", "state");
    assert_refused("\"kept\":true", "\"kept\":1", "kept");
    assert_refused("\"plain_growth\":true,", "", "plain_growth");
    assert_refused("{\"site\":\"roof\"}", "[]", "tags");
    assert_refused("\"rewrites\":1", "\"rewrites\":-1", "frames");
    assert_refused("\"gap_frames\":320", "\"gap_frames\":961", "frames");
    assert_refused("\"started_us\":5", "\"started_us\":\"5\"", "started_us");
    assert_refused("[7,8]", "[7]", "captured_us");
    assert_refused("\"next_seq\":3", "\"next_seq\":4611686018427387905", "next_seq");
    assert_refused("\"frames\":960", "\"frames\":959", "stretches");
    assert_refused("\"first\"", "\"last\"", "stretches");
    assert_refused("[\"stored\",320,1,320],", "[\"stored\",320,1],", "stretches");
    assert_refused("[\"stored\",320,1,320],", "[\"silent\",320,1,320],", "stretches");
    assert_refused("[\"stored\",320,1,320],", "[\"stored\",4611686018427387904,1,320],",
                   "stretches");
}

static void every_truncation_is_refused(void **state)
{
    struct reel_recording recording;
    struct reel_error error;
    bool plain_growth;

    (void)state;
    for (size_t bytes = 0; bytes + 1 < sizeof written; bytes++)
        assert_int_equal(reel_sidecar_decode(written, bytes, &recording, &plain_growth, &error),
                         REEL_E_BAD_REQUEST);
}

/* The recording that tests of growth begin with: one stretch, one run. */
static void grow(struct reel_recording *recording, uint64_t seq)
{
    const struct reel_place_limits limits = {3600, 256 << 20};
    struct reel_numbers numbers = {.has_seq = true,
                                   .has_frame = true,
                                   .seq = seq,
                                   .frame = seq * FRAGMENT_FRAMES,
                                   .frames = FRAGMENT_FRAMES};
    struct reel_placement placement;

    reel_place(recording, &numbers, &limits, &placement);
    assert_true(reel_place_apply(recording, &numbers, &placement, 0));
}

static void growth_leaves_the_mark_and_all_else_changes_it(void **state)
{
    struct reel_recording recording;
    uint64_t first;
    uint64_t last;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &mono16, 0);
    grow(&recording, 0);
    first = reel_sidecar_mark(&recording).digest;
    grow(&recording, 1);
    assert_true(reel_sidecar_mark(&recording).digest == first);

#define assert_changes(change)                                                                     \
    do {                                                                                           \
        last = reel_sidecar_mark(&recording).digest;                                               \
        change;                                                                                    \
        assert_true(reel_sidecar_mark(&recording).digest != last);                                 \
    } while (0)
    assert_changes(grow(&recording, 5)); /* a gap */
    assert_changes(grow(&recording, 3)); /* in the gap */
    assert_changes(recording.kept = true);
    assert_changes(recording.tags = json_pack("{s:s}", "site", "roof"));
    assert_changes(json_object_set_new(recording.tags, "site", json_string("cellar")));
    assert_changes(reel_recording_complete(&recording, REEL_END_IDLE, 0));
    assert_changes(recording.end_reason = REEL_END_LIMIT);
    assert_changes(memset(recording.sha256, 'a', 64));
    assert_changes(recording.rewrites++);
    reel_recording_finish(&recording);
}

static void many_runs_are_no_plain_growth(void **state)
{
    struct reel_recording recording;
    struct reel_stretch *stretch;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &mono16, 0);
    stretch = reel_recording_add_stretch(&recording);
    for (unsigned i = 0; i < REEL_SIDECAR_RUNS_PROMPT; i++)
        assert_non_null(reel_stretch_add_run(stretch));
    assert_true(reel_sidecar_mark(&recording).plain_growth);
    assert_non_null(reel_stretch_add_run(stretch));
    assert_false(reel_sidecar_mark(&recording).plain_growth);
    reel_recording_finish(&recording);
}

/* Few, synced one by one, and many, with one sync; a second time over the first. */
static void files_are_put_in_place(void **state)
{
    enum { FILES = 12 };
    struct scene *scene = *state;
    struct reel_sidecars *sidecars;
    struct reel_recording recording;
    bool plain_growth;

    assert_int_equal(mkdir(scene_path(scene, "recordings/mic1"), 0755), 0);
    assert_ok(reel_sidecars_create(scene->dir, NULL, &sidecars, err));
    for (unsigned count = 2; count <= FILES; count += 10) {
        for (unsigned i = 0; i < count; i++) {
            char session[8];

            snprintf(session, sizeof session, "s%u", i);
            reel_recording_init(&recording, "mic1", session, &mono16, 0);
            recording.id = 100 * count + i;
            assert_ok(reel_sidecars_write(sidecars, &recording, err));
        }
        assert_false(path_exists(scene_path(scene, "recordings/mic1/s%u.json", count - 1)));
        assert_ok(reel_sidecars_flush(sidecars, err));
        for (unsigned i = 0; i < count; i++) {
            char session[8];

            snprintf(session, sizeof session, "s%u", i);
            assert_ok(
                reel_sidecars_read(sidecars, "mic1", session, &recording, &plain_growth, err));
            assert_int_equal(recording.id, 100 * count + i);
            assert_false(path_exists(scene_path(scene, "recordings/mic1/.s%u.json.tmp", i)));
        }
    }
    assert_int_equal(reel_sidecars_read(sidecars, "mic1", "none", &recording, &plain_growth, NULL),
                     REEL_E_NOT_FOUND);
    path_copy(scene_path(scene, "recordings/mic1/s0.json"),
              scene_path(scene, "recordings/mic1/copy.json"));
    assert_int_equal(reel_sidecars_read(sidecars, "mic1", "copy", &recording, &plain_growth, NULL),
                     REEL_E_BAD_REQUEST);
    reel_sidecars_destroy(&sidecars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_recordings_come_back),
        cmocka_unit_test(version_1_is_read),
        cmocka_unit_test(each_field_is_checked),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(growth_leaves_the_mark_and_all_else_changes_it),
        cmocka_unit_test(many_runs_are_no_plain_growth),
        cmocka_unit_test_setup_teardown(files_are_put_in_place, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
