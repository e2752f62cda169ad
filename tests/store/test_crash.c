/* A crash at every single call that changes the disk, before it and in the middle of it: what was
 * committed is there, whole batches only, and every WAV file opens at any moment. And a power cut
 * at each, which takes from the WAV files what was not synced.
 *
 * The calls are this program's own: the libraries' (SQLite's too) come here first. From the chosen
 * one on nothing reaches the disk any more, as for a process that was killed there. */
#include "store/faults.h"

/* ---- what is recorded, and what of it is there ---- */

enum { BATCHES = 6, NAMES = 6, FRAMES_MAX = 16 * FRAGMENT_FRAMES };

static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f"};

/* Everything that a reader sees. */
struct snapshot {
    bool present[NAMES];
    uint64_t frames[NAMES];
    enum reel_state state[NAMES];
    uint64_t rejects;
    uint8_t audio[NAMES][2 * FRAMES_MAX];
};

/* The same as publish_seq, but the first failure ends it. */
static bool try_publish(struct scene *scene, const char *name, const struct reel_format *format,
                        uint64_t seq)
{
    const struct reel_place_limits limits = {3600, 256 << 20};
    struct reel_numbers numbers = {.has_seq = true,
                                   .has_frame = true,
                                   .seq = seq,
                                   .frame = seq * FRAGMENT_FRAMES,
                                   .frames = FRAGMENT_FRAMES};
    struct reel_segment_cursor cursor = {0};
    struct reel_recording *recording;
    struct reel_placement placement;
    struct reel_segment segment;
    struct reel_entry *entry;
    bool well = true;
    uint8_t *data;
    enum reel_code code = reel_store_get(scene->store, "mic1", name, &entry, NULL);

    if (code == REEL_E_NOT_FOUND)
        code = reel_store_create(scene->store, "mic1", name, format, scene->now_us, &entry, NULL);
    if (code != REEL_OK)
        return false;
    recording = reel_entry_recording(entry);
    data = noise(format, seq, FRAGMENT_FRAMES);
    reel_place(recording, &numbers, &limits, &placement);
    assert_true(reel_place_stores(&placement));
    if (placement.fill_frames > 0)
        well = reel_store_fill(scene->store, entry, recording->frames, placement.fill_frames,
                               NULL) == REEL_OK;
    while (well && reel_place_next_segment(recording, &numbers, &placement, &cursor, &segment))
        well = reel_store_write(scene->store, entry, segment.at_frame,
                                data + segment.offset_frames * reel_format_frame_bytes(format),
                                segment.frames, NULL) == REEL_OK;
    free(data);
    if (!well)
        return false;
    assert_true(reel_place_apply(recording, &numbers, &placement, 0));
    recording->state = REEL_STATE_RECORDING;
    recording->end_reason = REEL_END_NONE;
    reel_store_touch(scene->store, entry, 0);
    return true;
}

static bool try_complete(struct scene *scene, const char *name)
{
    struct reel_entry *entry;

    if (reel_store_get(scene->store, "mic1", name, &entry, NULL) != REEL_OK)
        return false;
    complete(scene, entry);
    return true;
}

static bool try_quarantine(struct scene *scene)
{
    const struct reel_reject reject = {.topic = "t",
                                       .device = "",
                                       .session = "",
                                       .bytes = 3,
                                       .error = {.code = REEL_E_LATE, .message = "late"}};
    uint64_t id;

    return reel_store_quarantine(scene->store, &reject, "abc", &id, NULL) == REEL_OK;
}

