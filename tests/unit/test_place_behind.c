/* Placement, by scenarios, of what lies behind: in gaps, stored already, divided, in conflict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/place_steps.h"

/* --- in a gap --- */

static void test_a_gap_is_filled_from_the_middle(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    send("a", 4, 40, 10);
    assert_int_equal(send("a", 2, 20, 10), REEL_PLACE_HOLE);
    assert_int_equal(placement.at_frame, 20);
    assert_int_equal(recording.gap_frames, 20);
    assert_int_equal(recording.rewrites, 1);
    assert_true(missing(0, 1, 1));
    assert_true(missing(1, 3, 3));
    send("a", 1, 10, 10);
    send("a", 3, 30, 10);
    assert_int_equal(recording.gap_frames, 0);
    assert_int_equal(last_stretch()->runs_count, 1);
    assert_int_equal(last_stretch()->runs[0].seqs, 5);
    assert_int_equal(recording.frames, 50);
}

static void test_an_inferred_gap_takes_its_size_only(void **state)
{
    (void)state;
    send_seqs("a", 0, 7, 10);
    send("a", 11, NONE, 10);
    assert_int_equal(send("a", 9, NONE, 9), REEL_PLACE_LATE);
    assert_int_equal(send("a", 9, NONE, 10), REEL_PLACE_HOLE);
    assert_int_equal(placement.at_frame, 90);
    assert_true(missing(0, 8, 8));
    assert_true(missing(1, 10, 10));
    assert_int_equal(send("a", 9, NONE, 10), REEL_PLACE_STORED);
    assert_int_equal(placement.at_frame, 90);
}

static void test_a_late_fragment_of_an_earlier_boot(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    send("a", 2, 20, 10);
    send("b", 0, 0, 10);
    assert_int_equal(send("a", 1, 10, 10), REEL_PLACE_HOLE);
    assert_int_equal(placement.at_frame, 10);
    assert_int_equal(send("a", 1, 10, 10), REEL_PLACE_STORED);
    assert_int_equal(send("a", 3, 30, 10), REEL_PLACE_LATE);
    assert_int_equal(send("a", NONE, NONE, 10), REEL_PLACE_LATE);
    assert_int_equal(send("a", 2, 25, 10), REEL_PLACE_LATE);
    assert_string_equal(recording.boot.text, "b");
    assert_int_equal(recording.frames, 40);
}

/* --- stored, divided --- */

static void test_a_repeat(void **state)
{
    (void)state;
    send_seqs("a", 0, 2, 10);
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_STORED);
    assert_true(placement.compare);
    assert_int_equal(placement.at_frame, 10);
    assert_int_equal(recording.duplicates, 1);
    assert_int_equal(recording.fragments, 3);
    assert_int_equal(recording.frames, 30);
}

static void test_another_size_is_a_conflict(void **state)
{
    (void)state;
    send_seqs("a", 0, 2, 10);
    assert_int_equal(send("a", 1, NONE, 11), REEL_PLACE_CONFLICT);
    assert_true(placement.becomes_candidate);
}

static void expect_segment(struct reel_segment_cursor *cursor, const struct reel_numbers *numbers,
                           bool stored, uint32_t offset, uint32_t frames, uint64_t at)
{
    struct reel_segment segment;

    assert_true(reel_place_next_segment(&recording, numbers, &placement, cursor, &segment));
    assert_int_equal(segment.stored, stored);
    assert_int_equal(segment.offset_frames, offset);
    assert_int_equal(segment.frames, frames);
    assert_int_equal(segment.at_frame, at);
}

static void test_divided_over_gap_and_end(void **state)
{
    struct reel_numbers numbers = numbers_of("", NONE, 5, 40);
    struct reel_segment_cursor cursor = {0};
    struct reel_segment segment;

    (void)state;
    send("", NONE, 0, 10);
    send("", NONE, 20, 10);
    reel_place(&recording, &numbers, &limits, &placement);
    assert_int_equal(placement.row, REEL_PLACE_DIVIDED);
    assert_true(placement.compare);
    expect_segment(&cursor, &numbers, true, 0, 5, 5);
    expect_segment(&cursor, &numbers, false, 5, 10, 10);
    expect_segment(&cursor, &numbers, true, 15, 10, 20);
    expect_segment(&cursor, &numbers, false, 25, 15, 30);
    assert_false(reel_place_next_segment(&recording, &numbers, &placement, &cursor, &segment));
    assert_true(reel_place_apply(&recording, &numbers, &placement, 0));
    assert_int_equal(recording.frames, 45);
    assert_int_equal(recording.gap_frames, 0);
    assert_int_equal(recording.rewrites, 1);
    assert_int_equal(last_stretch()->runs_count, 1);
}

