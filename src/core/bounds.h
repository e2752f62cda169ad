/* Bounds: what a recording forgets to stay within REEL_RUNS_MAX and REEL_STRETCHES_MAX
 * (recording.h, "Bounds"). Each forgets a good part at once, so that it is seldom needed. */
#ifndef REEL_CORE_BOUNDS_H
#define REEL_CORE_BOUNDS_H

#include <stdbool.h>

#include "core/recording.h"

/* Make room for one more stretch: at the bound, the older half becomes one. It keeps the boot and
 * epoch of its youngest part and the seqs of that epoch; its audio stays where it is. False if
 * memory ran out; the recording is as it was. */
bool reel_bounds_make_room(struct reel_recording *recording);

/* Shorten the run lists if there are more runs than the bound. */
void reel_bounds_trim_runs(struct reel_recording *recording);

#endif
