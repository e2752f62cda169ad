/* A recording's memory, names and tags, and the walks over what it lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/recording.h"

static const struct reel_format format = {
    .rate = 8000, .channels = 1, .sample_bytes = 2, .encoding = REEL_PCM};

static struct reel_recording recording;

static int setup(void **state)
{
    (void)state;
    reel_recording_init(&recording, "mic", "s1", &format, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reel_recording_finish(&recording);
    return 0;
}

static void test_a_new_recording(void **state)
{
    (void)state;
    assert_string_equal(recording.device, "mic");
    assert_string_equal(recording.session, "s1");
    assert_int_equal(recording.state, REEL_STATE_RECORDING);
    assert_int_equal(recording.started_us, 1000);
    assert_int_equal(recording.updated_us, 1000);
    assert_int_equal(recording.frames, 0);
    assert_int_equal(recording.stretches_dirty_from, 0);
    assert_true(reel_format_equal(&recording.format, &format));
}

static void test_finish_takes_a_zeroed_one(void **state)
{
    struct reel_recording zeroed = {0};

    (void)state;
    reel_recording_finish(&zeroed);
}

static void test_complete(void **state)
{
    (void)state;
    snprintf(recording.sha256, sizeof recording.sha256, "%064d", 1);
    reel_recording_complete(&recording, REEL_END_IDLE, 5000);
    assert_int_equal(recording.state, REEL_STATE_COMPLETE);
    assert_int_equal(recording.end_reason, REEL_END_IDLE);
    assert_int_equal(recording.updated_us, 5000);
    assert_string_equal(recording.sha256, "");
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(reel_state_name(REEL_STATE_RECORDING), "recording");
    assert_string_equal(reel_state_name(REEL_STATE_COMPLETE), "complete");
    assert_string_equal(reel_end_reason_name(REEL_END_NONE), "");
    assert_string_equal(reel_end_reason_name(REEL_END_END), "end");
    assert_string_equal(reel_end_reason_name(REEL_END_IDLE), "idle");
    assert_string_equal(reel_end_reason_name(REEL_END_UPLOAD), "upload");
    assert_string_equal(reel_end_reason_name(REEL_END_LIMIT), "limit");
    assert_int_equal(reel_end_reason_from_name("limit"), REEL_END_LIMIT);
    assert_int_equal(reel_end_reason_from_name("ended"), REEL_END_COUNT);
}

static void test_lengths(void **state)
{
    (void)state;
    recording.frames = 12000;
    recording.gap_frames = 2000;
    assert_int_equal(reel_recording_audio_frames(&recording), 10000);
    assert_true(reel_recording_duration_s(&recording) == 1.5);
}

static bool merge(const char *text)
{
    json_t *tags = json_loads(text, 0, NULL);
    bool changed;

    assert_non_null(tags);
    changed = reel_recording_merge_tags(&recording, tags);
    json_decref(tags);
    return changed;
}

static void test_tags_the_latest_values_stand(void **state)
{
    (void)state;
    assert_false(reel_recording_merge_tags(&recording, NULL));
    assert_false(merge("{}"));
    assert_null(recording.tags);
    assert_true(merge("{\"site\": \"roof\", \"gain\": 3}"));
    assert_false(merge("{\"gain\": 3}"));
    assert_true(merge("{\"gain\": 4.5}"));
    assert_int_equal(json_object_size(recording.tags), 2);
    assert_true(json_real_value(json_object_get(recording.tags, "gain")) == 4.5);
    assert_string_equal(json_string_value(json_object_get(recording.tags, "site")), "roof");
}

static void test_tags_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < REEL_TAGS_MAX; i++) {
        char text[32];

        snprintf(text, sizeof text, "{\"t%d\": 1}", i);
        assert_true(merge(text));
    }
    assert_false(merge("{\"one more\": 1}"));
    assert_true(merge("{\"t7\": 2, \"another\": 1}"));
    assert_int_equal(json_object_size(recording.tags), REEL_TAGS_MAX);
}

static struct reel_stretch *add_stretch(uint32_t epoch, const char *boot, bool has_seq,
                                        uint64_t first_seq, bool has_frame, uint64_t first_frame)
{
    struct reel_stretch *stretch = reel_recording_add_stretch(&recording);

    assert_non_null(stretch);
    stretch->epoch = epoch;
    snprintf(stretch->boot.text, sizeof stretch->boot.text, "%s", boot);
    stretch->has_seq = has_seq;
    stretch->first_seq = first_seq;
    stretch->has_frame = has_frame;
    stretch->first_frame = first_frame;
    stretch->start_frames = recording.frames;
    return stretch;
}

static void add_run(struct reel_stretch *stretch, enum reel_run_kind kind, uint64_t frames,
                    uint64_t seqs)
{
    struct reel_run *run = reel_stretch_add_run(stretch);

    assert_non_null(run);
    run->kind = kind;
    run->frames = frames;
    run->seqs = seqs;
    stretch->frames += frames;
    stretch->seqs += seqs;
    recording.frames += frames;
}

/* boot a: [seq 5..9 stored, 10..11 gap, 12 stored], unnumbered, [seq 20..21 stored];
 * boot b: [frame 100: stored 10, gap 30, stored 10];
 * boot a again, restarted: [seq 0 forgotten 0..6, gap without number, 7 stored]. */
