/* Views and their parts, as protocol.md, "Download", promises them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/view.h"

/* 1000 frames of 16 kHz, mono, 16 bits. */
static struct reel_recording speech(void)
{
    struct reel_recording recording = {
        .id = 0xabcdef0123456789ull,
        .device = "mic1",
        .session = "s1",
        .format = {16000, 1, 2, REEL_PCM},
        .frames = 1000,
        .rewrites = 2,
    };

    return recording;
}

static enum reel_code decode(const char *text, struct reel_download *out, struct reel_error *err)
{
    json_error_t where;
    json_t *request = json_loads(text, 0, &where);
    enum reel_code code;

    assert_non_null(request);
    code = reel_download_decode(request, out, err);
    json_decref(request);
    return code;
}

static struct reel_download good(const char *fields)
{
    char text[512];
    struct reel_download download;
    struct reel_error err = {.message = ""};

    snprintf(text, sizeof text, "{\"device\":\"mic1\",\"session\":\"s1\"%s%s}", *fields ? "," : "",
             fields);
    if (decode(text, &download, &err) != REEL_OK)
        fail_msg("%s: %s", err.field, err.message);
    return download;
}

static struct reel_view view_of(const char *fields)
{
    struct reel_recording recording = speech();
    struct reel_download download = good(fields);
    struct reel_error err = {.message = ""};
    struct reel_view view;

    if (reel_view_make(&download, &recording, &view, &err) != REEL_OK)
        fail_msg("%s: %s", err.field, err.message);
    reel_download_finish(&download);
    return view;
}

static void refuse(const char *fields, enum reel_code code, const char *field)
{
    struct reel_recording recording = speech();
    struct reel_download download = good(fields);
    struct reel_error err = {.message = ""};
    struct reel_view view;

    assert_int_equal(reel_view_make(&download, &recording, &view, &err), code);
    assert_string_equal(err.field, field);
    reel_download_finish(&download);
}

