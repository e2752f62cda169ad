/* Home: the store's folder itself: the lock against a second sink, and the catalog that belongs to
 * this folder. */
#ifndef REEL_STORE_HOME_H
#define REEL_STORE_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "store/catalog.h"
#include "store/store.h"

struct reel_home {
    char *dir;
    int dir_fd;
    int recordings_fd;
    int lock_fd;
    struct reel_catalog *catalog;
    bool suspect; /* the catalog is to be verified */
    bool rebuild; /* the catalog is new while recordings may be there: all are to be indexed */
    uint64_t id;  /* which the new catalog gets once they are */
    const struct reel_log *log;
};

/* Make what is missing of the folder, take the lock, open and migrate the catalog.
 *
 * `store.id` in the folder and the id in the catalog must be the same. A catalog that is another
 * store's, or that SQLite cannot read, goes to recovered/ with the quarantine that it indexed, and
 * a new one is made; so it is with `discard`. NOT_ALLOWED where another process holds the lock or
 * the store is of a newer version; STALLED. On failure nothing is left open. */
enum reel_code reel_home_open(const struct reel_store_config *config, bool discard, int64_t now_us,
                              struct reel_home *home_out, struct reel_error *err_out);

/* After recovery: the catalog is this folder's from now on, has taken in its log, and its files
 * have their names durably. */
enum reel_code reel_home_complete(struct reel_home *home, struct reel_error *err_out);
void reel_home_close(struct reel_home *home);

#endif