static void build(void)
{
    struct reel_stretch *stretch = add_stretch(0, "a", true, 5, true, 1000);

    add_run(stretch, REEL_RUN_STORED, 50, 5);
    add_run(stretch, REEL_RUN_GAP, 20, 2);
    add_run(stretch, REEL_RUN_STORED, 10, 1);
    add_run(add_stretch(0, "a", false, 0, false, 0), REEL_RUN_STORED, 7, 0);
    add_run(add_stretch(0, "a", true, 20, false, 0), REEL_RUN_STORED, 20, 2);
    stretch = add_stretch(1, "b", false, 0, true, 100);
    add_run(stretch, REEL_RUN_STORED, 10, 0);
    add_run(stretch, REEL_RUN_GAP, 30, 0);
    add_run(stretch, REEL_RUN_STORED, 10, 0);
    stretch = add_stretch(2, "a", true, 0, true, 0);
    add_run(stretch, REEL_RUN_FORGOTTEN, 70, 7);
    add_run(stretch, REEL_RUN_GAP, 5, 0);
    add_run(stretch, REEL_RUN_STORED, 10, 1);
    add_run(stretch, REEL_RUN_GAP_INFERRED, 20, 2);
}

static void test_gaps_in_file_order(void **state)
{
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;

    (void)state;
    assert_false(reel_recording_next_gap(&recording, &cursor, &gap));
    build();
    cursor = (struct reel_gap_cursor){0};
    assert_true(reel_recording_next_gap(&recording, &cursor, &gap));
    assert_int_equal(gap.from_frame, 50);
    assert_int_equal(gap.frames, 20);
    assert_true(gap.has_seq && gap.first_seq == 10 && gap.seqs == 2);
    assert_true(gap.has_number && gap.number_frame == 1050);
    assert_int_equal(gap.stretch, 0);
    assert_true(reel_recording_next_gap(&recording, &cursor, &gap));
    assert_int_equal(gap.from_frame, 117);
    assert_true(!gap.has_seq && gap.has_number && gap.number_frame == 110);
    assert_true(reel_recording_next_gap(&recording, &cursor, &gap));
    assert_int_equal(gap.from_frame, 227);
    assert_true(gap.has_seq && gap.seqs == 0 && !gap.inferred);
    assert_true(reel_recording_next_gap(&recording, &cursor, &gap));
    assert_true(gap.inferred && gap.first_seq == 8 && gap.seqs == 2);
    assert_int_equal(gap.stretch, 4);
    assert_false(reel_recording_next_gap(&recording, &cursor, &gap));
}

static void test_epochs(void **state)
{
    const struct reel_boot a = {.text = "a"}, b = {.text = "b"}, c = {.text = "c"};
    struct reel_epoch epoch = reel_recording_epoch(&recording, NULL);
    uint64_t next = 99;

    (void)state;
    assert_int_equal(epoch.first, epoch.end);
    assert_false(reel_epoch_next_seq(&recording, epoch, &next));
    build();
    epoch = reel_recording_epoch(&recording, &a);
    assert_true(epoch.first == 4 && epoch.end == 5);
    assert_true(reel_epoch_next_seq(&recording, epoch, &next) && next == 10);
    epoch = reel_recording_epoch(&recording, &b);
    assert_true(epoch.first == 3 && epoch.end == 4);
    assert_false(reel_epoch_next_seq(&recording, epoch, &next));
    assert_true(reel_epoch_next_frame(&recording, epoch, &next) && next == 150);
    epoch = reel_recording_epoch(&recording, &c);
    assert_int_equal(epoch.first, epoch.end);
    epoch = (struct reel_epoch){.first = 0, .end = 3};
    assert_true(reel_epoch_next_seq(&recording, epoch, &next) && next == 22);
    assert_true(reel_epoch_next_frame(&recording, epoch, &next) && next == 1080);
}