static void test_overlap_with_the_next_seq(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 1, 8, 10), REEL_PLACE_DIVIDED);
    assert_int_equal(recording.frames, 18);
    assert_int_equal(recording.next_seq, 2);
    assert_int_equal(recording.rewrites, 0);
    assert_int_equal(send("a", 2, 18, 10), REEL_PLACE_APPEND);
}

static void test_an_overlap_that_fills_a_gap_is_not_of_one_size(void **state)
{
    (void)state;
    send("a", 0, 0, 6);
    send("a", 2, 10, 6);
    assert_int_equal(send("a", 1, 4, 6), REEL_PLACE_DIVIDED);
    assert_int_equal(last_stretch()->runs_count, 1);
    assert_int_equal(last_stretch()->runs[0].frames, 16);
    assert_int_equal(last_stretch()->runs[0].seqs, 3);
    assert_int_equal(last_stretch()->runs[0].fragment_frames, 0);
}

static void test_the_next_boot_is_no_continuation(void **state)
{
    (void)state;
    send("a", NONE, 0, 10);
    send("b", NONE, 10, 10);
    assert_int_equal(send("a", NONE, 5, 10), REEL_PLACE_LATE);
    assert_int_equal(send("a", NONE, 5, 5), REEL_PLACE_STORED);
}

static void test_the_hash_goes_when_audio_comes(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    snprintf(recording.sha256, sizeof recording.sha256, "%064d", 1);
    send("a", 0, 0, 10);
    send("a", 5, 900000000, 10);
    assert_int_equal(strlen(recording.sha256), 64);
    send("a", 1, 10, 10);
    assert_string_equal(recording.sha256, "");
}

static void test_part_in_a_lost_place_is_late(void **state)
{
    (void)state;
    send("", NONE, 0, 10);
    send("", NONE, 900000000, 10);
    send("", NONE, 900000010, 10);
    assert_int_equal(send("", NONE, 5, 10), REEL_PLACE_LATE);
    assert_int_equal(send("", NONE, 899999995, 10), REEL_PLACE_LATE);
    assert_int_equal(send("", NONE, 900000005, 10), REEL_PLACE_STORED);
    assert_int_equal(placement.at_frame, 15);
}

/* --- conflicts --- */

/* Send with other bytes than those stored. */
static enum reel_place_row send_other(const char *boot, int64_t seq, int64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = numbers_of(boot, seq, frame, frames);

    reel_place(&recording, &numbers, &limits, &placement);
    if (placement.compare)
        reel_place_conflict(&recording, &numbers, &placement);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 7));
    return placement.row;
}

static void test_conflict_at_zero_is_a_restart(void **state)
{
    (void)state;
    send_seqs("a", 0, 9, 10);
    assert_int_equal(send_other("a", 0, NONE, 10), REEL_PLACE_RESTARTED);
    assert_false(placement.take_candidate);
    assert_int_equal(placement.at_frame, 100);
    assert_int_equal(recording.next_seq, 1);
    assert_int_equal(last_stretch()->reason, REEL_STRETCH_RESTART);
    assert_int_equal(last_stretch()->epoch, recording.stretches[0].epoch + 1);
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(placement.at_frame, 110);
}

