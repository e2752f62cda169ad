/* Tombstone: made from a recording's stretches, asked by a fragment's numbers. */
#include "core/tombstone.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool same_boot(const struct reel_boot *a, const struct reel_boot *b)
{
    return a->is_uint == b->is_uint && strcmp(a->text, b->text) == 0;
}

const struct reel_tombstone_boot *reel_tombstone_find(const struct reel_tombstone *tombstone,
                                                      const struct reel_boot *boot)
{
    for (size_t i = 0; i < tombstone->boots_count; i++) {
        if (same_boot(&tombstone->boots[i].boot, boot))
            return &tombstone->boots[i];
    }
    return NULL;
}

struct reel_tombstone_boot *reel_tombstone_add_boot(struct reel_tombstone *tombstone,
                                                    const struct reel_boot *boot)
{
    struct reel_tombstone_boot *added;

    if (tombstone->boots_count == tombstone->boots_capacity) {
        size_t capacity = tombstone->boots_capacity > 0 ? 2 * tombstone->boots_capacity : 4;
        void *boots = reallocarray(tombstone->boots, capacity, sizeof *tombstone->boots);

        if (!boots)
            return NULL;
        tombstone->boots = boots;
        tombstone->boots_capacity = capacity;
    }
    added = &tombstone->boots[tombstone->boots_count++];
    memset(added, 0, sizeof *added);
    added->boot = *boot;
    return added;
}

/* The newest epoch of each boot, from the end of the file on. */
static bool add_boots(const struct reel_recording *recording, struct reel_tombstone *tombstone)
{
    for (size_t i = recording->stretches_count; i-- > 0;) {
        const struct reel_boot *boot = &recording->stretches[i].boot;
        struct reel_tombstone_boot *added;
        struct reel_epoch epoch;

        if (reel_tombstone_find(tombstone, boot))
            continue;
        added = reel_tombstone_add_boot(tombstone, boot);
        if (!added)
            return false;
        epoch = reel_recording_epoch(recording, boot);
        added->has_next_seq = reel_epoch_next_seq(recording, epoch, &added->next_seq);
        added->has_next_frame = reel_epoch_next_frame(recording, epoch, &added->next_frame);
    }
    return true;
}

bool reel_tombstone_make(const struct reel_recording *recording, int64_t now_us,
                         struct reel_tombstone *tombstone_out)
{
    struct reel_tombstone tombstone = {.id = recording->id, .deleted_us = now_us};

    memcpy(tombstone.device, recording->device, sizeof tombstone.device);
    memcpy(tombstone.session, recording->session, sizeof tombstone.session);
    memcpy(tombstone.part_of, recording->part_of, sizeof tombstone.part_of);
    if (!add_boots(recording, &tombstone)) {
        reel_tombstone_finish(&tombstone);
        return false;
    }
    *tombstone_out = tombstone;
    return true;
}

void reel_tombstone_finish(struct reel_tombstone *tombstone)
{
    free(tombstone->boots);
    memset(tombstone, 0, sizeof *tombstone);
}

bool reel_tombstone_next(const struct reel_tombstone *tombstone, const struct reel_boot *boot,
                         struct reel_numbers *next_out)
{
    const struct reel_tombstone_boot *found = reel_tombstone_find(tombstone, boot);

    if (!found || (!found->has_next_seq && !found->has_next_frame))
        return false;
    *next_out = (struct reel_numbers){
        .has_seq = found->has_next_seq,
        .has_frame = found->has_next_frame,
        .seq = found->next_seq,
        .frame = found->next_frame,
        .boot = *boot,
    };
    return true;
}

bool reel_tombstone_covers(const struct reel_tombstone *tombstone,
                           const struct reel_numbers *numbers)
{
    const struct reel_tombstone_boot *boot = reel_tombstone_find(tombstone, &numbers->boot);

    if (!boot)
        return false;
    if (numbers->has_frame && boot->has_next_frame)
        return numbers->frames > 0 ? numbers->frame + numbers->frames <= boot->next_frame
                                   : numbers->frame < boot->next_frame;
    return numbers->has_seq && boot->has_next_seq && numbers->seq < boot->next_seq;
}

static bool is_first(bool has_seq, uint64_t seq, bool has_frame, uint64_t frame)
{
    return has_seq ? seq == 0 : has_frame && frame == 0;
}

bool reel_tombstone_find_first(const struct reel_recording *recording, const struct reel_boot *boot,
                               uint64_t *from_frame_out, uint32_t *frames_out)
{
    struct reel_epoch epoch = reel_recording_epoch(recording, boot);
    const struct reel_stretch *stretch;
    uint64_t frames = REEL_TOMBSTONE_FIRST_FRAMES;
    const struct reel_run *run;

    if (epoch.first == epoch.end)
        return false;
    stretch = &recording->stretches[epoch.first];
    if (stretch->runs_count == 0 || stretch->runs[0].kind != REEL_RUN_STORED ||
        !is_first(stretch->has_seq, stretch->first_seq, stretch->has_frame, stretch->first_frame))
        return false;
    run = &stretch->runs[0];
    if (run->fragment_frames > 0 && run->fragment_frames < frames)
        frames = run->fragment_frames;
    if (run->frames < frames)
        frames = run->frames;
    *from_frame_out = stretch->start_frames;
    *frames_out = (uint32_t)frames;
    return frames > 0;
}

/* All samples alike. */
static bool is_silent(const uint8_t *bytes, size_t count, uint32_t frame_bytes)
{
    return count <= frame_bytes || memcmp(bytes, bytes + frame_bytes, count - frame_bytes) == 0;
}

void reel_tombstone_set_first(struct reel_tombstone_boot *boot, const void *frames,
                              uint32_t frames_count, uint32_t frame_bytes)
{
    size_t bytes = (size_t)frames_count * frame_bytes;

    if (is_silent(frames, bytes, frame_bytes))
        return;
    boot->first_frames = frames_count;
    boot->first_hash = XXH3_64bits(frames, bytes);
}

bool reel_tombstone_restarts(const struct reel_tombstone *tombstone,
                             const struct reel_numbers *numbers, const void *frames,
                             uint32_t frame_bytes)
{
    const struct reel_tombstone_boot *boot = reel_tombstone_find(tombstone, &numbers->boot);

    if (!boot || numbers->frames == 0 ||
        !is_first(numbers->has_seq, numbers->seq, numbers->has_frame, numbers->frame))
        return false;
    return boot->first_frames == 0 || numbers->frames < boot->first_frames ||
           XXH3_64bits(frames, (size_t)boot->first_frames * frame_bytes) != boot->first_hash;
}
