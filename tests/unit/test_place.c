/* Each row of the protocol's table "Where a fragment goes", by scenarios, and what core/place.h
 * says of what the table leaves open. Here what comes next or lies ahead; what is stored already
 * in test_place_behind.c, random histories in test_place_model.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/place_steps.h"

/* --- without numbers, next --- */

static void test_unnumbered_is_appended(void **state)
{
    (void)state;
    assert_int_equal(send("", NONE, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(send("", NONE, NONE, 5), REEL_PLACE_APPEND);
    assert_int_equal(placement.at_frame, 10);
    assert_int_equal(recording.frames, 15);
    assert_int_equal(recording.stretches_count, 1);
    assert_int_equal(recording.fragments, 2);
    assert_false(recording.has_next_seq);
}

static void test_next_is_appended(void **state)
{
    (void)state;
    assert_int_equal(send("a", 0, NONE, 10), REEL_PLACE_APPEND);
    assert_true(placement.new_stretch);
    assert_int_equal(placement.reason, REEL_STRETCH_FIRST);
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_APPEND);
    assert_false(placement.new_stretch);
    assert_int_equal(placement.at_frame, 10);
    assert_int_equal(recording.next_seq, 2);
    assert_string_equal(recording.boot.text, "a");
    assert_int_equal(last_stretch()->runs_count, 1);
    assert_int_equal(last_stretch()->runs[0].fragment_frames, 10);
}

static void test_next_by_frame_is_appended(void **state)
{
    (void)state;
    send("", NONE, 0, 10);
    assert_int_equal(send("", NONE, 10, 3), REEL_PLACE_APPEND);
    assert_int_equal(send("", NONE, 13, 4), REEL_PLACE_APPEND);
    assert_int_equal(placement.at_frame, 13);
    assert_int_equal(last_stretch()->runs_count, 1);
}

static void test_unnumbered_between_numbered(void **state)
{
    (void)state;
    send("a", 0, NONE, 10);
    assert_int_equal(send("", NONE, NONE, 10), REEL_PLACE_APPEND);
    assert_true(placement.new_stretch);
    assert_int_equal(placement.reason, REEL_STRETCH_NUMBERS);
    assert_string_equal(last_stretch()->boot.text, "a");
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(placement.reason, REEL_STRETCH_NUMBERS);
    assert_int_equal(recording.stretches_count, 3);
    assert_int_equal(last_stretch()->epoch, recording.stretches[0].epoch);
    assert_false(lost(0, 0, 0));
    assert_int_equal(recording.next_seq, 2);
}

/* --- ahead --- */

static void test_gap_by_frame(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 3, 30, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.fill_frames, 20);
    assert_int_equal(placement.gap_seqs, 2);
    assert_int_equal(placement.at_frame, 30);
    assert_false(placement.inferred);
    assert_int_equal(recording.frames, 40);
    assert_int_equal(recording.gap_frames, 20);
    assert_true(missing(0, 1, 2));
}

static void test_gap_inferred_from_seq(void **state)
{
    (void)state;
    send_seqs("a", 0, 7, 10);
    assert_int_equal(send("a", 10, NONE, 10), REEL_PLACE_GAP);
    assert_true(placement.inferred);
    assert_int_equal(placement.fill_frames, 20);
    assert_int_equal(placement.at_frame, 100);
    assert_true(missing(0, 8, 9));
}

