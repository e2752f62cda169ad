/* Check of the broker: `reeld --check-broker` finds out what it really does with what the sink
 * needs of it, says for each whether that will do and else which of mosquitto's settings to change,
 * and leaves nothing behind. A running sink is not disturbed. */
#ifndef REEL_DAEMON_CHECK_BROKER_H
#define REEL_DAEMON_CHECK_BROKER_H

#include <stdbool.h>

#include "base/err.h"
#include "daemon/config.h"

/* Check the broker of the settings; on standard output, `as_json` as one document. `*well_out`:
 * nothing is to be changed. INTERNAL or STALLED where it could not be done or told. */
enum reel_code reel_check_broker_run(const struct reel_config *config, const char *password,
                                     bool as_json, bool *well_out, struct reel_error *err_out);

#endif
