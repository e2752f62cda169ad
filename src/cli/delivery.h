/* Delivery: send recordings, and tell the user what became of each. */
#ifndef REEL_CLI_DELIVERY_H
#define REEL_CLI_DELIVERY_H

#include <stddef.h>

#include "cli/commands.h"
#include "cli/publisher.h"

/* Run the publisher over the sendings, which are prepared as it wants them, and finish them. A line
 * for each goes to standard output. `again` tells what the same command would do after an
 * interruption. Returns the command's exit status. */
enum reel_exit reel_deliver(const struct reel_publisher_config *config,
                            struct reel_sending *sendings, size_t count, const char *again);

#endif