static void test_two_conflicts_are_a_restart(void **state)
{
    (void)state;
    send_seqs("a", 0, 9, 10);
    assert_int_equal(send_other("a", 3, NONE, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send("a", 10, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(send_other("a", 5, NONE, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send_other("a", 6, NONE, 20), REEL_PLACE_RESTARTED);
    assert_true(placement.take_candidate);
    assert_int_equal(placement.at_frame, 120);
    assert_int_equal(recording.frames, 140);
    assert_int_equal(last_stretch()->first_seq, 5);
    assert_true(lost(0, 0, 4));
    assert_int_equal(recording.next_seq, 7);
    assert_int_equal(recording.rejected, 1);
}

static void test_a_restart_under_an_earlier_boot(void **state)
{
    (void)state;
    send_seqs("a", 0, 3, 10);
    send_seqs("b", 0, 3, 10);
    assert_int_equal(send_other("a", 0, NONE, 10), REEL_PLACE_RESTARTED);
    assert_string_equal(recording.boot.text, "a");
    assert_int_equal(send("b", 2, NONE, 10), REEL_PLACE_STORED);
    assert_int_equal(send("b", 4, NONE, 10), REEL_PLACE_LATE);
}

static void test_seq_that_wraps_while_frame_goes_on(void **state)
{
    (void)state;
    send("a", 65534, 100, 10);
    send("a", 65535, 110, 10);
    assert_int_equal(send("a", 0, 120, 10), REEL_PLACE_RESTARTED);
    assert_int_equal(send("a", 1, 130, 10), REEL_PLACE_APPEND);
}

static void test_seq_that_contradicts_frame(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        send("a", i, i * 10, 10);
    send("a", 9, 90, 10);
    assert_int_equal(send("a", 4, 100, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send("a", 4, 60, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send("a", 10, 60, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send("a", 3, 20, 10), REEL_PLACE_STORED);
    assert_true(placement.compare);
    assert_int_equal(send("a", 10, 100, 10), REEL_PLACE_APPEND);
}

static void test_frame_goes_on_but_seqs_are_skipped(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 4, 10, 10), REEL_PLACE_APPEND);
    assert_true(placement.new_stretch);
    assert_int_equal(placement.reason, REEL_STRETCH_NUMBERS);
    assert_true(lost(0, 1, 3));
    assert_int_equal(recording.gap_frames, 0);
    assert_int_equal(send("a", 0, 0, 10), REEL_PLACE_STORED);
    assert_int_equal(send("a", 6, 15, 10), REEL_PLACE_CONFLICT);
    assert_int_equal(send("a", 4, 5, 15), REEL_PLACE_STORED);
}

static void test_frame_ahead_with_the_next_seq(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 1, 15, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.gap_seqs, 0);
    assert_false(missing(0, 1, 1));
    assert_int_equal(send("a", 0, 0, 15), REEL_PLACE_DIVIDED);
    assert_int_equal(recording.gap_frames, 0);
}

static void test_a_restart_among_lost_numbers(void **state)
{
    (void)state;
    send("", 500, NONE, 10); /* heard from its middle on: 0 to 499 are lost */
    send("", 501, NONE, 10);
    assert_int_equal(send("", 3, NONE, 10), REEL_PLACE_LATE);
    assert_int_equal(recording.candidate.kind, REEL_CANDIDATE_NONE);
    assert_int_equal(send("", 0, NONE, 10), REEL_PLACE_LATE);
    assert_int_equal(recording.candidate.kind, REEL_CANDIDATE_CONFLICT);
    assert_int_equal(send("", 1, NONE, 10), REEL_PLACE_RESTARTED);
    assert_true(placement.take_candidate);
    assert_int_equal(placement.at_frame, 30);
    assert_int_equal(recording.frames, 40);
    assert_int_equal(send("", 2, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.next_seq, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_restart_among_lost_numbers),
        TEST(test_a_gap_is_filled_from_the_middle),
        TEST(test_an_inferred_gap_takes_its_size_only),
        TEST(test_a_late_fragment_of_an_earlier_boot),
        TEST(test_a_repeat),
        TEST(test_another_size_is_a_conflict),
        TEST(test_divided_over_gap_and_end),
        TEST(test_overlap_with_the_next_seq),
        TEST(test_an_overlap_that_fills_a_gap_is_not_of_one_size),
        TEST(test_the_next_boot_is_no_continuation),
        TEST(test_the_hash_goes_when_audio_comes),
        TEST(test_part_in_a_lost_place_is_late),
        TEST(test_conflict_at_zero_is_a_restart),
        TEST(test_two_conflicts_are_a_restart),
        TEST(test_a_restart_under_an_earlier_boot),
        TEST(test_seq_that_wraps_while_frame_goes_on),
        TEST(test_seq_that_contradicts_frame),
        TEST(test_frame_goes_on_but_seqs_are_skipped),
        TEST(test_frame_ahead_with_the_next_seq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
