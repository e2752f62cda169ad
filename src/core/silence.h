/* Silence: whether it is to be told that nothing comes from a device any more, and that it is back.
 * What was told is kept with the store, so a restart neither tells it again nor forgets it. Pure.
 */
#ifndef REEL_CORE_SILENCE_H
#define REEL_CORE_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

/* A wall clock that is put right by less is not noticed. What was heard further ahead of it was by
 * a clock that was wrong, and it is not known when that was. */
enum { REEL_SILENCE_STEP_US = 5000000 };

enum reel_silence {
    REEL_SILENCE_NONE,   /* nothing is to be told */
    REEL_SILENCE_BEGINS, /* tell `silent`, and keep that it was told */
    REEL_SILENCE_ENDS,   /* tell `back`, and forget */
    REEL_SILENCE_DROP,   /* forget it without a word: it is not watched any more, or unknown */
};

/* What is known of a device. Times are microseconds, heard_us by the wall clock. */
struct reel_silence_of {
    uint64_t after_s; /* device.silent_after_s; 0: it is not watched */
    bool has_heard;   /* of a device without recordings nothing is known */
    int64_t heard_us;
    bool told;             /* that it is silent ... */
    int64_t told_heard_us; /* ... when it had been heard then */
};

/* What is known of the sink. */
struct reel_silence_now {
    int64_t wall_us;
    int64_t listening_us; /* how long it has been able to hear, by a clock that does not jump */
    /* When the store was written last before the sink began: who was silent by then was told, or
     * was not watched, and then is no news either. INT64_MIN: nothing was written. */
    int64_t before_us;
};

enum reel_silence reel_silence_judge(const struct reel_silence_of *device,
                                     const struct reel_silence_now *now);

#endif
