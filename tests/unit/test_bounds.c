/* What a recording forgets at REEL_RUNS_MAX and REEL_STRETCHES_MAX, and what it never does: lose
 * audio, lose its place, or take long for one fragment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/place.h"
#include "unit/place_saved.h"

static const struct reel_format format = {
    .rate = 8000, .channels = 1, .sample_bytes = 1, .encoding = REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = 3600, .max_gap_bytes = 1 << 28};

static struct reel_recording recording;
static struct saved saved;

static int setup(void **state)
{
    (void)state;
    reel_recording_init(&recording, "mic", "s", &format, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reel_recording_finish(&recording);
    saved_finish(&saved);
    return 0;
}

/* Every now and then the store writes what is marked as dirty. */
static enum reel_place_row send(struct reel_numbers numbers)
{
    struct reel_placement placement;

    if (recording.fragments % 1000 == 0)
        save(&saved, &recording);
    reel_place(&recording, &numbers, &limits, &placement);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 0));
    return placement.row;
}

static enum reel_place_row send_seq(uint64_t seq, uint32_t frames)
{
    return send((struct reel_numbers){.has_seq = true, .seq = seq, .frames = frames});
}

static enum reel_place_row send_both(uint64_t seq, uint64_t frame, uint32_t frames)
{
    return send((struct reel_numbers){
        .has_seq = true, .seq = seq, .has_frame = true, .frame = frame, .frames = frames});
}

/* Sums of the lists against each other and against the recording; and what the store has of them.
 * Returns the number of runs. */
static size_t check_sums(void)
{
    uint64_t total = 0;
    size_t runs_count = 0;

    for (size_t i = 0; i < recording.stretches_count; i++) {
        const struct reel_stretch *stretch = &recording.stretches[i];
        uint64_t frames = 0, seqs = 0;

        assert_int_equal(stretch->start_frames, total);
        for (size_t k = 0; k < stretch->runs_count; k++) {
            frames += stretch->runs[k].frames;
            seqs += stretch->runs[k].seqs;
        }
        assert_int_equal(stretch->frames, frames);
        assert_int_equal(stretch->seqs, seqs);
        total += frames;
        runs_count += stretch->runs_count;
    }
    assert_int_equal(recording.frames, total);
    save_and_load(&saved, &recording);
    return runs_count;
}

static struct reel_range first_lost(void)
{
    struct reel_range_cursor cursor = {.epoch = reel_recording_epoch(&recording, NULL)};
    struct reel_range range = {0, 0};

    reel_epoch_next_lost(&recording, &cursor, &range);
    return range;
}

static void test_sizes_are_forgotten_first(void **state)
{
    const uint64_t count = REEL_RUNS_MAX + 10;
    uint64_t frames = 0;

    (void)state;
    for (uint64_t seq = 0; seq < count; seq++) {
        uint32_t size = seq % 2 ? 2 : 3;

        assert_int_equal(send_seq(seq, size), REEL_PLACE_APPEND);
        frames += size;
    }
    assert_int_equal(recording.frames, frames);
    assert_in_range(check_sums(), REEL_RUNS_MAX / 2, REEL_RUNS_MAX);
    assert_int_equal(recording.stretches[0].runs[0].kind, REEL_RUN_STORED);
    assert_int_equal(recording.stretches[0].runs[0].fragment_frames, 0);
    assert_int_equal(first_lost().end, 0);
    assert_int_equal(send_seq(count - 1, 2), REEL_PLACE_STORED);
    assert_int_equal(send_seq(5, 2), REEL_PLACE_CONFLICT);
    assert_int_equal(send_seq(count, 2), REEL_PLACE_APPEND);
    assert_int_equal(send_seq(0, 3), REEL_PLACE_RESTARTED);
}