static void test_decode_refuses_each_field(void **state)
{
    static const struct {
        const char *request;
        const char *field;
    } bad[] = {
        {"{}", "device"},
        {"{\"device\":\"a\"}", "session"},
        {"{\"device\":7,\"session\":\"s\"}", "device"},
        {"{\"device\":\"../x\",\"session\":\"s\"}", "device"},
        {"{\"device\":\"a\",\"session\":\"-s\"}", "session"},
        {"{\"device\":\"a\",\"session\":\"s\",\"from\":-1}", "from"},
        {"{\"device\":\"a\",\"session\":\"s\",\"from\":\"1\"}", "from"},
        {"{\"device\":\"a\",\"session\":\"s\",\"to\":null}", "to"},
        {"{\"device\":\"a\",\"session\":\"s\",\"from_frame\":1.5}", "from_frame"},
        {"{\"device\":\"a\",\"session\":\"s\",\"to_frame\":-1}", "to_frame"},
        {"{\"device\":\"a\",\"session\":\"s\",\"from\":1,\"from_frame\":1}", "from_frame"},
        {"{\"device\":\"a\",\"session\":\"s\",\"to\":1,\"to_frame\":1}", "to_frame"},
        {"{\"device\":\"a\",\"session\":\"s\",\"format\":\"mp3\"}", "format"},
        {"{\"device\":\"a\",\"session\":\"s\",\"offset\":-1}", "offset"},
        {"{\"device\":\"a\",\"session\":\"s\",\"length\":0}", "length"},
        {"{\"device\":\"a\",\"session\":\"s\",\"length\":1048577}", "length"},
        {"{\"device\":\"a\",\"session\":\"s\",\"block_size\":0}", "block_size"},
        {"{\"device\":\"a\",\"session\":\"s\",\"block_size\":1048577}", "block_size"},
        {"{\"device\":\"a\",\"session\":\"s\",\"blocks\":3}", "blocks"},
        {"{\"device\":\"a\",\"session\":\"s\",\"blocks\":[]}", "blocks"},
        {"{\"device\":\"a\",\"session\":\"s\",\"blocks\":[0,\"1\"]}", "blocks"},
        {"{\"device\":\"a\",\"session\":\"s\",\"blocks\":[-1]}", "blocks"},
        {"{\"device\":\"a\",\"session\":\"s\",\"block_size\":1048576,\"blocks\":[0,1]}", "blocks"},
        {"{\"device\":\"a\",\"session\":\"s\",\"version\":1}", "version"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reel_download download;
        struct reel_error err = {.message = ""};

        assert_int_equal(decode(bad[i].request, &download, &err), REEL_E_BAD_REQUEST);
        assert_string_equal(err.field, bad[i].field);
        assert_true(strlen(err.message) > 0);
    }
}

static void test_decode_defaults(void **state)
{
    struct reel_download download = good("");

    (void)state;
    assert_true(reel_download_is_whole(&download));
    assert_int_equal(download.format, REEL_VIEW_WAV);
    assert_int_equal(download.block_bytes, 65536);
    download = good("\"block_size\":512");
    assert_true(reel_download_is_whole(&download));
    download = good("\"offset\":0");
    assert_false(reel_download_is_whole(&download));
    assert_int_equal(download.length, 1048576);
}

static void test_whole_recording(void **state)
{
    struct reel_view view = view_of("");

    (void)state;
    assert_int_equal(view.from_frame, 0);
    assert_int_equal(view.to_frame, 1000);
    assert_int_equal(view.header_bytes, 44);
    assert_int_equal(view.size_bytes, 2044);
}

static void test_slices(void **state)
{
    struct reel_view view = view_of("\"from_frame\":10,\"to_frame\":20");

    (void)state;
    assert_int_equal(view.size_bytes, 44 + 20);
    view = view_of("\"from\":0.01,\"to\":0.02,\"format\":\"raw\"");
    assert_int_equal(view.from_frame, 160);
    assert_int_equal(view.to_frame, 320);
    assert_int_equal(view.header_bytes, 0);
    assert_int_equal(view.size_bytes, 320);
    view = view_of("\"from_frame\":990,\"to_frame\":5000"); /* cut */
    assert_int_equal(view.to_frame, 1000);
    view = view_of("\"from_frame\":1000"); /* the end itself: nothing, but a header */
    assert_int_equal(view.size_bytes, 44);
}

static void test_bounds_that_make_no_view(void **state)
{
    (void)state;
    refuse("\"from_frame\":1001", REEL_E_BAD_REQUEST, "from_frame");
    refuse("\"from\":1", REEL_E_BAD_REQUEST, "from");
    refuse("\"from_frame\":20,\"to_frame\":10", REEL_E_BAD_REQUEST, "to_frame");
    refuse("\"from\":0.02,\"to\":0.01", REEL_E_BAD_REQUEST, "to");
}

static void test_odd_data_is_padded_in_wav_only(void **state)
{
    struct reel_recording recording = speech();
    struct reel_download download = good("\"to_frame\":3");
    struct reel_view view;

    (void)state;
    recording.format = (struct reel_format){8000, 1, 1, REEL_PCM};
    assert_int_equal(reel_view_make(&download, &recording, &view, NULL), REEL_OK);
    assert_int_equal(view.pad_bytes, 1);
    assert_int_equal(view.size_bytes, 44 + 3 + 1);
    download = good("\"to_frame\":3,\"format\":\"raw\"");
    assert_int_equal(reel_view_make(&download, &recording, &view, NULL), REEL_OK);
    assert_int_equal(view.size_bytes, 3);
}

/* Half a frame goes up. */
static void test_seconds_to_frames(void **state)
{
    (void)state;
    assert_int_equal(reel_frames_from_seconds(0, 8000), 0);
    assert_int_equal(reel_frames_from_seconds(0.5, 1), 1);
    assert_int_equal(reel_frames_from_seconds(0.25, 2), 1);
    assert_int_equal(reel_frames_from_seconds(1.03125, 16), 17); /* 16.5 */
    assert_int_equal(reel_frames_from_seconds(0.49999999999999994, 1), 0);
    assert_int_equal(reel_frames_from_seconds(1.03125, 8000), 8250);
    assert_int_equal(reel_frames_from_seconds(2.5, 44100), 110250);
    assert_true(reel_frames_from_seconds(1e300, 768000) == REEL_NUMBER_MAX);
}

static void test_version_names_the_view(void **state)
{
    struct reel_recording recording = speech();
    struct reel_view view = view_of("\"from_frame\":10,\"to_frame\":20");
    struct reel_view again;
    struct reel_download download;
    char version[REEL_VERSION_BYTES];
    char fields[256];

    (void)state;
    reel_view_version(&view, version);
    snprintf(fields, sizeof fields, "\"version\":\"%s\"", version);
    download = good(fields);
    recording.frames = 5000; /* it has grown since: the view has not */
    assert_int_equal(reel_view_make(&download, &recording, &again, NULL), REEL_OK);
    assert_int_equal(again.from_frame, 10);
    assert_int_equal(again.to_frame, 20);
    assert_int_equal(again.size_bytes, view.size_bytes);
    assert_memory_equal(again.header, view.header, view.header_bytes);
}

static void expect_with_version(struct reel_recording recording, const char *more,
                                enum reel_code code, const char *field)
{
    struct reel_view view = view_of("\"to_frame\":900");
    struct reel_download download;
    struct reel_error err = {.field = ""};
    char version[REEL_VERSION_BYTES];
    char fields[256];

    reel_view_version(&view, version);
    snprintf(fields, sizeof fields, "\"version\":\"%s\"%s", version, more);
    download = good(fields);
    assert_int_equal(reel_view_make(&download, &recording, &view, &err), code);
    assert_string_equal(err.field, field);
}

static void test_version_of_another_state(void **state)
{
    struct reel_recording replaced = speech();
    struct reel_recording rewritten = speech();
    struct reel_recording shorter = speech();

    (void)state;
    replaced.id++;
    rewritten.rewrites++;
    shorter.frames = 899;
    expect_with_version(speech(), "", REEL_OK, "");
    expect_with_version(replaced, "", REEL_E_VERSION_MISMATCH, "version");
    expect_with_version(rewritten, "", REEL_E_VERSION_MISMATCH, "version");
    expect_with_version(shorter, "", REEL_E_VERSION_MISMATCH, "version");
}

static void tag(struct reel_recording *recording, const char *tags)
{
    json_decref(recording->tags);
    recording->tags = json_loads(tags, 0, NULL);
    assert_non_null(recording->tags);
}

/* Those of a view under a header; raw samples are the same whatever the tags. */
static void test_version_names_the_tags(void **state)
{
    static const struct {
        const char *format;
        enum reel_code code;
    } rows[] = {{"wav", REEL_E_VERSION_MISMATCH}, {"raw", REEL_OK}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct reel_recording recording = speech();
        struct reel_download download;
        struct reel_error err;
        struct reel_view view;
        char fields[256];
        bool same;

        snprintf(fields, sizeof fields, "\"format\":\"%s\"", rows[i].format);
        download = good(fields);
        tag(&recording, "{\"site\":\"roof\",\"gain\":1}");
        assert_int_equal(reel_view_make(&download, &recording, &view, NULL), REEL_OK);
        download.has_version = true;
        reel_view_version(&view, download.version);
        tag(&recording, "{\"gain\":1,\"site\":\"roof\"}"); /* their order is nothing */
        assert_int_equal(reel_view_make(&download, &recording, &view, NULL), REEL_OK);
        tag(&recording, "{\"site\":\"roof\"}");
        assert_int_equal(reel_view_make(&download, &recording, &view, &err), rows[i].code);
        assert_int_equal(reel_view_compare(&view, &recording, &same, NULL), REEL_OK);
        assert_int_equal(same, rows[i].code == REEL_OK);
        json_decref(recording.tags);
    }
}

static void test_version_and_bounds_together(void **state)
{
    (void)state;
    expect_with_version(speech(), ",\"from_frame\":0,\"to_frame\":900", REEL_OK, "");
    expect_with_version(speech(), ",\"to\":3600", REEL_OK, ""); /* it had been cut */
    expect_with_version(speech(), ",\"from_frame\":1", REEL_E_BAD_REQUEST, "from_frame");
    expect_with_version(speech(), ",\"to_frame\":899", REEL_E_BAD_REQUEST, "to_frame");
    expect_with_version(speech(), ",\"format\":\"raw\"", REEL_E_BAD_REQUEST, "format");
    expect_with_version(speech(), ",\"format\":\"wav\"", REEL_OK, "");
}

static void test_made_up_versions(void **state)
{
    static const char *const versions[] = {
        "",
        "x",
        "abcdef0123456789",
        "abcdef0123456789.2.0.10",
        "abcdef0123456789.2.0.10.mp3",
        "abcdef0123456789.2.0.10.wav ",
        " abcdef0123456789.2.0.10.wav",
        "0xabcdef01234567.2.0.10.wav",
        "abcdef0123456789.+2.0.10.wav",
        "abcdef0123456789.2.20.10.wav",
        "abcdef0123456789.-2.0.10.wav",
    };

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        char fields[128];

        snprintf(fields, sizeof fields, "\"version\":\"%s\"", versions[i]);
        refuse(fields, REEL_E_BAD_REQUEST, "version");
    }
}

