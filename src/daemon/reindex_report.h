/* Reindex, told: `reeld --reindex`. A line on standard output with what came of it; meanwhile on
 * standard error how far it is, a line a second and one at the end; on a terminal one line that is
 * drawn anew. */
#ifndef REEL_DAEMON_REINDEX_REPORT_H
#define REEL_DAEMON_REINDEX_REPORT_H

#include "base/err.h"
#include "base/log.h"
#include "daemon/config.h"

/* Build the catalog of the settings' store anew; errors as reel_store_reindex. */
enum reel_code reel_reindex_report_run(const struct reel_config *config, const struct reel_log *log,
                                       struct reel_error *err_out);

#endif
