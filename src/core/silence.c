/* Silence: the rules. */
#include "core/silence.h"

#define SECOND_US INT64_C(1000000)

enum reel_silence reel_silence_judge(const struct reel_silence_of *device,
                                     const struct reel_silence_now *now)
{
    int64_t after_us = (int64_t)device->after_s * SECOND_US; /* a setting: 100 years at most */

    if (after_us == 0 || !device->has_heard)
        return device->told ? REEL_SILENCE_DROP : REEL_SILENCE_NONE;
    if (device->told) {
        /* By a clock that was ahead then it would never be heard again. */
        bool heard =
            device->heard_us > device->told_heard_us || device->told_heard_us > now->wall_us;

        return heard ? REEL_SILENCE_ENDS : REEL_SILENCE_NONE;
    }
    if (now->listening_us < after_us || now->wall_us - device->heard_us < after_us)
        return REEL_SILENCE_NONE;
    if (now->before_us != INT64_MIN && device->heard_us <= now->before_us - after_us)
        return REEL_SILENCE_NONE;
    return REEL_SILENCE_BEGINS;
}
