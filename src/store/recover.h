/* Recover: at start, make files and catalog agree again, before anything is acknowledged on the
 * strength of a row (invariants 2, 3 and 7). Names and sizes of all files are looked at; opened are
 * only those of open recordings and those that do not fit their row.
 *
 * Sidecars are written only after the catalog's commit. So one that says more than the row, or
 * has no row, proves that the catalog has lost something, and is taken at its word.
 *
 * A recording with a row. If its sidecar is ahead of the row, the recording is taken from that.
 * Then, its file is
 *   longer by less than a batch   cut back: what it holds was never acknowledged
 *   longer by more                the surplus is copied to recovered/ as a WAV file, then cut
 *   shorter                       the rest becomes a gap (missing), filled with silence; what had
 *                                 to be marked with it goes to recovered/
 *   another recording's           goes to recovered/, as if there were none
 *   not there                     the row goes, its sidecar to recovered/
 * and noted gaps become silence again, the header is brought up, and the file is synced. A complete
 * recording whose file fits and whose sidecar is younger was sealed and not touched since: it is
 * passed over. Silence does not count towards a batch: it was filled in, not received.
 *
 * A device's folder that does not open is passed over where the catalog knows no recording of that
 * device, and else an error: a disk may be missing. So it is where the catalog knows recordings and
 * there is no folder at all. One that is the same as another, by a link, is passed over unless the
 * catalog has recordings under its name too.
 *
 * A file without a row is
 *   another recording's           left alone, and so is its sidecar: its header names one whose own
 *                                 file is there, and it is a second name of that file, or a copy
 *                                 and the catalog knows the one
 *   with a sidecar                indexed from both
 *   without, empty                removed
 *   without, of one batch at most the beginning of a recording whose first commit did not come:
 *                                 never acknowledged, but kept: it goes to recovered/
 *   without, longer               indexed as one stretch without numbers
 *
 * When a catalog is built anew every WAV file is indexed, a copy as another recording; only a
 * second name of the same file is left alone. What is no WAV file of ours goes to recovered/, and
 * so does what is no file and has the name of one: nothing could be recorded under that name. */
#ifndef REEL_STORE_RECOVER_H
#define REEL_STORE_RECOVER_H

#include <stdint.h>

#include "base/err.h"
#include "store/home.h"
#include "store/store.h"

/* Do it, with the rows committed. `report_out` gets all but its first two counts. NOT_FOUND where
 * recordings/ is empty though the catalog knows some: nothing was changed. STALLED or INTERNAL:
 * what was done so far stands, and doing it again goes on from there. */
enum reel_code reel_recover(struct reel_home *home, const struct reel_store_config *config,
                            int64_t now_us, struct reel_store_report *report_out,
                            struct reel_error *err_out);

#endif
