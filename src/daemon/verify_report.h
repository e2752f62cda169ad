/* Verify, told: `reeld --verify`. One line a difference on standard output, `WHERE: WHAT: how`,
 * WHERE being DEVICE/SESSION or "quarantine" and WHAT one of reel_difference_name's words; then one
 * for each file in recovered/, then a summary. Progress on standard error where that is a
 * terminal. */
#ifndef REEL_DAEMON_VERIFY_REPORT_H
#define REEL_DAEMON_VERIFY_REPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "daemon/config.h"

/* Verify the store of the settings, also while a sink writes to it. `*well_out`: nothing differs.
 * STALLED or INTERNAL where it could not be looked at to its end, or told. */
enum reel_code reel_verify_report_run(const struct reel_config *config, bool *well_out,
                                      struct reel_error *err_out);

#endif