/* Batch by batch: new recordings, a gap, one filled, completed, opened again, odd lengths. */
static bool try_batch(struct scene *scene, unsigned batch)
{
    scene->now_us += 6000000; /* headers are due each time */
    switch (batch) {
    case 0:
        return try_publish(scene, "a", &mono16, 0) && try_publish(scene, "a", &mono16, 1) &&
               try_publish(scene, "b", &mono8, 0);
    case 1:
        return try_publish(scene, "a", &mono16, 4) && try_complete(scene, "b") &&
               try_quarantine(scene);
    case 2:
        return try_publish(scene, "a", &mono16, 2) && try_publish(scene, "c", &mono8, 0);
    case 3: /* more files than are synced one by one */
        return try_publish(scene, "b", &mono8, 1) && try_publish(scene, "a", &mono16, 5) &&
               try_complete(scene, "c") && try_publish(scene, "d", &mono8, 0) &&
               try_publish(scene, "e", &mono16, 0) && try_publish(scene, "f", &mono8, 0);
    case 4:
        return try_publish(scene, "a", &mono16, 3) && try_complete(scene, "a") &&
               try_complete(scene, "b");
    default:
        return try_publish(scene, "c", &mono8, 1) && try_quarantine(scene);
    }
}

static void take_snapshot(struct scene *scene, struct snapshot *out)
{
    struct reel_reader_totals totals;
    struct reel_reader *reader;

    memset(out, 0, sizeof *out);
    assert_ok(reel_reader_open(scene->dir, &reader, err));
    assert_ok(reel_reader_totals(reader, &totals, err));
    out->rejects = totals.quarantine_count;
    for (unsigned i = 0; i < NAMES; i++) {
        struct reel_recording recording;
        enum reel_code code = reel_reader_load(reader, "mic1", names[i], &recording, NULL);

        if (code == REEL_E_NOT_FOUND)
            continue;
        assert_int_equal(code, REEL_OK);
        out->present[i] = true;
        out->frames[i] = recording.frames;
        out->state[i] = recording.state;
        assert_true(recording.frames <= FRAMES_MAX);
        assert_ok(reel_reader_audio(reader, &recording, 0, recording.frames, out->audio[i], err));
        reel_recording_finish(&recording);
    }
    reel_reader_close(reader);
}

/* Record until the end or the crash; the number of commits that were told to be durable. */
static unsigned record_batches(struct scene *scene, struct snapshot *after)
{
    unsigned commits = 0;

    for (unsigned batch = 0; batch < BATCHES; batch++) {
        const struct reel_delivery delivery = {(uint16_t)(batch + 1), batch, false};

        if (!try_batch(scene, batch) ||
            reel_store_commit(scene->store, &delivery, 1, scene->now_us, NULL) != REEL_OK)
            return commits;
        commits++;
        if (after)
            take_snapshot(scene, &after[commits]);
    }
    return commits;
}

/* ---- what must hold ---- */

static void assert_opens(const char *path)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);

    if (!file)
        fail_msg("%s does not open after call %llu: %s", path, (unsigned long long)calls.last,
                 sf_strerror(NULL));
    sf_close(file);
}

static void assert_all_files_open(struct scene *scene)
{
    DIR *stream = opendir(scene_path(scene, "recordings/mic1"));
    struct dirent *entry;

    while (stream && (entry = readdir(stream)) != NULL) {
        size_t bytes = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && strcmp(entry->d_name + bytes - 4, ".wav") == 0)
            assert_opens(scene_path(scene, "recordings/mic1/%s", entry->d_name));
    }
    if (stream)
        closedir(stream);
}

/* sox, Python's wave and ffmpeg, which are slower to start: for some of the crashes. */
static void assert_others_open_them(struct scene *scene)
{
    char command[4 * PATH_BYTES];

    snprintf(command, sizeof command,
             "cd %s && for f in recordings/mic1/*.wav; do [ -e \"$f\" ] || continue; "
             "soxi \"$f\" >/dev/null && sox \"$f\" -n stat 2>/dev/null && "
             "/usr/bin/python3 -c 'import sys, wave; "
             "w = wave.open(sys.argv[1]); w.readframes(w.getnframes())' \"$f\" && "
             "ffprobe -v error \"$f\" || exit 1; done",
             scene->dir);
    if (system(command) != 0)
        fail_msg("sox, wave or ffprobe does not open a file after call %llu",
                 (unsigned long long)calls.last);
}

