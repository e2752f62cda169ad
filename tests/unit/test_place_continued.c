/* Placement in a recording whose numbers go on from an earlier one's: what comes next, lies ahead,
 * belongs to the earlier one, and what begins anew. Random histories are in test_place_model.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/place_steps.h"

static void begin_at(const char *boot, int64_t seq, int64_t frame)
{
    struct reel_numbers next = numbers_of(boot, seq, frame, 0);

    reel_recording_begin_at(&recording, &next);
}

static enum reel_place_row answer(const char *boot, int64_t seq, int64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = numbers_of(boot, seq, frame, frames);

    reel_place(&recording, &numbers, &limits, &placement);
    return placement.row;
}

static void test_the_next_number_leaves_no_gap(void **state)
{
    (void)state;
    begin_at("a", 1000, NONE);
    assert_int_equal(send("a", 1000, NONE, 10), REEL_PLACE_APPEND);
    assert_true(placement.new_stretch);
    assert_int_equal(placement.reason, REEL_STRETCH_FIRST);
    assert_int_equal(placement.at_frame, 0);
    assert_int_equal(recording.gap_frames, 0);
    assert_int_equal(last_stretch()->first_seq, 1000);
    assert_int_equal(send("a", 1001, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.next_seq, 1002);
    assert_true(recording.continued);
    assert_false(lost(0, 0, 999));
    assert_false(missing(0, 0, 999));
}

static void test_ahead_is_a_gap_from_there(void **state)
{
    (void)state;
    begin_at("a", 100, 5000);
    assert_int_equal(send("a", 102, 5020, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.fill_frames, 20);
    assert_int_equal(placement.gap_seqs, 2);
    assert_int_equal(placement.at_frame, 20);
    assert_true(missing(0, 100, 101));
    assert_int_equal(send("a", 100, 5000, 10), REEL_PLACE_HOLE);
    assert_int_equal(placement.at_frame, 0);
    assert_true(missing(0, 101, 101));
}

static void test_far_ahead_is_a_jump_from_there(void **state)
{
    (void)state;
    begin_at("a", NONE, 5000);
    assert_int_equal(answer("a", NONE, 15001, 10), REEL_PLACE_JUMP);
    assert_int_equal(answer("a", NONE, 15000, 10), REEL_PLACE_GAP);
}

static void test_below_is_an_earlier_recordings(void **state)
{
    (void)state;
    begin_at("a", 100, 5000);
    assert_int_equal(answer("a", 99, 4990, 10), REEL_PLACE_EARLIER);
    assert_int_equal(answer("a", 99, 4990, 20), REEL_PLACE_EARLIER);
    assert_int_equal(answer("a", 0, 0, 10), REEL_PLACE_EARLIER);
    assert_true(reel_place_refuses(&placement));
    assert_int_equal(answer("a", 50, NONE, 10), REEL_PLACE_EARLIER);
    send("a", 100, 5000, 10);
    send("a", 101, 5010, 10);
    assert_int_equal(answer("a", 99, 4990, 10), REEL_PLACE_EARLIER);
    assert_int_equal(answer("a", 99, 4990, 20), REEL_PLACE_EARLIER);
    assert_int_equal(answer("a", 50, NONE, 10), REEL_PLACE_EARLIER);
    assert_int_equal(answer("a", 100, 5000, 10), REEL_PLACE_STORED);
}

/* A gap that the recording begins with is its own. */
static void test_below_begins_before_the_gap(void **state)
{
    (void)state;
    begin_at("a", NONE, 5000);
    send("a", NONE, 5100, 10);
    assert_int_equal(answer("a", NONE, 5000, 10), REEL_PLACE_HOLE);
    assert_int_equal(answer("a", NONE, 4999, 10), REEL_PLACE_EARLIER);
}

