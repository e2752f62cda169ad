/* Tombstone: made from a recording's stretches, asked by a fragment's numbers. */
#include "core/tombstone.h"

#include <stdlib.h>
#include <string.h>

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
