/* Verification: each damage, done once, is told as what it is, and nothing else is. */
#include "store/verify_told.h"

static void file_missing(void **state)
{
    assert_int_equal(unlink(wav(*state, "mic1/done")), 0);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_FILE_MISSING);
}

static void file_is_a_folder_a_link_or_a_fifo(void **state)
{
    const char *path = wav(*state, "mic2/open");

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_FILE_UNREADABLE);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(wav(*state, "mic1/done"), path), 0);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_FILE_UNREADABLE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_FILE_UNREADABLE);
}

static void header_damaged(void **state)
{
    flip(wav(*state, "mic1/done"), 0);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_HEADER);
}

static void header_cut(void **state)
{
    assert_int_equal(truncate(wav(*state, "mic1/done"), REEL_WAV_DATA_OFFSET - 1), 0);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_HEADER);
}

static void file_of_another(void **state)
{
    struct reel_recording recording;
    char id[17], other[17];

    scene_load(*state, "mic2", "open", &recording);
    snprintf(id, sizeof id, "%016llx", (unsigned long long)recording.id);
    snprintf(other, sizeof other, "%016llx", (unsigned long long)~recording.id);
    edit(wav(*state, "mic2/open"), id, other);
    reel_recording_finish(&recording);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_ID);
}

static void file_of_another_name(void **state)
{
    edit(wav(*state, "mic2/open"), "mic2/open", "mic2/oven");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_ID);
}

static void another_rate(void **state)
{
    edit(wav(*state, "mic2/open"), "\x80\x3e", "\x40\x1f"); /* 16000, 8000 */
    assert_differs(*state, "mic2/open", REEL_DIFFERS_FORMAT);
}

static void sizes_of_a_complete_one(void **state)
{
    flip(wav(*state, "mic2/new"), REEL_WAV_DATA_OFFSET - 4);
    assert_differs(*state, "mic2/new", REEL_DIFFERS_SIZES);
}

static void an_open_one_declares_what_is_not_there(void **state)
{
    static const uint8_t size[4] = {0x01, 0x00, 0x01, 0x00};

    path_write_at(wav(*state, "mic2/open"), REEL_WAV_DATA_OFFSET - 4, size, sizeof size);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_SIZES);
}

static void short_by_a_byte(void **state)
{
    cut(wav(*state, "mic2/open"), 1);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_SHORT);
}

static void pad_byte_missing(void **state)
{
    cut(wav(*state, "mic2/new"), 1);
    assert_differs(*state, "mic2/new", REEL_DIFFERS_SHORT);
}

static void long_by_a_byte(void **state)
{
    path_append(wav(*state, "mic2/new"), "x", 1);
    assert_differs(*state, "mic2/new", REEL_DIFFERS_LONG);
}

static void one_bit_of_audio(void **state)
{
    flip(wav(*state, "mic1/done"), REEL_WAV_DATA_OFFSET + 100);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_SHA256);
}

#define OF(session) "recording = (SELECT recording FROM recording WHERE session = '" session "')"

static void rows_that_contradict_each_other(void **state)
{
    query(*state, "UPDATE run SET frames = frames + 1 WHERE " OF("open") " AND position = 2");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
    query(*state, "UPDATE run SET frames = frames - 1 WHERE " OF("open") " AND position = 2");
    assert_well(*state);
    query(*state, "UPDATE stretch SET start_frames = 5 WHERE " OF("open"));
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
    query(*state, "UPDATE stretch SET start_frames = 0 WHERE " OF("open"));
    query(*state, "UPDATE recording SET gap_frames = 639 WHERE session = 'open'");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
    query(*state, "UPDATE recording SET gap_frames = 1601 WHERE session = 'open'");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
}

static void more_frames_than_a_file_holds(void **state)
{
    query(*state, "UPDATE recording SET frames = 4611686018427387904 WHERE session = 'open'");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
}

static void a_row_that_cannot_be(void **state)
{
    query(*state, "UPDATE run SET position = 9 WHERE " OF("open") " AND position = 2");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_CATALOG);
}

static void row_missing(void **state)
{
    query(*state, "DELETE FROM recording WHERE session = 'done'");
    assert_differs(*state, "mic1/done", REEL_DIFFERS_NO_ROW);
}

static void files_without_a_row(void **state)
{
    struct scene *scene = *state;

    path_write_at(json(scene, "mic1/none"), 0, "{}", 2);
    assert_differs(scene, "mic1/none", REEL_DIFFERS_NO_ROW);
    path_copy(wav(scene, "mic1/done"), wav(scene, "mic1/none"));
    assert_differs(scene, "mic1/none", REEL_DIFFERS_NO_ROW);
    assert_int_equal(unlink(json(scene, "mic1/none")), 0);
    assert_int_equal(unlink(wav(scene, "mic1/none")), 0);
    assert_int_equal(mkdir(scene_path(scene, "recordings/mic3"), 0755), 0);
    path_write_at(wav(scene, "mic3/s1"), 0, "RIFF", 4);
    assert_differs(scene, "mic3/s1", REEL_DIFFERS_NO_ROW);
}

