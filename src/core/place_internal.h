/* Place, between its own files: where the recording stands when a fragment comes. */
#ifndef REEL_CORE_PLACE_INTERNAL_H
#define REEL_CORE_PLACE_INTERNAL_H

#include "core/place.h"

/* Where the recording stands, as far as the fragment's numbers can be compared with it. */
struct reel_site {
    const struct reel_recording *recording;
    const struct reel_numbers *numbers;
    const struct reel_stretch *last; /* of the recording; NULL if it has none */
    struct reel_epoch epoch;         /* of the fragment's boot */
    bool newest;                     /* that is the recording's newest epoch */
    bool by_seq;                     /* fragment and epoch both count in seq */
    bool by_frame;                   /* fragment and epoch both count in frames */
    uint64_t next_seq;
    uint64_t next_frame;
    uint64_t limit_frames;
};

/* Whether the recording's last stretch has the fragment's kinds of number, so that the next one is
 * appended to it. */
bool reel_site_goes_on(const struct reel_site *site);

/* Answer for a fragment that begins behind what its epoch expects next. */
void reel_place_behind_frame(const struct reel_site *site, struct reel_placement *out);
void reel_place_behind_seq(const struct reel_site *site, struct reel_placement *out);

#endif