/* After recovery a header is exact. */
static void assert_headers_exact(struct scene *scene, const struct snapshot *found)
{
    for (unsigned i = 0; i < NAMES; i++) {
        const char *path = scene_path(scene, "recordings/mic1/%s.wav", names[i]);
        SF_INFO info = {0};
        SNDFILE *file;

        assert_int_equal(path_exists(path), found->present[i]);
        if (!found->present[i])
            continue;
        file = sf_open(path, SFM_READ, &info);
        assert_non_null(file);
        assert_int_equal(info.frames, found->frames[i]);
        sf_close(file);
    }
}

static bool same(const struct snapshot *a, const struct snapshot *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The deliveries must be those up to the batch that the recordings are at. */
static void assert_deliveries(struct scene *scene, unsigned batch)
{
    const struct reel_delivery *deliveries;
    size_t count;

    reel_store_deliveries(scene->store, &deliveries, &count);
    assert_int_equal(count, batch);
    for (unsigned i = 0; i < batch; i++)
        assert_int_equal(deliveries[i].packet_id, i + 1);
}

/* What is found must be the state after `commits` batches, or after one more. */
static void check(struct scene *scene, const struct snapshot *expected, unsigned commits)
{
    static struct snapshot found;
    bool further;

    take_snapshot(scene, &found);
    further = !same(&found, &expected[commits]);
    if (further && (commits == BATCHES || !same(&found, &expected[commits + 1])))
        fail_msg("after call %llu (%s) and %u commits neither these nor one more are found",
                 (unsigned long long)calls.last, calls.torn ? "torn" : "not made", commits);
    assert_deliveries(scene, commits + further);
    assert_headers_exact(scene, &found);
}

static enum reel_sync_way sync_way; /* of the stores to come */

static void begin(void **state, uint64_t last, bool torn)
{
    struct scene *scene;

    calls.last = 0;
    set_up(state);
    scene = *state;
    scene->config.sync_way = sync_way;
    scene_restart(scene);
    calls.count = 0;
    calls.last = last;
    calls.torn = torn;
}

static void live(void)
{
    calls.last = 0;
}

/* Start again, first with a crash in the recovery itself. */
static void recover(struct scene *scene, uint64_t crash_at)
{
    struct reel_store *store = NULL;
    uint64_t last = calls.last;

    calls.count = 0;
    calls.last = crash_at;
    if (reel_store_open(&scene->config, scene->now_us, &store, NULL, NULL) == REEL_OK)
        reel_store_close(store);
    live();
    assert_all_files_open(scene);
    scene_open(scene);
    calls.last = last;
}

static struct snapshot expected[BATCHES + 1];

enum way { KILLED, TORN, POWER_CUT };

/* The expected state after each batch; returns how many calls all of them make. */
static uint64_t record_undisturbed(void)
{
    uint64_t calls_in_all;
    void *state;

    begin(&state, 0, false);
    memset(&expected[0], 0, sizeof expected[0]);
    assert_int_equal(record_batches(state, expected), BATCHES);
    tear_down(&state);
    begin(&state, 0, false);
    assert_int_equal(record_batches(state, NULL), BATCHES);
    calls_in_all = calls.count;
    tear_down(&state);
    assert_true(calls_in_all > 100);
    return calls_in_all;
}

static void crash_at(uint64_t last, enum way way, struct chance *chance)
{
    struct scene *scene;
    unsigned commits;
    void *state;

    forget_all();
    begin(&state, last, way == TORN);
    scene = state;
    commits = record_batches(scene, NULL);
    scene_crash(scene);
    if (way == POWER_CUT)
        cut_power();
    else
        assert_all_files_open(scene);
    if (way == KILLED && last % 16 == 0)
        assert_others_open_them(scene);
    recover(scene, 1 + chance_below(chance, 60));
    check(scene, expected, commits);
    live();
    tear_down(&state);
}

static void crash_everywhere(enum way way)
{
    uint64_t calls_in_all = record_undisturbed();
    struct chance chance = {7};

    for (uint64_t last = 1; last <= calls_in_all; last++)
        crash_at(last, way, &chance);
    forget_all();
}

static void killed_before_any_call_it_loses_no_commit(void **state)
{
    (void)state;
    crash_everywhere(KILLED);
}

static void killed_within_any_write_it_loses_no_commit(void **state)
{
    (void)state;
    crash_everywhere(TORN);
}

static void with_the_power_cut_it_loses_no_commit(void **state)
{
    (void)state;
    crash_everywhere(POWER_CUT);
}

/* Where syncfs promises nothing, each file is synced by itself. */
static void with_the_power_cut_on_a_strange_file_system_too(void **state)
{
    (void)state;
    calls.strange = true;
    crash_everywhere(POWER_CUT);
    calls.strange = false;
}

/* Where one syncfs takes the place of every single sync. */
static void with_the_power_cut_and_nothing_but_syncfs_too(void **state)
{
    (void)state;
    sync_way = REEL_SYNC_FILE_SYSTEM;
    crash_everywhere(POWER_CUT);
    sync_way = REEL_SYNC_AUTO;
}

/* Invariant 6: when one call fails, the batch is lost, though all later ones would do. After the
 * catalog's commit it cannot be lost any more: then it is there, and the next one fails. */
static bool fail_one_call(uint64_t which)
{
    const struct reel_delivery delivery = {1, 1, false};
    struct scene *scene;
    enum reel_code code;
    void *state;
    bool called;

    begin(&state, 0, false);
    scene = state;
    /* The log's first sync is followed by one whose failure SQLite does not mind, nor need. */
    assert_ok(reel_store_commit(scene->store, &delivery, 1, scene->now_us, err));
    assert_true(try_batch(scene, 0));
    calls.count = 0;
    calls.last = which;
    calls.once = true;
    code = reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL);
    called = calls.count >= which;
    calls.once = false;
    live();
    if (called) {
        assert_int_not_equal(reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL),
                             REEL_OK);
        scene_restart(scene);
        assert_int_equal(scene->report.recordings, code == REEL_OK ? 2 : 0);
    }
    tear_down(&state);
    return called;
}

