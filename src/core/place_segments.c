/* Place: the parts of a fragment that touches what the file holds already. */
#include "core/place.h"

#include "core/runs.h"

/* The next stretch of the same epoch, from `index` on, that goes on with frame number `frame`. */
static bool find_continuation(const struct reel_recording *recording, uint32_t epoch, size_t index,
                              uint64_t frame, size_t *index_out)
{
    for (; index < recording->stretches_count; index++) {
        const struct reel_stretch *stretch = &recording->stretches[index];

        if (stretch->epoch != epoch)
            return false;
        if (stretch->has_frame && stretch->first_frame == frame && stretch->frames > 0) {
            *index_out = index;
            return true;
        }
        if (stretch->has_frame && stretch->first_frame > frame)
            return false;
    }
    return false;
}

/* Whether `frame` is the next one of the recording's newest epoch. */
static bool is_next(const struct reel_recording *recording, uint32_t epoch, uint64_t frame)
{
    struct reel_epoch newest = reel_recording_epoch(recording, NULL);
    uint64_t next;

    return recording->stretches[newest.first].epoch == epoch &&
           reel_epoch_next_frame(recording, newest, &next) && next == frame;
}

/* All that is left of the fragment, in one part. */
static bool rest(const struct reel_numbers *numbers, struct reel_segment_cursor *cursor,
                 bool stored, uint64_t at_frame, struct reel_segment *out)
{
    if (cursor->offset_frames >= numbers->frames)
        return false;
    *out = (struct reel_segment){
        .stored = stored,
        .offset_frames = cursor->offset_frames,
        .frames = numbers->frames - cursor->offset_frames,
        .at_frame = at_frame,
    };
    cursor->offset_frames = numbers->frames;
    return true;
}

/* Go to the run that holds what comes next, forward from where the cursor stands. False if there
 * is none. */
static bool advance(const struct reel_recording *recording, uint64_t frame,
                    struct reel_segment_cursor *cursor)
{
    const struct reel_stretch *stretch = &recording->stretches[cursor->stretch];
    uint64_t offset = frame - stretch->first_frame;

    if (offset >= stretch->frames) {
        if (!find_continuation(recording, stretch->epoch, cursor->stretch + 1, frame,
                               &cursor->stretch))
            return false;
        cursor->run = 0;
        cursor->run_frames = 0;
        stretch = &recording->stretches[cursor->stretch];
        offset = 0;
    }
    while (offset - cursor->run_frames >= stretch->runs[cursor->run].frames) {
        cursor->run_frames += stretch->runs[cursor->run].frames;
        cursor->run++;
    }
    return true;
}

/* The part from the cursor to the end of its run, or to the end of the fragment. */
static void part_of_run(const struct reel_recording *recording, const struct reel_numbers *numbers,
                        struct reel_segment_cursor *cursor, struct reel_segment *out)
{
    const struct reel_stretch *stretch = &recording->stretches[cursor->stretch];
    const struct reel_run *run = &stretch->runs[cursor->run];
    uint64_t offset = numbers->frame + cursor->offset_frames - stretch->first_frame;
    uint64_t run_left = cursor->run_frames + run->frames - offset;
    uint32_t left = numbers->frames - cursor->offset_frames;

    *out = (struct reel_segment){
        .stored = !reel_run_is_gap(run),
        .offset_frames = cursor->offset_frames,
        .frames = run_left < left ? (uint32_t)run_left : left,
        .at_frame = stretch->start_frames + offset,
    };
    cursor->offset_frames += out->frames;
}

static bool next_by_frame(const struct reel_recording *recording,
                          const struct reel_numbers *numbers,
                          const struct reel_placement *placement,
                          struct reel_segment_cursor *cursor, struct reel_segment *out)
{
    uint64_t frame = numbers->frame + cursor->offset_frames;

    if (cursor->offset_frames >= numbers->frames)
        return false;
    if (cursor->offset_frames == 0) {
        const struct reel_stretch *stretch = &recording->stretches[placement->stretch];
        struct reel_run_position at;

        if (!reel_runs_find_frame(stretch, frame - stretch->first_frame, &at))
            return false;
        cursor->stretch = placement->stretch;
        cursor->run = at.run;
        cursor->run_frames = at.run_frames;
    }
    if (advance(recording, frame, cursor)) {
        part_of_run(recording, numbers, cursor, out);
        return true;
    }
    if (!is_next(recording, recording->stretches[cursor->stretch].epoch, frame))
        return false;
    return rest(numbers, cursor, false, recording->frames, out);
}

bool reel_place_next_segment(const struct reel_recording *recording,
                             const struct reel_numbers *numbers,
                             const struct reel_placement *placement,
                             struct reel_segment_cursor *cursor, struct reel_segment *segment_out)
{
    bool touches = placement->row == REEL_PLACE_HOLE || placement->row == REEL_PLACE_STORED ||
                   placement->row == REEL_PLACE_DIVIDED;

    if (reel_place_refuses(placement))
        return false;
    if (touches && numbers->has_frame && recording->stretches[placement->stretch].has_frame)
        return next_by_frame(recording, numbers, placement, cursor, segment_out);
    return rest(numbers, cursor, placement->row == REEL_PLACE_STORED, placement->at_frame,
                segment_out);
}
