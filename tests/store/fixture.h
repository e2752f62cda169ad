/* What the tests of the store share: a folder of their own, random numbers that repeat, recordings
 * filled with them and compared. */
#ifndef REEL_TESTS_STORE_FIXTURE_H
#define REEL_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/recording.h"

/* setup and teardown: *state is the folder's path. */
static inline int make_folder(void **state)
{
    char *path = strdup("/tmp/reel-test-XXXXXX");

    *state = path;
    return path && mkdtemp(path) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *info, int kind,
                               struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int remove_folder(void **state)
{
    int result = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return result;
}

/* `{folder}/{name}`, in a buffer of the caller's. */
enum { PATH_BYTES = 256 };
static inline const char *path_in(const char *folder, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return out;
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct reel_error error_ = {0};                                                            \
        struct reel_error *err = &error_;                                                          \
                                                                                                   \
        if ((call) != REEL_OK)                                                                     \
            fail_msg("%s: %s", #call, error_.message);                                             \
    } while (0)

/* splitmix64: the same sequence from the same seed, everywhere. */
struct chance {
    uint64_t state;
};

static inline uint64_t chance_u64(struct chance *chance)
{
    uint64_t z = chance->state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    return chance_u64(chance) % bound;
}

static inline bool chance_bool(struct chance *chance)
{
    return chance_below(chance, 2) == 1;
}

/* A number below 2^62, often a small one and sometimes the greatest. */
static inline uint64_t chance_number(struct chance *chance)
{
    if (chance_below(chance, 8) == 0)
        return REEL_NUMBER_MAX - 1;
    return chance_u64(chance) >> (2 + chance_below(chance, 62));
}

static inline void chance_boot(struct chance *chance, struct reel_boot *boot)
{
    static const char *const texts[] = {"", "7", "a-boot", "18446744073709551615"};

    memset(boot, 0, sizeof *boot);
    strcpy(boot->text, texts[chance_below(chance, 4)]);
    boot->is_uint = boot->text[0] >= '0' && boot->text[0] <= '9' && chance_bool(chance);
}

static inline void chance_run(struct chance *chance, struct reel_stretch *stretch)
{
    struct reel_run *run = reel_stretch_add_run(stretch);

    assert_non_null(run);
    run->kind = (enum reel_run_kind)chance_below(chance, 4);
    run->frames = chance_below(chance, 1000000);
    run->seqs = stretch->has_seq ? chance_below(chance, 5000) : 0;
    run->fragment_frames = chance_bool(chance) ? (uint32_t)chance_u64(chance) : 0;
    stretch->frames += run->frames;
    stretch->seqs += run->seqs;
}

static inline void chance_stretch(struct chance *chance, struct reel_recording *recording)
{
    struct reel_stretch *stretch = reel_recording_add_stretch(recording);

    assert_non_null(stretch);
    stretch->epoch = (uint32_t)chance_u64(chance);
    stretch->reason = (enum reel_stretch_reason)chance_below(chance, 6);
    chance_boot(chance, &stretch->boot);
    stretch->has_seq = chance_bool(chance);
    stretch->has_frame = chance_bool(chance);
    stretch->first_seq = stretch->has_seq ? chance_number(chance) : 0;
    stretch->first_frame = stretch->has_frame ? chance_number(chance) : 0;
    stretch->start_frames = recording->frames;
    for (uint64_t i = chance_below(chance, 12); i > 0; i--)
        chance_run(chance, stretch);
    recording->frames += stretch->frames;
}

static inline void chance_candidate(struct chance *chance, struct reel_candidate *candidate)
{
    struct reel_numbers *numbers = &candidate->numbers;

    memset(candidate, 0, sizeof *candidate);
    candidate->kind = (enum reel_candidate_kind)chance_below(chance, 3);
    if (candidate->kind == REEL_CANDIDATE_NONE)
        return;
    candidate->quarantine_id = 1 + chance_below(chance, 1000);
    numbers->has_seq = chance_bool(chance);
    numbers->has_frame = chance_bool(chance);
    numbers->end = chance_bool(chance);
    numbers->seq = numbers->has_seq ? chance_number(chance) : 0;
    numbers->frame = numbers->has_frame ? chance_number(chance) : 0;
    chance_boot(chance, &numbers->boot);
    numbers->frames = (uint32_t)chance_u64(chance);
}

static inline json_t *chance_tags(struct chance *chance)
{
    static const char *const texts[] = {
        "{}",
        "{\"site\": \"roof\"}",
        "{\"site\": \"cellar\", \"gain\": -3.25, \"machine\": 7}",
        "{\"a\\\"b\\\\c'd\": \"quo\\\"te\\n\", \"\xc3\xa9\": \"\xe2\x82\xac\", \"gain\": 1e300}",
    };
    uint64_t which = chance_below(chance, 5);

    return which == 4 ? NULL : json_loads(texts[which], 0, NULL);
}

/* What changes while a recording grows; stretches are left. */
static inline void chance_summary(struct chance *chance, struct reel_recording *recording)
{
    recording->state = (enum reel_state)chance_below(chance, 2);
    recording->end_reason = (enum reel_end_reason)chance_below(chance, REEL_END_COUNT);
    recording->kept = chance_bool(chance);
    recording->rewrites = chance_number(chance);
    recording->updated_us = (int64_t)chance_number(chance);
    recording->has_captured = chance_bool(chance);
    recording->captured_from_us = recording->has_captured ? -(int64_t)chance_number(chance) : 0;
    recording->captured_to_us = recording->has_captured ? (int64_t)chance_number(chance) : 0;
    recording->fragments = chance_number(chance);
    recording->duplicates = chance_number(chance);
    recording->rejected = chance_number(chance);
    recording->gap_frames = chance_bool(chance) ? chance_number(chance) : 0;
    chance_boot(chance, &recording->boot);
    recording->has_next_seq = chance_bool(chance);
    recording->next_seq = recording->has_next_seq ? chance_number(chance) : 0;
    json_decref(recording->tags);
    recording->tags = chance_tags(chance);
    memset(recording->sha256, 0, sizeof recording->sha256);
    if (chance_bool(chance))
        memset(recording->sha256, 'a' + (int)chance_below(chance, 6), 64);
    chance_candidate(chance, &recording->candidate);
}

static inline void chance_recording(struct chance *chance, const char *device, const char *session,
                                    struct reel_recording *out)
{
    static const struct reel_format formats[] = {
        {16000, 1, 2, REEL_PCM},   {44100, 2, 3, REEL_PCM}, {768000, 64, 4, REEL_PCM},
        {48000, 1, 8, REEL_FLOAT}, {8000, 1, 1, REEL_ALAW}, {1, 1, 1, REEL_ULAW},
    };

    reel_recording_init(out, device, session, &formats[chance_below(chance, 6)],
                        (int64_t)chance_number(chance));
    out->id = chance_u64(chance);
    chance_summary(chance, out);
    for (uint64_t i = chance_below(chance, 6); i > 0; i--)
        chance_stretch(chance, out);
}

static inline void assert_same_boot(const struct reel_boot *a, const struct reel_boot *b)
{
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->is_uint, b->is_uint);
}

static inline void assert_same_stretch(const struct reel_stretch *a, const struct reel_stretch *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->reason, b->reason);
    assert_same_boot(&a->boot, &b->boot);
    assert_int_equal(a->has_seq, b->has_seq);
    assert_int_equal(a->has_frame, b->has_frame);
    assert_int_equal(a->first_seq, b->first_seq);
    assert_int_equal(a->first_frame, b->first_frame);
    assert_int_equal(a->start_frames, b->start_frames);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->seqs, b->seqs);
    assert_int_equal(a->runs_count, b->runs_count);
    for (size_t i = 0; i < a->runs_count; i++) {
        assert_int_equal(a->runs[i].kind, b->runs[i].kind);
        assert_int_equal(a->runs[i].frames, b->runs[i].frames);
        assert_int_equal(a->runs[i].seqs, b->runs[i].seqs);
        assert_int_equal(a->runs[i].fragment_frames, b->runs[i].fragment_frames);
    }
}