static void a_failed_call_fails_the_batch_for_good(void **state)
{
    (void)state;
    for (sync_way = REEL_SYNC_AUTO; sync_way <= REEL_SYNC_FILE_SYSTEM; sync_way++) {
        uint64_t which = 1;

        while (fail_one_call(which))
            which++;
        assert_true(which > 10);
    }
    sync_way = REEL_SYNC_AUTO;
    forget_all();
}

/* SQLite syncs the folder of a new log by fdatasync, and goes on when that fails: the commit would
 * be acknowledged, and the log's name be gone after a power cut. */
static void the_name_of_the_log_is_synced_before_anything_is_committed(void **state)
{
    struct scene *scene = *state;

    assert_true(calls.log_named);
    scene_crash(scene);
    assert_false(path_exists(scene_path(scene, "catalog.db-wal")));
    calls.log_named = false;
    scene_open(scene);
    assert_true(calls.log_named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_before_any_call_it_loses_no_commit),
        cmocka_unit_test(killed_within_any_write_it_loses_no_commit),
        cmocka_unit_test(with_the_power_cut_it_loses_no_commit),
        cmocka_unit_test(with_the_power_cut_on_a_strange_file_system_too),
        cmocka_unit_test(with_the_power_cut_and_nothing_but_syncfs_too),
        cmocka_unit_test(a_failed_call_fails_the_batch_for_good),
        cmocka_unit_test_setup_teardown(the_name_of_the_log_is_synced_before_anything_is_committed,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
