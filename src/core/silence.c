/* Silence: the rules. */
#include "core/silence.h"

#define SECOND_US INT64_C(1000000)

static bool is_ahead(int64_t time_us, const struct reel_silence_now *now)
{
    return time_us > now->wall_us + REEL_SILENCE_STEP_US;
}

/* Was it silent already when the sink began? What a clock that was ahead has left is compared only
 * with what it left itself. */
static bool was_silent_before(const struct reel_silence_of *device,
                              const struct reel_silence_now *now, int64_t after_us)
{
    int64_t before_us = now->before_us;

    if (before_us == INT64_MIN)
        return false;
    if (is_ahead(before_us, now) && !is_ahead(device->heard_us, now))
        before_us = now->wall_us - now->listening_us;
    return device->heard_us <= before_us - after_us;
}

/* Less than when that was told, it is the time of an older recording, the last one being deleted;
 * unless the clock was ahead then: by it the device would never be heard again. */
static bool is_heard_again(const struct reel_silence_of *device, const struct reel_silence_now *now)
{
    if (device->told_heard_us > now->wall_us)
        return device->heard_us != device->told_heard_us;
    return device->heard_us > device->told_heard_us;
}

enum reel_silence reel_silence_judge(const struct reel_silence_of *device,
                                     const struct reel_silence_now *now)
{
    int64_t after_us = (int64_t)device->after_s * SECOND_US; /* a setting: 100 years at most */

    if (after_us == 0 || !device->has_heard)
        return device->told ? REEL_SILENCE_DROP : REEL_SILENCE_NONE;
    if (device->told)
        return is_heard_again(device, now) ? REEL_SILENCE_ENDS : REEL_SILENCE_NONE;
    if (now->listening_us < after_us)
        return REEL_SILENCE_NONE;
    if (!is_ahead(device->heard_us, now) && now->wall_us - device->heard_us < after_us)
        return REEL_SILENCE_NONE;
    return was_silent_before(device, now, after_us) ? REEL_SILENCE_NONE : REEL_SILENCE_BEGINS;
}
