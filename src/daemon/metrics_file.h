/* Metrics file: the metrics where node_exporter's textfile collector finds them. */
#ifndef REEL_DAEMON_METRICS_FILE_H
#define REEL_DAEMON_METRICS_FILE_H

#include "base/err.h"
#include "daemon/metrics.h"

/* Make the file `path` hold the metrics, for all to read (0644): a temporary file beside it takes
 * its place, so that nobody reads half of it. It is not synced: after a crash of the machine it is
 * written anew, and flash is spared. STALLED where that fails, the old one then stands; INTERNAL if
 * memory ran out. */
enum reel_code reel_metrics_file_write(const char *path, const struct reel_metrics *metrics,
                                       struct reel_error *err_out);

#endif
