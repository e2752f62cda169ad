/* Buried: files that a deletion left behind, because the process was killed after its commit. They
 * have no row, and their recording's id stands in a tombstone. */
#ifndef REEL_STORE_BURIED_H
#define REEL_STORE_BURIED_H

#include <stdbool.h>

#include "base/err.h"
#include "store/catalog.h"
#include "store/sidecar.h"

struct reel_buried {
    bool wav;
    bool sidecar;
};

/* Which of the two files of that name below recordings/ (`root_fd`) are such; one that is not
 * there, or cannot be read, is none. STALLED or INTERNAL: the catalog fails. */
enum reel_code reel_buried_find(struct reel_catalog *catalog, struct reel_sidecars *sidecars,
                                int root_fd, const char *device, const char *session,
                                struct reel_buried *buried_out, struct reel_error *err_out);

#endif