struct expected_part {
    uint64_t offset;
    uint64_t bytes;
    bool final;
};

static void expect_parts(const char *fields, const struct expected_part *parts, size_t count)
{
    struct reel_view view = view_of(fields); /* of 2044 bytes */
    struct reel_download download = good(fields);
    struct reel_view_part part;
    uint64_t cursor = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(reel_view_next_part(&view, &download, &cursor, &part));
        assert_int_equal(part.offset_bytes, parts[i].offset);
        assert_int_equal(part.bytes, parts[i].bytes);
        assert_int_equal(part.final, parts[i].final);
    }
    assert_false(reel_view_next_part(&view, &download, &cursor, &part));
    reel_download_finish(&download);
}

static void test_parts(void **state)
{
    (void)state;
    expect_parts("", (struct expected_part[]){{0, 2044, true}}, 1);
    expect_parts("\"block_size\":100", (struct expected_part[]){{0, 2044, true}}, 1);
    expect_parts("\"offset\":0", (struct expected_part[]){{0, 2044, true}}, 1);
    expect_parts("\"length\":1000,\"block_size\":600",
                 (struct expected_part[]){{0, 600, false}, {600, 400, false}}, 2);
    expect_parts("\"offset\":1000,\"length\":1044,\"block_size\":1000",
                 (struct expected_part[]){{1000, 1000, false}, {2000, 44, true}}, 2);
    expect_parts("\"offset\":44,\"block_size\":1000",
                 (struct expected_part[]){{44, 1000, false}, {1044, 1000, true}}, 2);
    expect_parts("\"offset\":2044", (struct expected_part[]){{2044, 0, true}}, 1);
    expect_parts("\"offset\":999999", (struct expected_part[]){{999999, 0, true}}, 1);
}

