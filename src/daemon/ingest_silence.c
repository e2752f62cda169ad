/* Ingest, silence: now and then it looks at all devices, some at a time, and tells of those that
 * nothing comes from any more and of those that are back. core/silence decides. */
#include <stdlib.h>
#include <string.h>

#include "core/silence.h"
#include "daemon/events.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

enum { SECOND_US = 1000000, SLICE_DEVICES = 64, PASS_MOST_S = 10 };

/* A device about which something is to be told. */
struct found {
    enum reel_silence what;
    char device[REEL_NAME_BYTES];
    int64_t heard_us;
};

struct slice {
    const struct reel_ingest *ingest;
    struct reel_silence_now now;
    size_t seen;
    bool more;
    char last[REEL_NAME_BYTES];
    struct found found[SLICE_DEVICES];
    size_t found_count;
};

static int64_t pass_us(uint64_t least_s)
{
    uint64_t every_s = least_s / 4;

    every_s = every_s < 1 ? 1 : every_s > PASS_MOST_S ? PASS_MOST_S : every_s;
    return (int64_t)every_s * SECOND_US;
}

void reel_ingest_silence_begin(struct reel_ingest *ingest)
{
    struct reel_silence_watch *watch = &ingest->silence;
    struct reel_error error;

    if (watch->known)
        return;
    if (reel_store_last_heard(ingest->store, &watch->before_us, &error))
        reel_ingest_fail(ingest, &error);
    else
        watch->known = true;
}

static bool judge(const struct reel_device_figures *figures, void *user)
{
    struct slice *slice = user;
    struct reel_device_settings settings;
    struct found *found = &slice->found[slice->found_count];

    slice->more = slice->seen == SLICE_DEVICES;
    if (slice->more)
        return false;
    slice->seen++;
    reel_config_device(slice->ingest->links.config, figures->device, &settings);
    const struct reel_silence_of device = {
        settings.silent_after_s, figures->has_heard,
        reel_device_heard_us(figures, slice->now.wall_us + REEL_SILENCE_STEP_US), figures->silent,
        figures->silent_heard_us};

    memcpy(slice->last, figures->device, sizeof slice->last);
    found->what = reel_silence_judge(&device, &slice->now);
    if (found->what == REEL_SILENCE_NONE)
        return true;
    memcpy(found->device, figures->device, sizeof found->device);
    found->heard_us = figures->silent ? figures->silent_heard_us : device.heard_us;
    slice->found_count++;
    return true;
}

/* The row and its event go with one commit. */
static enum reel_code tell(struct reel_ingest *ingest, const struct found *found,
                           struct reel_error *err_out)
{
    bool begins = found->what == REEL_SILENCE_BEGINS;
    char session[REEL_NAME_BYTES];
    enum reel_code code = reel_store_last_session(ingest->store, found->device, session, err_out);

    reel_batch_open(&ingest->batch, reel_monotonic_us());
    if (code == REEL_OK)
        code = begins
                   ? reel_store_note_silent(ingest->store, found->device, found->heard_us, err_out)
                   : reel_store_forget_silent(ingest->store, found->device, err_out);
    if (code == REEL_OK && found->what != REEL_SILENCE_DROP)
        reel_ingest_event(ingest, found->device, session,
                          reel_event_silence(begins ? "silent" : "back", found->device, session,
                                             found->heard_us, reel_wall_us()));
    return code;
}

/* How long could something be heard, by the clock that does not jump? A wall clock that does makes
 * what was heard before look older or newer than it is, so the time begins anew. */
static int64_t listening_us(struct reel_ingest *ingest, int64_t now_us, int64_t wall_us)
{
    struct reel_silence_watch *watch = &ingest->silence;
    int64_t offset_us = wall_us - now_us;

    if (llabs(offset_us - watch->offset_us) > REEL_SILENCE_STEP_US)
        watch->jumped_us = now_us;
    watch->offset_us = offset_us;
    return now_us -
           (watch->jumped_us > ingest->subscribed_us ? watch->jumped_us : ingest->subscribed_us);
}

static void take_slice(struct reel_ingest *ingest, int64_t now_us)
{
    struct reel_silence_watch *watch = &ingest->silence;
    struct slice slice = {.ingest = ingest, .seen = 0};
    struct reel_error error;
    enum reel_code code;

    slice.now.wall_us = reel_wall_us();
    slice.now.listening_us = listening_us(ingest, now_us, slice.now.wall_us);
    slice.now.before_us = watch->before_us;
    code = reel_store_devices(ingest->store, watch->device,
                              slice.now.wall_us + REEL_SILENCE_STEP_US, judge, &slice, &error);
    for (size_t i = 0; i < slice.found_count && code == REEL_OK; i++)
        code = tell(ingest, &slice.found[i], &error);
    if (code) {
        reel_ingest_fail(ingest, &error);
        return;
    }
    memcpy(watch->device, slice.more ? slice.last : "", slice.more ? sizeof slice.last : 1);
    watch->passing = slice.more;
    if (!slice.more)
        watch->next_us = now_us + pass_us(ingest->links.config->least_silent_after_s);
}

/* Without the setting there is one pass, that forgets what was told with it. */
static bool is_wanted(const struct reel_ingest *ingest)
{
    return ingest->subscribed && (ingest->silence.passing || ingest->silence.next_us == 0 ||
                                  ingest->links.config->least_silent_after_s > 0);
}

void reel_ingest_silence(struct reel_ingest *ingest)
{
    int64_t now_us = reel_monotonic_us();

    if (ingest->failed || ingest->batch.open || !is_wanted(ingest) ||
        now_us < ingest->silence.next_us)
        return;
    take_slice(ingest, now_us);
}

int64_t reel_ingest_silence_due_us(const struct reel_ingest *ingest)
{
    return is_wanted(ingest) && !ingest->batch.open ? ingest->silence.next_us : INT64_MAX;
}
