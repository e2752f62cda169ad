/* Recording: its memory, its tags, its names. What it lacks is in recording_walk.c, where a
 * fragment goes in place.c. */
#include "core/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [REEL_STATE_RECORDING] = "recording",
    [REEL_STATE_COMPLETE] = "complete",
};

static const char *const end_reason_names[REEL_END_COUNT] = {
    [REEL_END_NONE] = "",         [REEL_END_END] = "end",     [REEL_END_IDLE] = "idle",
    [REEL_END_UPLOAD] = "upload", [REEL_END_LIMIT] = "limit",
};

void reel_recording_init(struct reel_recording *recording, const char *device, const char *session,
                         const struct reel_format *format, int64_t now_us)
{
    *recording = (struct reel_recording){
        .format = *format,
        .part = 1,
        .state = REEL_STATE_RECORDING,
        .started_us = now_us,
        .updated_us = now_us,
    };
    snprintf(recording->device, sizeof recording->device, "%s", device);
    snprintf(recording->session, sizeof recording->session, "%s", session);
}

void reel_recording_begin_at(struct reel_recording *recording, const struct reel_numbers *next)
{
    recording->continued = true;
    recording->begin = *next;
}

void reel_recording_go_on(struct reel_recording *recording, struct reel_recording *before,
                          const char *session, uint64_t part)
{
    struct reel_epoch epoch = reel_recording_epoch(before, NULL);
    struct reel_numbers next = {.boot = before->boot};

    next.has_seq = reel_epoch_next_seq(before, epoch, &next.seq);
    next.has_frame = reel_epoch_next_frame(before, epoch, &next.frame);
    reel_recording_begin_at(recording, &next);
    snprintf(recording->part_of, sizeof recording->part_of, "%s", session);
    recording->part = part;
    reel_recording_merge_tags(recording, before->tags);
    recording->candidate = before->candidate;
    before->candidate = (struct reel_candidate){0};
}

void reel_recording_finish(struct reel_recording *recording)
{
    for (size_t i = 0; i < recording->stretches_count; i++)
        free(recording->stretches[i].runs);
    free(recording->stretches);
    json_decref(recording->tags);
    *recording = (struct reel_recording){0};
}

/* Room for one more item; the array as it should be then, or NULL with the old one untouched. */
static void *room_for_one(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    size_t wanted = *capacity > 0 ? *capacity * 2 : 2;
    void *grown;

    if (count < *capacity)
        return items;
    grown = reallocarray(items, wanted, item_bytes);
    if (grown)
        *capacity = wanted;
    return grown;
}

struct reel_stretch *reel_recording_add_stretch(struct reel_recording *recording)
{
    size_t index = recording->stretches_count;
    struct reel_stretch *stretches = room_for_one(
        recording->stretches, index, &recording->stretches_capacity, sizeof *stretches);

    if (!stretches)
        return NULL;
    recording->stretches = stretches;
    recording->stretches_count++;
    stretches[index] = (struct reel_stretch){0};
    return &stretches[index];
}

struct reel_run *reel_stretch_add_run(struct reel_stretch *stretch)
{
    size_t index = stretch->runs_count;
    struct reel_run *runs =
        room_for_one(stretch->runs, index, &stretch->runs_capacity, sizeof *runs);

    if (!runs)
        return NULL;
    stretch->runs = runs;
    stretch->runs_count++;
    runs[index] = (struct reel_run){0};
    return &runs[index];
}

void reel_recording_complete(struct reel_recording *recording, enum reel_end_reason reason,
                             int64_t now_us)
{
    recording->state = REEL_STATE_COMPLETE;
    recording->end_reason = reason;
    recording->updated_us = now_us;
    recording->sha256[0] = '\0';
}

bool reel_recording_merge_tags(struct reel_recording *recording, json_t *tags)
{
    const char *name;
    json_t *value;
    bool changed = false;

    if (json_object_size(tags) > 0 && !recording->tags)
        recording->tags = json_object();
    if (!recording->tags)
        return false;
    json_object_foreach (tags, name, value) {
        const json_t *old = json_object_get(recording->tags, name);

        if (old ? json_equal(old, value) : json_object_size(recording->tags) >= REEL_TAGS_MAX)
            continue;
        if (json_object_set_new(recording->tags, name, json_copy(value)) == 0)
            changed = true;
    }
    return changed;
}

uint64_t reel_recording_audio_frames(const struct reel_recording *recording)
{
    return recording->frames - recording->gap_frames;
}

double reel_recording_duration_s(const struct reel_recording *recording)
{
    return (double)recording->frames / recording->format.rate;
}

const char *reel_state_name(enum reel_state state)
{
    return state_names[state];
}

const char *reel_end_reason_name(enum reel_end_reason reason)
{
    return (unsigned)reason < REEL_END_COUNT ? end_reason_names[reason] : "";
}

enum reel_end_reason reel_end_reason_from_name(const char *name)
{
    for (unsigned reason = 0; reason < REEL_END_COUNT; reason++) {
        if (strcmp(end_reason_names[reason], name) == 0)
            return (enum reel_end_reason)reason;
    }
    return REEL_END_COUNT;
}