static void test_too_few_to_infer(void **state)
{
    (void)state;
    send_seqs("a", 0, 6, 10);
    assert_int_equal(send("a", 9, NONE, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(placement.fill_frames, 0);
    assert_int_equal(placement.at_frame, 70);
    assert_int_equal(placement.reason, REEL_STRETCH_UNKNOWN);
    assert_false(missing(0, 7, 8));
    assert_true(lost(0, 7, 8));
    assert_int_equal(send("a", 7, NONE, 10), REEL_PLACE_LATE);
}

static void test_several_sizes_do_not_infer(void **state)
{
    (void)state;
    send_seqs("a", 0, 7, 10);
    send("a", 8, NONE, 11);
    assert_int_equal(send("a", 10, NONE, 10), REEL_PLACE_UNKNOWN);
}

static void test_a_gap_by_frame_does_not_spoil_the_size(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++)
        send("a", i, i * 10, 10);
    send("a", 9, 90, 10);
    assert_int_equal(send("a", 12, NONE, 10), REEL_PLACE_GAP);
    assert_true(placement.inferred && placement.new_stretch);
    assert_int_equal(placement.fill_frames, 20);
    assert_true(missing(1, 10, 11));
}

static void test_an_empty_end_does_not_spoil_the_size(void **state)
{
    (void)state;
    send_seqs("a", 0, 7, 10);
    assert_int_equal(send("a", 8, NONE, 0), REEL_PLACE_APPEND);
    assert_int_equal(recording.next_seq, 9);
    assert_int_equal(send("a", 8, NONE, 0), REEL_PLACE_STORED);
    assert_int_equal(send("a", 10, NONE, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.fill_frames, 10);
}

static void test_first_not_at_zero(void **state)
{
    (void)state;
    assert_int_equal(send("a", 4, 40, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.fill_frames, 40);
    assert_int_equal(placement.reason, REEL_STRETCH_FIRST);
    assert_true(missing(0, 0, 3));
    assert_int_equal(send("a", 0, 0, 10), REEL_PLACE_HOLE);
    assert_int_equal(placement.at_frame, 0);
    assert_true(missing(0, 1, 3));
}

static void test_first_not_at_zero_by_seq_alone(void **state)
{
    (void)state;
    assert_int_equal(send("a", 4, NONE, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(placement.at_frame, 0);
    assert_true(lost(0, 0, 3));
    assert_int_equal(send("a", 3, NONE, 10), REEL_PLACE_LATE);
    assert_int_equal(recording.rejected, 1);
}

/* --- jumps --- */

static enum reel_place_row ask(const char *boot, int64_t seq, int64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = numbers_of(boot, seq, frame, frames);

    reel_place(&recording, &numbers, &limits, &placement);
    return placement.row;
}

static void test_the_limit_of_a_gap(void **state)
{
    (void)state;
    send("", NONE, 0, 10);
    assert_int_equal(ask("", NONE, 10 + 10000, 10), REEL_PLACE_GAP);
    assert_int_equal(ask("", NONE, 10 + 10001, 10), REEL_PLACE_JUMP);
}

static void test_the_limit_in_bytes(void **state)
{
    const struct reel_place_limits few_bytes = {.max_gap_s = 100, .max_gap_bytes = 41};
    struct reel_numbers numbers = numbers_of("", NONE, 20, 10);

    (void)state;
    reel_place(&recording, &numbers, &few_bytes, &placement);
    assert_int_equal(placement.row, REEL_PLACE_GAP);
    numbers.frame = 21;
    reel_place(&recording, &numbers, &few_bytes, &placement);
    assert_int_equal(placement.row, REEL_PLACE_JUMP);
}

static void test_a_stray_jump_moves_nothing(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 1000000, 900000000, 10), REEL_PLACE_JUMP);
    assert_int_equal(recording.frames, 10);
    assert_int_equal(recording.candidate.quarantine_id, 7);
    assert_int_equal(send("a", 1, 10, 10), REEL_PLACE_APPEND);
    assert_false(placement.new_stretch);
    assert_int_equal(recording.rejected, 1);
}

static void test_a_second_confirms_the_jump(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    send("a", 1000000, 900000000, 10);
    assert_int_equal(send("a", 1000000, 900000000, 10), REEL_PLACE_JUMP);
    send("a", 1, 10, 10);
    assert_int_equal(send("a", 1000001, 900000010, 5), REEL_PLACE_CONFIRMED);
    assert_true(placement.take_candidate);
    assert_int_equal(placement.at_frame, 30);
    assert_int_equal(placement.skipped_frames, 900000000 - 20);
    assert_int_equal(recording.frames, 35);
    assert_int_equal(recording.fragments, 4);
    assert_int_equal(recording.candidate.kind, REEL_CANDIDATE_NONE);
    assert_int_equal(last_stretch()->reason, REEL_STRETCH_JUMP);
    assert_int_equal(last_stretch()->first_frame, 900000000);
    assert_true(lost(0, 2, 999999));
    assert_int_equal(send("a", 1000002, 900000015, 5), REEL_PLACE_APPEND);
}

static void test_two_strays_do_not_confirm_each_other(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    send("a", 1000000, 900000000, 10);
    assert_int_equal(send("a", 1000002, 900000020, 10), REEL_PLACE_JUMP);
    assert_int_equal(send("a", 1000001, 900000010, 10), REEL_PLACE_JUMP);
    assert_int_equal(send("b", 1000002, 900000020, 10), REEL_PLACE_BOOT);
    assert_int_equal(recording.candidate.kind, REEL_CANDIDATE_NONE);
}

static void test_the_first_of_a_recording_far_ahead(void **state)
{
    (void)state;
    assert_int_equal(send("", NONE, 900000000, 10), REEL_PLACE_JUMP);
    assert_int_equal(recording.stretches_count, 0);
    assert_int_equal(send("", NONE, 900000010, 10), REEL_PLACE_CONFIRMED);
    assert_int_equal(recording.frames, 20);
    assert_int_equal(last_stretch()->first_frame, 900000000);
}

static void test_far_ahead_by_seq_alone(void **state)
{
    (void)state;
    send("a", 0, NONE, 10);
    assert_int_equal(ask("a", 1 + 1000, NONE, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(ask("a", 1 + 1001, NONE, 10), REEL_PLACE_JUMP);
    assert_int_equal(ask("a", (INT64_C(1) << 62) - 1, NONE, 10), REEL_PLACE_JUMP);
    send_seqs("a", 1, 7, 10);
    assert_int_equal(ask("a", 8 + 1000, NONE, 10), REEL_PLACE_GAP);
    assert_int_equal(ask("a", 8 + 1001, NONE, 10), REEL_PLACE_JUMP);
}

static void test_the_greatest_numbers(void **state)
{
    const int64_t greatest = (int64_t)REEL_NUMBER_MAX - 1;
    const struct reel_place_limits endless = {.max_gap_s = UINT64_MAX, .max_gap_bytes = UINT64_MAX};
    struct reel_numbers numbers = numbers_of("a", greatest - 1, greatest, UINT32_MAX);

    (void)state;
    assert_int_equal(ask("a", greatest, greatest, UINT32_MAX), REEL_PLACE_JUMP);
    reel_place(&recording, &numbers, &endless, &placement);
    assert_int_equal(placement.row, REEL_PLACE_GAP);
    assert_true(placement.fill_frames == (uint64_t)greatest);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 0));
    numbers = numbers_of("a", greatest, greatest, 7);
    reel_place(&recording, &numbers, &endless, &placement);
    assert_int_equal(placement.row, REEL_PLACE_STORED);
    assert_int_equal(send("a", 5, greatest - 5, 3), REEL_PLACE_HOLE);
    assert_true(missing(0, 0, 4));
    assert_true(missing(1, 6, (uint64_t)greatest - 2));
    assert_int_equal(send("a", greatest, NONE, 10), REEL_PLACE_APPEND);
    assert_true(recording.next_seq == REEL_NUMBER_MAX);
}

static void test_fill_does_not_outgrow_the_audio(void **state)
{
    (void)state;
    send("", NONE, 0, 10);
    assert_int_equal(send("", NONE, 10 + 9000, 10), REEL_PLACE_GAP);
    assert_int_equal(ask("", NONE, 9020 + 9000, 10), REEL_PLACE_JUMP);
    assert_int_equal(ask("", NONE, 9020 + 1020, 10), REEL_PLACE_GAP);
    assert_int_equal(ask("", NONE, 9020 + 1021, 10), REEL_PLACE_JUMP);
}

/* --- boots, kinds of number --- */

static void test_a_boot_never_seen(void **state)
{
    (void)state;
    send_seqs("a", 0, 3, 10);
    assert_int_equal(send("b", 5, 50, 10), REEL_PLACE_BOOT);
    assert_int_equal(placement.fill_frames, 0);
    assert_int_equal(placement.at_frame, 40);
    assert_int_equal(recording.next_seq, 6);
    assert_true(lost(0, 0, 4));
    assert_int_equal(send("c", NONE, NONE, 10), REEL_PLACE_BOOT);
    assert_false(recording.has_next_seq);
    assert_int_equal(send("c", NONE, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches_count, 3);
}

static void test_an_end_without_anything(void **state)
{
    (void)state;
    assert_int_equal(send("", NONE, NONE, 0), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches_count, 0);
    send("a", 0, NONE, 10);
    assert_int_equal(send("z", NONE, NONE, 0), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches_count, 1);
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_APPEND);
}

static void test_an_empty_end_with_both_numbers(void **state)
{
    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 1, 10, 0), REEL_PLACE_APPEND);
    assert_int_equal(send("a", 1, 10, 0), REEL_PLACE_STORED);
    assert_int_equal(send("a", 2, 10, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches_count, 1);
    assert_int_equal(send("a", 4, 30, 0), REEL_PLACE_GAP);
    assert_int_equal(recording.frames, 30);
    assert_int_equal(recording.gap_frames, 10);
    assert_int_equal(send("a", 3, 20, 10), REEL_PLACE_HOLE);
}

static void test_an_empty_end_behind_in_frames(void **state)
{
    uint64_t next = 0;

    (void)state;
    send("a", 0, 0, 10);
    assert_int_equal(send("a", 1, 5, 0), REEL_PLACE_APPEND);
    assert_int_equal(recording.next_seq, 2);
    send("a", 2, NONE, 10);
    assert_int_equal(send("a", 3, 5, 0), REEL_PLACE_STORED);
    assert_true(reel_epoch_next_frame(&recording, reel_recording_epoch(&recording, NULL), &next));
    assert_int_equal(next, 10);
}

/* So that the store may cut run lists by their count. */
static void test_every_stretch_has_a_run(void **state)
{
    (void)state;
    assert_int_equal(send("a", NONE, 0, 0), REEL_PLACE_APPEND);
    assert_int_equal(send("b", NONE, 7, 0), REEL_PLACE_BOOT);
    assert_int_equal(recording.stretches_count, 2);
    assert_int_equal(recording.stretches[0].runs_count, 1);
    assert_int_equal(recording.stretches[1].runs_count, 1);
    assert_int_equal(send("b", NONE, 7, 4), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches[1].runs_count, 1);
}

static void test_other_kinds_of_number(void **state)
{
    (void)state;
    send("a", 0, NONE, 10);
    assert_int_equal(send("a", 1, 10, 10), REEL_PLACE_APPEND);
    assert_int_equal(placement.reason, REEL_STRETCH_NUMBERS);
    assert_int_equal(send("a", NONE, 20, 10), REEL_PLACE_APPEND);
    assert_int_equal(send("a", 2, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.stretches_count, 4);
    assert_int_equal(send("a", NONE, 15, 10), REEL_PLACE_STORED);
    assert_int_equal(send("a", 1, NONE, 10), REEL_PLACE_STORED);
    assert_int_equal(placement.at_frame, 10);
}

static void test_no_kind_shared(void **state)
{
    (void)state;
    send("a", NONE, NONE, 10);
    assert_int_equal(send("a", 5, NONE, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(send("a", NONE, 10, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(send("a", NONE, 900000000, 10), REEL_PLACE_JUMP);
    assert_int_equal(recording.stretches_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unnumbered_is_appended),
        TEST(test_next_is_appended),
        TEST(test_next_by_frame_is_appended),
        TEST(test_unnumbered_between_numbered),
        TEST(test_gap_by_frame),
        TEST(test_gap_inferred_from_seq),
        TEST(test_too_few_to_infer),
        TEST(test_several_sizes_do_not_infer),
        TEST(test_a_gap_by_frame_does_not_spoil_the_size),
        TEST(test_an_empty_end_does_not_spoil_the_size),
        TEST(test_first_not_at_zero),
        TEST(test_first_not_at_zero_by_seq_alone),
        TEST(test_the_limit_of_a_gap),
        TEST(test_the_limit_in_bytes),
        TEST(test_a_stray_jump_moves_nothing),
        TEST(test_a_second_confirms_the_jump),
        TEST(test_two_strays_do_not_confirm_each_other),
        TEST(test_the_first_of_a_recording_far_ahead),
        TEST(test_far_ahead_by_seq_alone),
        TEST(test_the_greatest_numbers),
        TEST(test_fill_does_not_outgrow_the_audio),
        TEST(test_a_boot_never_seen),
        TEST(test_an_end_without_anything),
        TEST(test_an_empty_end_with_both_numbers),
        TEST(test_an_empty_end_behind_in_frames),
        TEST(test_every_stretch_has_a_run),
        TEST(test_other_kinds_of_number),
        TEST(test_no_kind_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
