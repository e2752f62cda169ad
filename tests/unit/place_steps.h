/* A recording to try steps on: one fragment each, placed and carried out. */
#ifndef TESTS_UNIT_PLACE_STEPS_H
#define TESTS_UNIT_PLACE_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/place.h"

/* 100 frames a second, so 100 s of gap are 10,000 frames; 2 bytes a frame. */
static const struct reel_format format = {
    .rate = 100, .channels = 1, .sample_bytes = 2, .encoding = REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = 100, .max_gap_bytes = 1 << 30};

enum { NONE = -1 };

static struct reel_recording recording;
static struct reel_placement placement;

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
    return 0;
}

static struct reel_numbers numbers_of(const char *boot, int64_t seq, int64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = {.has_seq = seq >= 0, .has_frame = frame >= 0, .frames = frames};

    snprintf(numbers.boot.text, sizeof numbers.boot.text, "%s", boot);
    if (seq >= 0)
        numbers.seq = (uint64_t)seq;
    if (frame >= 0)
        numbers.frame = (uint64_t)frame;
    return numbers;
}

/* Place and carry out. What is compared is the same. */
static enum reel_place_row send(const char *boot, int64_t seq, int64_t frame, uint32_t frames)
{
    struct reel_numbers numbers = numbers_of(boot, seq, frame, frames);

    reel_place(&recording, &numbers, &limits, &placement);
    assert_true(reel_place_apply(&recording, &numbers, &placement, 7));
    return placement.row;
}

static void send_seqs(const char *boot, int64_t first, int64_t last, uint32_t frames)
{
    for (int64_t seq = first; seq <= last; seq++)
        send(boot, seq, NONE, frames);
}

static const struct reel_stretch *last_stretch(void)
{
    return &recording.stretches[recording.stretches_count - 1];
}

static bool missing(size_t nth, uint64_t first, uint64_t last)
{
    struct reel_range_cursor cursor = {.epoch = reel_recording_epoch(&recording, NULL)};
    struct reel_range range;

    while (reel_epoch_next_missing(&recording, &cursor, &range)) {
        if (nth-- == 0)
            return range.first == first && range.end == last + 1;
    }
    return false;
}

static bool lost(size_t nth, uint64_t first, uint64_t last)
{
    struct reel_range_cursor cursor = {.epoch = reel_recording_epoch(&recording, NULL)};
    struct reel_range range;

    while (reel_epoch_next_lost(&recording, &cursor, &range)) {
        if (nth-- == 0)
            return range.first == first && range.end == last + 1;
    }
    return false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