static void test_without_an_earlier_recording_it_is_late(void **state)
{
    struct reel_numbers numbers = numbers_of("a", 99, NONE, 10);

    (void)state;
    begin_at("a", 100, NONE);
    send("a", 100, NONE, 10);
    assert_int_equal(answer("a", 99, NONE, 10), REEL_PLACE_EARLIER);
    reel_place_late(&recording, &numbers, &placement);
    assert_int_equal(placement.row, REEL_PLACE_LATE);
    assert_false(placement.becomes_candidate);
}

/* The earlier recording is gone, so no stored audio is there to be in conflict with. */
static void test_a_restart_below(void **state)
{
    struct reel_numbers numbers = numbers_of("a", 0, NONE, 10);

    (void)state;
    begin_at("a", 100, NONE);
    send("a", 100, NONE, 10);
    reel_place_late(&recording, &numbers, &placement);
    assert_int_equal(placement.row, REEL_PLACE_LATE);
    assert_true(placement.becomes_candidate);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 7));

    numbers = numbers_of("a", 1, NONE, 10);
    reel_place_late(&recording, &numbers, &placement);
    assert_int_equal(placement.row, REEL_PLACE_RESTARTED);
    assert_true(placement.take_candidate);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 7));
    assert_int_equal(send("a", 2, NONE, 10), REEL_PLACE_APPEND);
    assert_int_equal(recording.next_seq, 3);
}

static void test_another_boot_begins_as_usual(void **state)
{
    (void)state;
    begin_at("a", 100, 5000);
    assert_int_equal(send("b", 2, 20, 10), REEL_PLACE_GAP);
    assert_int_equal(placement.fill_frames, 20);
    assert_false(recording.continued);
    assert_true(missing(0, 0, 1));
}

/* Of a boot that came later nothing is an earlier recording's. */
static void test_a_later_boot_has_its_own_numbers(void **state)
{
    (void)state;
    begin_at("a", 100, NONE);
    send("a", 100, NONE, 10);
    assert_int_equal(send("b", 5, NONE, 10), REEL_PLACE_BOOT);
    assert_true(lost(0, 0, 4));
    assert_int_equal(answer("b", 4, NONE, 10), REEL_PLACE_LATE);
    assert_int_equal(answer("a", 99, NONE, 10), REEL_PLACE_EARLIER);
    assert_true(recording.continued);
}

static void test_other_kinds_of_number(void **state)
{
    (void)state;
    begin_at("a", 100, NONE);
    assert_int_equal(answer("a", NONE, 50, 10), REEL_PLACE_UNKNOWN);
    assert_int_equal(send("a", 100, 1000, 10), REEL_PLACE_APPEND);
    assert_int_equal(answer("a", 99, 990, 10), REEL_PLACE_EARLIER);
}

static void test_without_numbers_the_boot_goes_on(void **state)
{
    (void)state;
    begin_at("a", 100, NONE);
    assert_int_equal(send("", NONE, NONE, 10), REEL_PLACE_APPEND);
    assert_string_equal(recording.boot.text, "a");
    assert_true(recording.continued);
}

/* The seq begins at 0 again while the frame goes on: a restart, of which nothing came before. */
static void test_a_restart_at_the_beginning(void **state)
{
    (void)state;
    begin_at("a", 100, 5000);
    assert_int_equal(send("a", 0, 5000, 10), REEL_PLACE_RESTARTED);
    assert_false(recording.continued);
}

/* --- a placement carried on into the next part --- */

/* Go on in the next part with the fragment that was placed last, as at the end of this one. */
static void carry_on(const struct reel_numbers *numbers)
{
    struct reel_recording next;

    reel_place(&recording, numbers, &limits, &placement);
    reel_recording_init(&next, "mic", "s-2", &format, 0);
    reel_recording_go_on(&next, &recording, "s", 2);
    reel_place_carry(&recording, &placement);
    reel_recording_finish(&recording);
    recording = next;
    assert_true(placement.new_stretch);
    assert_true(reel_place_apply(&recording, numbers, &placement, 7));
}

