/* Firmware: topics built from checked names. */
#include "reel/topic.h"

#include <string.h>

#include "base/limits.h"
#include "wire/topic.h"

static bool is_name(const char *name)
{
    return reel_recorder_name_valid(name);
}

static size_t built(bool fits, const char *out)
{
    return fits ? strlen(out) : 0;
}

static size_t nothing(char *out, size_t capacity)
{
    if (capacity > 0)
        out[0] = '\0';
    return 0;
}

bool reel_recorder_name_valid(const char *name)
{
    return name && reel_name_valid(name, strlen(name));
}

size_t reel_recorder_audio_topic(char *out, size_t capacity, const char *prefix, const char *device,
                                 const char *session)
{
    if (!is_name(device) || (session && !is_name(session)))
        return nothing(out, capacity);
    return built(reel_topic_build(out, capacity, prefix, "audio", device, session), out);
}

size_t reel_recorder_reply_topic(char *out, size_t capacity, const char *prefix, const char *device,
                                 const char *suffix)
{
    if (!is_name(device) || !suffix || !suffix[0] || strpbrk(suffix, "+#"))
        return nothing(out, capacity);
    if (capacity > REEL_REPLY_TOPIC_MAX_BYTES + 1)
        capacity = REEL_REPLY_TOPIC_MAX_BYTES + 1;
    return built(reel_topic_build(out, capacity, prefix, "reply", device, suffix), out);
}