typedef bool next_range_fn(const struct reel_recording *, struct reel_range_cursor *,
                           struct reel_range *);

static void expect_ranges(next_range_fn *next, struct reel_epoch epoch, const char *expected)
{
    struct reel_range_cursor cursor = {.epoch = epoch};
    struct reel_range range;
    char text[200] = "";

    while (next(&recording, &cursor, &range)) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "[%d,%d)", (int)range.first, (int)range.end);
    }
    assert_string_equal(text, expected);
}

static void test_what_an_epoch_lacks(void **state)
{
    const struct reel_epoch first = {0, 3}, second = {3, 4}, third = {4, 5};

    (void)state;
    build();
    expect_ranges(reel_epoch_next_missing, first, "[10,12)");
    expect_ranges(reel_epoch_next_missing, second, "");
    expect_ranges(reel_epoch_next_missing, third, "[8,10)");
    expect_ranges(reel_epoch_next_missing_frames, first, "[1050,1070)");
    expect_ranges(reel_epoch_next_missing_frames, second, "[110,140)");
    expect_ranges(reel_epoch_next_missing_frames, third, "[70,75)[85,105)");
    expect_ranges(reel_epoch_next_lost, first, "[0,5)[13,20)");
    expect_ranges(reel_epoch_next_lost, second, "");
    expect_ranges(reel_epoch_next_lost, third, "[0,7)");
    expect_ranges(reel_epoch_next_lost, (struct reel_epoch){5, 5}, "");
}

/* What is below the first stretch is an earlier recording's; a later epoch has none before it. */
static void test_nothing_is_lost_below_a_continued_one(void **state)
{
    const struct reel_epoch first = {0, 2}, second = {2, 3};

    (void)state;
    recording.continued = true;
    add_run(add_stretch(0, "a", true, 100, false, 0), REEL_RUN_FORGOTTEN, 50, 5);
    add_run(add_stretch(0, "a", true, 110, false, 0), REEL_RUN_STORED, 50, 5);
    add_run(add_stretch(1, "b", true, 3, false, 0), REEL_RUN_STORED, 50, 5);
    expect_ranges(reel_epoch_next_lost, first, "[100,105)[105,110)");
    expect_ranges(reel_epoch_next_lost, second, "[0,3)");
    recording.continued = false;
    expect_ranges(reel_epoch_next_lost, first, "[0,105)[105,110)");
}

static void test_lost_joins_what_was_forgotten_after_a_skip(void **state)
{
    struct reel_stretch *stretch = add_stretch(0, "a", true, 3, false, 0);

    (void)state;
    add_run(stretch, REEL_RUN_FORGOTTEN, 10, 2);
    expect_ranges(reel_epoch_next_lost, (struct reel_epoch){0, 1}, "[0,5)");
}

static void test_dirty_marks_of_what_is_added(void **state)
{
    struct reel_stretch *stretch;

    (void)state;
    build();
    recording.stretches_dirty_from = recording.stretches_count;
    stretch = &recording.stretches[1];
    stretch->runs_dirty_from = stretch->runs_count;
    add_run(stretch, REEL_RUN_GAP, 1, 0);
    add_run(stretch, REEL_RUN_STORED, 1, 0);
    assert_int_equal(stretch->runs_dirty_from, 1);
    assert_int_equal(recording.stretches_dirty_from, 5);
    add_stretch(2, "a", false, 0, false, 0);
    assert_int_equal(recording.stretches_dirty_from, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_recording),
        TEST(test_finish_takes_a_zeroed_one),
        TEST(test_complete),
        TEST(test_names),
        TEST(test_lengths),
        TEST(test_tags_the_latest_values_stand),
        TEST(test_tags_are_bounded),
        TEST(test_gaps_in_file_order),
        TEST(test_epochs),
        TEST(test_what_an_epoch_lacks),
        TEST(test_nothing_is_lost_below_a_continued_one),
        TEST(test_lost_joins_what_was_forgotten_after_a_skip),
        TEST(test_dirty_marks_of_what_is_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