static void test_old_gaps_are_forgotten(void **state)
{
    const uint64_t count = REEL_RUNS_MAX / 2 + 10;
    const struct reel_run *oldest;

    (void)state;
    for (uint64_t i = 0; i < count; i++)
        send_both(i * 2, i * 2, 1);
    assert_int_equal(recording.fragments, count);
    assert_int_equal(recording.frames, count * 2 - 1);
    assert_int_equal(recording.gap_frames, count - 1);
    assert_in_range(check_sums(), REEL_RUNS_MAX / 2, REEL_RUNS_MAX);
    oldest = &recording.stretches[0].runs[0];
    assert_int_equal(oldest->kind, REEL_RUN_FORGOTTEN);
    assert_int_equal(first_lost().first, 0);
    assert_int_equal(first_lost().end, oldest->seqs);
    assert_int_equal(send_both(count * 2 - 3, count * 2 - 3, 1), REEL_PLACE_HOLE);
    assert_int_equal(send_both(10, 10, 1), REEL_PLACE_STORED);
    assert_int_equal(send_both(count * 2 - 1, count * 2 - 1, 1), REEL_PLACE_APPEND);
}

static void test_old_stretches_become_one(void **state)
{
    const uint64_t count = REEL_STRETCHES_MAX + 10;

    (void)state;
    for (uint64_t i = 0; i < count; i++) /* sizes differ, so each skip begins a stretch */
        assert_int_not_equal(send_seq(4 + i * 2, (uint32_t)(1 + i % 3)), REEL_PLACE_JUMP);
    assert_int_equal(recording.fragments, count);
    assert_in_range(recording.stretches_count, REEL_STRETCHES_MAX / 2, REEL_STRETCHES_MAX);
    check_sums();
    assert_true(recording.stretches[0].has_seq);
    assert_int_equal(recording.stretches[0].first_seq, 4);
    assert_int_equal(recording.stretches[0].seqs, recording.stretches[1].first_seq - 1 - 4);
    assert_int_equal(first_lost().first, 0);
    assert_int_equal(recording.next_seq, count * 2 + 3);
    assert_int_equal(send_seq(count * 2 + 2, (uint32_t)(1 + (count - 1) % 3)), REEL_PLACE_STORED);
    assert_int_equal(send_seq(count * 2 + 3, 5), REEL_PLACE_APPEND);
    assert_int_equal(send_seq(4, 1), REEL_PLACE_CONFLICT);
    assert_int_equal(send_seq(3, 1), REEL_PLACE_LATE);
}

static void test_many_boots(void **state)
{
    const uint64_t count = REEL_STRETCHES_MAX * 2;
    struct reel_numbers numbers = {.has_seq = true, .frames = 4};

    (void)state;
    for (uint64_t i = 0; i < count; i++) {
        snprintf(numbers.boot.text, sizeof numbers.boot.text, "%d", (int)i);
        numbers.seq = 0;
        send(numbers);
        numbers.seq = 1;
        assert_int_equal(send(numbers), REEL_PLACE_APPEND);
    }
    assert_int_equal(recording.frames, count * 8);
    assert_in_range(recording.stretches_count, REEL_STRETCHES_MAX / 2, REEL_STRETCHES_MAX);
    check_sums();
    snprintf(numbers.boot.text, sizeof numbers.boot.text, "%d", (int)count - 2);
    assert_int_equal(send(numbers), REEL_PLACE_STORED);
    snprintf(numbers.boot.text, sizeof numbers.boot.text, "0");
    assert_int_equal(send(numbers), REEL_PLACE_BOOT);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One fragment across as many gaps as a recording keeps. A search of the run list for each of
 * them would take minutes under the sanitizers; one walk takes milliseconds. */
static void test_one_fragment_across_all_gaps(void **state)
{
    const uint64_t count = REEL_RUNS_MAX / 2;
    double start;

    (void)state;
    for (uint64_t i = 0; i < count; i++)
        send_both(i * 2, i * 2, 1);
    assert_int_equal(check_sums(), count * 2 - 1);
    start = seconds();
    assert_int_equal(
        send((struct reel_numbers){.has_frame = true, .frame = 0, .frames = (uint32_t)count * 2}),
        REEL_PLACE_DIVIDED);
    assert_true(seconds() - start < 2);
    assert_int_equal(recording.gap_frames, 0);
    assert_int_equal(recording.frames, count * 2);
    assert_int_equal(recording.rewrites, 1);
    check_sums();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes_are_forgotten_first),    TEST(test_old_gaps_are_forgotten),
        TEST(test_old_stretches_become_one),     TEST(test_many_boots),
        TEST(test_one_fragment_across_all_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