static void sidecar_missing(void **state)
{
    assert_int_equal(unlink(json(*state, "mic1/done")), 0);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_SIDECAR_MISSING);
}

static void sidecar_cut(void **state)
{
    cut(json(*state, "mic2/open"), 1);
    assert_differs(*state, "mic2/open", REEL_DIFFERS_SIDECAR_DAMAGED);
}

static void sidecar_of_another(void **state)
{
    assert_int_equal(unlink(json(*state, "mic1/done")), 0);
    path_copy(json(*state, "mic2/new"), json(*state, "mic1/done"));
    assert_differs(*state, "mic1/done", REEL_DIFFERS_SIDECAR_DAMAGED);
}

/* Each thing that both say, said otherwise by the sidecar. */
static void sidecar_disagrees(void **state)
{
    static const char *const edits[][2] = {
        {"\"rate\":16000", "\"rate\":16001"},
        {"\"end_reason\":\"end\"", "\"end_reason\":\"\"   "},
        {"\"kept\":false", "\"kept\":true "},
        {"\"roof\"", "\"root\""},
        {"-3.25", "-3.26"},
        {"\"gap_frames\":960", "\"gap_frames\":961"},
        {"\"rewrites\":0", "\"rewrites\":1"},
        {"\"reason\":\"boot\"", "\"reason\":\"jump\""},
        {"\"boot\":\"second\",\"boot_is_uint\":false,\"first_seq\":0",
         "\"boot\":\"second\",\"boot_is_uint\":false,\"first_seq\":1"},
        {"[\"gap\",960,3,", "[\"gap\",960,2,"},
        {"\"started_us\":17", "\"started_us\":16"},
    };
    const char *path = json(*state, "mic1/done");
    size_t bytes;
    uint8_t *text = path_read(path, &bytes);

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit(path, edits[i][0], edits[i][1]);
        assert_differs(*state, "mic1/done", REEL_DIFFERS_SIDECAR);
        path_write_at(path, 0, text, bytes);
    }
    assert_well(*state);
    free(text);
}

static void sidecar_with_another_id_or_sum(void **state)
{
    struct reel_recording recording;
    char text[128], other[128];

    scene_load(*state, "mic1", "done", &recording);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)recording.id);
    snprintf(other, sizeof other, "%016llx", (unsigned long long)~recording.id);
    edit(json(*state, "mic1/done"), text, other);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_SIDECAR);
    edit(json(*state, "mic1/done"), other, text);
    snprintf(text, sizeof text, "\"%s\"", recording.sha256);
    strcpy(other, text);
    other[10] = other[10] == '0' ? '1' : '0';
    edit(json(*state, "mic1/done"), text, other);
    assert_differs(*state, "mic1/done", REEL_DIFFERS_SIDECAR);
    /* Without a sum it was written before the sum was made. */
    memset(text, ' ', strlen(other));
    memcpy(text, "\"\"", 2);
    edit(json(*state, "mic1/done"), other, text);
    assert_well(*state);
    reel_recording_finish(&recording);
}

/* Of an open one it may lag, but not know what the catalog does not. */
static void sidecar_ahead_of_an_open_row(void **state)
{
    edit(json(*state, "mic2/open"), "\"kept\":false", "\"kept\":true ");
    assert_well(*state);
    edit(json(*state, "mic2/open"), "\"rewrites\":0", "\"rewrites\":1");
    assert_differs(*state, "mic2/open", REEL_DIFFERS_SIDECAR);
}

static void payloads(void **state)
{
    struct scene *scene = *state;

    path_append(scene_path(scene, "quarantine/1.bin"), "d", 1);
    assert_differs(scene, "quarantine", REEL_DIFFERS_PAYLOAD_SIZE);
    assert_int_equal(unlink(scene_path(scene, "quarantine/1.bin")), 0);
    assert_differs(scene, "quarantine", REEL_DIFFERS_PAYLOAD_MISSING);
    path_write_at(scene_path(scene, "quarantine/1.bin"), 0, "abc", 3);
    assert_well(scene);
    path_write_at(scene_path(scene, "quarantine/3.bin"), 0, "abc", 3);
    assert_differs(scene, "quarantine", REEL_DIFFERS_NO_ROW);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_full, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(file_missing),
        TEST(file_is_a_folder_a_link_or_a_fifo),
        TEST(header_damaged),
        TEST(header_cut),
        TEST(file_of_another),
        TEST(file_of_another_name),
        TEST(another_rate),
        TEST(sizes_of_a_complete_one),
        TEST(an_open_one_declares_what_is_not_there),
        TEST(short_by_a_byte),
        TEST(pad_byte_missing),
        TEST(long_by_a_byte),
        TEST(one_bit_of_audio),
        TEST(rows_that_contradict_each_other),
        TEST(more_frames_than_a_file_holds),
        TEST(a_row_that_cannot_be),
        TEST(row_missing),
        TEST(files_without_a_row),
        TEST(sidecar_missing),
        TEST(sidecar_cut),
        TEST(sidecar_of_another),
        TEST(sidecar_disagrees),
        TEST(sidecar_with_another_id_or_sum),
        TEST(sidecar_ahead_of_an_open_row),
        TEST(payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