static void test_carry_what_is_next(void **state)
{
    struct reel_numbers numbers = numbers_of("a", 2, 20, 10);

    (void)state;
    send("a", 0, 0, 10);
    send("a", 1, 10, 10);
    carry_on(&numbers);
    assert_int_equal(placement.at_frame, 0);
    assert_int_equal(placement.reason, REEL_STRETCH_FIRST);
    assert_true(recording.continued);
    assert_int_equal(recording.frames, 10);
    assert_int_equal(recording.part, 2);
    assert_string_equal(recording.part_of, "s");
    assert_int_equal(send("a", 3, 30, 10), REEL_PLACE_APPEND);
    assert_int_equal(answer("a", 1, 10, 10), REEL_PLACE_EARLIER);
}

/* Of a size that this part alone would not know. */
static void test_carry_an_inferred_gap(void **state)
{
    struct reel_numbers numbers = numbers_of("a", 12, NONE, 10);

    (void)state;
    send_seqs("a", 0, 9, 10);
    carry_on(&numbers);
    assert_int_equal(placement.fill_frames, 20);
    assert_int_equal(placement.at_frame, 20);
    assert_true(missing(0, 10, 11));
    assert_int_equal(send("a", 11, NONE, 10), REEL_PLACE_HOLE);
}

static void test_carry_another_boot(void **state)
{
    struct reel_numbers numbers = numbers_of("b", 5, NONE, 10);

    (void)state;
    send("a", 0, NONE, 10);
    carry_on(&numbers);
    assert_int_equal(placement.reason, REEL_STRETCH_BOOT);
    assert_false(recording.continued);
    assert_true(lost(0, 0, 4));
}

/* The candidate goes on with it, and is confirmed there. */
static void test_a_candidate_goes_on(void **state)
{
    struct reel_numbers numbers = numbers_of("a", 1, NONE, 10);

    (void)state;
    send("a", 0, NONE, 10);
    assert_int_equal(send("a", 100000, NONE, 10), REEL_PLACE_JUMP);
    carry_on(&numbers);
    assert_int_equal(send("a", 100001, NONE, 10), REEL_PLACE_CONFIRMED);
    assert_true(placement.take_candidate);
    assert_int_equal(recording.frames, 30);
}

static void test_where_new_audio_begins(void **state)
{
    struct reel_numbers numbers = numbers_of("a", NONE, 5, 20);

    (void)state;
    send("a", NONE, 0, 10);
    assert_int_equal(answer("a", NONE, 5, 20), REEL_PLACE_DIVIDED);
    assert_int_equal(reel_place_past(&recording, &numbers, &placement), 5);
    numbers.frames = 5;
    assert_int_equal(answer("a", NONE, 5, 5), REEL_PLACE_STORED);
    assert_int_equal(reel_place_past(&recording, &numbers, &placement), 5);
}

/* What was lost between stretches still is. */
static void test_lost_after_the_first_stretch(void **state)
{
    (void)state;
    begin_at("a", 100, NONE);
    send_seqs("a", 100, 102, 10);
    assert_int_equal(send("a", 105, NONE, 10), REEL_PLACE_UNKNOWN);
    assert_true(lost(0, 103, 104));
    assert_false(lost(1, 0, 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_next_number_leaves_no_gap),
        TEST(test_ahead_is_a_gap_from_there),
        TEST(test_far_ahead_is_a_jump_from_there),
        TEST(test_below_is_an_earlier_recordings),
        TEST(test_below_begins_before_the_gap),
        TEST(test_without_an_earlier_recording_it_is_late),
        TEST(test_a_restart_below),
        TEST(test_another_boot_begins_as_usual),
        TEST(test_a_later_boot_has_its_own_numbers),
        TEST(test_other_kinds_of_number),
        TEST(test_without_numbers_the_boot_goes_on),
        TEST(test_a_restart_at_the_beginning),
        TEST(test_lost_after_the_first_stretch),
        TEST(test_carry_what_is_next),
        TEST(test_carry_an_inferred_gap),
        TEST(test_carry_another_boot),
        TEST(test_a_candidate_goes_on),
        TEST(test_where_new_audio_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