static inline void assert_same_candidate(const struct reel_candidate *a,
                                         const struct reel_candidate *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->quarantine_id, b->quarantine_id);
    assert_int_equal(a->numbers.has_seq, b->numbers.has_seq);
    assert_int_equal(a->numbers.has_frame, b->numbers.has_frame);
    assert_int_equal(a->numbers.end, b->numbers.end);
    assert_int_equal(a->numbers.seq, b->numbers.seq);
    assert_int_equal(a->numbers.frame, b->numbers.frame);
    assert_int_equal(a->numbers.frames, b->numbers.frames);
    assert_same_boot(&a->numbers.boot, &b->numbers.boot);
}

/* All but stretches and candidate. */
static inline void assert_same_summary(const struct reel_recording *a,
                                       const struct reel_recording *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->rowid, b->rowid);
    assert_string_equal(a->device, b->device);
    assert_string_equal(a->session, b->session);
    assert_int_equal(a->format.rate, b->format.rate);
    assert_int_equal(a->format.channels, b->format.channels);
    assert_int_equal(a->format.sample_bytes, b->format.sample_bytes);
    assert_int_equal(a->format.encoding, b->format.encoding);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->end_reason, b->end_reason);
    assert_int_equal(a->kept, b->kept);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->rewrites, b->rewrites);
    assert_int_equal(a->started_us, b->started_us);
    assert_int_equal(a->updated_us, b->updated_us);
    assert_int_equal(a->has_captured, b->has_captured);
    assert_int_equal(a->captured_from_us, b->captured_from_us);
    assert_int_equal(a->captured_to_us, b->captured_to_us);
    assert_int_equal(a->fragments, b->fragments);
    assert_int_equal(a->duplicates, b->duplicates);
    assert_int_equal(a->rejected, b->rejected);
    assert_int_equal(a->gap_frames, b->gap_frames);
    assert_same_boot(&a->boot, &b->boot);
    assert_int_equal(a->has_next_seq, b->has_next_seq);
    assert_int_equal(a->next_seq, b->next_seq);
    assert_true(a->tags == b->tags || json_equal(a->tags, b->tags));
    assert_string_equal(a->sha256, b->sha256);
}

static inline void assert_same_recording(const struct reel_recording *a,
                                         const struct reel_recording *b)
{
    assert_same_summary(a, b);
    assert_same_candidate(&a->candidate, &b->candidate);
    assert_int_equal(a->stretches_count, b->stretches_count);
    for (size_t i = 0; i < a->stretches_count; i++)
        assert_same_stretch(&a->stretches[i], &b->stretches[i]);
}

#endif
