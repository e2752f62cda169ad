/* Uploads, inside: those that the store holds, and their share of a commit. Only for store_*.c and
 * upload*.c. */
#ifndef REEL_STORE_UPLOADS_H
#define REEL_STORE_UPLOADS_H

#include "store/catalog.h"
#include "store/upload.h"

struct reel_uploads {
    int fd; /* uploads/ */
    int recordings_fd;
    bool leaving; /* rows of what was installed are to be removed, and files after them */
    struct reel_upload *list;      /* oldest first */
    struct reel_discard *discards; /* a list that is given out from its end */
    size_t discards_count;
    size_t discards_capacity;
    const struct reel_log *log;
};

/* Hold all that the catalog knows, after recovery; uploads/ is made if it is missing.
 * `recordings_fd` and `log` are borrowed. */
enum reel_code reel_uploads_open(const char *dir, struct reel_catalog *catalog, int recordings_fd,
                                 const struct reel_log *log, struct reel_uploads **uploads_out,
                                 struct reel_error *err_out);
void reel_uploads_close(struct reel_uploads *uploads); /* accepts NULL */

/* Open its file, which is made with `more_flags` O_CREAT; it is synced and closed with the batch.
 */
enum reel_code reel_uploads_descriptor(struct reel_uploads *uploads, struct reel_upload *upload,
                                       int more_flags, struct reel_error *err_out);

/* The commit's steps: before the catalog's, sync the files; in its transaction, save and remove
 * rows; after it, forget those whose rows are removed, with their files. */
enum reel_code reel_uploads_sync(struct reel_uploads *uploads, struct reel_error *err_out);
enum reel_code reel_uploads_save(struct reel_uploads *uploads, struct reel_catalog *catalog,
                                 struct reel_error *err_out);
void reel_uploads_committed(struct reel_uploads *uploads);

/* After the catalog's commit, and before that is told: rename the files of those installing, whose
 * rows then go with the next batch. */
enum reel_code reel_uploads_install(struct reel_uploads *uploads, struct reel_error *err_out);

/* To be thrown away: the descriptor is taken over, `folder` and `name` (may be NULL) are joined. */
void reel_uploads_discard(struct reel_uploads *uploads, int fd, const char *folder,
                          const char *name);

#endif