static void test_numbered_blocks(void **state)
{
    (void)state;
    expect_parts("\"blocks\":[2,0,3],\"block_size\":1000",
                 (struct expected_part[]){{2000, 44, true}, {0, 1000, false}, {3000, 0, true}}, 3);
    expect_parts("\"blocks\":[1],\"block_size\":1022,\"offset\":5,\"length\":7",
                 (struct expected_part[]){{1022, 1022, true}}, 1);
    expect_parts("\"blocks\":[4611686018427387904],\"block_size\":1048576",
                 (struct expected_part[]){{UINT64_MAX, 0, true}}, 1);
}

static void test_too_many_blocks(void **state)
{
    struct reel_recording recording = speech();
    struct reel_download download = good("\"offset\":0,\"block_size\":1");
    struct reel_error err;
    struct reel_view view;

    (void)state;
    recording.frames = (4096 - 44) / 2;
    assert_int_equal(reel_view_make(&download, &recording, &view, &err), REEL_OK);
    recording.frames++;
    assert_int_equal(reel_view_make(&download, &recording, &view, &err), REEL_E_BAD_REQUEST);
    assert_string_equal(err.field, "block_size");
    download = good("\"offset\":0,\"block_size\":1,\"length\":4097");
    assert_int_equal(reel_view_make(&download, &recording, &view, &err), REEL_E_BAD_REQUEST);
    download = good("\"offset\":0,\"block_size\":1,\"length\":4096");
    assert_int_equal(reel_view_make(&download, &recording, &view, &err), REEL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_refuses_each_field),
        cmocka_unit_test(test_decode_defaults),
        cmocka_unit_test(test_whole_recording),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_bounds_that_make_no_view),
        cmocka_unit_test(test_odd_data_is_padded_in_wav_only),
        cmocka_unit_test(test_seconds_to_frames),
        cmocka_unit_test(test_version_names_the_view),
        cmocka_unit_test(test_version_of_another_state),
        cmocka_unit_test(test_version_names_the_tags),
        cmocka_unit_test(test_version_and_bounds_together),
        cmocka_unit_test(test_made_up_versions),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_numbered_blocks),
        cmocka_unit_test(test_too_many_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
